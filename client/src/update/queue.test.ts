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

test("queue: while a task waits for the app, events are handed out, up to the next task", async () => {
  const seen: string[] = [];
  const q = new Queue(() => {});
  const event = (name: string): void => q.pushEvent(() => void seen.push(name));
  event("before");
  q.push(async () => {
    seen.push("task");
    await Promise.resolve(); // its own work: events wait
    let goOn!: () => void;
    const waiting = q.meanwhile(new Promise<void>((resolve) => (goOn = resolve)));
    q.pushEvent(() => {
      seen.push("go on");
      goOn();
    });
    event("after");
    await waiting;
    seen.push("task ends");
  });
  event("during");
  await q.idle();
  assert.deepEqual(seen, ["before", "task", "during", "go on", "task ends", "after"]);

  seen.length = 0;
  let end!: () => void;
  const never = new Promise<void>((resolve) => (end = resolve));
  q.push(() => q.meanwhile(never));
  q.push(() => void seen.push("next task"));
  event("behind the task");
  await new Promise((r) => setTimeout(r, 5));
  assert.deepEqual(seen, []);
  end();
  await q.idle();
  assert.deepEqual(seen, ["next task", "behind the task"]);
});

test("queue: an event that is put off comes when nothing waits for the app, before all others", async () => {
  const seen: string[] = [];
  const q = new Queue(() => {});
  let finish = (): void => {};
  const once = (what: string) => (): void => {
    if (q.waits) return q.pushLater(once(what));
    seen.push(what);
  };
  q.push(async () => {
    await q.meanwhile(new Promise<void>((resolve) => (finish = resolve)));
    seen.push("task ends");
  });
  q.pushEvent(once("a"));
  q.pushEvent(() => void seen.push("event"));
  q.pushEvent(once("b"));
  q.push(() => void seen.push("next"));
  for (let i = 0; i < 10; i++) await new Promise((r) => setTimeout(r, 0));
  assert.deepEqual(seen, ["event"]);
  finish();
  await q.idle();
  assert.deepEqual(seen, ["event", "task ends", "a", "b", "next"]);
});
