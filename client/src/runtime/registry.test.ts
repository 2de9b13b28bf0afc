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
  await assert.rejects(load("nothing"), /Cannot find "nothing", imported by \/src\/main.js/); // an import map may know it
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

test("namespaces: one object for each module, sealed when it has run, with the live getters", async () => {
  const w = new World({
    "/main.js": `import * as ns from "./a"; export { ns }; export const again = import("./a"); note(String(Object.keys(ns)))`,
    "/a.js": `export let z = 1; export const a = 2; export const add = () => void z++; export * from "./b"`,
    "/b.js": `export const m = 3; export default 4`,
  });
  w.start("/main.js");
  const { ns, again } = w.exports("/main.js") as unknown as { ns: Record<string, unknown>; again: Promise<unknown> };
  assert.deepEqual(w.look(), ["a,add,m,z"]);
  assert.equal(await again, ns);
  assert.equal(w.registry.namespace("/a.js"), ns);
  assert.equal(Object.getPrototypeOf(ns), null);
  assert.ok(!Object.isExtensible(ns) && !("__esModule" in ns) && !("default" in ns));
  (ns["add"] as () => void)();
  assert.equal(ns["z"], 2);
});

test("namespaces in a circle get the names of stars that come later, and are sealed then", () => {
  const w = new World({
    "/main.js": `import "./a"`,
    "/a.js": `import * as b from "./b"; export * from "./c"; export const a = 1; note(b.keys(), b.sealed())`,
    "/b.js": `import * as ns from "./a"; note(String(Object.getOwnPropertyNames(ns)), Object.isExtensible(ns));
      try { Object.keys(ns) } catch (e) { note(e.name) } // it reads the value
      export const keys = () => Object.getOwnPropertyNames(ns).join(), sealed = () => !Object.isExtensible(ns)`,
    "/c.js": `export const c = 1`,
  });
  w.start("/main.js");
  assert.deepEqual(w.look(), ["a true", "ReferenceError", "a,c false"]);
  assert.ok(!Object.isExtensible(w.exports("/a.js")));
});

test("a namespace describes its names as values, which code can neither change nor delete", () => {
  const w = new World({
    "/main.js": `import * as ns from "./a";
      note(JSON.stringify(Object.getOwnPropertyDescriptor(ns, "n")), "n" in ns, "toString" in ns);
      ns.add();
      note(ns.n, Object.entries(ns).length, Object.prototype.toString.call(ns),
        Reflect.set(ns, "n", 5), Reflect.deleteProperty(ns, "n"), Reflect.defineProperty(ns, "m", { value: 1 }))`,
    "/a.js": `export let n = 1; export const add = () => { n++ }`,
  });
  w.start("/main.js");
  assert.deepEqual(w.look(), [
    '{"value":1,"writable":true,"enumerable":true,"configurable":false} true false',
    "2 2 [object Module] false false false",
  ]);
});

test("stars: own names win, one variable by two ways is one name, two things of one name are none", () => {
  const w = new World({
    "/main.js": `export * from "./a"; export * from "./b"; export * from "./c"; export const own = "own"`,
    "/a.js": `export * from "./shared"; export const twice = "a", own = "a", late = "a"; export { deep } from "./shared"`,
    "/b.js": `export * from "./shared"; export const twice = "b", own = "b"; export { deep } from "./shared"`,
    "/c.js": `export const twice = "c"`,
    "/shared.js": `export const shared = 1, deep = 2`,
  });
  w.start("/main.js");
  assert.deepEqual({ ...w.exports("/main.js") }, { deep: 2, late: "a", own: "own", shared: 1 });
});

test("stars of modules in a circle bring their names when the modules have run", () => {
  const w = new World({
    "/a.js": `export * from "./b"; export const a = 1`,
    "/b.js": `export * from "./a"; export * from "./c"; export const b = 2`,
    "/c.js": `export * from "./a"; export const c = 3`,
  });
  w.start("/a.js");
  for (const id of ["/a.js", "/b.js", "/c.js"]) assert.deepEqual({ ...w.exports(id) }, { a: 1, b: 2, c: 3 }, id);
});

test("CommonJS: names that come later, names of a Proxy, lists and what has no properties", () => {
  const w = new World({
    "/main.js": `import d, { late, add } from "./c.cjs"; import p, { any } from "./p.cjs"; import * as list from "./l.cjs"; import * as none from "./n.cjs";
      add(); note(late, d.late, any, p.x, Object.keys(list), Object.keys(none), none.default)`,
    "/c.cjs": `exports.add = () => { exports.late = "late" }`,
    "/p.cjs": `module.exports = new Proxy({}, { get: (_, key) => (key === "__esModule" ? undefined : typeof key) })`,
    "/l.cjs": `module.exports = ["x"]`,
    "/n.cjs": `module.exports = null`,
  });
  w.start("/main.js");
  assert.deepEqual(w.look(), ["late late string string default default null"]);
});

test("import() by Node's rule: the default export of CommonJS is module.exports", async () => {
  const w = new World({
    "/c.cjs": `exports.__esModule = true; exports.default = "babel"`,
    "/m.js": `export default 1`,
  });
  const load = (node: boolean) => {
    w.registry.definitions.define(
      `/main${node}.js`,
      "1",
      { "./c": "/c.cjs", "./m": "/m.js" },
      (module, exports, require, load) => {
        module.exports = Promise.all([load("./c"), load("./m")]);
      },
      { dynamic: ["./c", "./m"], node },
    );
    return w.start(`/main${node}.js`) as Promise<{ default: unknown }[]>;
  };
  assert.deepEqual(
    (await load(false)).map((m) => m.default),
    ["babel", 1],
  );
  assert.deepEqual(
    (await load(true)).map((m) => m.default),
    [{ __esModule: true, default: "babel" }, 1],
  );
});

test("a name that an ES module does not export is an error that names both files; CommonJS has no such errors", () => {
  const w = new World({ "/a.js": `export const a = 1`, "/c.cjs": `exports.a = 1` });
  const importer = (id: string, names: string[]): void =>
    w.registry.definitions.define(id, "1", { "./a": "/a.js", "./c": "/c.cjs" }, (module, exports, require) => {
      require("./c", names);
      require("./a", names);
    });
  importer("/fine.js", ["a"]);
  importer("/wrong.js", ["a", "b"]);
  w.start("/fine.js");
  assert.throws(() => w.start("/wrong.js"), {
    name: "SyntaxError",
    message: "The requested module '/a.js' does not provide an export named 'b', which /wrong.js imports",
  });
});

test("top-level await in a circle: the namespace that was given early gets the exports", async () => {
  const w = new World({
    "/main.js": `async:import "./a";\nawait 0`,
    "/a.js": `async:import "./b";\nawait 0; const out = {}; __export(out, { a: () => 1 }); module.exports = __toCommonJS(out);`,
    "/b.js": `import * as ns from "./a"; export const look = () => typeof ns.a`,
  });
  await w.start("/main.js");
  const look = w.exports("/b.js")["look"] as () => string;
  assert.equal(look(), "number");
});
