import assert from "node:assert/strict";
import { test } from "node:test";
import { World, type Files } from "../../testing/world.ts";

function run(files: Files, entry = "/main.js"): World {
  const w = new World(files);
  w.start(entry);
  w.look();
  return w;
}

test("self-update: before, dispose, body, accept of the old instance, after", async () => {
  const source = (n: number) => `
    note("body ${n}");
    export const n = ${n};
    const { hot } = import.meta;
    hot.accept((m) => note("accept ${n} gets", m.n));
    hot.dispose((data) => { data.from = ${n}; note("dispose ${n}") });
    hot.on("vite:beforeUpdate", (p) => note("before ${n}", p.updates[0].type, p.updates[0].path, p.updates[0].acceptedPath, p.updates[0].timestamp));
    hot.on("vite:afterUpdate", () => note("after ${n}"));
    note("data", hot.data.from);`;
  const w = run({ "/main.js": `import "./a"`, "/a.js": source(1) });
  await w.update({ "/a.js": source(2) });
  assert.deepEqual(w.look(), [
    "before 1 js-update /a.js /a.js 1000",
    "dispose 1",
    "body 2",
    "data 1",
    "accept 1 gets 2",
    "hot updated: /a.js",
    "after 2",
  ]);
  await w.update({ "/a.js": source(3) });
  assert.deepEqual(w.look(), [
    "before 2 js-update /a.js /a.js 2000",
    "dispose 2",
    "body 3",
    "data 2",
    "accept 2 gets 3",
    "hot updated: /a.js",
    "after 3",
  ]);
  assert.deepEqual(w.reports, [
    { seq: 1, kind: "updated", paths: ["/a.js"] },
    { seq: 2, kind: "updated", paths: ["/a.js"] },
  ]);
});

test("a module that is the same runs again only if the server says so", async () => {
  const same = `note("runs"); import.meta.hot.accept()`;
  const w = run({ "/main.js": `import "./a"`, "/a.js": same });
  await w.update({ "/a.js": same });
  assert.deepEqual(w.look(), []);
  await w.update({ "/a.js": same }, { again: ["/a.js"] });
  assert.deepEqual(w.look(), ["runs", "hot updated: /a.js"]);
});

test("a page that has stopped rendering reloads where it would take an update", async () => {
  const w = run({ "/main.js": `import "./a"`, "/a.js": `import.meta.hot.accept()` });
  w.stop = "Vue stopped rendering";
  await w.update({ "/other.js": `1` });
  assert.deepEqual(w.look(), []);
  await w.update({ "/a.js": `import.meta.hot.accept(); 2` });
  assert.deepEqual(w.look(), ["reload: Vue stopped rendering"]);
});

test("several accepts and several dispose callbacks all run, in order", async () => {
  const w = run({
    "/main.js": `import.meta.hot.accept(() => note("one")); import.meta.hot.accept(); import.meta.hot.accept(() => note("two")); import.meta.hot.dispose(() => note("d1")); import.meta.hot.dispose(() => note("d2"))`,
  });
  await w.update({ "/main.js": `note("new")` });
  assert.deepEqual(w.look(), ["d1", "d2", "new", "one", "two", "hot updated: /main.js"]);
});

test("an update waits for a module that is still starting, with the importers that wait for it", async () => {
  const w = new World({
    "/main.js": `import { n } from "./a"; note("main " + n)`,
    "/a.js": `async: $meta$.hot.accept(); exports.n = 1; await new Promise((go) => (globalThis.go = go)); note("a1")`,
  });
  const started = w.start("/main.js") as Promise<unknown>;
  const updated = w.update({ "/a.js": `async: $meta$.hot.accept(); exports.n = 2; await 0; note("a2")` });
  await new Promise((resolve) => setTimeout(resolve)); // the update has come
  assert.deepEqual(w.look(), []);
  (globalThis as unknown as { go(): void }).go();
  await Promise.all([started, updated]);
  assert.deepEqual(w.look(), ["a1", "main 1", "a2", "hot updated: /a.js"]);
});

test("an accept through an alias, a wrapper, or passed around counts", async () => {
  const w = run({
    "/main.js": `import { accept } from "./lib"; const meta = import.meta; accept(meta.hot); export const v = 1`,
    "/lib.js": `export function accept(hot) { hot.accept(() => note("accepted")) }`,
  });
  await w.update({ "/main.js": `export const v = 2` });
  assert.deepEqual(w.look(), ["accepted", "hot updated: /main.js"]);
});

