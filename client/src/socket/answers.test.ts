import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeServer, FakeTimers } from "../../testing/server.ts";
import { openConnection } from "../api/connect.ts";
import { Answers } from "./answers.ts";
import type { ReplyPayload } from "./payload.ts";

const { signal } = new AbortController();

function answers() {
  const lines: string[] = [];
  const all = new Answers({ error: (...args: unknown[]) => void lines.push(args.map(String).join(" ")) });
  const owner = (name: string) => ({ name, answers: true });
  const call = (event: string): Promise<unknown> =>
    all
      .call(event, undefined, signal)
      .catch((error: { code?: string; message: string }) => `${error.code}: ${error.message}`);
  return { all, lines, owner, call };
}

test("a name has one handler: the first that answers, and the console names both", async () => {
  const { all, lines, owner, call } = answers();
  const a = owner("/a.js");
  const b = owner("/b.js");
  all.handle("x", () => "a", {}, a);
  all.handle("x", () => "a again", {}, a);
  all.handle("x", () => "b", {}, b);
  assert.equal(await call("x"), "a again");
  assert.deepEqual(lines, [
    '[devserver] /b.js: handle("x") waits: /a.js answers requests of this name already, until it stops',
  ]);
  a.answers = false; // it is being replaced
  assert.equal(await call("x"), "b");
  a.answers = true;
  all.drop(a);
  assert.equal(await call("x"), "b");
  all.drop(b);
  assert.equal(all.has("x"), false);
});

test("a handler ends by its own function only", async () => {
  const { all, owner, call } = answers();
  const a = owner("/a.js");
  const off = all.handle("x", () => 1, {}, a);
  all.handle("x", () => 2, {}, a);
  off(); // its handler was replaced already
  assert.equal(await call("x"), 2);
  all.handle("y", () => 3, {}, a)();
  assert.match(
    String(await call("y")),
    /^unknown_event: no module of the page handles requests "y"; the page handles "x"$/,
  );
  all.drop(a);
  off();
  assert.match(String(await call("x")), /the page handles no requests$/);
});

test("names of devserver are the client's own", async () => {
  const { all, lines, owner, call } = answers();
  all.handle("devserver:page", () => "app", {}, owner("/a.js"));
  all.handle("", () => "", {}, owner("/a.js"));
  all.handle("x", undefined as never, {}, owner("/a.js"));
  assert.equal(lines.length, 3);
  assert.match(lines[0]!, /^\[devserver\] \/a\.js: handle\("devserver:page"\) has no effect/);
  assert.equal(all.has("devserver:page"), false);
  all.handlePrefix("devserver:", (event, data) => [event, data]);
  assert.deepEqual(await call("devserver:page"), ["devserver:page", undefined]);
  assert.deepEqual(all.list(), [], "they are not the page's");
});

test("the list has what answers now, with descriptions", () => {
  const { all, owner } = answers();
  const gone = owner("/gone.js");
  all.handle("b", () => 1, { description: "Says b" }, owner("/b.js"));
  all.handle("a", () => 1, {}, owner("/a.js"));
  all.handle("c", () => 1, {}, gone);
  gone.answers = false;
  assert.deepEqual(all.list(), [{ event: "a" }, { event: "b", description: "Says b" }]);
});

function connected() {
  const server = new FakeServer();
  const timers = new FakeTimers();
  const lines: string[] = [];
  const write = (line: unknown): void => void lines.push(String(line));
  const connection = openConnection({
    url: "http://localhost/socket",
    open: (url) => server.open(Object.fromEntries(url.searchParams)),
    timers,
    log: { debug: write, log: write, warn: write, error: write },
  });
  server.accept();
  server.carry();
  const replies = () => server.got.filter((f) => f.type === "reply") as ReplyPayload[];
  const ask = async (id: number, event: string, data?: unknown): Promise<ReplyPayload | undefined> => {
    server.send({ type: "request", id, event, data });
    server.carry();
    await settled();
    server.carry();
    return replies().find((f) => f.id === id);
  };
  return { server, timers, connection, replies, ask, lines };
}

const settled = (): Promise<void> => new Promise((r) => setImmediate(r));

