import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { isReliable, type ServerPayload } from "./payload.ts";

const dir = new URL("../testdata/payload/", import.meta.url);

/** What the server's files mean here, checked by the compiler against the types of payload.ts. */
const payloads: Record<string, ServerPayload> = {
  connected: { type: "connected", client: "c1", epoch: "e", session: "s", resumed: true, received: 3, seq: 7 },
  update: { type: "update", seq: 8, timestamp: 1000, changed: ["/src/a.ts"], deleted: ["/src/b.ts"], css: ["/style.css"], workers: ["/src/w.ts"], code: "$d()", url: "/@devserver/update/8.js" },
  "full-reload": { type: "full-reload", path: "/index.html", triggeredBy: "/index.html", reason: "index.html was edited" },
  prune: { type: "prune", paths: ["/src/a.ts"] },
  error: {
    type: "error",
    err: { message: "no", stack: "at", id: "/src/a.ts", frame: "> 1 | x", plugin: "p", loc: { file: "src/a.ts", line: 1, column: 2 }, file: "/app/src/a.ts", hint: "try" },
  },
  fixed: { type: "fixed" },
  custom: { type: "custom", event: "a:b", data: { n: 1 } },
  "custom-bare": { type: "custom", event: "a:b" },
  reply: { type: "reply", id: 4, data: 3 },
  "reply-error": { type: "reply", id: 4, error: { code: "bad_payload", message: "no a", path: "a" } },
  "need-revisions": { type: "need-revisions" },
  ack: { type: "ack", n: 64 },
};

test("the server's payloads are what this side takes them for", () => {
  const files = readdirSync(dir).map((f) => f.replace(".json", ""));
  assert.deepEqual(files.sort(), Object.keys(payloads).sort());
  for (const name of files) assert.deepEqual(JSON.parse(readFileSync(new URL(`${name}.json`, dir), "utf8")), payloads[name], name);
});

test("only the greeting and acknowledgements are not counted", () => {
  assert.deepEqual(Object.values(payloads).filter((p) => !isReliable(p)).map((p) => p.type).sort(), ["ack", "connected"]);
});
