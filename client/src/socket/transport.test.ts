import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeServer, FakeTimers } from "../../testing/server.ts";
import { HotError } from "./request.ts";
import { realTimers } from "./timers.ts";
import { Transport, type TransportOptions } from "./transport.ts";

function setup(more: Partial<TransportOptions> = {}) {
  const server = new FakeServer();
  const timers = new FakeTimers();
  const lines: string[] = [];
  const got: unknown[] = [];
  const write = (...args: unknown[]): void => void lines.push(args.map(String).join(" "));
  const transport = new Transport({
    open: server.open,
    session: "s",
    seq: () => 7,
    timers,
    random: () => 0.5,
    log: { debug: write, log: write, warn: write, error: write },
    hello: () => ({ type: "hello", url: "http://x/" }),
    receive: (p) => void (p.type === "custom" && got.push(p.data)),
    ...more,
  });
  const event = (n: number) => transport.send({ type: "custom", event: "e", data: n });
  return { server, timers, transport, lines, got, event };
}

test("sends made before the connection arrive in order, behind the hello", () => {
  const { server, transport, event } = setup();
  event(1);
  transport.connect("e1");
  event(2);
  assert.deepEqual(server.socket!.query, { session: "s", received: "0", epoch: "e1", seq: "7", acks: "1" });
  server.accept();
  server.carry();
  event(3);
  server.carry();
  assert.equal(server.got[0]!.type, "hello");
  assert.deepEqual(server.events(), [1, 2, 3]);
});

test("what was on its way when the connection was cut arrives once, both ways", async () => {
  const { server, timers, transport, event, got } = setup();
  transport.connect();
  server.accept();
  server.carry();
  event(1);
  event(2);
  server.send({ type: "custom", event: "e", data: "a" });
  server.send({ type: "custom", event: "e", data: "b" });
  server.carry(1);
  assert.deepEqual([server.events(), got], [[1], ["a"]]);
  server.socket!.cut();
  event(3);
  server.send({ type: "custom", event: "e", data: "c" });
  await timers.pass(0);
  server.accept();
  server.carry();
  assert.deepEqual(server.events(), [1, 2, 3]);
  assert.deepEqual(got, ["a", "b", "c"]);
});

test("a connection that is lost before its hello has arrived: the session begins with the next one", async () => {
  const { server, timers, transport, event, got } = setup();
  transport.connect();
  transport.subscribe("c");
  event(1);
  server.accept();
  server.send({ type: "custom", event: "e", data: "a" });
  server.socket!.cut();
  await timers.pass(1000);
  server.accept();
  server.carry();
  assert.deepEqual(
    server.got.map((f) => f.type),
    ["hello", "subscribe", "custom"],
  );
  assert.deepEqual(got, ["a"]);
});

for (const ended of [true, false])
  test(`a page that is left ${ended ? "starts a session" : "resumes"} when it comes back`, async () => {
    const { server, timers, transport, event, lines } = setup();
    transport.connect();
    server.accept();
    event(1);
    server.carry();
    transport.leave();
    if (ended) server.sessions.clear();
    event(2);
    await timers.pass(60_000);
    assert.equal(transport.connected, false);
    transport.wake();
    server.accept();
    server.carry();
    assert.deepEqual(server.events(), [1, 2]);
    assert.deepEqual(
      lines.filter((l) => l.includes("may not have arrived")),
      [],
    );
  });

test("a thousand cuts: nothing lost, doubled or reordered", async () => {
  const { server, timers, transport, event, got } = setup();
  let seed = 42;
  const random = (n: number): number => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 8) % n;
  transport.connect();
  server.accept();
  server.carry();
  let sent = 0;
  let served = 0;
  for (let cuts = 0; cuts < 1000; cuts++) {
    for (let i = random(20); i > 0; i--) event(sent++);
    for (let i = random(20); i > 0; i--) server.send({ type: "custom", event: "e", data: served++ });
    server.carry(random(30));
    if (random(3) === 0) server.ack();
    server.carry(random(30));
    server.socket!.cut();
    for (let i = random(3); i > 0; i--) event(sent++);
    await timers.pass(6000);
    server.accept();
  }
  server.carry();
  assert.deepEqual(
    server.events(),
    Array.from({ length: sent }, (_, i) => i),
  );
  assert.deepEqual(
    got,
    Array.from({ length: served }, (_, i) => i),
  );
});

