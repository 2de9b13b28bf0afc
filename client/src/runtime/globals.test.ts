import assert from "node:assert/strict";
import { test } from "node:test";

import { defineGlobals } from "./globals.ts";

test("a name whose expression throws is told, and the others have their values", (t) => {
  const warn = t.mock.method(console, "warn", () => {});
  const env: Record<string, unknown> = {};
  defineGlobals(
    {
      testOne: () => 1,
      "testBroken.deep": () => {
        throw new TypeError("no such thing");
      },
      "testTwo.deep.value": () => "two",
      "testTwo.deep.more": () => "more",
      "import.meta.env.THREE": () => 3,
    },
    env,
  );
  const all = globalThis as unknown as { testOne: number; testTwo: unknown };
  assert.deepEqual([all.testOne, all.testTwo, env], [1, { deep: { value: "two", more: "more" } }, { THREE: 3 }]);
  assert.deepEqual(
    warn.mock.calls.map((call) => call.arguments),
    [["[devserver] the option define: testBroken.deep has no value: TypeError: no such thing"]],
  );
});
