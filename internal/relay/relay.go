// Package relay brings pages and plugins together. On one side is the hub of open pages, on the other the hosts that
// run plugins: in process, and in the program of the project's devserver/ folder.
//
// A Relay registers the plugins' events, requests and channels at the hub, reports pages that come and go
// (presence.go), asks plugins who a page is (identity.go), and carries what plugins send (backend.go, channel.go). It
// writes the TypeScript types of the plugins' events into the project (types.go). When a new program takes over, pages
// stay connected, and events wait until its handlers are registered.
package relay

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/parallel"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/problems"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/plugin"
)

// Options configures a Relay. All fields are needed but Plugins, Foreign, PluginDir and Identify.
type Options struct {
	// Context ends with the project.
	Context  context.Context
	Layout   moduleid.Layout
	Hub      *hmr.Hub
	Hosts    *pluginhost.Hosts // without hosts: the Relay adds its own
	Graph    *graph.Graph
	Modules  Modules
	Problems *problems.Set
	Logger   *slog.Logger
	// Journal gets which Go plugins run, and why they do not.
	Journal *journal.Log
	// Plugins run in process, before the plugins of PluginDir.
	Plugins []plugin.Plugin
	// Foreign runs plugins that are not ours, behind Plugins: those of a vite.config. Listen says which events it takes.
	// The host stays while its process ends and starts again.
	Foreign pluginhost.Host
	// PluginDir is the folder of the plugins' Go code, "" for none. CacheDir creates a folder for their programs.
	PluginDir string
	CacheDir  func(name string) (string, error)
	// Identify returns the user of a request, before plugins are asked; nil leaves it to them.
	Identify func(*http.Request) (user string, err error)
	// Watch watches files that plugins named and returns them as absolute paths.
	Watch func(files []string) []string
	// Dependencies returns the packages that the project depends on.
	Dependencies func() map[string]bool
	// Mode is the mode of the configuration. URLs returns where the server answers. Restart starts the project over.
	Mode    string
	URLs    func() []string
	Restart func(reason string)
	// ToolsChanged is called when the list of Tools has changed. It must return at once, and may call Tools. Nil is told
	// nothing.
	ToolsChanged func()
}

// Modules is what plugins can do with modules.
type Modules interface {
	// Reload compiles modules again and updates the pages that run them.
	Reload(ids ...string)
	// Invalidate compiles a module again for pages that load it from now on.
	Invalidate(id string)
	// Resolve returns what an import means, nil when it leads nowhere.
	Resolve(ctx context.Context, specifier, importer string) (*plugin.Resolved, error)
	// Load loads a module and describes it. waiting is the module whose loading waits for it, "" for none. It is an
	// error that the module waits for waiting.
	Load(ctx context.Context, waiting, id string) (*plugin.ModuleInfo, error)
	// Info describes a module, nil when the module is not loaded.
	Info(id string) *plugin.ModuleInfo
	// ReloadPages sends a reload of the pages at a path, "*" for all, and prints why.
	ReloadPages(send func(hmr.Payload) error, path, why string) error
}

// Relay connects the plugins of a project with the open pages. Use New, then Start and Attach. Its methods are safe for
// concurrent use.
type Relay struct {
	o         Options
	inProcess *plugin.Runner      // nil without plugins in process
	program   *pluginhost.Project // runs the plugins of PluginDir, nil without them
	awaits    atomic.Bool         // program runs nothing at the moment, and may later

	registering sync.Mutex
	offs        []func()      // remove the hooks of this Relay from the hub; guarded by registering
	own         *link         // of the plugins in process, nil without them; guarded by registering
	foreign     *link         // of the foreign plugins, nil without them; guarded by registering
	child       *link         // of the running child, nil without one; guarded by registering
	calls       parallel.Busy // of handlers

	present  presence
	channels channels
	backends sync.Map               // pluginhost.Host -> its *backend
	hosts    atomic.Uint64          // number of the last backend
	typing   sync.Mutex             // held while types are written
	held     atomic.Pointer[func()] // releases the events that wait, see holdEvents; nil when none wait
	heard    heard                  // by the foreign plugins
	tools    tools
	tasks    parallel.Tasks
}

// New returns a Relay that runs nothing yet.
func New(o Options) *Relay {
	r := &Relay{o: o}
	if o.Foreign != nil {
		r.newBackend().serves(o.Foreign)
	}
	return r
}

