package pluginhost

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A host may end at any time: it is replaced, crashes, or its project starts over. The requests for its middlewares and
// routes that no plugin has seen are for the host that comes next, as events are. A middleware may keep requests from
// files, so they must not pass without it. What a module or a page is waits for the next host, too.

const (
	// awaitHeir is how long a request waits for the next host.
	awaitHeir = 10 * time.Second
	// modulesAwait is how long after the end of a host modules and pages wait for the next host. The time is not counted
	// from each question: imports would add it up. Edits wait, too, so it is short.
	modulesAwait = 5 * time.Second
)

// absence is the time in which a host is away.
type absence struct {
	*entry
	began time.Time
	pass  chan struct{} // closed when modules need not wait
	once  sync.Once
}

func newAbsence(gone *entry, began time.Time) *absence {
	return &absence{entry: gone, began: began, pass: make(chan struct{})}
}

// await waits for the next host, and returns nil when a question is answered without it.
func (a *absence) await(ctx context.Context) *entry {
	limit := time.NewTimer(time.Until(a.began.Add(modulesAwait)))
	defer limit.Stop()
	select {
	case <-a.heir.settled:
		return a.heir.heir
	case <-a.pass:
	case <-limit.C:
	case <-ctx.Done():
	}
	return nil
}

// PassModules answers questions about modules and pages without the host that is away, until another host ends.
func (h *Hosts) PassModules() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.away != nil {
		h.away.once.Do(func() { close(h.away.pass) })
	}
}

// AsksForModules notes that a host asks for a module. A host that is not added yet is starting: the module must not wait
// for it.
func (h *Hosts) AsksForModules(by Host) {
	if !slices.Contains(h.All(), by) {
		h.PassModules()
	}
}

// inheritance says which host comes after a host.
type inheritance struct {
	settled chan struct{} // closed when heir is known
	once    *sync.Once
	heir    *entry // nil when nobody comes
}

func newInheritance() inheritance {
	return inheritance{settled: make(chan struct{}), once: &sync.Once{}}
}

func (i *inheritance) settle(heir *entry) {
	i.once.Do(func() {
		i.heir = heir
		close(i.settled)
	})
}

// Await removes a host that has ended. Requests for its middlewares and routes wait for the host that is added next.
func (h *Hosts) Await(gone Host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := slices.IndexFunc(h.list, func(e *entry) bool { return e.host == gone })
	if at < 0 {
		return
	}
	h.leave(nil)
	h.away = newAbsence(h.list[at], time.Now())
	h.list = slices.Delete(slices.Clone(h.list), at, at+1)
	h.change()
}

// Abandon lets the requests pass that wait for a host: it does not come.
func (h *Hosts) Abandon() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leave(nil)
}

// End lets all requests pass that wait, or would wait: the server is closed.
func (h *Hosts) End() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leave(nil)
	for _, e := range h.list {
		e.heir.settle(nil)
	}
}

// leave gives the requests that wait to the heir. The caller holds mu.
func (h *Hosts) leave(heir *entry) {
	if h.away != nil {
		h.away.heir.settle(heir)
		h.away = nil
	}
}

// Inherit takes the requests for the hosts of an earlier project, which have ended. Those for its program wait for the
// program of this project, if comes says that one follows.
func (h *Hosts) Inherit(earlier *Hosts, comes bool) {
	before, began := earlier.seeing(), earlier.awaySince()
	h.mu.Lock()
	defer h.mu.Unlock()
	var inProcess *entry
	if at := slices.IndexFunc(h.list, func(e *entry) bool { return !e.isProgram() }); at >= 0 {
		inProcess = h.list[at]
	}
	for _, e := range before {
		switch {
		case !e.isProgram():
			e.heir.settle(inProcess)
		case comes:
			h.away = newAbsence(e, began)
		default:
			e.heir.settle(nil)
		}
	}
}

func (e *entry) isProgram() bool {
	_, is := e.host.(*Child)
	return is
}

// seeing returns the hosts that get requests, in their order.
func (h *Hosts) seeing() []*entry {
	list, _ := h.asked(true)
	return list
}

// awaySince returns when the host ended that is away, and now when none is.
func (h *Hosts) awaySince() time.Time {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.away == nil {
		return time.Now()
	}
	return h.away.began
}

// SeeRequests reports whether some plugin has a middleware.
func (h *Hosts) SeeRequests() bool {
	return slices.ContainsFunc(h.seeing(), func(e *entry) bool { return e.sees })
}

// Middleware returns a handler that gives requests to the plugins' middlewares, and what they pass on to next.
func (h *Hosts) Middleware(next http.Handler) http.Handler {
	for _, e := range slices.Backward(h.seeing()) {
		next = e.middleware(next)
	}
	return next
}

func (e *entry) middleware(next http.Handler) http.Handler {
	if !e.sees {
		return next
	}
	return e.host.Middleware(next, e.later(next, (*entry).middleware))
}

// Routes returns a handler that gives requests to the plugins' routes, and requests without a route to next.
func (h *Hosts) Routes(next http.Handler) http.Handler {
	for _, e := range slices.Backward(h.seeing()) {
		next = e.routes(next)
	}
	return next
}

func (e *entry) routes(next http.Handler) http.Handler {
	return e.host.Routes(next, e.later(next, (*entry).routes))
}

// later returns a handler that has a request wait for the heir of a host that has ended. It then gives the request to
// this part of the heir, or to next when nobody comes.
func (e *entry) later(next http.Handler, part func(heir *entry, next http.Handler) http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := time.NewTimer(awaitHeir)
		defer limit.Stop()
		select {
		case <-e.heir.settled:
			if heir := e.heir.heir; heir != nil {
				part(heir, next).ServeHTTP(w, r)
			} else {
				next.ServeHTTP(w, r)
			}
		case <-limit.C:
			http.Error(w, "503 the plugins have ended and are not back yet; the terminal says why", http.StatusServiceUnavailable)
		case <-r.Context().Done():
		}
	})
}