test("frames are acknowledged, each 64 or after a second, and confirmed ones are forgotten", async () => {
  const { server, timers, transport, event } = setup();
  transport.connect();
  server.accept();
  server.carry();
  for (let i = 0; i < 65; i++) server.send({ type: "custom", event: "e", data: i });
  server.carry();
  assert.equal(server.session!.confirmed, 64);
  await timers.pass(1000);
  server.carry();
  assert.equal(server.session!.confirmed, 65);
  for (let i = 0; i < 200; i++) event(i);
  server.carry();
  assert.equal(transport.unconfirmed().frames.length, 201 - 192);
});

test("a restarted server gets the frames that were never sent; the others are reported, not sent twice", async () => {
  const { server, timers, transport, event, lines, got } = setup();
  transport.connect();
  server.accept();
  server.carry();
  event(1);
  const request = assert.rejects(
    transport.request("r", 1),
    (e) => e instanceof HotError && e.code === "connection_lost",
  );
  server.carry();
  server.socket!.cut();
  event(2);
  server.sessions.clear();
  server.epoch = "e2";
  await timers.pass(0);
  server.accept();
  server.carry();
  assert.deepEqual(server.events(), [1, 2]);
  assert.equal(server.got.filter((f) => f.type === "hello").length, 2);
  assert.match(lines.join("\n"), /1 message of this page may be lost: the server restarted/);
  assert.deepEqual(got, [{ messages: 1, reason: "the server restarted", sent: true }]);
  await request;
  server.socket!.cut();
  await timers.pass(1000);
  assert.equal(server.socket!.query["epoch"], "e2");
});

test("a full queue refuses events, requests and subscriptions, and takes what ends one", async () => {
  const { server, transport, event, lines } = setup({ maxFrames: 3 });
  transport.subscribe("a");
  event(1);
  event(2);
  const full = (e: unknown): boolean => e instanceof HotError && e.code === "queue_full";
  assert.throws(() => event(3), full);
  await assert.rejects(transport.request("r", undefined), /3 messages wait/);
  assert.throws(() => transport.subscribe("b"), full);
  transport.unsubscribe("a");
  assert.deepEqual(lines, [], "the caller has the error");
  transport.connect();
  server.accept();
  server.carry();
  assert.deepEqual(
    server.got.map((f) => f.type),
    ["hello", "custom", "custom"],
    "the session begins with the channels of now",
  );
  server.ack();
  server.carry();
  transport.subscribe("b");
  server.carry();
  assert.equal(server.got.at(-1)!.channel, "b");
});

test("a message that is too big is refused, and dropped when the server says so", async () => {
  const { server, timers, transport, event } = setup({ maxMessage: 1000 });
  assert.throws(
    () => transport.send({ type: "custom", event: "e", data: "x".repeat(1000) }),
    (e) => e instanceof HotError && e.code === "too_big",
  );
  assert.throws(() => transport.send({ type: "custom", event: "e", data: "é".repeat(490) }), /more than/);
  transport.connect();
  server.accept();
  server.carry();
  transport.send({ type: "custom", event: "e", data: "x".repeat(900) });
  event(2);
  server.socket!.cut(1009);
  await timers.pass(5000);
  server.accept();
  server.carry();
  assert.deepEqual(server.events(), [2]);
});

test("the server says how long a message may be", () => {
  const { server, transport, event } = setup({ maxMessage: 1000 });
  const long = { type: "custom", event: "e", data: "x".repeat(2000) } as const;
  assert.throws(() => transport.send(long), /a message of 2039 bytes .* 1000 bytes/);
  server.greeting = { maxMessage: 3000 };
  transport.connect();
  server.accept();
  server.carry();
  event(1);
  transport.send(long);
  server.carry();
  assert.equal(server.got.length, 3);
  assert.throws(() => transport.send({ ...long, data: "x".repeat(3000) }), /3000 bytes/);
});

test("reconnect: at once after a loss, then later and later, at once when woken", async () => {
  const { server, timers, transport } = setup();
  transport.connect();
  server.accept();
  server.carry();
  await timers.pass(5000);
  server.socket!.cut();
  assert.deepEqual(timers.delays, [0]);
  await timers.pass(0);
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    server.socket!.cut();
    waits.push(timers.delays[0]!);
    await timers.pass(timers.delays[0]!);
  }
  assert.deepEqual(waits, [300, 600, 1200, 2400, 3750, 3750, 3750, 3750]);
  server.socket!.cut();
  const before = server.opened;
  transport.wake();
  assert.equal(server.opened, before + 1);
  transport.wake();
  assert.equal(server.opened, before + 1, "one at a time");
});

