// Package edit follows the files of a project and brings what changed to the pages.
//
// An Updater takes batches of changes from the watcher. apply.go has the life of one edit as a list of steps; each of
// the other files has one step or one question: affected.go finds the modules that may have changed, unfinished.go
// holds back half-written files, missing.go and install.go wait for files and packages that do not exist yet, goedit.go
// rebuilds the plugins, report.go has what the terminal prints. What pages get never rests on an event alone: fresh.go
// compares files at each load, compare.go answers a page that has missed updates.
package edit

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pack"
	"github.com/seed-b8174343/devserver/internal/parallel"
	"github.com/seed-b8174343/devserver/internal/problems"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/internal/watch"
	"github.com/seed-b8174343/devserver/plugin"
)

// Options configures an Updater. All fields are needed but those of plugins in Go.
type Options struct {
	// Context ends with the project.
	Context  context.Context
	HMR      config.HMR
	Layout   moduleid.Layout
	Gate     *gate.Gate
	Resolver *resolve.Resolver
	Graph    *graph.Graph
	Compiler *compile.Compiler
	Packer   *pack.Packer
	Problems *problems.Set
	Hub      *hmr.Hub
	Watched  *Watched
	Plugins  Plugins
	// Journal gets what happens: edits, reports of pages, reloads.
	Journal *journal.Log
	// Vite are the plugins of the vite.config, nil without any. Send sends a message of them to pages.
	Vite   *vite.Host
	Send   func(vite.Send) error
	Logger *slog.Logger
	// Now returns the time.
	Now func() time.Time
	// Paused reports whether updates are held, and returns a channel that is closed when that changes.
	Paused func() (paused bool, changed <-chan struct{})
	// MayServe reports whether a page may ask for a module by its ID.
	MayServe func(id string) bool
	// Restart starts the project over after a change of its configuration. reason is what the terminal says.
	Restart func(reason string)
	// PluginDir is the folder of the plugins' Go code, "" without one. BuildPlugins builds and swaps them. PluginSources
	// returns what they are built from beside PluginDir.
	PluginDir     string
	BuildPlugins  func()
	PluginSources func() (files, folders []string)
	// NewPlugins reports whether a changed file makes a folder of plugins, in a project without PluginDir.
	NewPlugins func(file string) bool
}

// Plugins is the hook that has a say in what an edit updates.
type Plugins interface {
	// WantsHotUpdate reports whether some plugin has the hook.
	WantsHotUpdate() bool
	HotUpdate(context.Context, plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error)
}

// Updater brings edits to the pages. Use New, then Follow. Its methods are safe for concurrent use.
type Updater struct {
	o Options

	applying sync.Mutex // one edit at a time
	goWaits  goEdits    // guarded by applying
	builds   parallel.Busy

	entered sync.Map // IDs that a page asked for by itself
	pages   sync.Map // HTML files that were served -> sums of the further files that they were made from
	missing sync.Map // files of scripts that pages asked for in vain -> ID

	outdated   outdated     // outdated.go
	lastReport atomic.Value // string: the report that was printed last
	existing   existing     // existing.go
	tasks      parallel.Tasks

	installing atomic.Int64  // until when the server looks for the rest of an install, see install.go
	look       chan struct{} // has one value when installing was moved
}

// New returns an Updater that follows nothing yet.
func New(o Options) *Updater { return &Updater{o: o, look: make(chan struct{}, 1)} }

// Wait waits for what the Updater started. The context of its Options has ended.
func (u *Updater) Wait() { u.tasks.Wait() }

// Follow takes the watcher's batches until the project closes.
func (u *Updater) Follow() {
	if u.o.Vite != nil {
		u.tasks.Go(func() { u.existing.addFolder(u.o.Layout.Root) })
	}
	u.tasks.Go(u.followGoSources)
	var look <-chan time.Time // nil while no page waits for a package: an idle server has no timer
	var held watch.Batch      // came when a pause had just begun
	for {
		changes := u.o.Watched.watcher.Changes()
		paused, pauseChanged := u.o.Paused()
		switch {
		case paused:
			changes = nil // the watcher gathers them
		case len(held) > 0:
			u.apply(held)
			held = nil
		}
		select {
		case <-u.o.Context.Done():
			return
		case <-pauseChanged:
			if paused {
				held = u.lastOf(held)
			}
		case <-u.o.Problems.Added():
		case <-u.look:
		case <-look:
			look = nil
			if u.waitsForInstall() {
				u.noticeInstalls()
			}
			if !u.installs() {
				u.o.Compiler.WarnOfRefresh()
			}
		case batch := <-changes:
			if now, _ := u.o.Paused(); now {
				held = held.Join(batch)
			} else {
				u.apply(batch)
			}
		}
		if look == nil && u.waitsForInstall() {
			look = time.After(installLook)
		}
	}
}

// lastOf returns the changes of a pause that has ended, all in one batch. The system reports the last of them a moment
// after they were made. held came at the beginning of the pause.
func (u *Updater) lastOf(held watch.Batch) watch.Batch {
	for {
		select {
		case more := <-u.o.Watched.watcher.Changes():
			held = held.Join(more)
		case <-time.After(unfinished):
			return held
		case <-u.o.Context.Done():
			return held
		}
	}
}

// PageServed notes that browsers have the page of an HTML file, and watches the file wherever it lies. inputs are the
// further files that the page was made from.
func (u *Updater) PageServed(file string, inputs []string) {
	u.notePage(file)
	sums := map[string]Sum{}
	for _, input := range inputs {
		sums[input] = sumOf(input)
	}
	u.pages.Store(file, sums)
	u.o.Watched.Version(&graph.Version{Inputs: inputs})
}

func (u *Updater) notePage(file string) {
	if _, known := u.pages.LoadOrStore(file, map[string]Sum(nil)); !known {
		u.o.Watched.Module(file)
	}
}

// isServed reports whether browsers have the page of an HTML file.
func (u *Updater) isServed(file string) bool {
	_, served := u.pages.Load(file)
	return served
}

// IsOrphan reports whether neither a module nor a page uses the module any more.
func (u *Updater) IsOrphan(id string) bool {
	_, entered := u.entered.Load(id)
	return !entered && u.o.Graph.Orphan(id)
}

// inEdit returns the context of an edit, which does not wait for slow plugins of the vite.config.
func (u *Updater) inEdit() context.Context { return vite.InEdit(u.o.Context) }

// uninterrupted returns a context that outlives the project: half a crawl would give the page an incomplete pack.
func uninterrupted(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
