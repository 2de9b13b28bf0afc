import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "../../testing/world.ts";
import { Answers } from "../socket/answers.ts";
import type { Logger } from "../socket/logger.ts";
import { HotError } from "../socket/request.ts";
import { Events } from "./events.ts";
import { HotStore, type HotHost } from "./hot.ts";
import { stillContext } from "./still.ts";

function host(): HotHost & { lines: string[] } {
  const lines: string[] = [];
  const write = (...args: unknown[]): void => void lines.push(args.map(String).join(" "));
  const log: Logger = { debug: write, log: write, warn: write, error: write };
  return {
    lines,
    log,
    events: new Events(log),
    answers: new Answers(log),
    send: (event, data) => write("send", event, JSON.stringify(data)),
    request: (event, data, { signal }) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
    resolve: (owner, spec) => (spec === "./dep" ? "/dep.js" : undefined),
    invalidate: (owner, message) => write("invalidate", owner, message),
  };
}

test("on: all listeners, the same one twice; off removes every registration, page-wide", async () => {
  const h = host();
  const store = new HotStore(h);
  const a = store.create("/a.js").context;
  const b = store.create("/b.js").context;
  let n = 0;
  const fn = (): void => void n++;
  a.on("x", fn);
  a.on("x", fn);
  b.on("x", fn);
  await h.events.emit("x", 1);
  assert.equal(n, 3);
  b.off("x", fn);
  b.off("x", () => {});
  await h.events.emit("x", 1);
  assert.equal(n, 3);
});

test("on: listeners end when the owner runs again", async () => {
  const h = host();
  const store = new HotStore(h);
  let n = 0;
  store.create("/a.js").context.on("x", () => void n++);
  store.create("/b.js").context.on("x", () => void n++);
  store.create("/a.js");
  await h.events.emit("x", undefined);
  assert.equal(n, 1);
});

test("send: promises of listeners are not awaited, and failures are told", async () => {
  const h = host();
  const seen: string[] = [];
  h.events.on("x", async () => {
    await new Promise((resolve) => h.events.on("y", resolve));
    seen.push("y came");
    throw new Error("later");
  });
  h.events.on("x", () => {
    throw new Error("now");
  });
  h.events.on("x", () => void seen.push("x came"));
  h.events.send("x", 1);
  h.events.send("y", 1);
  await new Promise((r) => setImmediate(r));
  assert.deepEqual(seen, ["x came", "y came"]);
  assert.deepEqual(h.lines, [
    '[devserver] a listener of "x" failed: Error: now',
    '[devserver] a listener of "x" failed: Error: later',
  ]);
});

test("devserver: names are aliases of built-in events only", async () => {
  const h = host();
  const seen: string[] = [];
  h.events.on("devserver:error", () => void seen.push("alias"));
  h.events.on("vite:error", () => void seen.push("name"));
  h.events.on("devserver:plugins:reloaded", () => void seen.push("own"));
  await h.events.emit("vite:error", {});
  await h.events.emit("devserver:plugins:reloaded", {});
  assert.deepEqual(seen, ["alias", "name", "own"]);
});

test("a listener may remove others while it runs", async () => {
  const h = host();
  const context = new HotStore(h).create("/a.js").context;
  const seen: string[] = [];
  const second = (): void => void seen.push("second");
  context.on("x", () => context.off("x", second));
  context.on("x", second);
  await h.events.emit("x", undefined);
  await h.events.emit("x", undefined);
  assert.deepEqual(seen, ["second"]);
});

test("data stays over runs and goes with prune", () => {
  const store = new HotStore(host());
  const { data } = store.create("/a.js").context;
  data["n"] = 1;
  assert.equal(store.create("/a.js").context.data, data);
  store.forget("/a.js");
  assert.deepEqual(store.create("/a.js").context.data, {});
});

test("dispose: all callbacks once with data; prune callbacks stay until others replace them", async () => {
  const store = new HotStore(host());
  const seen: string[] = [];
  const first = store.create("/a.js");
  first.context.data["n"] = 5;
  first.context.dispose((data) => void seen.push(`one ${String(data["n"])}`));
  first.context.dispose(() => {
    throw new Error("contained");
  });
  first.context.dispose(() => void seen.push("three"));
  first.context.prune(() => void seen.push("prune 1"));
  await first.dispose();
  await first.dispose();
  assert.deepEqual(seen.splice(0), ["one 5", "three"]);
  const second = store.create("/a.js");
  await second.prune();
  assert.deepEqual(seen.splice(0), ["prune 1"]);
  const third = store.create("/a.js");
  third.context.prune(() => void seen.push("prune 3a"));
  third.context.prune(() => void seen.push("prune 3b"));
  await third.prune();
  assert.deepEqual(seen, ["prune 3a", "prune 3b"]);
});