test("reconnect: at once where a network cuts a session that goes on", async () => {
  const { server, timers, transport } = setup();
  transport.connect();
  server.accept();
  server.carry();
  for (let i = 0; i < 20; i++) {
    server.socket!.cut();
    await timers.pass(timers.delays[0]!);
    server.accept();
    server.carry();
    server.send({ type: "custom", event: "e" });
    server.carry();
  }
  assert.ok(timers.now < 1000, `20 cuts took ${timers.now} ms`);
});

test("reconnect: a connection that does not last counts as failed, whatever its code", async () => {
  for (const code of [1000, 1001, 1006, 1008, 1012, 4001]) {
    const { server, timers, transport } = setup();
    transport.connect();
    for (let i = 0; i < 50; i++) {
      server.accept();
      server.sessions.clear();
      server.carry();
      server.socket!.cut(code);
      await timers.pass(timers.delays[0]!);
    }
    assert.ok(timers.now > 45 * 3000, `code ${code}: 50 connections in ${timers.now} ms`);
    server.accept();
    server.carry();
    await timers.pass(5000);
    server.socket!.cut();
    assert.deepEqual(timers.delays, [0], "this one lasted");
  }
});

test("silence: the page pings after 15 s without a frame, and gives the connection up after 15 s more", async () => {
  const { server, timers, transport, event, got } = setup();
  transport.connect();
  server.accept();
  server.carry();
  for (let i = 0; i < 20; i++) {
    await timers.pass(14_999);
    server.carry(); // the answers
  }
  assert.ok(server.pings > 5);
  assert.equal(transport.connected, true);
  server.silent = true;
  server.pings = 0;
  for (let i = 0; i < 45 && transport.connected; i++) {
    server.carry();
    await timers.pass(1000);
  }
  assert.equal(server.pings, 1);
  assert.equal(transport.connected, false);
  assert.equal(server.opened, 2, "it connects again at once");
  server.silent = false;
  event(1);
  server.send({ type: "custom", event: "e", data: "a" });
  server.accept();
  server.carry();
  assert.deepEqual([server.events(), got], [[1], ["a"]], "the session continues");
});

test("silence: a timer that sleep made late cuts no connection", async () => {
  const { server, timers, transport } = setup();
  transport.connect();
  server.accept();
  server.carry();
  await timers.pass(5000); // no other timer is left
  const sleep = (): void => timers.late(); // the timer that is due next runs long after its time
  sleep(); // the 15 s without a frame
  sleep(); // the first half of the time for an answer
  assert.equal(transport.connected, true);
  server.carry();
  sleep(); // the answer is there
  assert.equal(transport.connected, true);
});

test("silence: a page that wakes waits 5 s for an answer", async () => {
  const { server, timers, transport } = setup();
  transport.connect();
  server.accept();
  server.carry();
  await timers.pass(5000);
  server.silent = true;
  transport.wake();
  assert.equal(server.socket!.toServer.at(-1), '{"type":"ping"}');
  await timers.pass(4999);
  assert.equal(transport.connected, true);
  await timers.pass(1);
  assert.equal(transport.connected, false);
});

test("silence: a socket that does not open, or is not greeted, fails after 10 s", async () => {
  const { server, timers, transport } = setup();
  transport.connect();
  await timers.pass(9999);
  assert.equal(server.opened, 1);
  await timers.pass(1000);
  assert.equal(server.opened, 2);
  server.socket!.readyState = 1; // open, and nothing comes
  await timers.pass(12_000);
  assert.equal(server.opened, 3);
});

test("window: the page writes as much as the server takes, and nothing is lost", () => {
  const { server, transport, event } = setup();
  transport.connect();
  server.accept();
  server.carry();
  server.waiting = { waiting: 65_000, waitingBytes: 100 };
  server.ack();
  server.carry();
  for (let i = 0; i < 1000; i++) event(i);
  assert.equal(server.socket!.toServer.length, 536, "65,536 frames are open");
  server.waiting = {};
  server.carry(536);
  server.ack();
  server.carry();
  assert.deepEqual(
    server.events(),
    Array.from({ length: 1000 }, (_, i) => i),
  );
});

