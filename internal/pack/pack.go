// Package pack writes the scripts that pages run: the pack of a page's entry, the packs of dynamic imports and workers,
// and the code of updates.
//
// A pack is one ES module that defines each of its modules by `$d(id, rev, deps, factory)`
// (client/src/runtime/definitions.ts), in the order of evaluation. A Packer remembers what it has sent, so that source
// maps and positions in the page's errors lead to the files that people edit.
package pack

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/problems"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// Where what packs refer to is served, below the base.
const (
	MapPath    = "/@devserver/source.map"
	UpdatePath = "/@devserver/update/"
)

// Options configures a Packer. All fields are needed.
type Options struct {
	// Context ends with the project.
	Context  context.Context
	Graph    *graph.Graph
	Compiler *compile.Compiler
	Problems *problems.Set
	Layout   moduleid.Layout
	// Env is import.meta.env as workers get it; pages have it from the client.
	Env map[string]any
	// Globals are the expressions of global variables, for workers too.
	Globals map[string]string
	// Run begins the keys of updates, so that they differ between runs of the server.
	Run string
	// Now returns the time.
	Now func() time.Time
}

// Packer writes packs. Use New. Its methods are safe for concurrent use.
type Packer struct {
	o    Options
	sent sent
}

// New returns a Packer that has sent nothing.
func New(o Options) *Packer { return &Packer{o: o} }

// Pack is a script for a page. Tag names its content, for an ETag.
type Pack struct {
	Text []byte
	Tag  string
}

// Unchanged reports whether the last pack of an entry still holds and the browser has it, so that no new pack need be
// made. has says by a pack's tag whether the browser has that pack. url is where the browser asks for the entry.
func (p *Packer) Unchanged(id, url string, has func(tag string) bool) (tag string, ok bool) {
	last, ok := p.sent.entry(id)
	if !ok || last.state != p.o.Graph.Changes() || !has(last.tag) {
		return "", false
	}
	p.sent.add(last.tag, url, last.sections) // debuggers ask for the maps of what runs now
	return last.tag, true
}

// Entry returns the pack of a script's URL: everything that the script reaches, and the call that starts it.
func (p *Packer) Entry(id, url string) Pack {
	state := p.o.Graph.Changes() // before the pack is made of it
	list := p.o.Graph.Closure(append(p.o.Compiler.Prelude(), id), nil)
	w := &writer{}
	w.preamble(p.o.Layout)
	w.definitions(list)
	start := map[string]any{"entry": id, "prelude": p.o.Compiler.Prelude()}
	broken := p.errorIn(list)
	if broken != nil {
		start["error"] = broken
	}
	text, _ := json.Marshal(start) // strings and an error always encode
	w.text("const $e = await $r.start(" + string(text) + ");\n")
	w.exports(p.exportsOf(id))
	made := p.finish(w, url)
	if broken == nil {
		p.sent.setEntry(id, lastPack{state, made.Tag, w.sections})
	}
	return made
}

// Import returns the pack of dynamic imports: what the modules reach, without what the roots in have reach.
func (p *Packer) Import(ids, have []string, url string) Pack {
	list := p.o.Graph.Closure(ids, have)
	w := &writer{}
	w.preamble(p.o.Layout)
	w.definitions(list)
	reached := ids[:len(ids):len(ids)]
	for _, e := range list {
		reached = append(reached, e.ID)
	}
	for id, deps := range sortedBarrels(p.grownBarrels(reached, nil)) { // the page may have them with fewer imports
		w.deps(id, deps)
	}
	if p.errorIn(list) != nil {
		for _, id := range ids { // imports of one moment share a pack, and fail for reasons of their own
			if info := p.errorIn(p.o.Graph.Closure([]string{id}, have)); info != nil {
				text, _ := json.Marshal(info)
				w.text("$r.fail(" + transform.Quote(id) + "," + string(text) + ");\n")
			}
		}
	}
	return p.finish(w, url)
}

// A Program is what a script runs as when it has no page.
type Program int

// The programs.
const (
	// Worker is a classic worker, a module worker or a service worker.
	Worker Program = iota
	// Worklet is always a module, and has no location.
	Worklet
)

