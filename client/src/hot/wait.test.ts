import assert from "node:assert/strict";
import { test } from "node:test";
import { waitAll } from "./wait.ts";

const silent = { error: () => {}, warn: () => {} };

test("waitAll: waits for all, contains failures, gives up on what never ends", async () => {
  const lines: string[] = [];
  const log = {
    error: (...a: unknown[]) => void lines.push(a.map(String).join(" ")),
    warn: (...a: unknown[]) => void lines.push(a.join(" ")),
  };
  await waitAll([1, undefined, Promise.resolve(), Promise.reject(new Error("x"))], "it", log, (p) => p);
  await waitAll([new Promise(() => {})], "that", log, (p) => p, 5);
  assert.deepEqual(lines, [
    "[devserver] it failed: Error: x",
    "[devserver] that takes longer than 0.005 s; continuing without it",
  ]);
  await waitAll([], "nothing", silent, (p) => p);
});