test("answers: values, errors of every kind, and what cannot be sent", async () => {
  const { server, connection, ask, lines } = connected();
  server.greeting = { maxMessage: 1000 };
  const failing = (error: unknown) => () => Promise.reject(error);
  const circular: Record<string, unknown> = {};
  circular["itself"] = circular;
  const cases: Record<string, [() => unknown, unknown]> = {
    value: [() => ({ a: 1 }), { data: { a: 1 } }],
    promise: [async () => 2, { data: 2 }],
    nothing: [() => undefined, {}],
    null: [() => null, { data: null }],
    throws: [failing(new Error("no")), { error: { code: "handler_error", message: "no" } }],
    coded: [
      failing(Object.assign(new Error("no"), { code: "mine", path: "a.b" })),
      { error: { code: "mine", message: "no", path: "a.b" } },
    ],
    numbered: [failing(new DOMException("no", "AbortError")), { error: { code: "handler_error", message: "no" } }],
    text: [failing("no"), { error: { code: "handler_error", message: "no" } }],
    undefined: [failing(undefined), { error: { code: "handler_error", message: "undefined" } }],
    bare: [failing(Object.create(null)), { error: { code: "handler_error", message: "an error that has no text" } }],
    long: [failing(new Error("x".repeat(1 << 20))), { error: { code: "handler_error", message: "x".repeat(10_000) } }],
    function: [
      () => () => {},
      { error: { code: "bad_answer", message: "the answer cannot be JSON: it is a function" } },
    ],
  };
  let id = 0;
  for (const [name, [fn, want]] of Object.entries(cases)) {
    connection.handle(name, fn);
    assert.deepEqual(await ask(++id, name), { type: "reply", id, ...(want as object) }, name);
  }
  connection.handle("circular", () => circular);
  connection.handle("big", () => "x".repeat(2 << 20));
  for (const [name, code] of [
    ["circular", "bad_answer"],
    ["big", "too_big"],
    ["nobody", "unknown_event"],
  ])
    assert.equal((await ask(++id, name!))?.error?.code, code, name);
  // The developer sees errors that have no code.
  assert.equal(lines.filter((l) => l.includes("the handler of requests")).length, 6);
});

test("a request that the server gives up is cancelled, and not answered", async () => {
  const { server, connection, replies, ask } = connected();
  const signals: AbortSignal[] = [];
  let answer = (_: unknown): void => {};
  connection.handle("slow", (_, { signal }) => {
    signals.push(signal);
    return new Promise((resolve) => (answer = resolve));
  });
  await ask(1, "slow");
  assert.equal(signals[0]!.aborted, false);
  server.send({ type: "cancel", id: 1 });
  server.send({ type: "cancel", id: 77 });
  server.carry();
  assert.equal(signals[0]!.aborted, true);
  answer("late");
  await settled();
  server.carry();
  assert.deepEqual(replies(), []);
});

test("an answer survives a lost connection, and comes once", async () => {
  const { server, timers, connection, replies, ask } = connected();
  let calls = 0;
  connection.handle("n", () => ++calls);
  server.send({ type: "request", id: 1, event: "n" });
  server.carry(1);
  await settled();
  server.socket!.cut();
  await timers.pass(0);
  server.accept();
  server.carry();
  assert.deepEqual(replies(), [{ type: "reply", id: 1, data: 1 }]);
  assert.equal((await ask(2, "n"))?.data, 2);
});

test("an answer never reaches another session, whose requests have the same numbers", async () => {
  const { server, timers, connection, replies, ask } = connected();
  const waiting: ((data: unknown) => void)[] = [];
  const signals: AbortSignal[] = [];
  connection.handle("slow", (_, { signal }) => {
    signals.push(signal);
    return new Promise((resolve) => waiting.push(resolve));
  });
  connection.handle("quick", () => "before");
  await ask(1, "slow");
  server.send({ type: "request", id: 2, event: "quick" });
  server.carry(1);
  server.socket!.cut(); // the answer waits for the next connection
  await settled();
  server.sessions.clear();
  server.epoch = "e2";
  await timers.pass(1000);
  server.accept();
  server.carry();
  assert.equal(signals[0]!.aborted, true);
  server.send({ type: "request", id: 1, event: "slow" });
  server.carry();
  waiting[0]!("old");
  await settled();
  server.carry();
  assert.deepEqual(replies(), []);
  waiting[1]!("new");
  await settled();
  server.carry();
  assert.deepEqual(replies(), [{ type: "reply", id: 1, data: "new" }]);
  connection.close();
  assert.equal(signals[1]!.aborted, false, "it was answered");
});
