package compile

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/sourcemap"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// Load compiles the module for the graph: load, transform, compile, resolve. It implements graph.Loader.
func (c *Compiler) Load(ctx context.Context, id string) *graph.Version {
	v, err := c.load(wire.Within(ctx, wire.Step{ID: id}), id)
	if errors.Is(err, ErrEmptied) {
		return &graph.Version{Rev: "emptied", Err: ErrEmptied, State: v.State}
	}
	if err != nil {
		e := c.o.Problems.Convert(err)
		if e.ID == "" {
			e.ID = id
		}
		failed := &graph.Version{Rev: "error", Err: e}
		if errors.Is(err, ErrNoScript) {
			failed.Err = err
		}
		if v != nil { // what a failed module followed from may fix it
			failed.State, failed.Inputs, failed.Missing, failed.Side = v.State, v.Inputs, v.Missing, v.Side
			failed.Globs, failed.InputGlobs = v.Globs, v.InputGlobs
		}
		return failed
	}
	return v
}

// source is a module before it is compiled.
type source struct {
	id    string
	file  string // path on disk, "" for virtual modules
	query string // of the ID, without "?"
	code  string
	state *disk.State
	watch []string       // files that plugins made the code from
	made  *sourcemap.Map // from code to what plugins made it from, by IDs; nil without a map
	plain bool           // code is JavaScript, which the project's tools or plugins have made
	css   bool           // code is CSS that plugins of the vite.config have made
	globs []string       // patterns of further files that plugins made the code from
	// foreign stands for the code that plugins of the vite.config have made, "" for other modules.
	foreign string
	by      []string // the plugins that made or changed code
	whole   bool     // code was not read: only the file's URL matters
}

func (c *Compiler) load(ctx context.Context, id string) (*graph.Version, error) {
	if v := builtinModule(id); v != nil {
		return v, nil
	}
	c.o.Watch.Module(c.File(id))
	src, err := c.read(ctx, id)
	v := &graph.Version{}
	if src.state != nil {
		v.State = src.state
	}
	if err != nil {
		return v, err
	}
	if ctx.Value(holdEmpty{}) != nil && src.empty() {
		return v, ErrEmptied
	}
	err = c.compile(ctx, src, v)
	if c.first.running.Load() {
		v.Code = c.first.texts.keep(v.Code)
	}
	v.InputGlobs = append(v.InputGlobs, src.globs...)
	v.By = append(src.by, v.By...) // PostTransform comes last
	for _, file := range c.o.Watch.Inputs(src.watch) {
		v.Inputs = append(v.Inputs, file)
		if info, err := os.Stat(file); err != nil || info.IsDir() { // or it may become a folder
			v.InputGlobs = append(v.InputGlobs, globIn(file, "**"))
		}
	}
	c.o.Watch.Version(v)
	if err != nil {
		return v, err
	}
	if v.Rev == "" {
		v.Rev = revision(v)
	}
	return v, nil
}

// empty reports whether the module's file is empty.
func (s *source) empty() bool {
	return s.state != nil && s.code == "" && (s.state.Size == 0 || !s.whole)
}

// ErrEmptied is the error of a Version whose file is empty, when HoldEmpty asked for it.
var ErrEmptied = errors.New("the file is empty")

type holdEmpty struct{}

// HoldEmpty returns a context in which Load fails with ErrEmptied for an empty file. Editors truncate a file before
// they write it: a file that had content and is empty now may be half a save, and taking it for the new content would
// empty the page.
func HoldEmpty(ctx context.Context) context.Context { return context.WithValue(ctx, holdEmpty{}, true) }

// Filled reports whether the version came from a file that was not empty.
func Filled(v *graph.Version) bool {
	s, ok := v.State.(*disk.State)
	return ok && s != nil && s.Size > 0
}

// State returns the state of the file that the version was read from, nil when it was read from none.
func State(v *graph.Version) *disk.State {
	s, _ := v.State.(*disk.State)
	return s
}

// Stale reports whether the file behind the version differs from the file that was read.
func Stale(file string, v *graph.Version) bool {
	was := State(v)
	if was == nil || file == "" {
		return false
	}
	now := disk.Stat(file)
	return now == nil || *now != *was
}

// IDs of modules that have no source in the project.
const (
	emptyID = "/@devserver/empty"
	// nodeBuiltinPrefix begins the ID of what an importer gets for a module of Node. The importer's ID follows.
	nodeBuiltinPrefix = "/@devserver/node/"
	// optionalPeerPrefix begins the ID of what an importer gets for an optional peer that is not installed.
	optionalPeerPrefix = "/@devserver/peer/"
	// libraryPrefix begins the IDs of the library for app code, which comes with devserver where the project has not
	// installed it.
	libraryPrefix = "/@devserver/library/"
)

// builtinModule returns the modules that have no source: native modules of other origins, which only the browser can
// load, and the empty module that packages ask for in their "browser" field. It returns nil for others.
func builtinModule(id string) *graph.Version {
	switch {
	case resolve.IsExternal(id):
		return &graph.Version{Rev: "native", Async: true, Code: transform.NativeModule(id)}
	case id == moduleid.Client: // the page's registry has it built in
		return &graph.Version{Rev: "client"}
	case id == emptyID:
		return &graph.Version{Rev: "empty"}
	case strings.HasPrefix(id, nodeBuiltinPrefix):
		name, importer, _ := strings.Cut(strings.TrimPrefix(id, nodeBuiltinPrefix), "?importer=")
		return &graph.Version{Rev: "node", Code: transform.NodeModule(name, importer, moduleid.IsDependency(importer))}
	case strings.HasPrefix(id, optionalPeerPrefix):
		name, importer, _ := strings.Cut(strings.TrimPrefix(id, optionalPeerPrefix), "?importer=")
		return &graph.Version{Rev: "peer", Code: transform.OptionalPeer(name, importer)}
	}
	return nil
}

