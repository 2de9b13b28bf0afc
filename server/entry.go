package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pack"
)

// serveEntry answers a script's URL with the pack of everything that it reaches.
func (p *project) serveEntry(w http.ResponseWriter, r *http.Request, id string) {
	p.edits.Fresh(id)
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	if kind, ok := p.program(r, id); ok {
		p.sendPack(w, r, p.packs.Program(strings.TrimSuffix(id, "?worker_file"), r.URL.RequestURI(), kind))
		return
	}
	if tag, ok := p.packs.Unchanged(id, r.URL.RequestURI(), func(tag string) bool { return matches(r, tag) }); ok {
		notModified(w, tag)
		return
	}
	p.sendPack(w, r, p.packs.Entry(id, r.URL.RequestURI()))
}

// serveScript answers with a classic script that is TypeScript or JSX. It returns false for a script that cannot run so.
func (p *project) serveScript(w http.ResponseWriter, r *http.Request, id string) bool {
	p.edits.Fresh(id)
	made, ok := p.packs.Script(id, r.URL.RequestURI())
	if ok {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		p.sendPack(w, r, made)
	}
	return ok
}

// program reports whether the browser runs the script without a page. Over http, browsers say so to localhost only: for
// others a script is a worker if a module starts it as a worker.
func (p *project) program(r *http.Request, id string) (kind pack.Program, ok bool) {
	if kind, ok := runsAlone(r); ok {
		return kind, true
	}
	dest := r.Header.Get("Sec-Fetch-Dest")
	switch {
	case !moduleid.Has(r.URL.RawQuery, "worker_file"):
	case dest == "script" && r.Header.Get("Sec-Fetch-Mode") != "no-cors":
		return pack.Worklet, true // some worklets are fetched as scripts
	default: // by importScripts, or by fetch for a Blob
		return pack.Worker, true
	}
	return pack.Worker, dest == "" && p.graph.IsProgram(id)
}

// servePack answers a dynamic import: what the modules reach, without what the page's roots reach. The request names
// both; the server need not know which page has what.
func (p *project) servePack(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ids, have := q["id"], q["have"]
	if len(ids) == 0 {
		http.Error(w, "400 bad request: no id", http.StatusBadRequest)
		return
	}
	refusal := func() (id string, denied *gate.Denied) {
		for _, id := range ids {
			if denied := p.mayServe(id); denied != nil {
				return id, denied
			}
		}
		return "", nil
	}
	id, denied := refusal()
	if denied != nil {
		p.edits.Known(have) // a server that has just started does not know yet what the page's modules import
		id, denied = refusal()
	}
	if denied != nil {
		p.refuse(w, id, denied)
		return
	}
	p.edits.Fresh(ids...)
	if q.Has("exact") { // the page lacks single modules that it should have: send everything that they reach
		have = nil
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	p.sendPack(w, r, p.packs.Import(ids, have, r.URL.RequestURI()))
}

func (p *project) sendPack(w http.ResponseWriter, r *http.Request, made pack.Pack) {
	serveTagged(w, r, made.Text, made.Tag)
	compile.FreeLater()
}

// mayServe applies the gate to IDs that come in a query rather than as a URL. Nil means that the module may be served.
func (p *project) mayServe(id string) *gate.Denied {
	if p.cfg.Err() != nil {
		return &gate.Denied{Status: http.StatusServiceUnavailable, Reason: "the configuration has mistakes"}
	}
	file := p.compiler.File(id)
	if v := p.graph.Version(id); v != nil && (compile.State(v) == nil || p.gate.Allowed(file) == nil) {
		return nil // it was reached through an import, which the gate has seen
	}
	if file != "" {
		_, err := p.gate.Real(file)
		denied, _ := errors.AsType[*gate.Denied](err)
		if denied != nil && denied.Reason == "" {
			return nil // it may be imported, and its absence is reported like that of any import
		}
		if len(p.graph.Importers(id)) > 0 {
			return nil // loading it fails: the page and the terminal show why, and what would allow the import
		}
		return denied
	}
	if len(p.graph.Importers(id)) > 0 || p.hosts.Resolves(p.ctx, id) {
		return nil
	}
	return &gate.Denied{Status: http.StatusForbidden, Reason: "no module has this ID"}
}

// serveUpdate sends an update's code as a module, for pages whose Content-Security-Policy forbids evaluating it.
func (p *project) serveUpdate(w http.ResponseWriter, r *http.Request, name string) {
	text, ok := p.packs.UpdateModule(strings.TrimSuffix(name, ".js"))
	if !ok {
		http.Error(w, "404 not found: that update is too old", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	serveText(w, r, text)
}

// serveMap sends the source map of a pack, an update or a stylesheet.
func (p *project) serveMap(w http.ResponseWriter, r *http.Request) {
	text, err := p.packs.Map(r.Context(), r.URL.Query().Get("of"))
	if err != nil {
		http.Error(w, "404 not found: "+err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	serveText(w, r, text)
}
