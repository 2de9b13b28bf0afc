import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "../../testing/world.ts";
import { helpers } from "./helpers.ts";

test("modules run once, in the order of the imports", () => {
  const w = new World({
    "/main.js": `import "./a"; import "./b"; note("main")`,
    "/a.js": `import "./c"; note("a")`,
    "/b.js": `import "./c"; note("b")`,
    "/c.js": `note("c")`,
  });
  w.start("/main.js");
  assert.deepEqual(w.look(), ["c", "a", "b", "main"]);
});

test("bindings are live", () => {
  const w = new World({
    "/main.js": `import { n, add } from "./a"; add(); export const seen = () => n;`,
    "/a.js": `export let n = 1; export function add() { n++ }`,
  });
  w.start("/main.js");
  assert.equal((w.exports("/main.js")["seen"] as () => number)(), 2);
});

test("circular imports see hoisted functions and throw in the dead zone", () => {
  const w = new World({
    "/main.js": `import "./a"`,
    "/a.js": `import { b } from "./b"; export function fa() { return "fa" } export const ca = "ca"; note("a", b())`,
    "/b.js": `import { fa, ca } from "./a"; try { ca } catch (e) { note(e.name) } export function b() { return fa() + ca } note("b", fa())`,
  });
  w.start("/main.js");
  assert.deepEqual(w.look(), ["ReferenceError", "b fa", "a faca"]);
});

test("CommonJS: default and names, one namespace for all importers, this, and primitives", () => {
  const w = new World({
    "/main.js": `import d, { x } from "./c.cjs"; import * as ns from "./c.cjs"; import n from "./n.cjs"; note(x, d.x, ns.x, ns.default === d, n)`,
    "/c.cjs": `this.x = 1; exports.y = 2`,
    "/n.cjs": `module.exports = 7`,
  });
  w.start("/main.js");
  assert.deepEqual(w.look(), ["1 1 1 true 7"]);
});

test("an import that leads nowhere says who wanted what, and can be caught", () => {
  const w = new World({ "/main.js": `try { require("missing") } catch (e) { note(e.code, e.message) }` });
  w.registry.definitions.define("/x.js", "1", { "./y": "/y.js" }, (module, exports, require) => void require("./y"));
  w.registry.definitions.define("/z.js", "1", {}, (module, exports, require) => void require("constructor"));
  assert.throws(() => w.start("/x.js"), /\/y\.js is not loaded \(imported by \/x\.js\)/);
  assert.throws(() => w.start("/z.js"), /Cannot find "constructor", imported by \/z\.js/);
});

test("a module that threw throws the same error again", () => {
  const w = new World({
    "/a.js": `import "./b"`,
    "/b.js": `note("b"); throw new Error("no")`,
    "/c.js": `import "./b"`,
  });
  assert.throws(() => w.start("/a.js"), /no/);
  assert.throws(() => w.start("/c.js"), /no/);
  assert.deepEqual(w.look(), ["b"]);
});

test("dynamic import of what is here needs no pack", async () => {
  const w = new World({
    "/main.js": `export const p = import("./a")`,
    "/a.js": `export const x = 1; export default 2`,
  });
  w.start("/main.js");
  assert.deepEqual({ ...((await w.exports("/main.js")["p"]) as object) }, { x: 1, default: 2 });
  assert.deepEqual(w.packs, []);
});

test("dynamic import fetches a pack and names what the page has", async () => {
  const w = new World(
    { "/main.js": `export const load = () => import("./a")`, "/a.js": `export const x = 1` },
    { lazy: ["/a.js"] },
  );
  w.start("/main.js");
  const load = w.exports("/main.js")["load"] as () => Promise<{ x: number }>;
  assert.equal((await load()).x, 1);
  await load();
  assert.deepEqual(w.packs, ["/a.js have /main.js"]);
});

test("a pack that lacks modules is completed", async () => {
  const w = new World(
    {
      "/main.js": `export const load = () => import("./a")`,
      "/a.js": `import { x } from "./b"; note(x)`,
      "/b.js": `export const x = 1`,
    },
    { lazy: ["/a.js", "/b.js"] },
  );
  w.start("/main.js");
  w.broken.add("/b.js");
  const load = w.exports("/main.js")["load"] as () => Promise<unknown>;
  await assert.rejects(load(), /The server has no \/b\.js/);
  w.broken.clear();
  await load();
  assert.deepEqual(w.look(), ["1"]);
});

test("dynamic import of an address: other sites are left to the browser, modules of the app are the same ones", async () => {
  const w = new World(
    { "/src/main.js": `export const load = (x) => import(x)`, "/src/it is.js": `export const n = 1` },
    { lazy: ["/src/it is.js"] },
  );
  w.start("/src/main.js");
  const load = w.exports("/src/main.js")["load"] as (url: string) => Promise<unknown>;
  assert.deepEqual(await load("https://esm.sh/x"), { url: "https://esm.sh/x" });
  await assert.rejects(load("./nothing.js"), /nothing.js/);
  await assert.rejects(load("nothing"), /Failed to resolve module specifier 'nothing'/); // an import map may know it
  assert.equal(await load("./it is.js"), await load("/src/it is.js"));
  assert.deepEqual([...w.registry.importers.of("/src/it is.js")], ["/src/main.js"]);
});

test("top-level await: dependents wait, siblings run concurrently, the others do not wait", async () => {
  const w = new World({
    "/main.js": `import "./slow"; import "./fast"; import "./sync"; note("main")`,
    "/slow.js": `async:note("slow starts"); await new Promise((r) => setTimeout(r, 5)); note("slow ends")`,
    "/fast.js": `async:note("fast starts"); await null; note("fast ends")`,
    "/sync.js": `note("sync")`,
  });
  const done = w.start("/main.js");
  assert.deepEqual(w.look(), ["slow starts", "fast starts", "sync"]);
  await done;
  assert.deepEqual(w.look(), ["fast ends", "slow ends", "main"]);
});