test("window: bytes", () => {
  const { server, transport } = setup();
  transport.connect();
  server.accept();
  server.carry();
  server.ack();
  server.carry();
  const text = "x".repeat(300_000);
  for (let i = 0; i < 6; i++) transport.send({ type: "custom", event: "e", data: text });
  assert.equal(server.socket!.toServer.length, 4, "up to 1 MiB is written, and the frame that exceeds it");
  server.carry(4);
  server.waiting = { waiting: 4, waitingBytes: 16 << 20 };
  server.ack();
  server.carry();
  assert.equal(server.events().length, 4, "8 MiB wait for handlers");
  server.waiting = {};
  server.ack();
  server.carry();
  assert.equal(server.events().length, 6);
});

test("window: a new connection begins with what the server says there", async () => {
  const { server, timers, transport, event } = setup();
  transport.connect();
  server.accept();
  server.carry();
  event(1);
  server.socket!.cut();
  server.waiting = { waiting: 65_536 };
  await timers.pass(0);
  server.accept();
  server.carry();
  assert.deepEqual(server.events(), []);
  server.waiting = {};
  server.ack();
  server.carry();
  assert.deepEqual(server.events(), [1]);
});

test("200,000 events in one loop, with cuts: all arrive, in order", async () => {
  const { server, timers, transport, event } = setup();
  transport.connect();
  server.accept();
  server.carry();
  for (let i = 0; i < 200_000; i++) event(i);
  for (let cuts = 0; cuts < 3; cuts++) {
    server.carry(30_000);
    server.socket!.cut();
    await timers.pass(6000);
    server.accept();
  }
  server.carry();
  server.ack();
  server.carry();
  assert.equal(server.events().length, 200_000);
  assert.ok(server.events().every((n, i) => n === i));
});

test("acks: after 256 KiB", () => {
  const { server, transport } = setup();
  transport.connect();
  server.accept();
  server.carry();
  for (let i = 0; i < 3; i++) server.send({ type: "custom", event: "e", data: "x".repeat(100_000) });
  server.carry();
  assert.equal(server.session!.confirmed, 3);
});

test("lost: what the server dropped is an event and a line", async () => {
  const { server, timers, transport, got, lines } = setup();
  transport.connect();
  server.accept();
  server.carry();
  server.socket!.cut();
  server.sessions.clear();
  server.greeting = { lost: { messages: 3, reason: "the page was away for too long" } };
  await timers.pass(0);
  server.accept();
  server.carry();
  assert.deepEqual(got, [{ messages: 3, reason: "the page was away for too long" }]);
  assert.match(lines[0]!, /3 messages to this page were lost: the page was away for too long\. Reload/);
});

test("an event and a channel need a name", async () => {
  const { transport } = setup();
  const bad = (e: unknown): boolean => e instanceof HotError && e.code === "bad_event";
  assert.throws(() => transport.send({ type: "custom", event: "" }), bad);
  assert.throws(() => transport.send({ type: "custom", event: undefined as unknown as string }), bad);
  await assert.rejects(transport.request("", 1), bad);
  assert.throws(() => transport.subscribe(""), bad);
});

test("request: any timeout", async (t) => {
  const { server, transport, timers } = setup();
  transport.connect();
  server.accept();
  server.carry();
  for (const timeout of [0, Infinity]) {
    void transport.request("slow", 1, { timeout });
    assert.ok(!timers.delays.includes(timeout), `${timeout}: no timer`);
  }
  for (const timeout of [-1, NaN, "5" as unknown as number])
    await assert.rejects(transport.request("slow", 1, { timeout }), TypeError);
  const waits: number[] = [];
  let run: (() => void) | undefined;
  t.mock.method(globalThis, "setTimeout", (fn: () => void, ms: number) => (waits.push(ms), (run = fn), 1));
  let done = false;
  realTimers.set(() => (done = true), 31 * 86_400_000);
  while (!done) run!();
  assert.deepEqual(waits, [2 ** 31 - 1, 31 * 86_400_000 - (2 ** 31 - 1)]);
});

test("reconnect: a renew that throws or hangs", async () => {
  for (const renew of [
    () => Promise.reject(new Error("no")),
    () => new Promise<boolean>(() => {}),
    () => {
      throw new Error("no");
    },
  ]) {
    const { server, timers, transport } = setup({ renew, renewFirst: true });
    transport.start();
    assert.equal(server.opened, 0);
    await timers.pass(120_000); // each fourth attempt goes without
    assert.ok(server.opened > 1);
  }
});

