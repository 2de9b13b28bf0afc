package server

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/graph"
)

// serveEntry answers a script's URL with the pack of everything that it reaches.
func (p *project) serveEntry(w http.ResponseWriter, r *http.Request, id string) {
	p.fresh(id)
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest == "worker" || dest == "sharedworker" || has(r.URL.RawQuery, "worker_file") {
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

// entries are what a page's pack starts from: the entry itself and what must run before it.
func (p *project) entries(id string) []string {
	return append(p.prelude(), id)
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
	w.text("import { registry as $r } from " + quote(path.Join(p.base, clientPath)) + ";\n" +
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
		w.text("const " + v + " = $e[" + quote(name) + "]; export { " + v + " as " + quote(name) + " };\n")
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
	pk.WriteString("//# sourceMappingURL=" + path.Join(p.base, mapPath) + "?of=" + key + "\n")
	serveTagged(w, r, pk.Bytes(), key)
	p.server.freeLater()
	return key
}

// serveText sends bytes with a strong ETag of their content, so that a reload costs a 304 and the browser keeps the
// code that it compiled.
func (p *project) serveText(w http.ResponseWriter, r *http.Request, text []byte) {
	sum := sha256.Sum256(text)
	serveTagged(w, r, text, base64.RawURLEncoding.EncodeToString(sum[:12]))
}

func serveTagged(w http.ResponseWriter, r *http.Request, text []byte, tag string) {
	if matches(r, tag) {
		notModified(w, tag)
		return
	}
	h := w.Header()
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // the browser went away
	}
}

// matches tells whether the browser has what the tag names.
func matches(r *http.Request, tag string) bool {
	for candidate := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(candidate), "W/") == `"`+tag+`"` {
			return true
		}
	}
	return false
}

func notModified(w http.ResponseWriter, tag string) {
	h := w.Header()
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Cache-Control", "no-cache")
	h.Del("Content-Type")
	w.WriteHeader(http.StatusNotModified)
}

// workerPack is a program of its own: it imports nothing, so that it runs in classic and module workers alike.
func (p *project) workerPack(id string) []byte {
	p.graph.Crawl(p.whole(), id)
	list := p.graph.Closure([]string{id}, nil)
	pk := &writer{}
	pk.text("(async () => {\n" + client.Worker() + "\n")
	pk.text("const { define: $d, deps: $deps } = $r, { " + helperNames + " } = $r.helpers;\n")
	pk.definitions(list)
	start := map[string]any{"entry": id, "base": p.base, "env": p.env.Object()}
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
			err := p.asError(v.Err)
			if p.errors.stand(e.ID, err) {
				p.report(err)
			}
			return p.errorInfo(err)
		}
	}
	return nil
}

// fresh loads what the modules reach and catches up with files that changed behind the watcher's back: what a page
// gets never rests on an event having arrived.
func (p *project) fresh(ids ...string) {
	for _, id := range ids {
		p.entered.Store(id, true)
	}
	p.noticeInstalls()
	p.watchNew(p.graph.Crawl(p.whole(), p.entriesOf(ids)...))
	type loaded struct {
		file    string
		version *graph.Version
	}
	var own []loaded
	p.graph.Walk(ids, func(m *graph.Module, v *graph.Version) {
		if !isDependency(m.File) {
			own = append(own, loaded{m.File, v})
		}
	})
	differs := make([]bool, len(own))
	parallel(len(own), func(i int) { differs[i] = stale(own[i].file, own[i].version) })
	var changed []string
	for i := range own {
		if differs[i] {
			changed = append(changed, own[i].file)
		}
	}
	if len(changed) > 0 {
		p.apply(written(changed))
	}
}

// noticeInstalls sees packages that were installed, upgraded or removed since they were read; nobody watches node_modules.
func (p *project) noticeInstalls() {
	if !p.resolver.Refresh() {
		return
	}
	p.exported.Clear()
	p.applyModules(append(p.graph.Unresolved(), p.graph.Stale(func(file string, v *graph.Version) bool { return isDependency(file) && stale(file, v) })...)...)
}

// watchNew watches the folders of modules that lie outside the root.
func (p *project) watchNew(ids []string) {
	for _, id := range ids {
		p.watchModule(id)
	}
}

func (p *project) entriesOf(ids []string) []string { return append(p.prelude(), ids...) }

// warm starts compiling before the browser asks.
func (p *project) warm(ids []string) {
	if len(ids) == 0 {
		return
	}
	p.tasks.Go(func() {
		defer p.relaxGC()()
		p.watchNew(p.graph.Crawl(p.ctx, p.entriesOf(ids)...))
	})
}

// relaxGC lets the heap grow while a project is compiled for the first time: nearly all of it is garbage a moment
// later, and collecting it while it is made costs a third of the time. The returned func gives the memory back.
func (p *project) relaxGC() func() {
	if !p.relaxed.CompareAndSwap(false, true) {
		return func() {}
	}
	was := debug.SetGCPercent(crawlGC)
	p.crawling.Store(true)
	shallow := deepStacks()
	return func() {
		p.crawling.Store(false)
		shallow()
		debug.SetGCPercent(was)
		p.server.freeLater()
	}
}

// freeLater gives memory back to the system when no pack was made for a while: one of a large project takes several
// times what the project does.
func (s *Server) freeLater() {
	s.freeing.Lock()
	defer s.freeing.Unlock()
	if s.freeTimer == nil {
		s.freeTimer = time.AfterFunc(freeAfter, func() {
			debug.FreeOSMemory()
			time.AfterFunc(freeAfter, debug.FreeOSMemory) // by now the cache has written what it held
		})
	} else {
		s.freeTimer.Reset(freeAfter)
	}
}

const freeAfter = 2 * time.Second

// crawlGC is the growth in percent before a collection during the first crawl; measured against 100, 200 and 800.
const crawlGC = 400
