// The wire types against the files that the server's tests write.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { isReliable, type ServerPayload } from "./payload.ts";

const folder = new URL("../../testdata/payload/", import.meta.url);

/** Every member that a payload may have, by type; `never` in the default keeps the list whole. */
function members(p: ServerPayload): string[] {
  switch (p.type) {
    case "connected": return ["client", "epoch", "session", "resumed", "received", "seq"];
    case "update": return ["seq", "timestamp", "changed", "deleted", "css", "workers", "force", "code", "url"];
    case "full-reload": return ["path", "triggeredBy", "reason"];
    case "prune": return ["paths"];
    case "error": return ["err"];
    case "custom": return ["event", "data"];
    case "reply": return ["id", "data", "error"];
    case "ack": return ["n"];
    case "fixed": case "need-revisions": return [];
    default: { const never: never = p; throw new Error(`unknown payload ${JSON.stringify(never)}`); }
  }
}

test("the server's payloads are the ones that the client knows", () => {
  const files = readdirSync(folder);
  assert.ok(files.length >= 12);
  for (const file of files) {
    const payload = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as ServerPayload;
    assert.ok(file.startsWith(payload.type), file);
    for (const key of Object.keys(payload)) assert.ok(key === "type" || members(payload).includes(key), `${file}: ${key}`);
    assert.equal(isReliable(payload), payload.type !== "connected" && payload.type !== "ack");
  }
});
