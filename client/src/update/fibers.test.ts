import assert from "node:assert/strict";
import { test } from "node:test";
import { find } from "./fibers.ts";

type Node = Parameters<typeof find>[0];

const fiber = (tag: number, type: unknown, child: Node | null = null, sibling: Node | null = null): Node => ({
  tag,
  type,
  child,
  sibling,
});

test("fibers of updated components are found by every version of their type", () => {
  const [old, now, other] = [function A() {}, function A() {}, function B() {}];
  const family = {};
  const familyOf = (type: unknown): object | undefined => (type === old || type === now ? family : undefined);
  const ref = { render: now };
  const deep = fiber(0, old);
  const page = fiber(3, null, fiber(0, other, fiber(5, "p", deep, fiber(11, ref)), fiber(15, now)));
  const found = find(page, familyOf, new Set([family]));
  assert.deepEqual(
    found?.fibers.map((f) => f.type),
    [old, ref, now],
  );
  assert.equal(found?.boundaries, false);
});

test("a class component is left to React, which mounts it again, and boundaries are reported", () => {
  class Plain {}
  class Boundary {
    static getDerivedStateFromError(): void {}
  }
  class Catching {
    componentDidCatch(): void {}
  }
  const family = {};
  assert.equal(
    find(fiber(3, null, fiber(1, Plain)), () => family, new Set([family])),
    undefined,
  );
  for (const type of [Boundary, Catching])
    assert.equal(find(fiber(3, null, fiber(1, type)), () => undefined, new Set([family]))?.boundaries, true);
  assert.equal(find(fiber(3, null, fiber(1, Plain)), () => undefined, new Set([family]))?.boundaries, false);
});
