package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// apiApp has a module for each way of taking an update. They write to window.log what happens to them.
const apiApp = `
-- index.html --
<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/linked.css"><p id="text">page</p><script type="module" src="/main.js"></script>
-- linked.css --
#text { color: rgb(1, 1, 1) }
-- main.js --
import "./self.js";
import "./dep-owner.js";
import "./list-owner.js";
import "./aliased.js";
import "./exports-user.js";
import "./inval-parent.js";
import "./prune-owner.js";
import "./events.js";
import "./plain.js";
window.log ??= [];
window.say = (text) => (window.log ??= []).push(text);
log.push("main ran");
-- self.js --
const version = 1;
(window.log ??= []).push("self " + version);
const hot = import.meta.hot;
hot.data.runs = (hot.data.runs ?? 0) + 1;
log.push("data " + hot.data.runs);
hot.dispose((data) => { log.push("dispose one of " + version); data.kept = "from " + version; });
hot.dispose(() => log.push("dispose two of " + version));
if (hot.data.kept) log.push("kept " + hot.data.kept);
hot.decline();
hot.accept((next) => log.push("accepted by " + version + ": " + next.value));
export const value = "value " + version;
-- dep-owner.js --
import { name } from "./dep.js";
(window.log ??= []).push("dep-owner ran with " + name);
import.meta.hot.accept("./dep.js", (next) => log.push("dep is " + next.name + ", binding is " + name));
-- dep.js --
export const name = "dep 1";
-- list-owner.js --
import { a } from "./list-a.js";
import { b } from "./list-b.js";
(window.log ??= []).push("list " + a + b);
import.meta.hot.accept(["./list-a.js", "./list-b.js"], (mods) => log.push("list got " + mods.map((m) => m ? Object.values(m)[0] : "nothing").join(",")));
-- list-a.js --
export const a = "a1";
-- list-b.js --
export const b = "b1";
-- aliased.js --
import { take } from "./wrapper.js";
(window.log ??= []).push("aliased 1");
take(import.meta);
-- wrapper.js --
export const take = ({ hot }) => hot.accept(() => log.push("accepted through a wrapper"));
-- exports-user.js --
import { used } from "./exports.js";
(window.log ??= []).push("exports-user " + used);
-- exports.js --
export const used = 1;
export const other = 1;
(window.log ??= []).push("exports ran");
import.meta.hot.acceptExports(["used"], () => log.push("exports accepted"));
-- inval-parent.js --
import { child } from "./inval-child.js";
(window.log ??= []).push("parent sees " + child);
import.meta.hot.accept();
-- inval-child.js --
export const child = 1;
import.meta.hot.accept((next) => import.meta.hot.invalidate("child cannot take " + next.child));
-- prune-owner.js --
import "./pruned.js";
import.meta.hot.accept();
-- pruned.js --
(window.log ??= []).push("pruned ran");
import.meta.hot.accept();
import.meta.hot.dispose(() => log.push("pruned disposed"));
import.meta.hot.prune(() => log.push("pruned pruned"));
-- events.js --
const hot = import.meta.hot;
hot.on("vite:beforeUpdate", () => { throw new Error("a listener that throws"); });
const seen = (name) => hot.on(name, (p) => (window.events ??= []).push(name + (p?.updates ? " " + p.updates.map((u) => u.type + " " + u.path + " " + u.acceptedPath).join() : "") + (p?.message ? " " + p.message : "")));
["vite:beforeUpdate", "vite:afterUpdate", "vite:beforePrune", "vite:beforeFullReload", "vite:error", "vite:invalidate", "vite:ws:connect", "vite:ws:disconnect", "devserver:afterUpdate"].forEach(seen);
const off = () => log.push("must not be called");
hot.on("off:test", off);
hot.off("off:test", off);
window.hot = hot;
-- plain.js --
(window.log ??= []).push("plain ran");
export {};
`