test("an accept in a branch that never ran reloads, with the reason", async () => {
  const w = run({ "/main.js": `import "./a"`, "/a.js": `if (globalThis.never) import.meta.hot.accept()` });
  await w.update({ "/a.js": `note("new")` });
  assert.deepEqual(w.look(), ["reload: no boundary for /a.js: /a.js → /main.js"]);
  assert.deepEqual(w.reports, [
    {
      seq: 1,
      kind: "reloaded",
      paths: ["/a.js"],
      reason: "no boundary for /a.js: /a.js → /main.js",
      chain: ["/a.js", "/main.js"],
    },
  ]);
});

test("accepted dependency: the owner does not run again, its bindings stay, the dep is disposed", async () => {
  const w = run({
    "/main.js": `import { v } from "./dep"; note("main"); import.meta.hot.accept("./dep", (m) => note("gets", m.v, "has", v))`,
    "/dep.js": `export const v = 1; import.meta.hot.dispose(() => note("dispose dep"))`,
  });
  await w.update({ "/dep.js": `export const v = 2; note("dep 2")` });
  assert.deepEqual(w.look(), ["dispose dep", "dep 2", "gets 2 has 1", "hot updated: /dep.js via /main.js"]);
});

test("list of dependencies: one call per updated module, its slot filled", async () => {
  const w = run({
    "/main.js": `import "./a"; import "./b"; import.meta.hot.accept(["./a", "./b"], (mods) => note(mods.length, mods.map((m) => m?.v)))`,
    "/a.js": `export const v = "a1"`,
    "/b.js": `export const v = "b1"`,
  });
  await w.update({ "/a.js": `export const v = "a2"`, "/b.js": `export const v = "b2"` });
  assert.deepEqual(w.look(), ["2 a2,", "2 ,b2", "hot updated: /a.js via /main.js", "hot updated: /b.js via /main.js"]);
});

test("an accepted specifier may differ in form from the import; a wrong one is reported", async () => {
  const w = new World({
    "/main.js": `import "./a.js"; const { accept } = import.meta.hot; accept("./a", () => note("a")); accept("/b.js", () => {}); accept("./c", () => {})`,
    "/a.js": ``,
  });
  w.start("/main.js");
  assert.deepEqual(
    w.look().map((l) => l.slice(0, 40)),
    ['warn: /main.js: hot.accept("/b.js") has ', 'warn: /main.js: hot.accept("./c") has no'],
  );
  await w.update({ "/a.js": `note("new")` });
  assert.deepEqual(w.look(), ["new", "a", "hot updated: /a.js via /main.js"]);
});

test("modules between the change and the boundary run again, each once, and are disposed of", async () => {
  const w = run({
    "/main.js": `import "./page"; note("main")`,
    "/page.js": `import { x } from "./mid"; import { y } from "./util"; note("page", x, y); import.meta.hot.accept()`,
    "/mid.js": `import { y } from "./util"; export const x = y * 10; note("mid"); import.meta.hot.dispose(() => note("dispose mid"))`,
    "/util.js": `export const y = 1`,
  });
  await w.update({ "/util.js": `export const y = 2; note("util")` });
  assert.deepEqual(w.look(), ["dispose mid", "util", "mid", "page 20 2", "hot updated: /page.js"]);
});

test("two boundaries share the new instance of what both import", async () => {
  const w = run({
    "/main.js": `import "./a"; import "./b"`,
    "/a.js": `import { id } from "./c"; globalThis.ida = id; import.meta.hot.accept()`,
    "/b.js": `import { id } from "./c"; globalThis.idb = id; import.meta.hot.accept()`,
    "/c.js": `export const id = {}`,
  });
  await w.update({ "/c.js": `export const id = {}; note("c")` });
  assert.deepEqual(w.look(), ["c", "hot updated: /a.js", "hot updated: /b.js"]);
  const g = globalThis as Record<string, unknown>;
  assert.equal(g["ida"], g["idb"]);
});

