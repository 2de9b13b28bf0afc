package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/builtin"
	"github.com/seed-b8174343/devserver/internal/compile"
	configfile "github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/edit"
	"github.com/seed-b8174343/devserver/internal/env"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/guard"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pack"
	"github.com/seed-b8174343/devserver/internal/parallel"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/problems"
	"github.com/seed-b8174343/devserver/internal/proxy"
	"github.com/seed-b8174343/devserver/internal/relay"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/internal/watch"
	"github.com/seed-b8174343/devserver/plugin"
)

// project is everything that follows from one reading of the configuration. It holds the parts and answers requests by
// them (its methods are handlers and wiring); it holds no connection, since connections are the Server's.
type project struct {
	server *Server
	cfg    *configfile.Config
	layout moduleid.Layout

	guard    *guard.Guard      // who may ask
	gate     *gate.Gate        // what may be read
	env      *env.Env          // import.meta.env
	proxy    *proxy.Proxy      // backends of the configuration
	problems *problems.Set     // what the user has to fix
	node     *pluginhost.Node  // runs the project's JavaScript tools
	vite     *vite.Host        // the plugins of its vite.config, nil without any
	hosts    *pluginhost.Hosts // run its plugins
	watched  *edit.Watched     // files and folders
	compiler *compile.Compiler // an ID -> what the module compiles to
	graph    *graph.Graph      // who imports whom
	packs    *pack.Packer      // modules -> scripts
	edits    *edit.Updater     // changed files -> updates
	relay    *relay.Relay      // pages and plugins

	pluginDir     string // the folder of the plugins' Go code, "" when there are no such plugins, or none are to run
	unusedPlugins string // why Go code in devserver/ is not run, "" without such code

	sends  sendQueue // of the vite.config's plugins
	unsent sync.Map  // type -> true: their messages that pages do not get, which the terminal has shown

	pages   sync.Map   // file -> *rewrittenPage: the pages as they were served last, see keptPage
	unknown sync.Map   // name -> true: the variables in pages that do not exist, which the terminal has shown
	keeping sync.Mutex // see keptPage

	began    sync.Once     // see begin
	replaced chan struct{} // closed when another project has taken over
	ctx      context.Context
	stop     context.CancelFunc
	tasks    parallel.Tasks
}