func TestHotAPI(t *testing.T) {
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(apiApp)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "api", Events: []plugin.Event{
			plugin.On("say", func(_ context.Context, c plugin.Client, in string) error { return c.Send("said", in) }),
			plugin.On("off:ask", func(_ context.Context, c plugin.Client, _ any) error { return c.Send("off:test", nil) }),
			plugin.Handle("add", func(_ context.Context, _ plugin.Client, in [2]int) (int, error) { return in[0] + in[1], nil }),
		}}}
	})
	p := s.Page(t, "/")
	logged := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			p.Wait(`log.includes(` + quoteJS(text) + `)`)
		}
	}
	logged("main ran", "self 1", "data 1", "list a1b1", "plain ran")

	// accept(): the old instance is disposed by all its callbacks, data stays, the callback is the old instance's.
	s.Edit("self.js", "version = 1", "version = 2")
	logged("dispose one of 1", "dispose two of 1", "self 2", "data 2", "kept from 1", "accepted by 1: value 2")
	s.Edit("self.js", "version = 2", "version = 3")
	logged("self 3", "data 3", "accepted by 2: value 3")

	// accept(dep): the owner does not run again and keeps its binding.
	s.Edit("dep.js", "dep 1", "dep 2")
	logged("dep is dep 2, binding is dep 1")
	if n := devtest.Eval[int](p, `log.filter((l) => l.startsWith("dep-owner ran")).length`); n != 1 {
		t.Errorf("the owner of an accepted dependency ran %d times", n)
	}

	// accept([deps]): the one that changed at its place.
	s.Edit("list-b.js", "b1", "b2")
	logged("list got nothing,b2")

	// accept through a wrapper counts, since it ran.
	s.Edit("aliased.js", "aliased 1", "aliased 2")
	logged("aliased 2", "accepted through a wrapper")

	// acceptExports: all that importers use is accepted.
	s.Edit("exports.js", "other = 1", "other = 2")
	logged("exports accepted")

	// invalidate: the importer's turn.
	s.Edit("inval-child.js", "child = 1", "child = 2")
	logged("parent sees 2")
	p.Wait(`events.some((e) => e.startsWith("vite:invalidate") && e.includes("child cannot take 2"))`)

	// prune: dispose first, then prune.
	s.Edit("prune-owner.js", `import "./pruned.js";`, "")
	logged("pruned disposed", "pruned pruned")

	// A linked stylesheet swaps.
	s.Edit("linked.css", "rgb(1, 1, 1)", "rgb(2, 2, 2)")
	p.WaitStyle("#text", "color", "rgb(2, 2, 2)")

	// Events: in Vite's shape, also behind a listener that throws; off takes a listener away; request has an answer.
	p.Wait(`events.includes("vite:beforeUpdate js-update /self.js /self.js") && events.includes("vite:afterUpdate js-update /dep-owner.js /dep.js") && events.includes("vite:beforePrune")`)
	p.Wait(`new Promise((done) => { hot.on("said", (d) => done(d === "hi")); hot.send("say", "hi"); })`)
	p.Wait(`hot.request("add", [2, 3]).then((sum) => sum === 5)`)
	p.Wait(`hot.request("nobody", 1).then(() => false, (e) => e.code === "unknown_event")`)
	p.Wait(`new Promise((done) => { hot.on("off:test", () => done(true)); hot.send("off:ask"); })`)
	if devtest.Eval[bool](p, `log.includes("must not be called")`) {
		t.Error("a listener was called after off")
	}
	p.NoReload()

	// A dead end reloads, and both sides say why.
	s.Edit("plain.js", "plain ran", "plain ran again")
	p.WaitReload(1)
	p.WaitConsole("plain.js")
	s.Log.Wait(t, "page reload (")
	if log := s.Log.String(); !strings.Contains(log, "/plain.js") {
		t.Errorf("the reason does not name the module:\n%s", log)
	}
}

// An accept in a branch that did not run is no accept: the page reloads instead of going stale.
func TestAcceptInABranchThatNeverRan(t *testing.T) {
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="/main.js"></script>
-- main.js --
document.querySelector("#text").textContent = "one";
if (window.never) import.meta.hot.accept();
`)))
	p := s.Page(t, "/")
	p.WaitText("#text", "one")
	s.Edit("main.js", `"one"`, `"two"`)
	p.WaitText("#text", "two")
	p.WaitReload(1)
}

// What is sent while the server is away arrives when it is back, in order and once, and nothing reloads.
func TestSendsWhileTheServerIsAway(t *testing.T) {
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