// read returns the module's source, changed by plugins. Imports that ask for a file as it is (?raw, ?url, assets) get
// it unchanged.
func (c *Compiler) read(ctx context.Context, id string) (source, error) {
	src, err := c.original(ctx, id)
	asIs := moduleid.HasAny(src.query, "raw", "url") || c.IsAsset(src.file)
	if err != nil || asIs && !src.plain {
		return src, err
	}
	changed, err := c.o.Plugins.Transform(ctx, plugin.TransformArgs{ID: src.id, File: src.file, Code: src.code})
	if err != nil {
		return src, err
	}
	if changed != nil {
		c.transformed(&src, changed, nil)
		src.by = append(src.by, changed.By...)
	}
	return src, nil
}

// original returns the module's source: a plugin's answer, a module of ours, an inline script of a page, or the file.
func (c *Compiler) original(ctx context.Context, id string) (source, error) {
	src := source{id: id, file: c.File(id), query: moduleid.Query(id)}
	loaded, err := c.o.Plugins.Load(ctx, plugin.LoadArgs{ID: id, File: src.file})
	if err != nil {
		return src, err
	}
	if loaded != nil {
		src.watch, src.by = loaded.Watch, loaded.By
		src.code, src.made = c.mapOf(loaded.Code, loaded.Map, src)
		return src, nil
	}
	if owned, err := c.foreign(ctx, &src); owned || err != nil {
		return src, err
	}
	if name, ok := strings.CutPrefix(id, libraryPrefix); ok {
		src.code = client.Library("devserver/" + name)
		return src, nil
	}
	if id == packagePrelude {
		src.code = c.o.Bundled.Prelude
		return src, nil
	}
	if index, ok := InlineIndex(src.query); ok {
		src.state = disk.Stat(src.file)
		src.code, err = c.o.Inline(ctx, src.file, index)
		return src, err
	}
	return c.readFile(src)
}

func (c *Compiler) readFile(src source) (source, error) {
	if src.file == "" {
		return src, &transform.Error{ID: src.id, Text: fmt.Sprintf("no plugin loads %q", src.id), Hint: "a plugin that resolves an ID must load it too"}
	}
	if err := c.o.Gate.Allowed(src.file); err != nil {
		return src, c.mayNotBeRead(src.id, src.file, err)
	}
	src.state = disk.Stat(src.file)
	ofContent := moduleid.HasAny(src.query, "raw", "inline") || moduleid.IsWasm(src.file) && !moduleid.HasAny(src.query, "url", "init")
	if src.whole = c.IsAsset(src.file) && !ofContent; src.whole {
		if src.state == nil {
			return src, c.readError(src, fs.ErrNotExist)
		}
		return src, nil // its content does not matter
	}
	code, err := c.o.Gate.ReadFile(src.file)
	if err != nil {
		src.state = &disk.State{} // of no file: the next load tries again, when descriptors or permissions are back
		return src, c.readError(src, err)
	}
	src.code = string(code)
	return src, nil
}

// mayNotBeRead returns the error of a file that the gate refuses, with what would allow it.
func (c *Compiler) mayNotBeRead(module, file string, err error) error {
	e := &transform.Error{ID: module, File: c.o.Layout.Shown(file)}
	if denied, ok := errors.AsType[*gate.Denied](err); ok && denied.Allow != "" {
		e.Text = "may not be read: the import's path leads outside the repository, or outside the installed packages"
		e.Hint = "allow its folder: " + denied.Allow
		return e
	}
	e.Text = "may not be read: it is a secret or denied"
	e.Hint = "keys, .env files, version control and what server.fs.deny names are never read"
	return e
}

func (c *Compiler) readError(src source, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &transform.Error{ID: src.id, File: c.o.Layout.Shown(src.file), Text: "the file does not exist (any more)"}
	}
	return &transform.Error{ID: src.id, File: c.o.Layout.Shown(src.file), Text: "could not be read: " + err.Error()}
}

// Inline module scripts are modules with the ID of their page and a query that counts them.

// InlineID returns the ID of an inline module script of a page.
func InlineID(page string, index int) string {
	return page + "?html-proxy&index=" + strconv.Itoa(index) + ".js"
}

// ErrNoScript is the error of a page that has no inline script with the index, such as a script that an edit removed.
var ErrNoScript = errors.New("no such inline script")

// IsInlineOf reports whether the module is an inline script of the page.
func IsInlineOf(page, id string) bool { return strings.HasPrefix(id, page+"?html-proxy") }

// InlineIndex returns which inline script of a page the query of an ID means.
func InlineIndex(query string) (index int, ok bool) {
	if !moduleid.Has(query, "html-proxy") {
		return 0, false
	}
	for part := range strings.SplitSeq(query, "&") {
		if n, found := strings.CutPrefix(part, "index="); found {
			index, err := strconv.Atoi(strings.TrimSuffix(n, ".js"))
			return index, err == nil
		}
	}
	return 0, false
}

// revision names what the page runs: code and where its imports lead. Lazy edges grow without a new revision.
func revision(v *graph.Version) string {
	h := sha256.New()
	fmt.Fprintln(h, v.Async, v.NodeESM, v.AcceptsExports)
	for _, e := range v.Edges {
		if e.Lazy == nil {
			fmt.Fprintln(h, e.Specifier, e.To, e.Kind)
		}
	}
	h.Write([]byte(v.Code))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}
