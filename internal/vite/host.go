// Package vite runs the plugins of a project's vite.config. The project's own Vite runs them in Node, as a server that
// never listens. What they make of a module is compiled and sent to pages like all other code.
//
// A Host is these plugins as the server sees them. It asks them about imports, modules, edits and pages, and takes what
// they want of the server. node/vite*.mjs in package pluginhost is the other side. No mutex is held while Node is asked.
package vite

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/parallel"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Options configures a Host. All fields are needed but State, Cache, Started, Redo, RedoPage, Rested and Answering.
type Options struct {
	// Context ends with the project.
	Context context.Context
	Node    *pluginhost.Node
	Gate    *gate.Gate
	Logger  *slog.Logger
	// Info is what the plugins said of themselves when the vite.config was run last.
	Info *Info
	// Mode is the mode of the configuration.
	Mode string
	// State changes with what the vite.config was made from. Cache keeps what plugins answered, for the next start.
	State string
	Cache *cache.Cache
	// Started is the process of Node in which the vite.config has run already, nil for none.
	Started *pluginhost.Child
	// Redo has edits applied that plugins have not heard of, and modules made again: plugins have another answer than
	// pages run. It must not wait for a question to the plugins.
	Redo func(missed []Change, ids []string)
	// RedoPage reloads a page of which plugins make another than browsers have. It must not wait, either.
	RedoPage func(file string)
	// Inline returns an inline script of a page, by its ID.
	Inline func(ctx context.Context, id string) (code string, err error)
	// Rested is called when the modules that came from the cache were made again.
	Rested func()
	// Answering is how long a middleware may take until its answer begins. 0 is 60 seconds.
	Answering time.Duration
}

// Host asks the plugins of a vite.config. A nil Host has no plugins. Use New. Its methods are safe for concurrent use.
type Host struct {
	o Options

	tasks    parallel.Tasks // end with Options.Context
	life     life           // process.go
	watchdog watchdog       // process.go
	again    again          // again.go
	owed     *owed          // owed.go
	imports  imports        // imports.go
	listings listings       // kept.go
	guests   guests         // events.go
	handling parallel.Busy  // events that a process has got, see Close
	late     late           // late.go
	made     sync.Map       // ID -> made: what pages run of a module that was asked about
	texts    texts          // texts.go

	saltOnce sync.Once
	salt     string // begins the keys of kept answers

	after  func(time.Duration) <-chan time.Time
	chosen sync.Map // name of a package -> true: a plugin has said that an import means a file of it
	web    web      // see ServeHTTP

	installed func() []string // html.go
}

// New returns a Host. Node starts with the first question, unless it runs.
func New(o Options) *Host {
	h := newHost(o)
	first := o.Started
	h.life.start = func(ctx context.Context) (process, error) {
		if first != nil {
			p := nodeChild{first, o.Node}
			first = nil
			return p, nil
		}
		child, err := o.Node.Process(ctx)
		if err != nil {
			return nil, err
		}
		p := nodeChild{child, o.Node}
		var started struct {
			Vite *Info `json:"vite"`
		}
		params := map[string]any{"mode": o.Mode, "socket": o.Node.Socket(child)}
		if err := p.Call(ctx, "viteStart", params, &started); err != nil {
			p.Kill("") // it starts in a new process or not at all
			<-p.Exited()
			if errors.Is(err, wire.ErrClosed) {
				err = errors.New(p.Why())
			}
			return nil, err
		}
		if started.Vite != nil {
			h.listens(started.Vite.Events)
		}
		return p, nil
	}
	if first != nil {
		h.life.begun = true
		h.tasks.Go(h.live)
	}
	return h
}

func newHost(o Options) *Host {
	h := &Host{o: o, after: time.After}
	h.installed = sync.OnceValue(h.findInstalled)
	h.life.changed = make(chan struct{})
	h.again.items, h.again.hot = map[string]*item{}, map[string]int{}
	h.owed = newOwed()
	h.imports.of, h.imports.before = map[string]*importer{}, map[string]*importer{}
	return h
}

// Info describes the plugins. It must not be changed.
func (h *Host) Info() *Info {
	if h == nil {
		return &Info{}
	}
	return h.o.Info
}

// Module is what plugins make of a module.
type Module struct {
	// Code is JavaScript, or CSS when CSS is set.
	Code string
	CSS  bool
	// Files and Globs are the files that Code was made from, beside the module's own, and patterns of such files.
	Files, Globs []string
	// By are the names of the plugins that made or changed the module.
	By []string
}

