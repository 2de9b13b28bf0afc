package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// hotPage is a page of the app hot. The app's modules log to window.log.
type hotPage struct {
	*devtest.Page
	t *testing.T
}

// logged waits until the log has the texts in this order, then empties the log.
func (p hotPage) logged(texts ...string) {
	p.t.Helper()
	p.Wait(`(() => { let at = -1; return [` + quoteAll(texts) + `].every((want) => (at = log.indexOf(want, at + 1)) >= 0); })()`)
	devtest.Eval[int](p.Page, `log.splice(0).length`)
}

// count returns how often a line is in the log.
func (p hotPage) count(text string) int {
	p.t.Helper()
	return devtest.Eval[int](p.Page, `log.filter((l) => l === `+quoteJS(text)+`).length`)
}

func quoteAll(texts []string) string {
	var quoted []string
	for _, t := range texts {
		quoted = append(quoted, quoteJS(t))
	}
	return strings.Join(quoted, ", ")
}

// TestHot edits the modules of the app hot, one after the other. TestStories tests the rules one by one. This test has
// all of them in one page, and the parts that need the server: events, the lost connection, the terminal.
func TestHot(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Dir("../testdata/apps/hot")), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "hot", Events: []plugin.Event{
			plugin.On("hot:say", func(_ context.Context, c plugin.Client, in struct{ Text string }) error {
				if err := c.Send("hot:throws", nil); err != nil {
					return err
				}
				if err := c.Send("hot:answer", in.Text+" 1"); err != nil {
					return err
				}
				return c.Send("hot:answer", in.Text+" 2")
			}),
			plugin.Handle("hot:add", func(_ context.Context, _ plugin.Client, in struct{ A, B int }) (int, error) { return in.A + in.B, nil }),
		}}}
	})
	p := hotPage{s.Page(t, "/"), t}
	p.logged("parent runs", "user of shown 1", "pruned runs 1", "taker runs with kind 1", "main")

	// Self: the old instance is disposed, the new instance runs, and the old instance's callback gets the new instance.
	p.WaitText("#self", "self: 1, run 1")
	s.Edit("src/self.ts", "const value = 1", "const value = 2")
	p.WaitText("#self", "self: 2, run 2")
	p.logged("vite:beforeUpdate", "self dispose one 1", "self dispose two 1", "self 1 -> 2", "vite:afterUpdate")

	// A new version that throws: the callback gets undefined. The old instance continues and keeps its data.
	s.Edit("src/self.ts", "const value = 2;", "const value = 3; throw new Error('broken self');")
	p.logged("self dispose one 2", "self failed", "vite:afterUpdate")
	p.WaitOverlay("broken self")
	s.Edit("src/self.ts", " throw new Error('broken self');", "")
	p.WaitText("#self", "self: 3, run 3")
	p.WaitNoOverlay()
	p.logged("vite:afterUpdate")

	// A module below an accepted dependency: all modules between run again, but not the module that accepts.
	s.Edit("src/inner.ts", "inner 1", "inner 2")
	p.WaitText("#parent", "parent: dep 1 with inner 1 -> dep 1 with inner 2")
	p.logged("dispose dep 1 with inner 1", "dep dep 1 with inner 2")
	s.Edit("src/dep.ts", "dep 1", "dep 2")
	p.logged("dispose dep 1 with inner 2", "dep dep 2 with inner 2")
	if n := p.count("parent runs"); n != 0 {
		t.Errorf("the module that accepts its dependency ran again %d times", n)
	}

	// Two listed dependencies at once: the callback is called twice, each time with one module.
	a, b := s.Read("src/a.ts"), s.Read("src/b.ts")
	s.Write("src/a.ts", strings.Replace(a, "a 1", "a 2", 1))
	s.Write("src/b.ts", strings.Replace(b, "b 1", "b 2", 1))
	p.Wait(`log.includes("list a 2 undefined") && log.includes("list undefined b 2")`)
	p.logged("vite:afterUpdate")

	// acceptExports: the only importer uses an accepted export, and does not run again.
	s.Edit("src/exports.ts", "shown 1", "shown 2")
	p.WaitText("#exports", "exports: shown 2")
	p.logged("exports shown 2", "vite:afterUpdate")
	if n := p.count("user of shown 2"); n != 0 {
		t.Errorf("the importer of an accepted export ran again %d times", n)
	}

	// prune: dispose is called, then prune. When the module is imported again, it starts with empty data.
	s.Edit("src/toggle.ts", `import "./pruned";`, `// import "./pruned";`)
	p.logged("vite:beforeUpdate", "vite:afterUpdate", "vite:beforePrune", "pruned dispose", "pruned prune")
	s.Edit("src/toggle.ts", `// import "./pruned";`, `import "./pruned";`)
	p.logged("pruned runs 1", "vite:afterUpdate")

	// invalidate: the module may call it at every update, since it accepts every update first.
	s.Edit("src/invalidates.ts", "kind 1", "kind 2")
	p.WaitText("#invalidates", "invalidates: kind 2")
	p.logged("vite:invalidate", "taker runs with kind 2")
	s.Edit("src/invalidates.ts", "kind 2", "kind 3")
	p.logged("invalidates was updated before", "vite:invalidate", "taker runs with kind 3")

	// Events: a listener that throws stops no other listener, off removes one function, a request is answered.
	p.Click("#send")
	p.logged("hot:throws arrived", `hot:answer once "hello 1"`, `hot:answer "hello 1"`, `hot:answer "hello 2"`)
	p.WaitConsole("a listener that throws must not stop the next one")
	p.Click("#request")
	p.logged("request 3")
	// Before a module runs again its listeners are removed, so each listener is called once.
	s.Edit("src/events.ts", `"vite:error",`, `"vite:error", // again`)
	p.logged("vite:afterUpdate")
	p.Click("#send")
	p.Wait(`log.includes('hot:answer "hello 2"')`)
	if n := p.count(`hot:throws arrived`); n != 1 {
		t.Errorf("after an update a listener was called %d times, want 1", n)
	}
	p.logged("hot:throws arrived")

	// vite:error comes before the overlay. vite:ws:disconnect and vite:ws:connect come with a lost connection.
	s.Edit("src/self.ts", "const value = 3", "const value = = 3")
	p.WaitOverlay("src/self.ts")
	p.logged("vite:error")
	s.Edit("src/self.ts", "const value = = 3", "const value = 3")
	p.WaitNoOverlay()
	s.Again()
	p.logged("vite:ws:disconnect", "vite:ws:connect")
	p.NoReload()

	// Dead ends: decline() does not change them. Listeners are called before the page reloads.
	devtest.Eval[bool](p.Page, `(setInterval(() => { if (log.includes("vite:beforeFullReload")) sessionStorage.told = "yes"; }, 1), true)`)
	s.Edit("src/declined.ts", `"declined", "1"`, `"declined", "2"`)
	p.WaitReload(1)
	p.WaitText("#declined", "declined: 2")
	p.WaitConsole("page was reloaded: no boundary for /src/declined.ts: /src/declined.ts → /src/main.ts")
	s.Log.Wait(t, "no boundary for /src/declined.ts: /src/declined.ts → /src/main.ts")
	if told := devtest.Eval[string](p.Page, `sessionStorage.told ?? ""`); told != "yes" {
		t.Error("no listener of vite:beforeFullReload was called")
	}
	// The importer now uses an export that is not accepted, so an edit of exports.ts is a dead end.
	s.Write("src/user.ts", `import { shown, secret } from "./exports"; import { log } from "./log"; log(shown + secret);`)
	p.WaitReload(2)
	s.Edit("src/exports.ts", "secret 1", "secret 2")
	p.WaitReload(3)
}

