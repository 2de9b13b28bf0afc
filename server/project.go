package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/env"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/guard"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/problems"
	"github.com/seed-b8174343/devserver/internal/proxy"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/viteconfig"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// project is everything that follows from one reading of the configuration: what may be read, how specifiers
// resolve, what modules compile to. It holds no connection; those are the Server's.
type project struct {
	server *Server
	log    *slog.Logger
	cfg    *config.Config
	layout moduleid.Layout

	gate     *gate.Gate
	resolver *resolve.Resolver
	env      *env.Env
	proxy    *proxy.Proxy
	plugins  *pluginhost.Hosts
	watcher  *watch.Watcher
	graph    *graph.Graph

	node     *pluginhost.Node // runs the project's JavaScript tools
	tools    styleTools
	vite     viteconfig.Result
	define   map[string]string
	refresh  refreshRuntime
	exported sync.Map // file of a package -> names that its stars bring, nil when they cannot be told

	// What the parts of this package keep stands beside their code.
	pluginTies
	filesRead
	asked
	outbox
	firstCrawl

	applying   sync.Mutex // one batch at a time; see apply
	problems   *problems.Set
	lastReport atomicString
	now        func() time.Time

	began sync.Once // see begin
	ctx   context.Context
	stop  context.CancelFunc
	tasks sync.WaitGroup
}

