import assert from "node:assert/strict";
import { test } from "node:test";
import { Queue } from "./queue.ts";

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

test("queue: a task that fails is reported and the others run", async () => {
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
