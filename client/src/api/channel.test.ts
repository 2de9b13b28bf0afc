import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { FakeServer, FakeTimers } from "../../testing/server.ts";
import { connectionKey, type Connection } from "../socket/connection.ts";
import { channel, connect, connection, onNotification, reidentify } from "./channel.ts";

const silent = { debug: () => {}, log: () => {}, warn: () => {}, error: () => {} };

function open() {
  const server = new FakeServer();
  const timers = new FakeTimers();
  const c = connect({
    url: "ws://x/socket",
    open: (url) => server.open(Object.fromEntries(url.searchParams)),
    log: silent,
    timers,
  });
  return { server, timers, c };
}

afterEach(() => {
  const shared = globalThis as { [connectionKey]?: Connection };
  shared[connectionKey]?.close();
  delete shared[connectionKey];
});

const subscriptions = (server: FakeServer): string[] =>
  server.got.filter((f) => f.channel).map((f) => `${f.type} ${f.channel}`);

test("a channel sends and listens; the server sends only while somebody listens", async () => {
  const { server } = open();
  const echo = channel<{ n: number }, string>("blog_chat_echo");
  const got: string[] = [];
  const off = echo.subscribe((m) => got.push(m));
  const off2 = echo.subscribe((m) => got.push(m + "!"));
  echo.send({ n: 1 });
  server.accept();
  server.carry();
  server.send({ type: "custom", event: "blog_chat_echo", data: "hi" });
  server.carry();
  assert.deepEqual(got, ["hi", "hi!"]);
  assert.deepEqual(server.events(), [{ n: 1 }]);
  off();
  off();
  await Promise.resolve();
  assert.deepEqual(subscriptions(server), ["subscribe blog_chat_echo"]);
  off2();
  await new Promise((r) => setImmediate(r));
  server.carry();
  assert.deepEqual(subscriptions(server), ["subscribe blog_chat_echo", "unsubscribe blog_chat_echo"]);
});

test("unmount and mount in one go stays subscribed", async () => {
  const { server } = open();
  server.accept();
  server.carry();
  const c = channel("a_b_c");
  c.subscribe(() => {})();
  c.subscribe(() => {});
  await new Promise((r) => setImmediate(r));
  server.carry();
  assert.deepEqual(subscriptions(server), ["subscribe a_b_c"]);
});

test("readyState follows the connection", async () => {
  const { server, timers, c } = open();
  const states: string[] = [];
  c.onReadyState((s) => states.push(s));
  assert.equal(c.readyState, "connecting");
  server.accept();
  server.carry();
  server.socket!.cut();
  await timers.pass(0);
  server.accept();
  server.carry();
  c.close();
  assert.deepEqual(states, ["open", "connecting", "open", "closed"]);
});

test("one connection for all, a new one after close", () => {
  const { c } = open();
  assert.equal(connection(), c);
  assert.equal(connect(), c);
  c.close();
  assert.notEqual(connect({ open: () => new FakeServer().open({}), url: "ws://x/", log: silent }), c);
});

test("an ID has three parts", () => {
  assert.throws(() => channel("a_b"), /"a_b" is not a channel ID: an ID has three parts/);
  assert.throws(() => channel("a_b_c_d"), TypeError);
});

test("notifications", () => {
  const { server } = open();
  const got: string[] = [];
  const off = onNotification((n) => got.push(n.title));
  server.accept();
  server.carry();
  server.send({ type: "custom", event: "devserver:notification", data: { title: "one" } });
  server.carry();
  off();
  server.send({ type: "custom", event: "devserver:notification", data: { title: "two" } });
  server.carry();
  assert.deepEqual(got, ["one"]);
});

test("a token that is asked for at each connection", async () => {
  const server = new FakeServer();
  const timers = new FakeTimers();
  let n = 0;
  connect({
    url: "ws://x/",
    token: async () => `t${++n}`,
    open: (url) => server.open(Object.fromEntries(url.searchParams)),
    log: silent,
    timers,
  });
  await timers.pass(0);
  assert.equal(server.socket!.query["token"], "t1");
  server.socket!.cut();
  await timers.pass(10_000);
  assert.equal(server.socket!.query["token"], "t2");
});

test("a connection asks its hub who it is, when the hub knows users", async (t) => {
  const { server } = open();
  const asked: string[] = [];
  t.mock.method(globalThis, "fetch", (url: URL, init: RequestInit) => {
    asked.push(
      `${init.method} ${url.protocol}//${url.host}${url.pathname} ${init.credentials} ${url.searchParams.get("session") === server.socket!.query["session"]}`,
    );
    return Promise.resolve(new Response('{"user":"ann"}'));
  });
  server.accept();
  server.carry();
  assert.equal(await reidentify(), "");
  assert.deepEqual(asked, []);
  server.socket!.onmessage!({ data: '{"type":"connected","resumed":true,"received":0,"identifies":true}' });
  assert.equal(await reidentify(), "ann");
  assert.deepEqual(asked, ["POST http://x/socket include true"]);
});
