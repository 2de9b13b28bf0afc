// Package vite runs the plugins of a project's vite.config. The project's own Vite runs them in Node, as a server that
// never listens; what they make of a module is compiled and sent to pages like all other code.
//
// A Host is these plugins as the server sees them: it asks them about imports, modules, edits and pages, and takes what
// they want of the server. node/vite*.mjs in package pluginhost is the other side.
package vite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Options configures a Host. All fields are needed but Started and Answering.
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
	// Started is the process of Node in which the vite.config has run already, nil for none.
	Started *pluginhost.Child
	// Answering is how long a middleware may take until its answer begins. 0 is 60 seconds.
	Answering time.Duration
}

// Host asks the plugins of a vite.config. A nil Host has no plugins. Use New. Its methods are safe for concurrent use.
type Host struct {
	o Options

	mu     sync.Mutex
	child  *pluginhost.Child // the process in which Vite runs, nil before the first call; guarded by mu
	failed int               // processes that have ended in a row; guarded by mu
	began  time.Time         // when the process began; guarded by mu

	answers sync.Map // question -> *Import, see Imports
	chosen  sync.Map // name of a package -> true: a plugin has said that an import means a file of it
	web     web      // see ServeHTTP
}

// New returns a Host. Node starts with the first question, unless it runs.
func New(o Options) *Host { return &Host{o: o, child: o.Started} }

// Info describes the plugins. It must not be changed.
func (h *Host) Info() *Info {
	if h == nil {
		return &Info{}
	}
	return h.o.Info
}

// call calls a method of the running Vite. When the process dies meanwhile, call calls once more in the next process.
func (h *Host) call(ctx context.Context, method string, params, result any) error {
	for again := false; ; again = true {
		child, err := h.running(ctx)
		if err != nil {
			return err
		}
		err = h.o.Node.CallOf(ctx, child, method, params, result)
		if !errors.Is(err, wire.ErrClosed) {
			return err
		}
		<-child.Exited()
		if again || h.o.Context.Err() != nil {
			return &wire.Error{Message: fmt.Sprintf("Vite ended while it ran %s: %s", method, child.Why())}
		}
	}
}

// running returns the process in which Vite runs, and starts it when there is none.
func (h *Host) running(ctx context.Context) (*pluginhost.Child, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.child != nil {
		select {
		case <-h.child.Exited():
			h.o.Logger.Warn("Vite's plugins ended and are being restarted", "why", h.child.Why())
			h.child = nil
		default:
			return h.child, nil
		}
	}
	child, err := h.o.Node.Process(ctx)
	if err != nil {
		return nil, err
	}
	params := map[string]any{"mode": h.o.Mode, "socket": h.o.Node.Socket(child)}
	if err := h.o.Node.CallOf(ctx, child, "viteStart", params, nil); err != nil {
		return nil, err
	}
	h.tellListening(ctx, child)
	h.child, h.began = child, time.Now()
	return child, nil
}

// Import is what a plugin says that an import means.
type Import struct {
	ID       string
	External bool
}

type question struct {
	specifier, importer string
	late                bool
}

// Imports asks the plugins about all imports of a module at once, ahead of Import.
func (h *Host) Imports(ctx context.Context, importer string, specifiers []string) error {
	if h == nil || !h.offers(importer) {
		return nil
	}
	return h.ask(ctx, importer, false, slices.DeleteFunc(slices.Clone(specifiers), func(s string) bool {
		_, known := h.answers.Load(question{s, importer, false})
		return known || !h.o.Info.wantsImport(s, false)
	}))
}

// Import returns the module that an import means, nil when no plugin says so. late asks the plugins that Vite asks when
// it has found no file.
func (h *Host) Import(ctx context.Context, specifier, importer string, late bool) (*Import, error) {
	if h == nil || !h.offers(importer) || !h.o.Info.wantsImport(specifier, late) {
		return nil, nil
	}
	q := question{specifier, importer, late}
	if known, ok := h.answers.Load(q); ok {
		return known.(*Import), nil
	}
	if err := h.ask(ctx, importer, late, []string{specifier}); err != nil {
		return nil, err
	}
	known, _ := h.answers.Load(q)
	answer, _ := known.(*Import)
	return answer, nil
}

