import assert from "node:assert/strict";
import { test } from "node:test";
import { Identity } from "./identity.ts";

/** Questions that are answered by hand. */
function open() {
  const asked: { answer(user: string): void; fail(): void }[] = [];
  const timers = new Set<() => void>();
  const identity = new Identity({
    ask: () =>
      new Promise((resolve, reject) => asked.push({ answer: resolve, fail: () => reject(new Error("offline")) })),
    timers: { set: (fn) => (timers.add(fn), fn), clear: (fn) => void timers.delete(fn as () => void) },
  });
  return { asked, timers, identity };
}

test("a server that knows no users is not asked", async () => {
  const { asked, identity } = open();
  assert.equal(await identity.reidentify(), "");
  identity.check();
  assert.equal(asked.length, 0);
});

test("who asks while a question is under way gets the answer to a later one", async () => {
  const { asked, identity } = open();
  identity.enabled = true;
  const first = identity.reidentify();
  const second = identity.reidentify();
  const third = identity.reidentify();
  assert.equal(asked.length, 1); // the cookies may have changed after it was sent
  asked[0]!.fail();
  await assert.rejects(first);
  await new Promise((r) => setImmediate(r));
  assert.equal(asked.length, 2);
  asked[1]!.answer("ann");
  assert.deepEqual(await Promise.all([second, third]), ["ann", "ann"]);
  const fourth = identity.reidentify();
  asked[2]!.answer("bob");
  assert.equal(await fourth, "bob");
});

test("a cookie that is about to change is asked for a few times", () => {
  const { asked, timers, identity } = open();
  identity.cookieChanges(); // so the server knows users
  const before = timers.size;
  identity.cookieChanges(); // replaces the one before
  assert.equal(timers.size, before);
  for (const fn of timers) fn();
  assert.equal(asked.length, 1);
});
