package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// pluginTies are the project's plugins, and what ties them to the hub.
type pluginTies struct {
	inProcess *plugin.Runner      // nil without plugins in process
	goPlugins *pluginhost.Project // the project's devserver/ folder, nil without one
	awaitsGo  atomic.Bool         // goPlugins has no program that runs, and may have one later
	goWaits   goEdits             // guarded by project.applying

	registering sync.Mutex
	offs        []func() // take the project's handlers off the hub; guarded by registering
	childOffs   []func() // those of the running child; guarded by registering

	present  presence
	channels pluginChannels
	// held lets events through that wait for the plugins, see holdEvents; nil: none wait.
	held atomic.Pointer[func()]
}

// startPlugins starts those that run in process and, in the background, builds those of the project's devserver/
// folder: a page need not wait for the Go compiler.
func (p *project) startPlugins() error {
	p.plugins = pluginhost.NewHosts()
	own, err := p.builtins()
	if err != nil {
		return err
	}
	if list := slices.Concat(p.server.opts.Plugins, own); len(list) > 0 {
		host, err := plugin.NewRunner(list, &backend{p})
		if err != nil {
			return err
		}
		if err := host.Start(p.ctx); err != nil {
			return err
		}
		p.inProcess = host
		p.plugins.Replace(nil, host)
	}
	if p.server.opts.NoPlugins || p.cfg.Err() != nil || !pluginhost.Has(p.layout.Dir) {
		return nil
	}
	cache, err := p.server.folder.Dir("plugins")
	if err != nil {
		return err
	}
	p.awaitsGo.Store(true)
	folder := filepath.Join(p.layout.Dir, pluginhost.Folder)
	if p.layout.Outside(folder) {
		p.watchDir(folder)
	}
	p.goPlugins = pluginhost.NewProject(pluginhost.ProjectOptions{
		Dir: folder, CacheDir: cache, Backend: &backend{p}, Logger: p.log,
		Changed: p.swapped, Failed: p.pluginsFailed,
	})
	p.holdEvents()
	p.log.Info("building and running the Go plugins in " + pluginhost.Folder + "/ (--no-plugins leaves them alone)")
	return nil
}

// holdEvents lets events and requests that nobody handles wait, until the plugins have said what they handle or cannot be
// started.
func (p *project) holdEvents() {
	release := p.server.hub.Hold()
	if before := p.held.Swap(&release); before != nil {
		(*before)()
	}
}

func (p *project) releaseEvents() {
	if release := p.held.Swap(nil); release != nil {
		(*release)()
	}
}

// swapped puts a new child in the place of the old one. Pages stay connected and are told.
func (p *project) swapped(old, now *pluginhost.Child) {
	p.registering.Lock()
	defer p.registering.Unlock()
	var oldHost, newHost pluginhost.Host
	if old != nil {
		oldHost = old
	}
	if now != nil {
		newHost = now
	}
	p.holdEvents() // no event falls between the old handlers and the new, nor into a crash
	if now != nil {
		defer p.releaseEvents()
	}
	p.plugins.Replace(oldHost, newHost)
	p.awaitsGo.Store(now == nil)
	p.part(oldHost)
	for _, off := range p.childOffs {
		off()
	}
	p.childOffs = nil
	if now == nil {
		return
	}
	offs, err := p.listen(now)
	p.childOffs = offs
	if err != nil {
		p.problems.Report(p.problems.Convert(err))
	}
	p.problems.Clear(pluginErrorID)
	p.problems.Publish()
	p.compileAgain(old, now)
	p.followIdentify()
	p.meet(newHost)
	p.writeTypes()
	p.tellReady(now, old != nil)
}

// tellReady says which plugins run now, to the pages when others did before.
func (p *project) tellReady(now *pluginhost.Child, replaced bool) {
	names := make([]string, 0, len(now.Info().Plugins))
	for _, one := range now.Info().Plugins {
		names = append(names, one.Name)
	}
	p.log.Info("plugins ready: " + strings.Join(names, ", "))
	if replaced {
		_ = p.server.hub.Broadcast("devserver:plugins:reloaded", map[string]any{"plugins": names}) // a list of strings encodes
	}
}

