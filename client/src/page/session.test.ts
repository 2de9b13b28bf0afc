import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { FakeServer, FakeTimers } from "../../testing/server.ts";
import type { PagePayload } from "../socket/payload.ts";
import { HotError } from "../socket/request.ts";
import { withDefaults } from "./config.ts";
import { Session } from "./session.ts";

const silent = { debug: () => {}, log: () => {}, warn: () => {}, error: () => {} };

function open() {
  const server = new FakeServer();
  const timers = new FakeTimers();
  const sent: string[] = [];
  const lines: string[] = [];
  const session: Session = new Session({
    config: withDefaults({ base: "/app/", token: "t", epoch: "e1", seq: 7 }),
    scriptURL: new URL("http://localhost:5173/app/@vite/client"),
    log: { ...silent, error: (...args: unknown[]) => void lines.push(args.map(String).join(" ")) },
    timers,
    page: { page: "/index.html", pageRev: "r1" },
    was: () => "c1",
    receive: (message) => void (message.type === "request" && session.answer(message)),
    opened: () => {},
    lost: () => {},
    openSocket: (url) => {
      assert.equal(url.origin + url.pathname, "ws://localhost:5173/app/");
      const socket = server.open(Object.fromEntries(url.searchParams));
      const send = socket.send.bind(socket);
      socket.send = (text) => (sent.push(text), send(text));
      return socket;
    },
  });
  session.connect();
  return { session, server, timers, sent, lines };
}

test("a session opens its socket with what the server must know", () => {
  const { server } = open();
  const { session, ...query } = server.socket!.query;
  assert.match(session!, /^[0-9a-f]{24}$/);
  assert.deepEqual(query, { token: "t", received: "0", epoch: "e1", seq: "7", acks: "1" });
});

test("the revisions of many modules are sent in several frames", () => {
  const { session, server } = open();
  server.accept();
  server.carry();
  const modules = Array.from({ length: 10_000 }, (_, i) => ({ id: `/src/${"x".repeat(80)}${i}.ts`, rev: "12345678" }));
  session.sendRevisions(modules, ["/src/style.css"]);
  server.carry();
  const frames = server.got.filter((f) => f.type === "revisions") as unknown as {
    modules: Record<string, string>;
    css: string[];
  }[];
  assert.deepEqual(
    frames.map((f) => f.css),
    [[], [], ["/src/style.css"]],
  );
  assert.deepEqual(
    Object.assign({}, ...frames.map((f) => f.modules)),
    Object.fromEntries(modules.map((m) => [m.id, m.rev])),
  );
});

test("what the page sends by itself breaks nothing when it cannot be sent, and the console says so", () => {
  const { session, lines } = open();
  const big = "x".repeat(2 << 20);
  session.report({ seq: 1, kind: "updated", paths: [big] });
  session.sendInvalidate({ path: big });
  assert.deepEqual(
    lines.map((l) => l.slice(0, 70)),
    [
      "[devserver] the server does not get the report of an update: a message",
      "[devserver] the server does not get the event vite:invalidate: a messa",
    ],
  );
  assert.throws(() => session.send("e", big), HotError);
});

/** What a page sends, by the name of its file. The files are what the server's tests decode. */
async function sendEverything(): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const { session, server, timers, sent } = open();
  const keep = (name: string, type: PagePayload["type"]): void => {
    server.carry();
    assert.equal(sent.length, 1, name);
    assert.equal((JSON.parse(sent[0]!) as PagePayload).type, type);
    files[name] = sent.pop()!;
  };
  Object.defineProperty(globalThis, "location", {
    value: { href: "http://localhost:5173/app/?a=1#b" },
    configurable: true,
  });
  server.accept();
  keep("hello", "hello");
  session.send("my:event", { a: [1, null, "<b>"] });
  keep("custom", "custom");
  session.send("my:event");
  keep("custom-no-data", "custom");
  const abort = new AbortController();
  const answer = session.request("sum:add", { a: 1 }, { signal: abort.signal });
  keep("request", "request");
  abort.abort();
  await assert.rejects(answer);
  keep("cancel", "cancel");
  session.handle("cart:state", () => ({ items: 2 }));
  session.handle("cart:total", () => {
    throw Object.assign(new Error("the cart is empty"), { code: "empty", path: "items" });
  });
  for (const [id, event] of [
    [3, "cart:state"],
    [4, "cart:total"],
  ]) {
    server.send({ type: "request", id, event });
    server.carry();
    await new Promise((r) => setImmediate(r));
    keep(id === 3 ? "reply" : "reply-error", "reply");
  }
  const off = session.subscribe("blog_chat_echo", () => {});
  keep("subscribe", "subscribe");
  off();
  await Promise.resolve();
  keep("unsubscribe", "unsubscribe");
  session.report({ seq: 4, kind: "updated", paths: ["/src/a.ts"], took: 1.5 });
  keep("report", "report");
  session.report({ seq: 5, kind: "failed", paths: ["/src/a.ts"], reason: "a is not defined" });
  keep("report-failed", "report");
  const chain = ["/src/b.ts", "/src/main.ts"];
  session.report({ seq: 6, kind: "reloaded", paths: ["/src/b.ts"], reason: "no boundary", chain });
  keep("report-reloaded", "report");
  session.sendRevisions([{ id: "/src/a.ts", rev: "r1" }], ["/src/a.css"]);
  keep("revisions", "revisions");
  server.send({ type: "fixed" });
  server.carry();
  await timers.pass(1000);
  keep("ack", "ack");
  await timers.pass(15_000);
  server.carry();
  if (sent.length === 0) await timers.pass(15_000); // the page heard the server after the timer was set
  keep("ping", "ping");
  return files;
}

test("the server's tests have what a page sends", async () => {
  const dir = new URL("../../../testdata/payload/page/", import.meta.url);
  const sent = await sendEverything();
  if (process.env["UPDATE"])
    for (const [name, text] of Object.entries(sent)) writeFileSync(new URL(`${name}.json`, dir), text + "\n");
  const types: Record<PagePayload["type"], true> = {
    hello: true,
    custom: true,
    request: true,
    cancel: true,
    reply: true,
    subscribe: true,
    unsubscribe: true,
    report: true,
    revisions: true,
    ack: true,
    ping: true,
  };
  assert.deepEqual(
    new Set(Object.values(sent).map((text) => (JSON.parse(text) as PagePayload).type)),
    new Set(Object.keys(types)),
  );
  const files = readdirSync(dir).map((f) => [f.replace(".json", ""), readFileSync(new URL(f, dir), "utf8").trimEnd()]);
  assert.deepEqual(Object.fromEntries(files), sent, "UPDATE=1 npm test writes the files");
});