test("top-level await: exports can be read after it, also by those who import later", async () => {
  const w = new World({
    "/main.js": `import { x } from "./a"; note(x)`,
    "/a.js": `async:Object.defineProperty(exports, "__esModule", {value: true}); exports.x = await Promise.resolve(5)`,
    "/later.js": `import { x } from "./a"; note("later", x)`,
  });
  await w.start("/main.js");
  const later = w.start("/later.js");
  assert.ok(!(later instanceof Promise), "nothing is pending any more, so it is synchronous");
  assert.deepEqual(w.look(), ["5", "later 5"]);
});

test("top-level await: a rejection reaches everyone who depends on it", async () => {
  const w = new World({
    "/main.js": `import "./mid"; note("main")`,
    "/mid.js": `import "./a"; note("mid")`,
    "/a.js": `async:await null; throw new Error("late")`,
    "/other.js": `import "./a"; note("other")`,
  });
  await assert.rejects(w.start("/main.js") as Promise<unknown>, /late/);
  assert.throws(() => w.start("/other.js"), /late/);
  assert.deepEqual(w.look(), []);
});

test("top-level await in a cycle", async () => {
  const w = new World({
    "/main.js": `import "./a"; note("main")`,
    "/a.js": `import { b } from "./b"; export const a = "a"; note("a", b())`,
    "/b.js": `import { a } from "./a"; import "./t"; export const b = () => "b" + a; note("b")`,
    "/t.js": `async:note("t"); await null; note("t ends")`,
  });
  await w.start("/main.js");
  assert.deepEqual(w.look(), ["t", "t ends", "b", "a ba", "main"]);
});

test("top-level await: two entries share what is pending", async () => {
  const w = new World({
    "/one.js": `import "./t"; note("one")`,
    "/two.js": `import "./t"; note("two")`,
    "/t.js": `async:note("t"); await null`,
  });
  await Promise.all([w.start("/one.js"), w.start("/two.js")]);
  assert.deepEqual(w.look(), ["t", "one", "two"]);
});

test("top-level await: a module cannot be required synchronously before it has run", () => {
  const w = new World({ "/t.js": `async:await null` });
  w.registry.definitions.define("/main.js", "1", { "./t": "/t.js" }, (m, e, require) => void require("./t"), {
    dynamic: ["./t"],
  });
  assert.throws(() => w.start("/main.js"), /\/t\.js uses top-level await: \/main\.js cannot require it synchronously/);
});

test("lazy barrels: imports are added without a new definition", () => {
  const w = new World({ "/a.js": `export const a = 1` });
  w.registry.definitions.define("/barrel.js", "1", {}, (m, e, require) => {
    let a: { a: number };
    const out = {};
    helpers.__export(out, { a: () => (a ??= require("./a") as { a: number }).a });
    m.exports = helpers.__toCommonJS(out);
  });
  const barrel = w.start("/barrel.js") as { a: number };
  assert.throws(() => barrel.a, /Cannot find ".\/a"/);
  w.registry.definitions.deps("/barrel.js", { "./a": "/a.js" });
  assert.equal(barrel.a, 1);
  assert.deepEqual(w.registry.missing(["/barrel.js"]), []);
  // Another entry of the page takes another name.
  w.registry.definitions.define("/barrel.js", "1", { "./b": "/b.js" }, () => {});
  assert.deepEqual(w.registry.missing(["/barrel.js"]), ["/b.js"], "a barrel that has run still says what it lacks");
});

test("helpers: Node's reading of a default import", () => {
  const esm = helpers.__toCommonJS({ default: 1 });
  const babel = Object.defineProperty({ default: 1 }, "__esModule", { value: true });
  assert.equal((helpers.__toESM(babel) as { default: unknown }).default, 1);
  assert.equal((helpers.__toMJS(babel) as { default: unknown }).default, babel);
  assert.equal((helpers.__asMJS(babel) as { default: unknown }).default, babel);
  assert.equal(helpers.__toMJS(esm), esm);
  assert.equal(helpers.__asMJS(esm), helpers.__asESM(esm));
  assert.equal(helpers.__toESM(babel), babel);
  assert.deepEqual({ ...helpers.__toESM(null) }, { default: null });
});

test("import.meta: url, env, resolve", () => {
  const w = new World({
    "/src/a b.js": `note(import.meta.url, import.meta.env.MODE, import.meta.resolve("./x.png")); const { hot } = import.meta; note(typeof hot.accept)`,
  });
  w.start("/src/a b.js");
  assert.deepEqual(w.look(), ["http://localhost:5173/src/a%20b.js test http://localhost:5173/src/x.png", "function"]);
});

test("a page needs what runs, what that imports, and the dynamic imports that ran", async () => {
  const w = new World(
    {
      "/main.js": `import "./a"; export const load = () => import("./lazy"); export const other = () => import("./other")`,
      "/a.js": ``,
      "/lazy.js": `import "./deep"`,
      "/other.js": ``,
    },
    { lazy: ["/lazy.js", "/other.js"] },
  );
  w.start("/main.js");
  assert.deepEqual([...w.registry.needed([])].sort(), ["/a.js", "/main.js"]);
  const load = w.exports("/main.js")["load"] as () => Promise<unknown>;
  await assert.rejects(load()); // the server cannot make what it imports
  assert.deepEqual([...w.registry.needed(["/waits.js"])].sort(), [
    "/a.js",
    "/deep",
    "/lazy.js",
    "/main.js",
    "/waits.js",
  ]);
});