// Program returns the script of a worker or a worklet. It imports nothing, so that it runs in classic and module workers
// alike. A script without imports and exports runs as it is: what it declares may be for scripts that it imports.
func (p *Packer) Program(id, url string, kind Program) Pack {
	prelude := p.o.Compiler.ProgramPrelude()
	all := append(prelude, id)
	p.o.Graph.Crawl(context.WithoutCancel(p.o.Context), all...) // a crawl that is cut off leaves broken modules in the graph
	list := p.o.Graph.Closure(all, nil)
	if made, ok := p.script(id, url, p.o.Graph.Closure([]string{id}, nil)); ok {
		return made
	}
	w := &writer{}
	w.text("(() => { \"use strict\";\n" + client.Worker() + "\n")
	w.text("const { define: $d, deps: $deps } = $r, { " + helperNames + " } = $r.helpers;\n")
	w.definitions(list)
	start := map[string]any{"entry": id, "prelude": prelude, "base": p.o.Layout.Base, "env": p.o.Env}
	if info := p.errorIn(list); info != nil {
		start["error"] = info
		p.o.Problems.Publish() // a worker has no overlay: the page that starts it shows the error
	}
	text, _ := json.Marshal(start)
	call := string(text) + ", " + client.Globals(p.o.Globals)
	if kind == Worklet {
		call += ", import.meta.url"
	}
	w.text("$r.start(" + call + ");\n})();\n")
	return p.finish(w, url)
}

// Script returns a classic script that is compiled from another language. It is not ok for what needs more than itself.
func (p *Packer) Script(id, url string) (made Pack, ok bool) {
	p.o.Graph.Crawl(context.WithoutCancel(p.o.Context), id)
	return p.script(id, url, p.o.Graph.Closure([]string{id}, nil))
}

// script returns a script as it is if it needs nothing of the runtime. list holds the modules that it reaches.
func (p *Packer) script(id, url string, list []graph.Entry) (made Pack, ok bool) {
	v := p.o.Graph.Good(id)
	needsMore := func(name string) bool { return strings.Contains(v.Code, name) }
	if v == nil || p.errorIn(list) != nil || len(list) > 1 || v.Async || !compile.IsScript(v) ||
		slices.ContainsFunc([]string{"$meta$", "$load$", "require("}, needsMore) ||
		slices.ContainsFunc(slices.Collect(maps.Keys(p.o.Globals)), needsMore) {
		return Pack{}, false
	}
	w := &writer{sections: []section{{id: id, version: v}}}
	w.text(transform.Script(v.Code))
	return p.finish(w, url), true
}

// finish ends a pack with the address of its source map, and remembers it.
func (p *Packer) finish(w *writer, url string) Pack {
	sum := sha256.Sum256(w.Bytes())
	tag := base64.RawURLEncoding.EncodeToString(sum[:12])
	p.sent.add(tag, url, w.sections)
	w.WriteString("//# sourceMappingURL=" + path.Join(p.o.Layout.Base, MapPath) + "?of=" + tag + "\n")
	return Pack{Text: w.Bytes(), Tag: tag}
}

func (p *Packer) exportsOf(id string) []string {
	if v := p.o.Graph.Good(id); v != nil {
		return compile.Exports(v)
	}
	return nil
}

// errorIn returns the first error among the modules, as the page shows it; nil when all compiled. The terminal gets the
// error, too, once for as long as it stays.
func (p *Packer) errorIn(list []graph.Entry) *hmr.ErrorInfo {
	for _, e := range list {
		v := e.Version
		if now := p.o.Graph.Version(e.ID); now != nil {
			v = now
		}
		if v.Err != nil {
			return p.o.Problems.AddServed(e.ID, p.o.Problems.Convert(v.Err))
		}
	}
	return nil
}

// preamble imports the registry and its helpers, which definitions use by name.
func (w *writer) preamble(l moduleid.Layout) {
	w.text("import { registry as $r } from " + transform.Quote(path.Join(l.Base, moduleid.Client)) + ";\n" +
		"const { define: $d, deps: $deps } = $r, { " + helperNames + " } = $r.helpers;\n")
}

// exports lets native import() and inline scripts of others take names from an entry.
func (w *writer) exports(names []string) {
	for i, name := range names {
		v := "$x" + strconv.Itoa(i)
		if name == "default" {
			w.text("export default $e.default;\n")
			continue
		}
		w.text("const " + v + " = $e[" + transform.Quote(name) + "]; export { " + v + " as " + transform.Quote(name) + " };\n")
	}
}