// Transform returns what the plugins make of a module, nil when no plugin has anything to say about it.
func (h *Host) Transform(ctx context.Context, id string) (*Module, error) {
	if h == nil || !h.offers(id) {
		return nil, nil
	}
	name := h.toVite(id)
	if !h.o.Info.wantsModule(name) || !h.mayRead(name) {
		return nil, nil
	}
	if m, ok := h.transformKept(ctx, id); ok {
		return m, nil
	}
	m, err := inTime(ctx, h, id, func(ctx context.Context) (*Module, error) {
		if _, err := h.settle(ctx, h.fileOf(id)); err != nil && !errors.Is(err, ErrDown) {
			return nil, err
		}
		m, text, err := h.transform(ctx, id, nil)
		if err == nil {
			h.texts.made(h, id, text)
			h.made.Store(id, madeOf(m, ctx.Value(ofEdit{}) != nil))
			h.paid(id)
		} else if !errors.Is(err, ErrDown) {
			h.texts.broke(h, id)
		}
		return m, err
	}, nil)
	if was, known := h.made.Load(id); errors.Is(err, ErrDown) && known && was == madeOf(nil, false) {
		return nil, nil // no plugin wanted the module before, and an edit goes on without them
	}
	return m, h.owe(id, err)
}

// transformKept is Transform for a module that pages have not seen, by what was answered in an earlier run.
func (h *Host) transformKept(ctx context.Context, id string) (m *Module, ok bool) {
	if h.o.Cache == nil || h.again.isOver() {
		return nil, false
	}
	if _, seen := h.made.Load(id); seen {
		return nil, false
	}
	own, text := h.own(ctx, id)
	if m, ok = h.kept(id, own); !ok {
		return nil, false
	}
	if _, seen := h.made.LoadOrStore(id, madeOf(m, false)); seen {
		return nil, false
	}
	was := madeOf(m, true) // perhaps: nobody knows any more
	h.again.note(h, id, func(it *item) { it.module, it.text, it.was = true, text, was })
	return m, true
}

// own returns the stamp of a module's file, and its text if it may be read. A module without a file has the stamp "". The
// text of an inline script is the script.
func (h *Host) own(ctx context.Context, id string) (stamp string, text *string) {
	if isInline(id) {
		code, err := h.o.Inline(ctx, id)
		if err != nil {
			return "", nil // whoever loads the module reports it
		}
		return stampOfText([]byte(code)), &code
	}
	file := h.fileOf(id)
	if file == "" {
		return "", nil
	}
	if text = h.textOf(file); text != nil {
		return stampOfText([]byte(*text)), text
	}
	return h.stampOf(file), nil
}

// transform has Vite make a module, from the text or from its file, and returns the text that it was made from.
func (h *Host) transform(ctx context.Context, id string, text *string) (m *Module, from *string, err error) {
	params := map[string]any{"id": h.toVite(id)}
	var own string
	if text != nil {
		params["text"] = *text
		own, from = stampOfText([]byte(*text)), text
	} else {
		own, from = h.own(ctx, id)
	}
	if isInline(id) {
		if from == nil {
			return nil, nil, nil
		}
		params["text"] = *from
	}
	var made *struct {
		Code     string   `json:"code"`
		CSS      bool     `json:"css"`
		Files    []string `json:"files"`
		Patterns []string `json:"patterns"`
		By       []string `json:"by"`
	}
	if err := h.callAbout(ctx, id, "viteTransform", params, &made); err != nil {
		return nil, nil, err
	}
	if made != nil {
		m = &Module{Code: made.Code, CSS: made.CSS, Files: made.Files, Globs: made.Patterns, By: made.By}
	}
	h.keep(id, own, m)
	return m, from, nil
}

// noteChosen remembers the package whose file a plugin has chosen for an import. Plugins bring code of their own for
// pages so, which imports their virtual modules. Vite does not bundle it.
func (h *Host) noteChosen(name string) {
	if name, ok := packageOf(moduleid.Name(name)); ok {
		h.chosen.Store(name, true)
	}
}

// offers reports whether plugins see the module. Vite bundles the plain JavaScript of packages before plugins could see
// it, and they rely on that.
func (h *Host) offers(id string) bool {
	if strings.HasPrefix(id, "/@devserver/") || id == moduleid.Client {
		return false
	}
	file, ok := h.o.Gate.IDToFile(id)
	if !ok || !moduleid.IsDependency(file) {
		return true
	}
	if strings.Contains(filepath.Base(file), ".svelte.") { // a module with runes, which Vite has Svelte's plugin compile
		return true
	}
	switch strings.ToLower(filepath.Ext(file)) {
	case ".js", ".mjs", ".cjs":
		name, _ := packageOf(file)
		if _, chosen := h.chosen.Load(name); chosen {
			return true
		}
		return slices.Contains(h.o.Info.Exclude, name) || slices.ContainsFunc(h.o.Info.Exclude, func(e string) bool { return strings.HasPrefix(e, name+"/") })
	}
	return true
}