test("a listener that throws stops neither the others nor the update", async () => {
  const w = run({
    "/main.js": `const h = import.meta.hot; h.accept(); h.on("vite:beforeUpdate", () => { throw new Error("x") }); h.on("vite:beforeUpdate", () => note("second")); h.on("devserver:afterUpdate", () => note("alias"))`,
  });
  await w.update({ "/main.js": `note("new"); import.meta.hot.on("devserver:afterUpdate", () => note("alias"))` });
  assert.deepEqual(w.look(), [
    `error: a listener of "vite:beforeUpdate" failed:`,
    "second",
    "new",
    "hot updated: /main.js",
    "alias",
  ]);
});

test("beforeUpdate listeners and dispose callbacks are awaited; accept callbacks that throw are contained", async () => {
  const w = run({
    "/main.js": `
    const h = import.meta.hot, wait = (what) => new Promise((r) => setTimeout(() => { note(what); r() }, 2));
    h.on("vite:beforeUpdate", () => wait("before")); h.dispose(() => wait("disposed"));
    h.accept(() => { throw new Error("cb") }); h.accept(() => note("second callback"));`,
  });
  await w.update({ "/main.js": `note("new")` });
  assert.deepEqual(w.look(), [
    "before",
    "disposed",
    "new",
    "error: an accept callback of /main.js failed:",
    "second callback",
    "hot updated: /main.js",
  ]);
});

test("a new version that throws: callbacks get undefined, the error shows, the old one keeps running and can be updated", async () => {
  const ok = (n: number) =>
    `export const n = ${n}; import.meta.hot.accept((m) => note("${n} gets", m?.n)); import.meta.hot.on("x", () => note("x ${n}"))`;
  const w = run({ "/main.js": `import "./a"`, "/a.js": ok(1) });
  await w.update({ "/a.js": `import.meta.hot.on("x", () => note("x bad")); throw new Error("oops")` });
  assert.deepEqual(w.look(), ["error: failed to update /a.js; the old version keeps running.", "1 gets undefined"]);
  assert.match(w.overlay!.message, /\/a\.js failed when it ran: oops/);
  assert.deepEqual(w.reports.at(-1), { seq: 1, kind: "failed", paths: ["/a.js"], reason: "oops" });
  await w.events.emit("x", undefined);
  assert.deepEqual(w.look(), ["x 1"]);
  await w.update({ "/a.js": ok(3) });
  assert.deepEqual(w.look(), ["1 gets 3", "hot updated: /a.js"]);
  assert.equal(w.overlay, undefined);
});

test("what failed is tried again with what it imports, not with every update", async () => {
  const w = run({
    "/main.js": `import "./a"; import "./other"`,
    "/a.js": `import.meta.hot.accept()`,
    "/b.js": `export const b = 1`,
    "/other.js": `import.meta.hot.accept()`,
  });
  await w.update({
    "/a.js": `import { b } from "./b"; if (b < 2) throw new Error("b is " + b); note("a runs with", b); import.meta.hot.accept()`,
  });
  w.look();
  await w.update({ "/other.js": `note("other")` });
  assert.deepEqual(w.look(), ["other", "hot updated: /other.js"]);
  await w.update({ "/b.js": `export const b = 2` });
  assert.deepEqual(w.look(), ["a runs with 2", "hot updated: /a.js"]);
});

test("back to the very version that ran before an error", async () => {
  const source = `export const n = 1; note("run"); import.meta.hot.accept()`;
  const w = run({ "/main.js": source });
  await w.update({ "/main.js": `throw new Error("oops")` });
  w.look();
  await w.update({ "/main.js": source });
  assert.deepEqual(w.look(), ["run", "hot updated: /main.js"]);
});

test("a module that failed because of its import runs when the import is fixed", async () => {
  const w = run({ "/main.js": `import "./a"`, "/a.js": `import.meta.hot.accept()` });
  await w.update({
    "/a.js": `import { x } from "./b"; import.meta.hot.accept(); note("a has", x)`,
    "/b.js": `throw new Error("b is bad")`,
  });
  assert.equal(w.look().length, 1);
  await w.update({ "/b.js": `export const x = 1` });
  assert.deepEqual(w.look(), ["a has 1", "hot updated: /a.js"]);
});