// compileAgain runs the modules that the plugins' hooks may have a say in through them: those that were compiled before
// the plugins came, or by other ones.
func (p *project) compileAgain(children ...*pluginhost.Child) {
	var filters []wire.Filter
	for _, c := range children {
		if c == nil {
			continue
		}
		for _, one := range c.Info().Plugins {
			if slices.ContainsFunc(one.Hooks, func(h string) bool { return h == "resolveID" || h == "load" || h == "transform" }) {
				filters = append(filters, one.Filter)
			}
		}
	}
	if filters == nil {
		return
	}
	ids := p.graph.Unresolved()
	for _, id := range p.graph.IDs() {
		if !moduleid.IsDependency(p.File(id)) && slices.ContainsFunc(filters, func(f wire.Filter) bool { return f.Matches(id) }) {
			ids = append(ids, id)
		}
	}
	p.applyModules(unique(ids)...)
}

// pluginErrorID is under what a build error of the plugins stands among the errors of modules.
const pluginErrorID = "/" + pluginhost.Folder

// pluginsFailed shows why there are no (new) plugins.
func (p *project) pluginsFailed(err error) {
	if !errors.As(err, new(*pluginhost.CrashError)) { // after a crash they are about to come again
		p.releaseEvents()
	}
	build, ok := errors.AsType[*pluginhost.BuildError](err)
	if !ok {
		p.log.Error(err.Error())
		return
	}
	e := &transform.Error{ID: pluginErrorID, File: p.layout.Shown(build.File), Line: build.Line, Column: build.Column, Text: build.Text, Plugin: pluginhost.Folder, Hint: "the server runs without plugins until they can be built"}
	if p.goPlugins.Running() {
		e.Hint = "the plugins that ran before go on"
	}
	if text, readErr := disk.ReadFile(build.File); readErr == nil && build.Line > 0 {
		e.Frame = transform.CodeFrame(string(text), build.Line, max(build.Column, 1))
	}
	p.problems.Add(pluginErrorID, e)
	p.problems.Publish()
}

// attach ties the project to the hub: handlers of plugins in process, and what plugins are told of pages. It comes when no
// other project is tied to it: names of events and channels are taken only once.
func (p *project) attach() (err error) {
	p.registering.Lock()
	defer p.registering.Unlock()
	if p.inProcess != nil {
		p.offs, err = p.listen(p.inProcess)
	}
	p.followIdentify()
	p.followPages()
	return err
}

func (p *project) unregister() {
	p.releaseEvents()
	p.registering.Lock()
	defer p.registering.Unlock()
	for _, off := range append(p.offs, p.childOffs...) {
		off()
	}
	p.offs, p.childOffs = nil, nil
}

// listen registers the host's handlers. Events of one page reach a plugin in order: each plugin is a group of its own.
func (p *project) listen(h pluginhost.Host) (offs []func(), err error) {
	for _, one := range h.Info().Plugins {
		p.watchInputs(one.Watch)
		note := func(off func(), failed error) {
			if failed != nil {
				err = errors.Join(err, fmt.Errorf("plugin %s: %w", one.Name, failed))
				return
			}
			offs = append(offs, off)
		}
		for _, ch := range one.Channels {
			note(p.listenOn(h, ch))
		}
		seen := map[string]bool{}
		for _, e := range one.Events {
			if seen[e.Name] {
				continue // the host calls all handlers of a name
			}
			seen[e.Name] = !e.Request
			note(p.listenFor(h, one.Name, e))
		}
	}
	return offs, err
}

// listenFor registers the host's handlers of one event or request of a plugin.
func (p *project) listenFor(h pluginhost.Host, owner string, e wire.EventInfo) (off func(), err error) {
	hub := p.server.hub
	call := func(ctx context.Context, c *hmr.Client, data json.RawMessage) (any, error) {
		answer, err := h.Event(ctx, owner, e.Name, e.Request, &page{c, hub}, data)
		return answer, p.forPage(err)
	}
	if e.Request {
		return hub.HandleIn(owner, e.Name, call)
	}
	return hub.OnIn(owner, e.Name, func(ctx context.Context, c *hmr.Client, data json.RawMessage) error {
		_, err := call(ctx, c, data)
		return err
	}), nil
}

// tellPanic logs the stack of an error that is a plugin's panic, and tells whether it is one.
func (p *project) tellPanic(err error) bool {
	own, ok := errors.AsType[*wire.Error](err)
	if !ok || own.Stack == "" {
		return false
	}
	p.log.Error(own.Message, "plugin", own.Plugin, "stack", own.Stack)
	return true
}

// forPage keeps what a page may know of a plugin's error; the stack of a panic goes to the log.
func (p *project) forPage(err error) error {
	if own, ok := errors.AsType[*wire.Error](err); ok {
		p.tellPanic(err)
		code := own.Code
		if code == "" {
			code = "handler_error"
		}
		return &hmr.Error{Code: code, Message: own.Message, Path: own.Path}
	}
	return err
}
