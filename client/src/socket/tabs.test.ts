import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeServer, FakeSocket, FakeTimers } from "../../testing/server.ts";
import { Carrier, SharedSockets, type Link, type Port } from "./tabs.ts";
import { Transport, type Socket } from "./transport.ts";

/** The server's end of a shared socket: hands frames to a FakeServer a session. */
class MuxServer {
  sockets: FakeSocket[] = [];
  readonly sessions = new Map<string, FakeServer>();

  readonly open = (url: string): Socket => {
    const socket = new FakeSocket(Object.fromEntries(new URL(url).searchParams));
    this.sockets.push(socket);
    return socket;
  };

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  accept(): void {
    this.socket.readyState = 1;
    this.socket.onopen?.({});
  }

  tab(name: string): FakeServer {
    let server = this.sessions.get(name);
    if (!server) this.sessions.set(name, (server = new FakeServer()));
    return server;
  }

  /** Carries everything in both directions. */
  carry(): void {
    for (let moved = true; moved;) {
      moved = false;
      for (const text of this.socket.toServer.splice(0)) {
        moved = true;
        const [, session, rest] = /^(\S+) (.*)$/s.exec(text)!;
        const server = this.tab(session!);
        if (rest!.startsWith("+")) {
          server.open({ session: session!, ...Object.fromEntries(new URLSearchParams(rest!.slice(1))) });
          server.accept();
        } else if (rest!.startsWith("-")) server.socket?.cut(1001);
        else server.socket!.toServer.push(rest!);
      }
      for (const [session, server] of this.sessions) {
        if (server.socket?.readyState !== 1) continue;
        server.socket.onmessage = ({ data }) => this.socket.onmessage?.({ data: `${session} ${String(data)}` });
        if (server.socket.toServer.length + server.socket.toPage.length > 0) moved = true;
        server.carry(1);
      }
    }
  }
}

class Browser {
  readonly mux = new MuxServer();
  readonly timers = new FakeTimers();
  readonly gone = new Map<string, () => void>();
  carrier = this.newCarrier();
  readonly links: Link[] = [];

  newCarrier(): Carrier {
    return new Carrier(this.mux.open, (session) => new Promise((resolve) => this.gone.set(session, resolve)));
  }

  tab(session: string) {
    const link: Link = { post: (message) => this.carrier.receive(message, port), receive: () => {} };
    const port: Port = { post: (message) => link.receive(message) };
    this.links.push(link);
    const shared = new SharedSockets(link, session, Promise.resolve());
    const got: unknown[] = [];
    const transport = new Transport({
      session,
      seq: () => 0,
      timers: this.timers,
      random: () => 0,
      open: ({ session: _, ...query }) =>
        shared.usable
          ? shared.open("ws://x/?mux=1", new URLSearchParams(query).toString())
          : this.mux.open("ws://x/?own=1"),
      log: { debug: () => {}, log: () => {}, warn: () => {}, error: () => {} },
      hello: () => ({ type: "hello", url: session }),
      receive: (p) => void (p.type === "custom" && got.push(p.data)),
    });
    transport.connect();
    return { transport, got, shared };
  }

  async settle(): Promise<void> {
    await this.timers.pass(5_000);
    if (this.mux.socket.readyState === 0) this.mux.accept();
    this.mux.carry();
  }
}

test("five tabs, one socket, each frame to its tab", async () => {
  const b = new Browser();
  const tabs = ["a", "b", "c", "d", "e"].map((s) => b.tab(s));
  await b.settle();
  assert.equal(b.mux.sockets.length, 1);
  assert.deepEqual(b.mux.socket.query, { mux: "1" });
  tabs.forEach((t, i) => t.transport.send({ type: "custom", event: "e", data: i }));
  for (const [name, server] of b.mux.sessions) server.send({ type: "custom", event: "e", data: `for ${name}` });
  b.mux.carry();
  assert.deepEqual(
    tabs.map((t) => t.got),
    [["for a"], ["for b"], ["for c"], ["for d"], ["for e"]],
  );
  assert.deepEqual(
    [...b.mux.sessions.values()].map((s) => s.events()),
    [[0], [1], [2], [3], [4]],
  );
  tabs.forEach((t) => t.transport.close());
});

test("the carrier goes: sessions resume over the next one, nothing is lost or doubled", async () => {
  const b = new Browser();
  const tabs = [b.tab("a"), b.tab("b")];
  await b.settle();
  for (let round = 0; round < 20; round++) {
    tabs.forEach((t, i) => t.transport.send({ type: "custom", event: "e", data: `${round} ${i}` }));
    for (const server of b.mux.sessions.values()) server.send({ type: "custom", event: "e", data: round });
    if (round % 3 === 0) b.mux.carry();
    for (const server of b.mux.sessions.values()) server.socket!.cut();
    b.mux.socket.readyState = 3; // the carrier's socket dies with it, without an event
    b.carrier = b.newCarrier();
    for (const link of b.links) link.receive({ op: "new-carrier" });
    await b.settle();
  }
  const rounds = Array.from({ length: 20 }, (_, i) => i);
  assert.deepEqual(
    tabs.map((t) => t.got),
    [rounds, rounds],
  );
  assert.deepEqual(
    [...b.mux.sessions.values()].map((s) => s.events()),
    [rounds.map((r) => `${r} 0`), rounds.map((r) => `${r} 1`)],
  );
  tabs.forEach((t) => t.transport.close());
});

