package server

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// serveEntry answers a script's URL with the pack of everything that it reaches.
func (p *project) serveEntry(w http.ResponseWriter, r *http.Request, id string) {
	p.fresh(id)
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest == "worker" || dest == "sharedworker" || moduleid.Has(r.URL.RawQuery, "worker_file") {
		p.serveText(w, r, p.workerPack(strings.TrimSuffix(id, "?worker_file")))
		return
	}
	state := p.graph.Changes()
	if was, ok := p.sent.Load(id); ok && was.(sentPack).state == state && matches(r, was.(sentPack).tag) {
		p.packs.add(was.(sentPack).tag, was.(sentPack).sections) // debuggers ask for the maps of what runs now
		p.places.add(r.URL.RequestURI(), was.(sentPack).sections)
		notModified(w, was.(sentPack).tag)
		return
	}
	list := p.graph.Closure(p.entries(id), nil)
	pk := &writer{}
	p.preamble(pk)
	pk.definitions(list)
	start := map[string]any{"entry": id, "prelude": p.prelude()}
	broken := p.errorIn(list)
	if broken != nil {
		start["error"] = broken
	}
	text, _ := json.Marshal(start)
	pk.text("const $e = await $r.start(" + string(text) + ");\n")
	pk.exports(p.exportsOf(id))
	tag := p.servePackText(w, r, pk)
	if broken == nil {
		p.sent.Store(id, sentPack{state, tag, pk.sections})
	}
}

// sentPack is the last pack of an entry. While nothing has changed since, a reload is answered without making it again.
type sentPack struct {
	state    uint64 // of the graph, before the pack was made of it
	tag      string
	sections []section
}

// entries are what a page's pack starts from: its scripts, and what must run before them.
func (p *project) entries(ids ...string) []string {
	return append(p.prelude(), ids...)
}

// servePack answers a dynamic import: what the module reaches, without what the page's roots reach.
func (p *project) servePack(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ids, have := q["id"], q["have"]
	if len(ids) == 0 {
		http.Error(w, "400 bad request: no id", http.StatusBadRequest)
		return
	}
	for _, id := range ids {
		if denied := p.mayServe(id); denied != nil {
			p.refuse(w, id, denied)
			return
		}
	}
	p.fresh(ids...)
	if q.Has("exact") { // the page misses single modules that it should have had: send all that they reach
		have = nil
	}
	list := p.graph.Closure(ids, have)
	pk := &writer{}
	p.preamble(pk)
	pk.definitions(list)
	ids = ids[:len(ids):len(ids)]
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	for id, deps := range sortedBarrels(p.grownBarrels(ids, nil)) { // the page has them with fewer imports, maybe
		pk.deps(id, deps)
	}
	if info := p.errorIn(list); info != nil {
		text, _ := json.Marshal(info)
		pk.text("$r.fail(" + string(text) + ");\n")
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	p.servePackText(w, r, pk)
}

// mayServe applies the gate to IDs that come in a query rather than as a URL.
func (p *project) mayServe(id string) *gate.Denied {
	if p.graph.Version(id) != nil {
		return nil // it was reached through an import, which the gate has seen
	}
	if file := p.File(id); file != "" {
		_, err := p.gate.Real(file)
		denied, _ := errors.AsType[*gate.Denied](err)
		if denied != nil && denied.Reason == "" {
			return nil // it may be imported, and its absence is told as that of any import
		}
		return denied
	}
	if p.plugins.Resolves(p.ctx, id) {
		return nil
	}
	return &gate.Denied{Status: http.StatusForbidden, Reason: "no module has this ID"}
}

// preamble imports the registry and its helpers, which definitions use by name.
func (p *project) preamble(w *writer) {
	w.text("import { registry as $r } from " + transform.Quote(path.Join(p.layout.Base, clientPath)) + ";\n" +
		"const { define: $d, deps: $deps } = $r, { " + helperNames + " } = $r.helpers;\n")
}

// exports lets native `import()` and inline scripts of others take names from an entry.
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

func (p *project) exportsOf(id string) []string {
	if v := p.graph.Good(id); v != nil {
		if s, ok := v.Side.(*script); ok {
			return s.exports
		}
	}
	return nil
}

// servePackText sends a pack and returns its tag.
func (p *project) servePackText(w http.ResponseWriter, r *http.Request, pk *writer) (tag string) {
	sum := sha256.Sum256(pk.Bytes())
	key := base64.RawURLEncoding.EncodeToString(sum[:12])
	p.packs.add(key, pk.sections)
	p.places.add(r.URL.RequestURI(), pk.sections)
	pk.WriteString("//# sourceMappingURL=" + path.Join(p.layout.Base, mapPath) + "?of=" + key + "\n")
	serveTagged(w, r, pk.Bytes(), key)
	p.server.freeLater()
	return key
}

// workerPack is a program of its own: it imports nothing, so that it runs in classic and module workers alike.
func (p *project) workerPack(id string) []byte {
	p.graph.Crawl(p.whole(), id)
	list := p.graph.Closure([]string{id}, nil)
	pk := &writer{}
	pk.text("(async () => {\n" + client.Worker() + "\n")
	pk.text("const { define: $d, deps: $deps } = $r, { " + helperNames + " } = $r.helpers;\n")
	pk.definitions(list)
	start := map[string]any{"entry": id, "base": p.layout.Base, "env": p.env.Object()}
	if info := p.errorIn(list); info != nil {
		start["error"] = info
	}
	text, _ := json.Marshal(start)
	pk.text("await $r.start(" + string(text) + ");\n})();\n")
	return pk.Bytes()
}

// errorIn returns the first error among the modules, as the page shows it; nil when all compiled. The terminal gets it
// too, once for as long as it stands.
func (p *project) errorIn(list []graph.Entry) *hmr.ErrorInfo {
	for _, e := range list {
		v := e.Version
		if now := p.graph.Version(e.ID); now != nil {
			v = now
		}
		if v.Err != nil {
			err := p.problems.Convert(v.Err)
			p.problems.AddServed(e.ID, err)
			return p.problems.Info(err)
		}
	}
	return nil
}