test("new code with an import that does not compile yet", async () => {
  const w = run({
    "/main.js": `import "./a"`,
    "/a.js": `import.meta.hot.accept((m) => note("gets", m)); import.meta.hot.dispose(() => note("dispose"))`,
  });
  w.files.set("/b.js", `note("b")`);
  w.broken.add("/b.js");
  await w.update({ "/a.js": `import "./b"; note("a2")` });
  assert.deepEqual(w.look(), ["error: failed to update /a.js; the old version keeps running.", "gets undefined"]);
  w.broken.delete("/b.js");
  await w.update({ "/b.js": `note("b")` });
  assert.deepEqual(w.look(), ["dispose", "b", "a2", "gets [object Object]", "hot updated: /a.js"]);
});

test("an update that brings what runs already does nothing", async () => {
  const w = run({ "/main.js": `import.meta.hot.accept(); note("run")` });
  await w.update({ "/main.js": w.files.get("/main.js")! });
  assert.deepEqual(w.look(), []);
});

test("modules that never ran get their new version when they are imported", async () => {
  const w = run({ "/main.js": `export const load = () => import("./lazy")`, "/lazy.js": `note("old")` });
  await w.update({ "/lazy.js": `note("new")` });
  await (w.exports("/main.js")["load"] as () => Promise<void>)();
  assert.deepEqual(w.look(), ["new"]);
  assert.equal(w.reports[0]!.kind, "nothing");
});

test("dynamic imports count as importers once they were made", async () => {
  const files = {
    "/main.js": `import "./a"; import.meta.hot.accept("./a", () => note("accepted")); export const load = () => import("./b")`,
    "/a.js": `import "./b"`,
    "/b.js": `note("b1")`,
  };
  let w = run(files);
  await w.update({ "/b.js": `note("b2")` });
  assert.deepEqual(w.look(), ["b2", "accepted", "hot updated: /a.js via /main.js"]);
  w = run(files);
  await (w.exports("/main.js")["load"] as () => Promise<void>)();
  await w.update({ "/b.js": `note("b2")` });
  assert.deepEqual(w.look(), ["reload: no boundary for /b.js: /b.js → /main.js"]);
});

test("a dynamic import after an update of who makes it gets the new version", async () => {
  const w = run({
    "/main.js": `globalThis.load = async () => (await import("./page")).text; import.meta.hot.accept()`,
    "/page.js": `import { part } from "./part"; export const text = "page 1 " + part; import.meta.hot.on("ping", () => note("ping 1"))`,
    "/part.js": `export const part = "part 1"`,
  });
  const load = (): Promise<string> => (globalThis as unknown as { load(): Promise<string> }).load();
  assert.equal(await load(), "page 1 part 1");
  await w.update({
    "/page.js": `import { part } from "./part"; export const text = "page 2 " + part; import.meta.hot.on("ping", () => note("ping 2"))`,
  });
  assert.equal(await load(), "page 2 part 1");
  await w.update({ "/part.js": `export const part = "part 2"` });
  await w.update({ "/part.js": `export const part = "part 3"` });
  assert.equal(await load(), "page 2 part 3");
  assert.equal(await load(), "page 2 part 3");
  w.look();
  await w.events.emit("ping", undefined);
  assert.deepEqual(w.look(), ["ping 2"]);
  // The module that imports it fails: the old page stays until both are fixed.
  await w.update({ "/main.js": `throw new Error("broken")`, "/page.js": `export const text = "page 4"` });
  assert.equal(await load(), "page 2 part 3");
  await w.update({
    "/main.js": `globalThis.load = async () => (await import("./page")).text; import.meta.hot.accept() // fixed`,
  });
  assert.equal(await load(), "page 4");
});

test("a module that is imported both statically and dynamically", async () => {
  const w = run({
    "/main.js": `import "./a"; export const load = () => import("./a"); import.meta.hot.accept("./a", () => note("accepted"))`,
    "/a.js": `note("a1")`,
  });
  await w.update({ "/a.js": `note("a2")` });
  assert.deepEqual(w.look(), ["a2", "accepted", "hot updated: /a.js via /main.js"]);
});

