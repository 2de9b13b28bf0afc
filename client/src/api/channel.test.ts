import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { afterEach, test } from "node:test";
import { FakeServer, FakeTimers } from "../../testing/server.ts";
import { connectionKey, type Connection } from "../socket/connection.ts";
import { channel, connect, connection, HotError, onNotification, reidentify } from "./channel.ts";

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

test("readyState: a listener that throws stops nothing", async () => {
  const { server, timers, c } = open();
  const states: string[] = [];
  c.onReadyState(() => {
    throw new Error("x");
  });
  c.onReadyState((s) => states.push(s));
  server.accept();
  server.carry();
  server.socket!.cut();
  await timers.pass(0);
  assert.equal(server.opened, 2);
  server.accept();
  server.carry();
  assert.deepEqual(states, ["open", "connecting", "open"]);
});

test("close ends all that a connection listens to", async (t) => {
  const page = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const cookieStore = new EventTarget();
  for (const [name, value] of Object.entries({
    document,
    cookieStore,
    addEventListener: page.addEventListener.bind(page),
    location: { href: "http://x/" },
  })) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true });
    t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete (globalThis as never)[name]));
  }
  const count = (): number =>
    [page, document, cookieStore].reduce(
      (n, target) =>
        n +
        ["online", "pageshow", "pagehide", "visibilitychange", "resume", "freeze", "change"].reduce(
          (m, type) => m + getEventListeners(target, type).length,
          0,
        ),
      0,
    );
  const { server, timers, c } = open();
  assert.ok(count() >= 6);
  server.accept();
  server.carry();
  server.socket!.onmessage!({ data: '{"type":"custom","event":"devserver:reidentify"}' });
  c.close();
  assert.equal(count(), 0);
  assert.deepEqual(timers.delays, [], "no timer is left");
  for (let i = 0; i < 20; i++) open().c.close();
  assert.equal(count(), 0);
});

/** Delivers a frame that the server does not keep. */
function deliver(server: FakeServer, payload: object): void {
  server.send(payload);
  server.carry();
}

test("a retained message reaches listeners that come later in the page", async () => {
  const { server, c } = open();
  server.accept();
  server.carry();
  const settle = (): Promise<void> => new Promise((r) => setImmediate(r));
  const message = (data: unknown, retained?: true): void =>
    deliver(server, { type: "custom", event: "a_b_c", data, ...(retained ? { retained } : {}) });
  const score = channel<never, number>("a_b_c");
  const listen = (): { got: number[]; off: () => void } => {
    const got: number[] = [];
    return { got, off: score.subscribe((n) => got.push(n)) };
  };
  message(0, true);
  const first = listen();
  await settle();
  assert.deepEqual(first.got, [], "a message that came before the page listened is not kept");
  message(1, true);
  message(2);
  const second = listen();
  assert.deepEqual(second.got, [], "not within subscribe");
  await settle();
  assert.deepEqual(second.got, [1], "as the server keeps it");
  const third = listen();
  const fourth = listen();
  fourth.off();
  message(3); // before the turn in which the third would get its message
  assert.deepEqual(
    [first.got, third.got],
    [
      [1, 2, 3],
      [1, 3],
    ],
  );
  await settle();
  assert.deepEqual([third.got, fourth.got], [[1, 3], []]);
  const thrower = score.subscribe(() => {
    throw new Error("x");
  });
  await settle();
  thrower();
  second.off();
  third.off();
  first.off();
  const remounted = listen(); // in one go: the page stays subscribed
  await settle();
  assert.deepEqual(remounted.got, [1]);

  // Who may see it is asked anew, so the page forgets it.
  for (const forget of [
    () => deliver(server, { type: "custom", event: "devserver:identified", data: { user: "ann" } }),
    () => deliver(server, { type: "custom", event: "devserver:channel-error", data: { channel: "a_b_c" } }),
    () => server.socket!.onmessage!({ data: '{"type":"connected","resumed":false,"received":0}' }),
  ]) {
    message(5, true);
    const before = listen();
    forget();
    const after = listen();
    await settle();
    assert.deepEqual([before.got, after.got], [[], []]);
    before.off();
    after.off();
  }
  message(6, true);
  remounted.off();
  await settle(); // unsubscribed
  const last = listen();
  await settle();
  assert.deepEqual(last.got, []);
  c.close();
});

test("a subscription that is refused registers nothing", () => {
  const { c } = open();
  const long = "x".repeat(2 << 20);
  assert.throws(
    () => c.subscribe(long, () => {}),
    (e) => e instanceof HotError && e.code === "too_big",
  );
  assert.throws(() => c.subscribe(long, () => {}), HotError, "again: it was not noted as subscribed");
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

test("a token function that throws or never answers: the page says so and tries again", async () => {
  const server = new FakeServer();
  const timers = new FakeTimers();
  const lines: string[] = [];
  const write = (...args: unknown[]): void => void lines.push(args.map(String).join(" "));
  let n = 0;
  connect({
    url: "ws://x/",
    token: () => {
      switch (n++) {
        case 0:
          throw new Error("signed out");
        case 1:
          return new Promise(() => {});
        default:
          return "t";
      }
    },
    open: (url) => server.open(Object.fromEntries(url.searchParams)),
    log: { ...silent, warn: write, error: write },
    timers,
  });
  await timers.pass(9000);
  assert.equal(server.opened, 0);
  await timers.pass(3000);
  assert.match(lines.join("\n"), /token failed; trying again. Error: signed out\n.*no token came within 10 s/);
  await timers.pass(3000);
  assert.equal(server.socket!.query["token"], "t");
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