// Start starts the plugins in process. It leaves the plugins of PluginDir to Build, since a page need not wait for the
// Go compiler. End with Detach and Stop, also after an error.
func (r *Relay) Start() error {
	if len(r.o.Plugins) > 0 {
		b := r.newBackend()
		runner, err := plugin.NewRunner(r.o.Plugins, b)
		if err != nil {
			return err
		}
		b.serves(runner)
		if err := runner.Start(r.o.Context); err != nil {
			return err
		}
		r.inProcess = runner
		r.o.Hosts.Replace(nil, runner)
	}
	if r.o.Foreign != nil {
		r.o.Hosts.Replace(nil, r.o.Foreign)
	}
	if r.o.PluginDir == "" {
		return nil
	}
	dir, err := r.o.CacheDir("plugins")
	if err != nil {
		return err
	}
	r.awaits.Store(true)
	r.program = pluginhost.NewProject(pluginhost.ProjectOptions{
		Dir: r.o.PluginDir, CacheDir: dir, Backend: r.newBackend(), Logger: r.o.Logger,
		Changed: r.swapped, Failed: r.failed,
	})
	r.holdEvents()
	r.o.Logger.Info("building and running the Go plugins in " + filepath.Base(r.o.PluginDir) + "/ (--no-plugins leaves them alone)")
	return nil
}

// Build builds the plugins of PluginDir; the new program then replaces the running program.
func (r *Relay) Build() {
	if r.program != nil {
		r.program.Reload()
	}
}

// Attach registers the plugins in process and the foreign plugins at the hub, and reports the open pages to them. No other
// Relay may be attached to the hub: names of events and channels are taken only once.
func (r *Relay) Attach() (err error) {
	r.registering.Lock()
	defer r.registering.Unlock()
	r.followIdentify()
	if r.inProcess != nil {
		r.own, err = r.listen(r.inProcess)
	}
	if r.o.Foreign != nil {
		var failed error
		r.foreign, failed = r.listen(r.o.Foreign)
		err = errors.Join(err, failed)
	}
	r.followPages()
	r.noteTools()
	return err
}

// Detach removes all handlers from the hub. Hold the hub's events until another Relay is attached. A child that comes
// later registers its own handlers: detach again once nothing builds.
func (r *Relay) Detach() {
	r.releaseEvents()
	r.registering.Lock()
	defer r.registering.Unlock()
	for _, off := range r.offs {
		off()
	}
	r.own.end()
	r.foreign.end()
	r.child.end()
	r.offs, r.own, r.foreign, r.child = nil, nil, nil, nil
}

// handlersAtStop is how long running handlers of plugins in process may take before their contexts end. The program of
// the plugins has as much time.
const handlersAtStop = 500 * time.Millisecond

// Stop ends the plugins and their program, after the handlers that run. The context of the Options has ended.
func (r *Relay) Stop() error {
	var ending sync.WaitGroup // the program may take a second and a half, plugins in process one
	var program, inProcess error
	if r.program != nil {
		ending.Go(func() { program = r.program.Close() })
	}
	if r.inProcess != nil {
		ending.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), handlersAtStop)
			_ = r.calls.Idle(ctx) // Stop says which handlers run on
			cancel()
			inProcess = r.inProcess.Stop(context.Background())
		})
	}
	ending.Wait()
	r.tasks.Wait()
	return errors.Join(program, inProcess)
}

// Inherit takes over what the plugins of an earlier Relay retained on channels, unless the plugins here have said more,
// and the requests that wait for plugins. The earlier Relay has stopped.
func (r *Relay) Inherit(earlier *Relay) {
	r.channels.inherit(&earlier.channels)
	r.o.Hosts.Inherit(earlier.o.Hosts, r.program != nil)
}

// holdEvents lets events and requests without a handler wait, until the plugins have registered theirs or cannot be
// started.
func (r *Relay) holdEvents() {
	release := r.o.Hub.Hold()
	if before := r.held.Swap(&release); before != nil {
		(*before)()
	}
}

func (r *Relay) releaseEvents() {
	if release := r.held.Swap(nil); release != nil {
		(*release)()
	}
}