// TestEventPayloads: listeners of the built-in events get the arguments that they get from Vite.
func TestEventPayloads(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"><p id="text">text</p><script type="module" src="/main.js"></script>
-- style.css --
#text { color: rgb(1, 1, 1) }
-- main.js --
import { one } from "./one.js";
const hot = import.meta.hot;
window.seen = {};
const keep = (name) => (data) => { (seen[name] ??= []).push(data); };
for (const name of ["beforeUpdate", "afterUpdate", "beforePrune", "error", "invalidate", "ws:connect", "ws:disconnect"]) hot.on("vite:" + name, keep(name));
hot.on("vite:beforeFullReload", (data) => { sessionStorage.reload = JSON.stringify(data); });
hot.on("vite:beforeUpdate", async () => { await new Promise((done) => setTimeout(done, 50)); seen.waited = document.querySelector("#text").textContent; });
hot.accept("./one.js", ({ one }) => { document.querySelector("#text").textContent = one; });
document.querySelector("#text").textContent = one;
-- one.js --
import "./two.js";
export const one = "one";
-- two.js --
import.meta.hot.accept(() => import.meta.hot.invalidate("not me"));
`)))
	p := s.Page(t, "/")
	s.WaitPages(1)
	p.WaitText("#text", "one")
	// An update waits for the promises of vite:beforeUpdate listeners.
	s.Edit("one.js", `"one"`, `"uno"`)
	p.WaitText("#text", "uno")
	p.Wait(`seen.waited === "one" && seen.afterUpdate.length === 1`)
	p.Wait(`(({ type, updates: [u] }) => type === "update" && u.type === "js-update" && u.path === "/main.js" && u.acceptedPath === "/one.js" && u.timestamp > 1e12 && u.isWithinCircularImport === false)(seen.afterUpdate[0])`)
	p.Wait(`seen.beforeUpdate[0] === seen.afterUpdate[0]`)
	s.Edit("style.css", "rgb(1, 1, 1)", "rgb(2, 2, 2)")
	p.Wait(`seen.afterUpdate[1]?.updates[0].type === "css-update" && seen.afterUpdate[1].updates[0].path.startsWith("/style.css")`)
	s.Edit("two.js", "not me", "nor me")
	p.Wait(`(({ path, message, firstInvalidatedBy }) => path === "/two.js" && firstInvalidatedBy === "/two.js" && message === "not me")(seen.invalidate[0])`)
	p.Wait(`seen.afterUpdate.some((m) => m.updates.some((u) => u.firstInvalidatedBy === "/two.js" && u.acceptedPath === "/one.js"))`)
	s.Edit("one.js", `import "./two.js";`, ``)
	p.Wait(`seen.beforePrune[0].type === "prune" && seen.beforePrune[0].paths.join() === "/two.js"`)
	s.Edit("one.js", "export const", "export export const")
	p.Wait(`seen.error[0].type === "error" && seen.error[0].err.id === "/one.js" && seen.error[0].err.loc.line > 0 && seen.error[0].err.message !== ""`)
	s.Edit("one.js", "export export const", "export const")
	p.WaitNoOverlay()
	s.Again()
	p.Wait(`seen["ws:disconnect"]?.[0].webSocket && seen["ws:connect"]?.at(-1).webSocket.readyState === 1`)
	p.NoReload()
	s.Edit("main.js", `window.seen = {}`, `window.seen = { now: 1 }`)
	p.WaitReload(1)
	p.Wait(`((m) => m.type === "full-reload" && m.path === "*")(JSON.parse(sessionStorage.reload))`)
}

// TestSendsWhileTheServerIsAway: events that the page sends meanwhile arrive when the server is back, in order and
// once. The page does not reload.
func TestSendsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	got := make(chan int, 100)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>
-- main.js --
window.hot = import.meta.hot;
hot.on("vite:ws:disconnect", () => { window.lost = true; });
`)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "p", Events: []plugin.Event{
			plugin.On("n", func(_ context.Context, _ plugin.Client, n int) error { got <- n; return nil }),
		}}}
	})
	p := s.Page(t, "/")
	s.WaitPages(1)
	s.Stop()
	p.Wait(`window.lost`)
	p.Wait(`(() => { for (let i = 0; i < 10; i++) hot.send("n", i); return true; })()`)
	s.Again()
	for i := range 10 {
		if n := <-got; n != i {
			t.Fatalf("message %d is %d", i, n)
		}
	}
	p.NoReload()
}

func quoteJS(s string) string { return "\"" + strings.ReplaceAll(s, `"`, `\"`) + "\"" }