test("a tab that is gone leaves, the last one takes the socket along", async () => {
  const b = new Browser();
  const [a, c] = [b.tab("a"), b.tab("c")];
  await b.settle();
  b.gone.get("a")!();
  await b.settle();
  assert.equal(b.mux.tab("a").socket!.readyState, 3);
  assert.equal(b.mux.socket.readyState, 1);
  c.transport.close();
  assert.equal(b.mux.socket.readyState, 3);
  a.transport.close();
});

test("a session that the server closes is one tab's business", async () => {
  const b = new Browser();
  const [a, c] = [b.tab("a"), b.tab("c")];
  await b.settle();
  b.mux.socket.onmessage!({ data: "a -4001 signed out" });
  assert.equal(a.transport.connected, false);
  assert.equal(c.transport.connected, true);
  await b.settle();
  assert.equal(a.transport.connected, true);
  a.transport.close();
  c.transport.close();
});

test("a socket that carries nothing is given up for all tabs, and the sessions continue", async () => {
  const b = new Browser();
  const tabs = [b.tab("a")];
  await b.settle();
  await b.settle();
  tabs.push(b.tab("c")); // it has more time when the first tab gives up
  await b.settle();
  tabs[1]!.transport.send({ type: "custom", event: "e", data: 1 });
  for (let i = 0; i < 50 && tabs[0]!.transport.connected; i++) await b.timers.pass(1000);
  assert.equal(b.mux.sockets[0]!.readyState, 3);
  await b.settle();
  assert.deepEqual(
    tabs.map((t) => t.transport.connected),
    [true, true],
  );
  assert.deepEqual(b.mux.tab("c").events(), [1]);
  assert.equal(b.mux.sockets.length, 2);
  tabs.forEach((t) => t.transport.close());
});

test("a tab whose session alone is silent leaves the socket to the others", async () => {
  const b = new Browser();
  const tabs = [b.tab("a"), b.tab("c")];
  await b.settle();
  const [a, c] = [b.mux.tab("a"), b.mux.tab("c")];
  const first = a.socket!;
  a.silent = true;
  for (let i = 0; i < 50 && a.opened === 1; i++) {
    await b.timers.pass(1000);
    b.mux.carry();
  }
  assert.equal(first.readyState, 3, "the server knows that the connection is over");
  assert.deepEqual([a.opened, c.opened, b.mux.sockets.length], [2, 1, 1]);
  tabs.forEach((t) => t.transport.close());
});

test("a tab that tells the server itself that it is left: the carrier says nothing", async () => {
  const b = new Browser();
  const [a, c] = [b.tab("a"), b.tab("c")];
  await b.settle();
  a.shared.forget();
  a.transport.leave(true);
  b.gone.get("a")!();
  await b.settle();
  assert.deepEqual(b.mux.socket.toServer, []);
  assert.equal(b.mux.tab("a").socket!.readyState, 1, "the server has not heard of it here");
  assert.deepEqual(a.transport.unconfirmed().frames, []);
  c.transport.close();
});

test("a session that is opened again on the same socket: what was on its way before the hello is not for it", () => {
  const sockets: FakeSocket[] = [];
  const carrier = new Carrier(
    (url) => (sockets.push(new FakeSocket({ url })), sockets[0]!),
    () => new Promise(() => {}),
  );
  const down: unknown[] = [];
  const port: Port = { post: (message) => void (message.op === "frame" && down.push(message.text)) };
  const open = (): void => carrier.receive({ op: "open", session: "a", url: "ws://x", query: "received=0" }, port);
  open();
  sockets[0]!.readyState = 1;
  sockets[0]!.onopen!({});
  open();
  for (const text of [
    '{"type":"connected","client":"first"}',
    '{"type":"custom","data":1}',
    '{"type":"connected","client":"second"}',
    '{"type":"custom","data":1}',
  ]) {
    sockets[0]!.onmessage!({ data: `a ${text}` });
  }
  assert.deepEqual(down, ['{"type":"connected","client":"second"}', '{"type":"custom","data":1}']);
});

test("a server that knows one page a socket gets one from each tab", async () => {
  const b = new Browser();
  const t = b.tab("a");
  await b.timers.pass(0);
  b.mux.accept();
  b.mux.socket.onmessage!({ data: '{"type":"connected"}' });
  assert.equal(t.shared.usable, false);
  await b.timers.pass(10_000);
  assert.deepEqual(b.mux.socket.query, { own: "1" });
  t.transport.close();
});