// swapped replaces the old child with a new one. Pages stay connected and get an event.
func (r *Relay) swapped(old, now *pluginhost.Child) {
	r.registering.Lock()
	defer r.registering.Unlock()
	var oldHost pluginhost.Host // nil, and not a nil *Child, when there is none
	if old != nil {
		oldHost = old
	}
	r.holdEvents() // no event falls between the old handlers and the new, nor into a crash
	if now == nil {
		r.o.Hosts.Await(oldHost)
	} else {
		defer r.releaseEvents()
		r.o.Hosts.Replace(oldHost, now)
	}
	r.awaits.Store(now == nil)
	r.forgetHost(oldHost)
	r.child.end()
	r.child = nil
	defer r.noteTools()
	if now == nil {
		return
	}
	r.followIdentify() // first: no handler is to see a signed-in user as a guest
	l, err := r.listen(now)
	r.child = l
	if err != nil {
		r.o.Problems.Report(r.o.Problems.Convert(err))
	}
	r.o.Problems.Clear(buildErrorID)
	r.o.Problems.Publish()
	r.introduce(l)
	r.compileAgain(old, now)
	r.writeTypes()
	r.reportReady(now, old != nil)
}

// reportReady prints which plugins run now. Pages get an event when other plugins ran before.
func (r *Relay) reportReady(now *pluginhost.Child, replaced bool) {
	names := make([]string, 0, len(now.Info().Plugins))
	for _, one := range now.Info().Plugins {
		names = append(names, one.Name)
	}
	r.o.Journal.Add(journal.Record{Kind: journal.KindPlugins, Plugins: &journal.Plugins{Names: names}})
	r.o.Logger.Info("plugins ready: " + strings.Join(names, ", "))
	if replaced {
		data, _ := json.Marshal(map[string]any{"plugins": names})                         // a list of strings encodes
		_ = r.o.Hub.Publish(&hmr.Custom{Event: "devserver:plugins:reloaded", Data: data}) // waits for no page that is behind
	}
}

// compiling are the hooks that decide what a module becomes.
var compiling = []string{
	plugin.Hooks.ResolveID.Name, plugin.Hooks.Load.Name, plugin.Hooks.Transform.Name, plugin.Hooks.PostTransform.Name,
}

// compileAgain updates the modules that hooks of the plugins may change: they were compiled before these plugins
// came, or with the plugins of the earlier program. Packages are many, so a module of a package has to be one that a
// filter picks.
func (r *Relay) compileAgain(children ...*pluginhost.Child) {
	var filters []func(id string) bool
	for _, c := range children {
		if c == nil {
			continue
		}
		for _, one := range c.Info().Plugins {
			for _, hook := range one.Hooks {
				if f := one.FilterOf(hook); slices.Contains(compiling, hook) {
					filters = append(filters, func(id string) bool {
						return f.Matches(id) && (f.Picks() || !moduleid.IsDependency(moduleid.Name(id)))
					})
				}
			}
		}
	}
	if filters == nil {
		return
	}
	ids := r.o.Graph.Unresolved()
	for _, id := range r.o.Graph.IDs() {
		if slices.ContainsFunc(filters, func(matches func(string) bool) bool { return matches(id) }) {
			ids = append(ids, id)
		}
	}
	r.o.Modules.Reload(ids...)
}

// buildErrorID is the ID of a build error of the plugins among the errors of modules.
const buildErrorID = "/" + pluginhost.Folder

// failed shows why there are no (new) plugins. Events and requests wait as long as another start follows.
func (r *Relay) failed(err error, again bool) {
	if !again {
		r.releaseEvents()
		r.o.Hosts.Abandon()
	}
	r.o.Journal.Add(journal.Record{Kind: journal.KindPlugins, Plugins: &journal.Plugins{Error: err.Error()}})
	build, ok := errors.AsType[*pluginhost.BuildError](err)
	if !ok {
		r.o.Logger.Error(err.Error())
		return
	}
	e := &transform.Error{
		ID: buildErrorID, File: r.o.Layout.Shown(build.File), Line: build.Line, Column: build.Column, Text: build.Text,
		Plugin: pluginhost.Folder, Hint: "the server runs without plugins until they can be built",
	}
	if r.program.Running() {
		e.Hint = "the earlier plugins keep running"
	}
	if text, readErr := disk.ReadFile(build.File); readErr == nil && build.Line > 0 {
		e.Frame = transform.CodeFrame(string(text), build.Line, max(build.Column, 1))
	}
	r.o.Problems.AddForAll(buildErrorID, e)
	r.o.Problems.PublishEdit()
}
