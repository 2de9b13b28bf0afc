package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/plugin"
)

// Load compiles the module for the graph: load, transform, compile, resolve. It implements graph.Loader.
func (p *project) Load(ctx context.Context, id string) *graph.Version {
	v, err := p.load(ctx, id)
	if errors.Is(err, errEmptied) {
		return &graph.Version{Rev: "emptied", Err: errEmptied, State: v.State}
	}
	if err != nil {
		e := p.problems.Convert(err)
		if e.ID == "" {
			e.ID = id
		}
		failed := &graph.Version{Rev: "error", Err: e}
		if v != nil { // what is known of a failed module: the state of its file, and what may mend it
			failed.State, failed.Inputs, failed.Missing, failed.Side = v.State, v.Inputs, v.Missing, v.Side
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
	watch []string // files that plugins made the code from
}

func (p *project) load(ctx context.Context, id string) (*graph.Version, error) {
	if v := builtinModule(id); v != nil {
		return v, nil
	}
	src, err := p.read(ctx, id)
	v := &graph.Version{}
	if src.state != nil {
		v.State = src.state
	}
	if err != nil {
		return v, err
	}
	if ctx.Value(holdEmpty{}) != nil && src.empty() && p.wasFilled(id) {
		return v, errEmptied
	}
	err = p.compile(ctx, src, v)
	if p.crawling.Load() {
		v.Code = p.texts.keep(v.Code)
	}
	p.watchMade(v)
	v.Inputs = append(v.Inputs, p.watchInputs(src.watch)...)
	if err != nil {
		return v, err
	}
	if v.Rev == "" {
		v.Rev = revision(v)
	}
	return v, nil
}

// empty tells whether the module's file is. The code of assets was not read.
func (s *source) empty() bool {
	return s.state != nil && s.code == "" && (s.state.Size == 0 || !moduleid.IsAsset(s.file))
}

// wasFilled tells whether the module's file had content when it was read last, be it broken.
func (p *project) wasFilled(id string) bool {
	good, last := p.graph.Good(id), p.graph.Version(id)
	return good != nil && filled(good) || last != nil && (filled(last) || errors.Is(last.Err, errEmptied))
}

// holdEmpty in a context asks not to take an empty file for the new content of one that was not: editors truncate before
// they write, and whoever reads in between would empty the page. Such a version fails with errEmptied.
type holdEmpty struct{}

var errEmptied = errors.New("the file is empty")

// builtinModule makes the modules that have no source: native modules of other origins, which only the browser can
// load, and the empty module that packages ask for in their "browser" field.
func builtinModule(id string) *graph.Version {
	switch {
	case strings.HasPrefix(id, "http://"), strings.HasPrefix(id, "https://"), strings.HasPrefix(id, "data:"):
		return &graph.Version{Rev: "native", Async: true, Code: transform.NativeModule(id)}
	case id == clientPath: // the registry has it built in
		return &graph.Version{Rev: "client"}
	case id == emptyID:
		return &graph.Version{Rev: "empty"}
	case strings.HasPrefix(id, nodeBuiltinPrefix):
		name := strings.TrimPrefix(id, nodeBuiltinPrefix)
		text := fmt.Sprintf("Module %q is part of Node.js and does not exist in a browser. Use a package made for browsers, or an alias in the config.", name)
		return &graph.Version{Rev: "node", Code: transform.MissingModule(text)}
	}
	return nil
}

// read gets the module's source, from the first plugin that has it or else from the file, and lets plugins change it.
// What asks for a file as it is (?raw, ?url, assets) gets it so.
func (p *project) read(ctx context.Context, id string) (source, error) {
	src, err := p.original(ctx, id)
	if err != nil || moduleid.Has(src.query, "raw") || moduleid.Has(src.query, "url") || moduleid.IsAsset(src.file) {
		return src, err
	}
	changed, err := p.plugins.Transform(ctx, plugin.TransformArgs{ID: src.id, File: src.file, Code: src.code})
	if err != nil {
		return src, err
	}
	if changed != nil {
		src.code = changed.Code
		src.watch = append(src.watch, changed.Watch...)
	}
	return src, nil
}

func (p *project) original(ctx context.Context, id string) (source, error) {
	src := source{id: id, file: p.File(id), query: moduleid.Query(id)}
	loaded, err := p.plugins.Load(ctx, plugin.LoadArgs{ID: id, File: src.file})
	if err != nil {
		return src, err
	}
	if loaded != nil {
		src.code, src.watch = loaded.Code, loaded.Watch
		return src, nil
	}
	if name, ok := strings.CutPrefix(id, libraryPrefix); ok {
		src.code = client.Library("devserver/" + name)
		return src, nil
	}
	if index, ok := inlineScript(src.query); ok {
		return p.readInline(src, index)
	}
	if src.file == "" {
		return src, &transform.Error{ID: id, Text: fmt.Sprintf("no plugin loads %q", id), Hint: "a plugin that resolves an ID must load it too"}
	}
	if err := p.gate.Allowed(src.file); err != nil {
		return src, &transform.Error{ID: id, File: p.layout.Shown(src.file), Text: "may not be read: " + err.Error(), Hint: `allow its folder in devserver.config.json: "server": {"fs": {"allow": [...]}}`}
	}
	src.state = disk.Stat(src.file)
	if moduleid.IsAsset(src.file) && !moduleid.Has(src.query, "raw") && !moduleid.Has(src.query, "inline") {
		return src, existing(src, p)
	}
	code, err := p.gate.ReadFile(src.file)
	if err != nil {
		src.state = &disk.State{} // of no file: the next load tries again, when there are descriptors or permissions again
		return src, p.readError(src, err)
	}
	src.code = string(code)
	return src, nil
}

// existing checks a file whose content does not matter.
func existing(src source, p *project) error {
	if src.state == nil {
		return p.readError(src, fs.ErrNotExist)
	}
	return nil
}

func (p *project) readError(src source, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &transform.Error{ID: src.id, File: p.layout.Shown(src.file), Text: "the file does not exist (any more)"}
	}
	return &transform.Error{ID: src.id, File: p.layout.Shown(src.file), Text: "could not be read: " + err.Error()}
}

// revision names what the page runs: code and where its imports lead. Lazy edges grow without a new revision.
func revision(v *graph.Version) string {
	h := sha256.New()
	fmt.Fprintln(h, v.Async, v.AcceptsExports)
	for _, e := range v.Edges {
		if e.Lazy == nil {
			fmt.Fprintln(h, e.Specifier, e.To, e.Kind)
		}
	}
	h.Write([]byte(v.Code))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}

// stale tells whether the file behind the version is another one now.
func stale(file string, v *graph.Version) bool {
	was, ok := v.State.(*disk.State)
	if !ok || was == nil || file == "" {
		return false
	}
	now := disk.Stat(file)
	return now == nil || *now != *was
}

// filled tells whether the version came from a file that was not empty.
func filled(v *graph.Version) bool {
	s, ok := v.State.(*disk.State)
	return ok && s != nil && s.Size > 0
}