func newProject(s *Server, from reading) (*project, error) {
	cfg, root := from.Config, from.root
	p := &project{server: s, cfg: cfg, replaced: make(chan struct{}), layout: moduleid.Layout{
		Dir: s.dir, Root: root, Workspace: gate.Workspace(root), Public: cfg.PublicPath(root), Base: cfg.BaseOrDefault(),
	}}
	p.ctx, p.stop = context.WithCancel(s.ctx)
	p.node = from.Node
	if err := p.build(from); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// build makes the parts in the order in which they need each other.
func (p *project) build(from reading) (err error) {
	s, cfg, l := p.server, p.cfg, p.layout
	if p.guard, err = s.newGuard(cfg.Config); err != nil {
		return err
	}
	p.gate, err = gate.New(gate.Options{
		Root: l.Root, Project: l.Dir, Public: l.Public, Base: l.Base, Allow: allowed(cfg.Server.FS, l.Root), Deny: cfg.Server.FS.Deny,
	})
	if err != nil {
		return err
	}
	p.problems = problems.New(problems.Options{
		Context: p.ctx, Layout: l, Gate: p.gate, Logger: s.log, Publish: s.hub.Publish, Journal: s.journal,
		Orphan:  func(id string) bool { return p.edits.IsOrphan(id) },
		Workers: func(id string) []string { return slices.Sorted(maps.Keys(p.graph.Workers([]string{id}))) },
	})
	if err := cfg.Err(); err != nil {
		p.problems.AddForAll(problems.ConfigID, p.problems.Convert(err))
	}
	if p.env, err = p.loadEnv(from); err != nil {
		return err
	}
	nodeDir, err := s.folder.Dir("node")
	if err != nil {
		return err
	}
	if p.node == nil {
		p.node = pluginhost.NewNode(pluginhost.NodeOptions{Root: l.Root, Dir: l.Dir, CacheDir: nodeDir, Logger: s.log})
	}
	if from.Vite != nil {
		p.vite = vite.New(vite.Options{
			Context: p.ctx, Node: p.node, Gate: p.gate, Logger: s.log, Info: from.Vite, Mode: cfg.ModeOrDefault(), Started: from.Child,
			State: from.State, Cache: s.cache, Redo: viteProject{p}.Redo, RedoPage: viteProject{p}.RedoPage,
			Inline: viteProject{p}.Inline, Rested: compile.FreeLater,
		})
	}
	if p.proxy, err = proxy.New(p.proxyRules(), s.log); err != nil {
		return err
	}
	watcher, err := watch.New(watch.Options{
		Root: l.Root, Ignore: cfg.Server.Watch.Ignored, Poll: config.IsOn(cfg.Server.Watch.UsePolling), Interval: cfg.PollInterval(), Logger: s.log,
	})
	if err != nil {
		return err
	}
	p.findPlugins()
	p.watched = edit.NewWatched(watcher, l, config.IsOn(cfg.Resolve.PreserveSymlinks), s.log)
	resolver, err := resolve.New(resolve.Options{
		Root: l.Root, Workspace: l.Workspace, Public: l.Public, Alias: aliases(cfg), Conditions: cfg.Resolve.Conditions,
		NoDefaultConditions: cfg.Resolve.DefaultConditions != nil && !*cfg.Resolve.DefaultConditions,
		Dedupe:              cfg.Resolve.Dedupe, Extensions: cfg.Resolve.Extensions, MainFields: cfg.Resolve.MainFields,
		PreserveSymlinks: config.IsOn(cfg.Resolve.PreserveSymlinks), Production: p.env.Production(),
	})
	if err != nil {
		return err
	}
	p.buildModules(resolver, from)
	p.watchFiles(from.Files)
	return p.buildPlugins(resolver)
}

// loadEnv reads the .env files. The terminal shows their mistakes.
func (p *project) loadEnv(from reading) (*env.Env, error) {
	e, err := env.Load(env.Options{
		Dir: p.cfg.EnvPath(p.layout.Root), Mode: p.cfg.ModeOrDefault(), Base: p.cfg.BaseURL(), Prefixes: p.cfg.EnvPrefixes(),
		Set: from.Env, Define: p.cfg.Define,
	})
	if err != nil {
		return nil, err
	}
	for _, m := range e.Mistakes() {
		p.server.log.Warn(fmt.Sprintf("%s:%d: %s", p.layout.Shown(m.File), m.Line, m.Text))
	}
	if e.Production() {
		p.server.log.Info("NODE_ENV is production: packages run as in production, and components lose their state when they are edited")
	}
	return e, nil
}

// buildModules makes the parts that modules go through, from the file to the page.
func (p *project) buildModules(resolver *resolve.Resolver, from reading) {
	s := p.server
	p.hosts = pluginhost.NewHosts()
	p.compiler = compile.New(compile.Options{
		Config: &p.cfg.Config, Layout: p.layout, Gate: p.gate, Resolver: resolver, Problems: p.problems, Logger: s.log,
		NodeEnv: p.env.NodeEnv(), ViteState: from.State, Bundled: from.Bundled, Cache: s.cache,
		Plugins: p.hosts, Vite: p.vite, Tools: p.node, Watch: p.watched, Inline: p.inlineScript,
		StyleMapURL: func(id string) string { return pack.StyleMapURL(p.layout, id) },
	})
	workers := runtime.GOMAXPROCS(0)
	if p.vite != nil {
		workers += waitingForNode
	}
	p.graph = graph.New(p.compiler, workers)
	p.packs = pack.New(pack.Options{
		Context: p.ctx, Graph: p.graph, Compiler: p.compiler, Problems: p.problems, Layout: p.layout,
		Env: p.env.Object(), Globals: p.env.Globals(), Run: s.epoch[:6], Now: time.Now,
	})
	p.edits = edit.New(edit.Options{
		Context: p.ctx, HMR: p.cfg.Server.HMR, Layout: p.layout, Gate: p.gate, Resolver: resolver, Graph: p.graph,
		Compiler: p.compiler, Packer: p.packs, Problems: p.problems, Hub: s.hub, Watched: p.watched, Plugins: p.hosts, Journal: s.journal,
		Vite: p.vite, Send: viteProject{p}.sendNow,
		Logger: s.log, Now: time.Now, Paused: s.pauses.state, Restart: s.restartLater,
		MayServe:  func(id string) bool { return p.mayServe(id) == nil },
		PluginDir: p.pluginDir, NewPlugins: p.newPlugins, BuildPlugins: func() { p.relay.Build() },
		PluginSources: func() (files, folders []string) { return pluginhost.Sources(p.pluginDir) },
	})
}

// buildPlugins starts the plugins, and the tools that plugins and modules use.
func (p *project) buildPlugins(resolver *resolve.Resolver) error {
	s := p.server
	own, err := p.builtins()
	if err != nil {
		return err
	}
	p.relay = relay.New(relay.Options{
		Context: p.ctx, Layout: p.layout, Hub: s.hub, Hosts: p.hosts, Graph: p.graph, Modules: p.edits, Problems: p.problems,
		Logger: s.log, Journal: s.journal, Plugins: slices.Concat(s.opts.Plugins, own), PluginDir: p.pluginDir, CacheDir: s.folder.Dir,
		Identify: s.opts.Identify, Watch: p.watched.Inputs, Dependencies: resolver.Dependencies,
		Mode: p.cfg.ModeOrDefault(), URLs: s.allURLs, Restart: s.restartLater, Foreign: p.vite.Listener(),
		ToolsChanged: func() { s.journal.Add(journal.Record{Kind: journal.KindTools}) },
	})
	p.relay.Listen(p.vite.Info().Events)
	methods := p.compiler.ToolMethods()
	maps.Copy(methods, p.vite.Methods(viteProject{p}))
	p.node.Answer(methods) // the parts are there that the methods use
	if err := p.relay.Start(); err != nil {
		return err
	}
	if tools := p.compiler.ToolPackages(); len(tools) > 0 {
		s.log.Info("running this project's tools in Node: " + strings.Join(tools, ", ")) // code that came with the repository
		p.tasks.Go(func() { p.compiler.WarmTools(p.ctx, tools) })
	}
	return nil
}

// watchFiles watches what the watcher does not see by itself, and the files that the project was configured from.
// viteFiles are those of the vite.config. Files that don't exist yet count, too.
func (p *project) watchFiles(viteFiles []string) {
	p.watched.Public()
	files := slices.Concat(p.env.Files(), viteFiles, p.compiler.ConfigFiles())
	if p.cfg.Path != "" {
		files = append(files, p.cfg.Path)
	} else if !p.server.opts.NoConfigFile {
		files = append(files, filepath.Join(p.layout.Dir, configfile.FileName))
	}
	if dir := p.pluginDir; dir != "" && p.layout.Outside(dir) {
		p.watched.Tree(dir)
	} else if dir == "" && !p.server.opts.NoPlugins {
		files = append(files, filepath.Join(p.layout.Dir, pluginhost.Folder, "go.mod")) // `devserver init` may create it
		if p.unusedPlugins != "" {
			files = append(files, filepath.Join(p.layout.Dir, "go.mod"))
		}
	}
	p.watched.Config(files, p.server.before)
}

// findPlugins looks for the folder of the plugins' Go code once: a build of the project has it or has it not.
func (p *project) findPlugins() {
	if !p.server.opts.NoPlugins && p.cfg.Err() == nil {
		p.pluginDir, p.unusedPlugins = pluginhost.Find(p.layout.Dir)
	}
}

// newPlugins reports whether a changed file makes devserver/ a folder of plugins, or changes why its code is not run.
func (p *project) newPlugins(file string) bool {
	folder := filepath.Join(p.layout.Dir, pluginhost.Folder)
	if p.server.opts.NoPlugins || p.cfg.Err() != nil || p.pluginDir != "" || filepath.Dir(file) != folder || filepath.Ext(file) != ".go" {
		return false
	}
	dir, why := pluginhost.Find(p.layout.Dir)
	return dir != p.pluginDir || why != p.unusedPlugins
}

// begin starts what works in the background, once: following edits and compiling the first page ahead of the browser.
func (p *project) begin() { p.began.Do(p.work) }

func (p *project) work() {
	p.tasks.Go(p.edits.Follow)
	p.tasks.Go(p.edits.CheckConfig)
	if mistakes, broken := errors.AsType[configfile.Errors](p.cfg.Err()); broken {
		for _, e := range mistakes {
			p.problems.Report(p.problems.Convert(e))
		}
		return
	}
	p.tellNoPage()
	if p.unusedPlugins != "" {
		p.server.log.Info(p.unusedPlugins)
	}
	p.tasks.Go(p.tellListening)
	p.tasks.Go(p.relay.Build)
	p.tasks.Go(p.relay.WriteTypes)
	p.tasks.Go(func() {
		file, denied := p.existingPage("/index.html")
		if denied != nil {
			return
		}
		if page, err := p.keptPage(p.ctx, file); err == nil {
			p.edits.Warm(page.entries(p, file))
		}
	})
}

// close ends everything that build started and waits for it. The plugins and tools end before the tasks are waited for:
// a task may be waiting for a tool that hangs.
func (p *project) close() error {
	p.stop()
	var watched, plugins, tools error
	if p.watched != nil {
		watched = p.watched.Close()
	}
	var ending sync.WaitGroup // a process may take a second and a half
	if p.relay != nil {
		p.hosts.Close()
		p.relay.Detach()
		ending.Go(func() { plugins = p.relay.Stop() })
	}
	if p.node != nil {
		ending.Go(func() {
			p.vite.Close()
			tools = p.node.Close()
		})
	}
	ending.Wait()
	p.tasks.Wait()
	if p.edits != nil {
		p.edits.Wait()
	}
	if p.relay != nil {
		p.relay.Detach() // from a child that came meanwhile
	}
	return errors.Join(watched, plugins, tools)
}

// handler answers requests by what the configuration allows: while it has mistakes, nothing of the project is served.
func (p *project) handler() http.HandlerFunc {
	if p.cfg.Err() != nil {
		return p.serveMistakes
	}
	return p.serve
}

// builtins are the plugins of our own that the configuration switches on.
func (p *project) builtins() (list []plugin.Plugin, err error) {
	if config.IsOn(p.cfg.Plugins.Console) {
		list = append(list, builtin.Console(locator{p}))
	}
	if l := p.cfg.Plugins.Log; l != nil {
		file := l.File
		if file == "" {
			dir, err := p.server.folder.Dir("")
			if err != nil {
				return nil, err
			}
			file = filepath.Join(dir, "devserver.log")
		}
		list = append(list, builtin.Log(builtin.LogOptions{
			File: file, MaxSize: l.MaxSizeOrDefault(), Keep: l.KeepOrDefault(), Where: locator{p}, Passed: p.server.hub.OnPassed,
		}))
	}
	return list, nil
}

// readsConsole reports whether pages send what they write to their consoles.
func (p *project) readsConsole() bool {
	return config.IsOn(p.cfg.Plugins.Console) || p.cfg.Plugins.Log != nil
}

// allowed returns the folders outside the root that may be read: all of them when the configuration is not strict.
func allowed(fs config.FS, root string) []string {
	if fs.Strict == nil || *fs.Strict {
		return fs.Allow
	}
	return append(slices.Clone(fs.Allow), filepath.VolumeName(root)+string(filepath.Separator))
}

func aliases(cfg *configfile.Config) []resolve.Alias {
	list := make([]resolve.Alias, 0, len(cfg.Resolve.Alias))
	for _, a := range cfg.Resolve.Alias {
		alias := resolve.Alias{Find: a.Find, Replacement: a.Replacement}
		if expr, err := a.Expression(); err == nil && expr != nil { // reading the configuration has reported errors
			alias.Expression = expr
		}
		list = append(list, alias)
	}
	return list
}