// mayRead reports whether plugins may be asked for the module. They run with all rights of the user, and a stranger may
// ask for a module. So a file has to pass the gate before, whatever its ID. The compiler reads the file of any other
// module, and says why it may not.
func (h *Host) mayRead(name string) bool {
	path, _, _ := strings.Cut(name, "?")
	file := filepath.Clean(filepath.FromSlash(path))
	if !filepath.IsAbs(file) || disk.Stat(file) == nil {
		return true
	}
	real, err := filepath.EvalSymlinks(file)
	return err == nil && h.o.Gate.Allowed(real) == nil
}

// packageOf returns the name of the installed package that a file belongs to.
func packageOf(file string) (name string, ok bool) {
	_, rest, ok := cutLast(filepath.ToSlash(file), "/node_modules/")
	if !ok {
		return "", false
	}
	parts := strings.SplitN(rest, "/", 3)
	if strings.HasPrefix(rest, "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1], true
	}
	return parts[0], true
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// Map returns the source map of what Transform has returned last for a module, "" when there is none.
func (h *Host) Map(ctx context.Context, id string) (string, error) {
	if _, err := h.settle(ctx, h.fileOf(id)); err != nil {
		return "", err
	}
	var text *string
	if err := h.callAbout(ctx, id, "viteMap", map[string]any{"id": h.toVite(id)}, &text); err != nil || text == nil {
		return "", err
	}
	return *text, nil
}

// Change is a changed file. Kind is "create", "update" or "delete".
type Change struct {
	File string `json:"file"`
	Kind string `json:"kind"`
}

// Hot is what plugins say to an edit.
type Hot struct {
	// Files are in the order of the changes.
	Files []HotFile
	// Sends is what plugins sent to pages meanwhile.
	Sends []Send
}

// HotFile is what plugins say to the change of one file.
type HotFile struct {
	// Narrowed reports whether a plugin chose the modules that the change updates. Modules are these.
	Narrowed bool
	Modules  []string
	// Touched are further modules whose code has to be made again.
	Touched []string
	// Err is the error of a hook.
	Err error
}

// Hot tells the plugins about changed files, before anything is compiled again. When Vite is down, plugins hear of the
// changes later, see Options.Redo.
func (h *Host) Hot(ctx context.Context, changes []Change, built []string) (*Hot, error) {
	hot, err := h.hear(ctx, changes, built)
	if errors.Is(err, ErrDown) {
		h.miss(changes)
		return nil, err
	}
	for _, c := range changes {
		h.paid(c.File)
	}
	return hot, err
}

// hot is Hot that may not answer in time. When Vite dies meanwhile, the next process first makes what pages run.
func (h *Host) hot(ctx context.Context, changes []Change, built []string) (*Hot, error) {
	hot, err := h.hotOnce(ctx, changes, built)
	if _, died := errors.AsType[diedError](err); died {
		hot, err = h.hotOnce(ctx, changes, built)
	}
	return hot, err
}

// hotOnce is hot for one process: it is the process that has made what pages run.
func (h *Host) hotOnce(ctx context.Context, changes []Change, built []string) (*Hot, error) {
	p, err := h.process(ctx)
	if err != nil {
		return nil, err
	}
	late := map[string]bool{}
	for _, c := range changes {
		was, err := h.settle(ctx, c.File)
		if err != nil {
			return nil, err
		}
		late[c.File] = was
	}
	for _, c := range changes {
		h.texts.hear(c.File)
	}
	defer h.again.hearing(changes)()
	var answer struct {
		Files []struct {
			Modules []string    `json:"modules"`
			Touched []string    `json:"touched"`
			Error   *wire.Error `json:"error"`
		} `json:"files"`
		Sends []Send `json:"sends"`
	}
	params := map[string]any{"changes": changes, "built": h.allToVite(built)}
	if err := h.callOf(ctx, p, changes[0].File, "viteHot", params, &answer); err != nil {
		return nil, err
	}
	hot := &Hot{Sends: answer.Sends}
	for i, s := range hot.Sends {
		hot.Sends[i].IDs = h.allFromVite(s.IDs)
	}
	for i, f := range answer.Files[:min(len(answer.Files), len(changes))] {
		file := HotFile{Narrowed: f.Modules != nil, Modules: h.allFromVite(f.Modules), Touched: h.allFromVite(f.Touched)}
		if f.Error != nil {
			file.Err = f.Error
		}
		if file.Narrowed || file.Err != nil {
			h.texts.compared(changes[i].File)
		}
		if late[changes[i].File] && len(f.Modules) == 0 {
			file.Narrowed = false // a plugin may have seen the new text as the old one, in some way of its own
		}
		hot.Files = append(hot.Files, file)
	}
	return hot, nil
}
