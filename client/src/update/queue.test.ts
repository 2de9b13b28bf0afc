import assert from "node:assert/strict";
import { test } from "node:test";
import { Queue, settle } from "./queue.ts";

const silent = { error: () => {}, warn: () => {} };

test("queue: one task at a time, in order, whatever they take", async () => {
  const seen: string[] = [];
  const q = new Queue(() => {});
  q.push(async () => {
    seen.push("a");
    await new Promise((r) => setTimeout(r, 2));
    seen.push("a ends");
  });
  q.push(() => void seen.push("b"));
  assert.deepEqual(seen, [], "nothing runs inside push");
  await q.idle();
  assert.deepEqual(seen, ["a", "a ends", "b"]);
});

test("queue: consequences come before what waits", async () => {
  const seen: string[] = [];
  const q = new Queue(() => {});
  q.push(() => {
    q.pushFront(() => void seen.push("consequence"));
    seen.push("first");
  });
  q.push(() => void seen.push("second"));
  await q.idle();
  assert.deepEqual(seen, ["first", "consequence", "second"]);
});

test("queue: a task that fails is reported and the rest goes on", async () => {
  const failed: unknown[] = [];
  const seen: string[] = [];
  const q = new Queue((e) => failed.push(e));
  q.push(() => Promise.reject(new Error("one")));
  q.push(() => {
    throw new Error("two");
  });
  q.push(() => void seen.push("three"));
  await q.idle();
  assert.deepEqual(failed.map(String), ["Error: one", "Error: two"]);
  assert.deepEqual(seen, ["three"]);
  q.push(() => void seen.push("four"));
  await q.idle();
  assert.deepEqual(seen, ["three", "four"]);
});

test("settle: waits for all, contains failures, gives up on what never ends", async () => {
  const lines: string[] = [];
  const log = { error: (...a: unknown[]) => void lines.push(a.map(String).join(" ")), warn: (...a: unknown[]) => void lines.push(a.join(" ")) };
  await settle([1, undefined, Promise.resolve(), Promise.reject(new Error("x"))], "it", log);
  await settle([new Promise(() => {})], "that", log, 5);
  assert.deepEqual(lines, ["[devserver] it failed: Error: x", "[devserver] that takes longer than 0.005 s; going on without it"]);
  await settle([], "nothing", silent);
});