test("prune: dispose, then prune, data deleted, also what only the pruned module imported", async () => {
  const w = run({
    "/main.js": `import "./a"; import "./keep"; import.meta.hot.accept()`,
    "/a.js": `import "./b"; import "./keep"; const h = import.meta.hot; h.data.n = 1; h.dispose(() => note("dispose a")); h.prune((data) => note("prune a", data.n)); h.on("x", () => note("x"))`,
    "/b.js": `import.meta.hot.prune(() => note("prune b")); import.meta.hot.on("vite:beforePrune", (p) => note("before", p.paths))`,
    "/keep.js": `import.meta.hot.prune(() => note("never"))`,
  });
  await w.update({ "/main.js": `import "./keep"; import.meta.hot.accept(); note("main")` });
  assert.deepEqual(w.look(), [
    "main",
    "hot updated: /main.js",
    "before /a.js,/b.js",
    "dispose a",
    "prune a 1",
    "prune b",
  ]);
  await w.events.emit("x", undefined);
  await w.update({
    "/main.js": `import "./a"; import "./keep"; import.meta.hot.accept()`,
    "/a.js": `note("again", import.meta.hot.data.n)`,
  });
  assert.deepEqual(w.look(), ["again undefined", "hot updated: /main.js"]);
});

test("a module that moves to another importer is not pruned", async () => {
  const w = run({
    "/main.js": `import "./a"; import "./b"`,
    "/a.js": `import "./x"; import.meta.hot.accept()`,
    "/b.js": `import.meta.hot.accept()`,
    "/x.js": `note("x"); import.meta.hot.prune(() => note("pruned"))`,
  });
  await w.update({ "/a.js": `import.meta.hot.accept()`, "/b.js": `import "./x"; import.meta.hot.accept()` });
  assert.deepEqual(w.look(), ["hot updated: /a.js", "hot updated: /b.js"]);
});

test("a new import after an update is known as an importer", async () => {
  const w = run({ "/main.js": `import "./a"`, "/a.js": `import.meta.hot.accept()` });
  await w.update({ "/a.js": `import "./b"; import.meta.hot.accept()`, "/b.js": `note("b1")` });
  await w.update({ "/b.js": `note("b2")` });
  assert.deepEqual(w.look(), ["b1", "hot updated: /a.js", "b2", "hot updated: /a.js"]);
});

test("invalidate: the importer takes it, with the first module's name and the same timestamp", async () => {
  const w = run({
    "/main.js": `import "./p"`,
    "/p.js": `import { v } from "./a"; note("p", v); const h = import.meta.hot; h.accept(); h.on("vite:invalidate", (e) => note("invalidate", e.path, e.message, e.firstInvalidatedBy)); h.on("vite:beforeUpdate", (e) => note("before", e.updates[0].path, e.updates[0].firstInvalidatedBy, e.updates[0].timestamp))`,
    "/a.js": `export const v = 1; const { hot } = import.meta; hot.accept(() => { hot.invalidate("no"); note("goes on") })`,
  });
  await w.update({ "/a.js": `export const v = 2; note("a2")` });
  assert.deepEqual(w.look(), [
    "before /a.js undefined 1000",
    "a2",
    "invalidate /a.js no /a.js",
    "goes on",
    "hot updated: /a.js",
    "before /p.js /a.js 1000",
    "p 2",
    "hot updated: /p.js",
  ]);
  assert.deepEqual(w.sent, [["vite:invalidate", { path: "/a.js", message: "no", firstInvalidatedBy: "/a.js" }]]);
});

test("invalidate: an importer that accepts the module gets it, and the other importers run again", async () => {
  const w = run({
    "/main.js": `import "./a"; import "./p"; import.meta.hot.accept("./a", (a) => note("got", a.v))`,
    "/p.js": `import { v } from "./a"; note("p", v); import.meta.hot.accept()`,
    "/a.js": `export const v = 1; const { hot } = import.meta; hot.accept(() => hot.invalidate())`,
  });
  await w.update({ "/a.js": `export const v = 2; note("a2"); import.meta.hot.accept()` });
  const updated = ["hot updated: /a.js", "p 2", "got 2", "hot updated: /a.js via /main.js", "hot updated: /p.js"];
  assert.deepEqual(w.look(), ["a2", ...updated]);
});

test("invalidate in the new module's body works too; before any update it does nothing", async () => {
  const source = (n: number) => `import.meta.hot.accept(); note("a${n}"); import.meta.hot.invalidate()`;
  const w = run({ "/main.js": `import "./a"; import.meta.hot.accept(); note("main")`, "/a.js": source(1) });
  await w.queue.idle();
  assert.deepEqual(w.look(), []);
  await w.update({ "/a.js": source(2) });
  assert.deepEqual(w.look(), ["a2", "hot updated: /a.js", "main", "hot updated: /main.js"]);
});