test("members work when they are taken off the context; decline does nothing", () => {
  const h = host();
  const store = new HotStore(h);
  const state = store.create("/a.js");
  const { accept, send, decline, invalidate } = state.context;
  accept();
  send("x", { a: 1 });
  send("y");
  decline();
  invalidate("why");
  assert.ok(state.selfAccepting);
  assert.deepEqual(h.lines, ['send x {"a":1}', "send y undefined", "invalidate /a.js why"]);
});

test("request: rejected when the module is replaced, or by the caller's signal", async () => {
  const store = new HotStore(host());
  const state = store.create("/a.js");
  const one = state.context.request("x");
  const stop = new AbortController();
  const two = state.context.request("x", undefined, { signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(two, /enough/);
  await state.dispose();
  await assert.rejects(one, (e) => e instanceof HotError && e.code === "disposed");
});

test("contexts that third-party code makes for itself", async () => {
  const w = new World({ "/main.js": `` });
  w.start("/main.js");
  const context = w.hot.create("virtual:x").context;
  let n = 0;
  context.on("x", () => void n++);
  await w.events.emit("x", undefined);
  w.hot.create("virtual:x");
  await w.events.emit("x", undefined);
  assert.equal(n, 1);
});

test("handle: the handler goes with its module, and comes back when the update fails", async () => {
  const { signal } = new AbortController();
  const call = (w: World): Promise<unknown> =>
    w.answers.call("x", undefined, signal).catch((error: HotError) => error.code);
  const source = (n: number | string) => `import.meta.hot.accept(); import.meta.hot.handle("x", () => ${n});`;
  const w = new World({ "/main.js": `import "./a"`, "/a.js": source(1) });
  w.start("/main.js");
  assert.equal(await call(w), 1);
  const during: unknown[] = [];
  w.hot.state("/a.js")!.onDispose(() => void during.push(w.answers.has("x")));
  await w.update({ "/a.js": source(2) });
  assert.deepEqual(during, [false], "it does not answer while it is replaced");
  assert.equal(await call(w), 2);
  await w.update({ "/a.js": source(3) + `throw new Error("no")` });
  assert.equal(await call(w), 2, "the old version keeps running");
  await w.update({ "/a.js": `import.meta.hot.accept()` });
  assert.equal(await call(w), "unknown_event");
  await w.update({ "/a.js": source(4) });
  assert.equal(await call(w), 4);
  await w.update({ "/main.js": `import.meta.hot.accept()`, "/a.js": null });
  assert.equal(await call(w), 4, "a page that must reload runs on until then");
});

test("handle: a module that nothing imports any more does not answer", async () => {
  const w = new World({
    "/main.js": `import "./a"; import.meta.hot.accept()`,
    "/a.js": `import.meta.hot.handle("x", () => 1); import.meta.hot.prune(() => note("pruned"))`,
  });
  w.start("/main.js");
  assert.equal(w.answers.has("x"), true);
  await w.update({ "/main.js": `import.meta.hot.accept()` });
  assert.equal(w.answers.has("x"), false);
});

test("handle: a handler may move from module to module in one edit", async () => {
  const w = new World({
    "/main.js": `import "./a"; import "./b"; import.meta.hot.accept()`,
    "/a.js": `import.meta.hot.handle("x", () => "a")`,
    "/b.js": ``,
  });
  w.start("/main.js");
  await w.update({ "/a.js": ``, "/b.js": `import.meta.hot.handle("x", () => "b")` });
  assert.deepEqual(w.errors, []);
  assert.equal(await w.answers.call("x", undefined, new AbortController().signal), "b");
});

test("handle: a worker says that nobody asks it", (t) => {
  const lines: unknown[] = [];
  t.mock.method(console, "warn", (line: unknown) => lines.push(line));
  stillContext().handle("x", () => 1)();
  assert.deepEqual(lines, ['[devserver] import.meta.hot.handle("x") has no effect in a worker; use it in the page']);
});