test("reconnect: a new token is asked for after a failure, and says whether the server is there", async () => {
  let there = false;
  let asked = 0;
  const { server, timers, transport } = setup({ renew: async () => (asked++, there) });
  transport.connect();
  server.accept();
  server.carry();
  server.socket!.cut();
  await timers.pass(0);
  assert.equal(asked, 0, "a blip needs no new token");
  server.socket!.cut(); // refused: the token is of the server before
  const { opened } = server;
  await timers.pass(2000);
  assert.ok(asked > 0 && server.opened <= opened + 1);
  there = true;
  await timers.pass(20_000);
  assert.ok(server.opened > opened);
});

test("an address that makes no sense does not break the page", async () => {
  const { transport, lines } = setup({
    open: () => {
      throw new SyntaxError("about:srcdoc");
    },
  });
  transport.connect();
  transport.wake();
  assert.match(lines[0]!, /no connection to the server is possible/);
  await assert.rejects(transport.request("x", 1), /no connection/);
});

test("request: answer, handler's error, timeout, cancel", async () => {
  const { server, timers, transport } = setup();
  transport.connect();
  server.accept();
  server.carry();
  const one = transport.request("sum", { a: 1 });
  const two = transport.request("sum", {});
  const three = transport.request("slow", undefined, { timeout: 50 });
  const stop = new AbortController();
  const four = transport.request("slow", undefined, { signal: stop.signal });
  server.carry();
  const [a, b, c, d] = server.got.filter((f) => f.type === "request");
  server.send({ type: "reply", id: a!.id, data: { sum: 1 } });
  server.send({ type: "reply", id: b!.id, error: { message: "no a", code: "bad_payload", path: "a" } });
  server.carry();
  assert.deepEqual(await one, { sum: 1 });
  await assert.rejects(
    two,
    (e) => e instanceof HotError && e.code === "bad_payload" && e.path === "a" && e.message === "no a",
  );
  const late = assert.rejects(three, (e) => e instanceof HotError && e.code === "timeout");
  await timers.pass(60);
  await late;
  stop.abort();
  await assert.rejects(four, /abort/i);
  server.carry();
  assert.deepEqual(
    server.got.filter((f) => f.type === "cancel").map((f) => f.id),
    [c!.id, d!.id],
  );
  server.send({ type: "reply", id: 99, data: 1 });
  server.carry();
});

test("request: survives a lost connection that comes back", async () => {
  const { server, timers, transport } = setup();
  transport.connect();
  server.accept();
  server.carry();
  const answer = transport.request("sum", 1);
  server.carry();
  server.socket!.cut();
  server.send({ type: "reply", id: server.got.at(-1)!.id!, data: 2 });
  await timers.pass(0);
  server.accept();
  server.carry();
  assert.equal(await answer, 2);
});

test("channels are subscribed to in each session", async () => {
  const { server, timers, transport } = setup();
  transport.subscribe("a");
  transport.subscribe("a");
  transport.subscribe("b");
  transport.connect();
  server.accept();
  server.carry();
  transport.unsubscribe("b");
  server.carry();
  const shown = (): string[] => server.got.filter((f) => f.channel).map((f) => `${f.type} ${f.channel}`);
  assert.deepEqual(shown(), ["subscribe a", "subscribe b", "unsubscribe b"]);
  server.socket!.cut();
  server.sessions.clear();
  server.got.length = 0;
  await timers.pass(0);
  server.accept();
  server.carry();
  assert.deepEqual(shown(), ["subscribe a"]);
});

test("garbage from the server is reported, not thrown", () => {
  const { server, transport, lines } = setup();
  transport.connect();
  server.accept();
  server.carry();
  server.socket!.onmessage!({ data: "{" });
  server.socket!.onmessage!({ data: '{"type":"of-the-future"}' });
  assert.match(lines.join(), /not JSON/);
});

test("a request that is given up while it waits in the page is not sent", async () => {
  const { server, timers, transport } = setup();
  const early = transport.request("early", 1, { timeout: 100 }); // before there is a connection
  const rejected = assert.rejects(early, { code: "timeout" });
  await timers.pass(100);
  await rejected;
  transport.connect();
  server.accept();
  server.carry();
  transport.request("late", 2).catch(() => {});
  server.carry();
  assert.deepEqual(
    server.got.filter((f) => f.type === "request").map((f) => f.event),
    ["late"],
  );
});

test("a connection says which session its count belongs to", () => {
  const { server, transport } = setup();
  server.greeting = { client: "c7" };
  transport.connect();
  assert.equal(server.socket!.query["client"], undefined);
  server.accept();
  server.carry();
  server.socket!.cut();
  transport.wake();
  assert.equal(server.socket!.query["client"], "c7");
});
