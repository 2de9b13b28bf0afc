import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { isReliable, type ServerPayload } from "./payload.ts";

const dir = new URL("../../../testdata/payload/server/", import.meta.url);

/** What the server's files mean here, checked by the compiler against the types of payload.ts. */
const payloads: Record<string, ServerPayload> = {
  connected: { type: "connected", client: "c1", epoch: "e", resumed: true, received: 7, seq: 3 },
  "connected-users": {
    type: "connected",
    client: "c2",
    epoch: "e",
    resumed: false,
    received: 0,
    seq: 0,
    identifies: true,
  },
  update: {
    type: "update",
    seq: 4,
    timestamp: 1700000000000,
    changed: ["/src/a.ts"],
    deleted: ["/src/b.ts"],
    css: ["/src/a.css"],
    files: ["/a.png"],
    workers: { "/src/w.ts": "/src/a.ts" },
    code: "$d();",
    url: "/@devserver/update/x-1.js",
  },
  "update-min": { type: "update", seq: 5, timestamp: 1, changed: ["/a.js"] },
  "full-reload": {
    type: "full-reload",
    seq: 6,
    path: "/about.html",
    triggeredBy: "/about.html",
    reason: "about.html was edited",
  },
  "full-reload-module": {
    type: "full-reload",
    seq: 7,
    module: "/missing.js",
    triggeredBy: "/missing.js",
    reason: "missing.js exists now",
  },
  error: {
    type: "error",
    err: {
      message: 'Unexpected "="',
      stack: "at f (/src/a.ts:1:2)",
      id: "/src/a.ts",
      frame: "> 1 | =",
      plugin: "p",
      file: "/app/src/a.ts",
      hint: "h",
      loc: { file: "src/a.ts", line: 1, column: 2 },
      module: "/src/a.ts",
      workers: ["/src/w.ts"],
    },
    more: [{ message: "m", stack: "", module: "/src/b.ts" }],
  },
  "error-min": { type: "error", err: { message: "m", stack: "" } },
  fixed: { type: "fixed" },
  custom: { type: "custom", event: "my:event", data: { a: [1, null, "<b>"] } },
  "custom-no-data": { type: "custom", event: "my:event" },
  "custom-retained": { type: "custom", event: "a_b_c", data: 42, retained: true },
  reply: { type: "reply", id: 1, data: 42 },
  "reply-error": { type: "reply", id: 2, error: { code: "bad_payload", message: "m", path: "a.b" } },
  request: { type: "request", id: 3, event: "cart:state", data: { deep: true } },
  "request-no-data": { type: "request", id: 4, event: "cart:state" },
  cancel: { type: "cancel", id: 3 },
  "need-revisions": { type: "need-revisions" },
  ack: { type: "ack", n: 64 },
  "ack-waiting": { type: "ack", n: 64, waiting: 2, waitingBytes: 300 },
  "connected-lost": {
    type: "connected",
    client: "c3",
    epoch: "e",
    resumed: false,
    received: 0,
    seq: 0,
    waiting: 2,
    waitingBytes: 300,
    lost: { messages: 5, reason: "why" },
  },
};

test("the server's payloads are what this side takes them for", () => {
  const files = readdirSync(dir).map((f) => f.replace(".json", ""));
  assert.deepEqual(files.sort(), Object.keys(payloads).sort());
  for (const name of files)
    assert.deepEqual(JSON.parse(readFileSync(new URL(`${name}.json`, dir), "utf8")), payloads[name], name);
});

test("only the greeting and acknowledgements are not counted", () => {
  assert.deepEqual(
    Object.values(payloads)
      .filter((p) => !isReliable(p))
      .map((p) => p.type)
      .sort(),
    ["ack", "ack", "connected", "connected", "connected"],
  );
});