func newProject(s *Server, from reading) (*project, error) {
	cfg, root := from.Config, from.root
	p := &project{
		server: s, log: s.log, cfg: cfg, vite: from.Result,
		layout:    moduleid.Layout{Dir: s.dir, Root: root, Workspace: gate.Workspace(root), Public: cfg.PublicPath(root), Base: cfg.BaseOrDefault()},
		filesRead: filesRead{configFiles: map[string]bool{}}, outbox: outbox{updates: updateLog{prefix: s.epoch[:6]}},
		now: time.Now,
	}
	p.ctx, p.stop = context.WithCancel(s.ctx)
	if cfg.Err() == nil && len(s.opts.Plugins) == 0 {
		if err := p.requireIndex(); err != nil {
			return nil, err
		}
	}
	if err := p.build(); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// build makes the parts in the order in which they need each other.
func (p *project) build() (err error) {
	p.gate, err = gate.New(gate.Options{Root: p.layout.Root, Project: p.layout.Dir, Public: p.layout.Public, Base: p.layout.Base, Allow: allowed(p.cfg.Server.FS, p.layout.Root), Deny: p.cfg.Server.FS.Deny})
	if err != nil {
		return err
	}
	p.problems = problems.New(problems.Options{
		Context: p.ctx, Layout: p.layout, Gate: p.gate, Logger: p.log, Publish: p.server.hub.Publish, Orphan: p.isOrphan,
	})
	if err := p.cfg.Err(); err != nil {
		p.problems.Add(problems.ConfigID, p.problems.Convert(err))
	}
	p.env, err = env.Load(env.Options{Dir: p.cfg.EnvPath(p.layout.Root), Mode: p.cfg.ModeOrDefault(), Base: p.layout.Base, Prefixes: p.cfg.EnvPrefixes()})
	if err != nil {
		return err
	}
	for _, line := range p.env.Skipped() {
		p.log.Warn(fmt.Sprintf("%s:%d is left out: it is not NAME=value", p.layout.Shown(line.File), line.Line))
	}
	p.resolver, err = resolve.New(resolve.Options{
		Root: p.layout.Root, Public: p.layout.Public, Alias: aliases(p.cfg), Conditions: p.cfg.Resolve.Conditions,
		Dedupe: p.cfg.Resolve.Dedupe, Extensions: p.cfg.Resolve.Extensions, MainFields: p.cfg.Resolve.MainFields,
		PreserveSymlinks: p.cfg.Resolve.PreserveSymlinks,
	})
	if err != nil {
		return err
	}
	p.proxy, err = proxy.New(p.proxyRules(), p.log)
	if err != nil {
		return err
	}
	p.watcher, err = watch.New(watch.Options{
		Root: p.layout.Root, Ignore: p.cfg.Server.Watch.Ignored, Poll: p.cfg.Server.Watch.UsePolling, Interval: p.cfg.PollInterval(), Logger: p.log,
	})
	if err != nil {
		return err
	}
	if info, err := os.Stat(p.layout.Public); err == nil && info.IsDir() && p.layout.Outside(p.layout.Public) {
		p.watchDir(p.layout.Public)
	}
	if err := p.startPlugins(); err != nil {
		return err
	}
	if err := p.startNode(); err != nil {
		return err
	}
	p.graph = graph.New(p, runtime.GOMAXPROCS(0))
	p.define = p.defines()
	p.refresh.framework = p.detectRefresh()
	p.noteConfigFiles()
	return nil
}

// begin starts what works in the background, once: following edits and compiling the first page ahead of the browser.
func (p *project) begin() { p.began.Do(p.work) }

func (p *project) work() {
	p.tasks.Go(p.follow)
	p.tasks.Go(func() { p.restartIfConfigured(written(slices.Collect(maps.Keys(p.configFiles)))) }) // edited while it was read
	if err := p.cfg.Err(); err != nil {
		mistakes, _ := errors.AsType[config.Errors](err)
		for _, e := range mistakes {
			p.problems.Report(p.problems.Convert(e))
		}
		return
	}
	if p.goPlugins != nil {
		p.tasks.Go(p.goPlugins.Reload)
	}
	p.tasks.Go(p.writeTypesInProcess)
	p.tasks.Go(func() {
		file, ok := p.existingPage("/index.html")
		if !ok {
			return
		}
		if page, err := p.rewritePage(p.ctx, file, ""); err == nil {
			p.warm(page.entries(p, file))
		}
	})
}

// close ends everything that build started and waits for it.
func (p *project) close() error {
	p.stop()
	var errs []error
	if p.watcher != nil {
		errs = append(errs, p.watcher.Close())
	}
	p.unregister()
	errs = append(errs, p.stopPlugins())
	p.tasks.Wait()
	p.unregister() // a child that came meanwhile
	return errors.Join(errs...)
}

// stopPlugins ends the processes of plugins and tools, and the plugins in process. It comes before the wait for tasks: of
// those, one may be waiting for what hangs.
func (p *project) stopPlugins() error {
	var ending sync.WaitGroup // a process may take a second and a half, plugins in process one
	var node, plugins, inProcess error
	if p.node != nil {
		ending.Go(func() { node = p.node.Close() })
	}
	if p.goPlugins != nil {
		ending.Go(func() { plugins = p.goPlugins.Close() })
	}
	if p.inProcess != nil {
		ending.Go(func() { inProcess = p.inProcess.Stop(context.Background()) })
	}
	ending.Wait()
	return errors.Join(node, plugins, inProcess)
}

// whole is the context of work of which a part would be wrong: a page that is answered while the project ends, since it
// starts over, gets all of its modules.
func (p *project) whole() context.Context { return context.WithoutCancel(p.ctx) }

func (p *project) guard() *guard.Guard { return p.server.guard }

// isOrphan reports whether no module and no page uses the module any more.
func (p *project) isOrphan(id string) bool {
	_, entered := p.entered.Load(id)
	return !entered && p.graph.Orphan(id)
}

// defines are the constants that esbuild puts in place of expressions.
func (p *project) defines() map[string]string {
	d := map[string]string{"process.env.NODE_ENV": transform.Quote(p.env.NodeEnv())}
	for key, value := range p.cfg.Define {
		d[key] = string(value)
	}
	return d
}

// parallel runs f for 0..n-1 on all processors.
func parallel(n int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// allowed are the folders outside the root that may be read: all of them when the configuration is not strict.
func allowed(fs config.FS, root string) []string {
	if fs.Strict == nil || *fs.Strict {
		return fs.Allow
	}
	return append(slices.Clone(fs.Allow), filepath.VolumeName(root)+string(filepath.Separator))
}

func aliases(cfg *config.Config) []resolve.Alias {
	list := make([]resolve.Alias, 0, len(cfg.Resolve.Alias))
	for _, a := range cfg.Resolve.Alias {
		alias := resolve.Alias{Find: a.Find, Replacement: a.Replacement}
		if expr, err := a.Expression(); err == nil && expr != nil { // errors were told when it was read
			alias.Expression = expr
		}
		list = append(list, alias)
	}
	return list
}