func (h *Host) ask(ctx context.Context, importer string, late bool, specifiers []string) error {
	if len(specifiers) == 0 {
		return nil
	}
	var answers []*struct {
		ID       string `json:"id"`
		External bool   `json:"external"`
	}
	params := map[string]any{"importer": h.toVite(importer), "specifiers": specifiers, "late": late}
	if err := h.call(ctx, "viteResolve", params, &answers); err != nil {
		return err
	}
	if len(answers) != len(specifiers) {
		return fmt.Errorf("vite answered %d of %d imports of %s", len(answers), len(specifiers), importer)
	}
	for i, a := range answers {
		var found *Import
		if a != nil {
			found = &Import{External: a.External, ID: a.ID}
			if !a.External {
				found.ID = h.fromVite(a.ID)
				h.noteChosen(a.ID)
			}
		}
		h.answers.Store(question{specifiers[i], importer, late}, found)
	}
	return nil
}

// ForgetImports drops what Import knows: files have come or gone, or plugins have other answers.
func (h *Host) ForgetImports() {
	if h != nil {
		h.answers.Clear()
	}
}

// Module is what plugins make of a module.
type Module struct {
	// Code is JavaScript, or CSS when CSS is set.
	Code string
	CSS  bool
	// Files and Globs are the files that Code was made from, beside the module's own, and patterns of such files.
	Files, Globs []string
}

// Transform returns what the plugins make of a module, nil when no plugin has anything to say about it.
func (h *Host) Transform(ctx context.Context, id string) (*Module, error) {
	if h == nil || !h.offers(id) {
		return nil, nil
	}
	name := h.toVite(id)
	if !h.o.Info.wantsModule(name) {
		return nil, nil
	}
	var made *struct {
		Code     string   `json:"code"`
		CSS      bool     `json:"css"`
		Files    []string `json:"files"`
		Patterns []string `json:"patterns"`
	}
	if err := h.call(ctx, "viteTransform", map[string]any{"id": name}, &made); err != nil || made == nil {
		return nil, err
	}
	return &Module{Code: made.Code, CSS: made.CSS, Files: made.Files, Globs: made.Patterns}, nil
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
	if strings.HasPrefix(id, "/@devserver/") || id == moduleid.Client || moduleid.Has(moduleid.Query(id), "html-proxy") {
		return false
	}
	file, ok := h.o.Gate.IDToFile(id)
	if !ok || !moduleid.IsDependency(file) {
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
	var text *string
	if err := h.call(ctx, "viteMap", map[string]any{"id": h.toVite(id)}, &text); err != nil || text == nil {
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

// Send is a message of a plugin for pages, in Vite's form.
type Send struct {
	Payload json.RawMessage `json:"payload"`
	// Client is the page that gets the message, "" for all.
	Client string `json:"client"`
	// By is the plugin that sends, "" when nobody knows.
	By string `json:"by"`
}

// Hot tells the plugins about changed files, before anything is compiled again.
func (h *Host) Hot(ctx context.Context, changes []Change) (*Hot, error) {
	var answer struct {
		Files []struct {
			Modules []string    `json:"modules"`
			Touched []string    `json:"touched"`
			Error   *wire.Error `json:"error"`
		} `json:"files"`
		Sends []Send `json:"sends"`
	}
	if err := h.call(ctx, "viteHot", map[string]any{"changes": changes}, &answer); err != nil {
		return nil, err
	}
	hot := &Hot{Sends: answer.Sends}
	for _, f := range answer.Files {
		file := HotFile{Narrowed: f.Modules != nil, Modules: h.allFromVite(f.Modules), Touched: h.allFromVite(f.Touched)}
		if f.Error != nil {
			file.Err = f.Error
		}
		hot.Files = append(hot.Files, file)
	}
	return hot, nil
}
