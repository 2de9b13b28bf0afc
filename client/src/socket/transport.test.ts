import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeServer, FakeTimers } from "../../testing/server.ts";
import { HotError } from "./request.ts";
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
  assert.deepEqual(server.socket!.query, { session: "s", received: "0", epoch: "e1", seq: "7" });
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
    await timers.pass(10_000);
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
  assert.equal((transport as unknown as { held: unknown[] }).held.length, 201 - 192);
});

test("a restarted server gets the frames that were never sent; the others are reported, not sent twice", async () => {
  const { server, timers, transport, event, lines } = setup();
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
  assert.match(lines.join("\n"), /1 event\(s\) were on their way/);
  await request;
  server.socket!.cut();
  await timers.pass(0);
  assert.equal(server.socket!.query["epoch"], "e2");
});

test("a full queue is an error, said once, and rejects requests", async () => {
  const { transport, event, lines } = setup({ maxFrames: 3 });
  event(1);
  event(2);
  event(3);
  assert.throws(
    () => event(4),
    (e) => e instanceof HotError && e.code === "queue_full",
  );
  assert.throws(() => event(5));
  await assert.rejects(transport.request("r", undefined), /3 messages wait/);
  assert.equal(lines.length, 1);
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

test("reconnect: at once after a loss, then later and later, at once when woken", async () => {
  const { server, timers, transport } = setup();
  transport.connect();
  server.accept();
  server.carry();
  server.socket!.cut();
  assert.deepEqual(
    timers.delays.filter((d) => d < 10_000),
    [0],
  );
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