test("invalidate without a taker reloads with the message", async () => {
  const w = run({
    "/main.js": `import "./a"`,
    "/a.js": `const { hot } = import.meta; hot.accept(() => hot.invalidate("cannot"))`,
  });
  await w.update({ "/a.js": `` });
  assert.deepEqual(w.look(), [
    "hot updated: /a.js",
    "reload: /a.js: cannot; no importer accepts /a.js: /a.js → /main.js",
  ]);
});

test("two modules that invalidate run their importer once", async () => {
  const bad = `const { hot } = import.meta; hot.accept(() => hot.invalidate())`;
  const w = run({
    "/main.js": `import "./a"; import "./b"; import.meta.hot.accept(); note("main")`,
    "/a.js": bad,
    "/b.js": bad,
  });
  await w.update({ "/a.js": `//2\n${bad}`, "/b.js": `//2\n${bad}` });
  assert.deepEqual(w.look(), ["hot updated: /a.js", "hot updated: /b.js", "main", "hot updated: /main.js"]);
});

test("invalidate in a cycle ends in a reload", async () => {
  const w = run({
    "/main.js": `import "./a"; import.meta.hot.accept()`,
    "/a.js": `import "./b"; const { hot } = import.meta; hot.accept(() => hot.invalidate())`,
    "/b.js": `import "./a"`,
  });
  await w.update({ "/a.js": `import "./b"; const { hot } = import.meta; hot.accept(() => hot.invalidate())//2` });
  assert.match(w.look().join(), /reload: \/a\.js was invalidated; \/a\.js imports itself through \/b\.js → \/a\.js/);
});

test("a circular boundary that cannot run again reloads", async () => {
  const w = run({
    "/main.js": `import "./a"`,
    "/a.js": `import { b } from "./b"; export const a = 1; import.meta.hot.accept()`,
    "/b.js": `import { a } from "./a"; export const b = 1`,
  });
  await w.update({ "/b.js": `import { a } from "./a"; export const b = a + 1` });
  assert.match(
    w.look().join(),
    /^reload: \/a\.js imports itself through others and could not run again: Cannot access/,
  );
});

test("a page whose entry failed reloads with the next change", async () => {
  const w = new World({ "/main.js": `import "./a"`, "/a.js": `import.meta.hot.accept(); throw new Error("x")` });
  assert.throws(() => w.start("/main.js"));
  await w.update({ "/a.js": `` });
  assert.deepEqual(w.look(), ["reload: /main.js failed when it ran"]);
});

/** A page whose `app` tried to import two modules that are broken. */
async function refused(main: string, app: string): Promise<World> {
  const w = new World(
    { "/main.js": main, "/app.js": app, "/x.js": `import "./dep"`, "/dep.js": ``, "/y.js": `` },
    {
      lazy: ["/x.js", "/dep.js", "/y.js"],
    },
  );
  w.broken.add("/dep.js").add("/y.js");
  w.start("/main.js");
  await new Promise(setImmediate);
  return w;
}

const tries = `for (const load of [() => import("./x"), () => import("./y")]) load().then(() => note("got"), () => note("refused"));`;

test("a failed import(): each fix is an update of its importer, once", async () => {
  const w = await refused(`import "./app"`, `${tries} import.meta.hot.accept(); note("app")`);
  assert.deepEqual(w.look(), ["app", "refused", "refused"]);
  await w.update({ "/y.js": `1` });
  assert.deepEqual(w.look(), []);
  w.broken.delete("/dep.js");
  await w.update({ "/dep.js": `` });
  await new Promise(setImmediate);
  assert.deepEqual(w.look(), ["app", "hot updated: /app.js", "got", "refused"]);
  w.broken.delete("/y.js");
  await w.updater.retry(); // the server says that an error is fixed, and sends no update
  await new Promise(setImmediate);
  assert.deepEqual(w.look(), ["app", "hot updated: /app.js", "got", "got"]);
  await w.updater.retry();
  assert.deepEqual(w.look(), []);
});

test("a failed import() without a boundary: the page reloads, once", async () => {
  const w = await refused(`import "./app"`, tries);
  w.look();
  w.broken.clear();
  await w.update({ "/y.js": ``, "/dep.js": `` });
  await w.updater.retry(); // the message that all is fixed follows
  assert.deepEqual(w.look(), ["reload: /x.js is fixed, and its import() had failed"]);
  assert.equal(w.reports.length, 1);
});

test("a failed import() that succeeded later, or whose importer ran again without it, needs no fix", async () => {
  const w = await refused(
    `import "./app"; globalThis.again = () => import("./y").then(() => note("got"))`,
    `${tries} import.meta.hot.accept();`,
  );
  w.broken.delete("/y.js"); // the server has it, and the update is on its way
  await (globalThis as unknown as { again(): Promise<void> }).again();
  w.look();
  await w.update({ "/y.js": `` });
  assert.deepEqual(w.look(), []);
  await w.update({ "/app.js": `import.meta.hot.accept()` });
  w.look();
  w.broken.clear();
  await w.update({ "/y.js": ``, "/dep.js": `` });
  assert.deepEqual(w.look(), []);
  assert.equal(w.reports.at(-1)!.kind, "nothing");
});

test("linked stylesheets", async () => {
  const w = run({
    "/main.js": `import.meta.hot.on("vite:beforeUpdate", (p) => note(p.updates[0].type, p.updates[0].path))`,
  });
  await w.update({}, { css: ["/style.css"] });
  assert.deepEqual(w.look(), ["css-update /style.css", "css hot updated: /style.css"]);
  assert.deepEqual(w.reports, [{ seq: 1, kind: "updated", paths: ["/style.css"] }]);
});

test("top-level await in an update", async () => {
  const w = run({
    "/main.js": `import "./a"`,
    "/a.js": `import "./t"; import.meta.hot.accept(); note("a")`,
    "/t.js": `note("t1")`,
  });
  await w.update({ "/t.js": `async:note("t2"); await null; note("t2 ends")` });
  assert.deepEqual(w.look(), ["t2", "t2 ends", "a", "hot updated: /a.js"]);
  await w.update({ "/a.js": `import "./t"; import.meta.hot.accept(); note("a3")` });
  assert.deepEqual(w.look(), ["a3", "hot updated: /a.js"]);
});

test("a worker's change reloads pages that use it", async () => {
  const w = run({ "/main.js": `export const f = () => import("./w")`, "/w.js": `` });
  await w.update({ "/w.js": `1` }, { workers: { "/w.js": "/w.js" } });
  await w.update({ "/n.js": `1` }, { workers: { "/v.js": "/m.js", "/w.js": "/n.js" } });
  assert.deepEqual(w.look(), ["reload: the worker /w.js changed", "reload: /n.js changed in the worker /w.js"]);
});

test("full-reload: only at the page's own path, and for a module that the page needs", async () => {
  const w = run({ "/main.js": `import.meta.hot.on("vite:beforeFullReload", (p) => note("before", p.path))` });
  await w.updater.reload({ type: "full-reload", path: "/there.html", reason: "r" });
  await w.updater.reload({ type: "full-reload", path: "/there", reason: "r" });
  assert.deepEqual(w.look(), []);
  await w.updater.reload({ type: "full-reload", path: "/here.html", reason: "r" });
  await w.updater.reload({ type: "full-reload", path: "*", reason: "all" });
  await w.updater.reload({ type: "full-reload" });
  assert.deepEqual(w.look(), [
    "before /here.html",
    "reload: r",
    "before *",
    "reload: all",
    "before undefined",
    "reload: the server asked for it",
  ]);
  await w.updater.reload({ type: "full-reload", module: "/other.js", reason: "r" });
  assert.deepEqual(w.look(), []);
  await w.updater.reload({ type: "full-reload", module: "/main.js", reason: "r" });
  assert.deepEqual(w.look(), ["before undefined", "reload: r"]);
});

test("update in 10,000 modules costs what changed", async () => {
  const files: Files = { "/main.js": Array.from({ length: 100 }, (_, i) => `import "./m${i}_0"`).join(";") };
  for (let i = 0; i < 100; i++)
    for (let j = 0; j < 20; j++)
      files[`/m${i}_${j}.js`] =
        (j < 19 ? `import "./m${i}_${j + 1}";` : "") +
        (j === 0 ? "import.meta.hot.accept();" : "") +
        `export const x = 1`;
  const w = run(files);
  await w.update({ "/m5_19.js": `export const x = 2` });
  assert.deepEqual(w.look(), ["hot updated: /m5_0.js"]);
});
