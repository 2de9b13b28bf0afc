import assert from "node:assert/strict";
import { test } from "node:test";
import { watchConsole } from "./console.ts";
import { formatArguments } from "./format.ts";
import { callSite, firstPosition } from "./position.ts";

test("console: values as text", () => {
  const circle: { self?: unknown; n: number } = { n: 1 };
  circle.self = circle;
  const trap = new Proxy(
    {},
    {
      getPrototypeOf: () => {
        throw new Error("no");
      },
    },
  );
  // One line a case.
  // prettier-ignore
  const cases: [unknown[], string][] = [
    [[], ""],
    [["a", 1, "b", true, null, undefined, 5n, -0, Symbol("s")], "a 1 b true null undefined 5n -0 Symbol(s)"],
    [["%s is %d of %i, %f, %%, %o%c!", "x", 1.7, "2.9", 1.5, { a: "b" }, "color: red"], `x is 1 of 2, 1.5, %, { a: "b" }!`],
    [["%s and %s", "one"], "one and %s"],
    [["100%", 2], "100% 2"],
    [["%d", {}], "NaN"],
    [[{ a: [1, "x"], "b-c": { d: { e: { f: 1 } } } }], `{ a: [1, "x"], "b-c": { d: { e: [Object] } } }`],
    [[[], {}, [[]], new Map([["k", { v: 1 }]]), new Set([1])], `[] {} [[]] Map(1) { "k" => { v: 1 } } Set(1) { 1 }`],
    [[circle], "{ n: 1, self: [Circular] }"],
    [[{ get now() { return assert.fail("a getter ran"); } }], "{ now: [Getter] }"],
    [[new (class Point { x = 1; })(), new Uint8Array(2), Object.create(null)], "Point { x: 1 } Uint8Array(2) [0, 0] {}"],
    [[function named() {}, class A {}, /x/g, new Date(0), new Date(NaN)], "[function named] [class A] /x/g 1970-01-01T00:00:00.000Z Invalid Date"],
    [[trap, "after"], "[unreadable] after"],
  ];
  for (const [args, want] of cases) assert.equal(formatArguments(args), want);
});

test("console: what is shown is bounded", () => {
  const numbers = formatArguments([Array.from({ length: 1000 }, (_, i) => i)]);
  assert.match(numbers, /, 49, … 950 more\]$/);
  for (const big of [["x".repeat(1e6)], ["%s", "x".repeat(1e6)], [{ a: "x".repeat(1e6) }], Array(1e5).fill("word")]) {
    assert.equal(formatArguments(big).length, 2001);
  }
});

test("console: errors have their stack and cause", () => {
  const text = formatArguments(["failed:", new Error("outer", { cause: new TypeError("inner") })]);
  assert.match(text, /^failed: Error: outer\n +at [^]*\ncaused by: TypeError: inner\n +at /);
  const firefox = Object.assign(new Error("m"), { stack: "f@http://x/a.js:1:2" });
  assert.equal(formatArguments([firefox]), "Error: m\nf@http://x/a.js:1:2");
});

test("console: positions in stacks", () => {
  const chromium =
    "Error\n    at console.log (http://h:1/@vite/client:2:9)\n    at App (http://h:1/src/main.tsx?t=1:30:11)\n    at http://h:1/x.js:1:2";
  assert.deepEqual(callSite(chromium), ["http://h:1/src/main.tsx?t=1", 30, 11]);
  assert.deepEqual(
    callSite("Error\n    at a (http://h/@vite/client:2:9)\n    at eval (/@devserver/update/ab-1.js:3:5)"),
    ["/@devserver/update/ab-1.js", 3, 5],
  );
  assert.deepEqual(callSite("log@http://h/@vite/client:2:9\nApp@http://h/a.js:3:4\n"), ["http://h/a.js", 3, 4]);
  assert.equal(callSite("Error\n    at a (http://h/@vite/client:2:9)\n    at <anonymous>"), undefined);
  assert.equal(callSite(undefined), undefined);
  assert.deepEqual(firstPosition("Error: see http://h/x:1\n    at http://h/a.js:3:4"), ["http://h/a.js", 3, 4]);
});

interface Line {
  level: string;
  text: string;
  line: number;
}

function watched() {
  const real: unknown[][] = [];
  const lines: Line[] = [];
  const page = new EventTarget();
  const one = (...args: unknown[]): void => void real.push(args);
  const target = { log: one, info: one, warn: one, error: one, debug: one } as unknown as Console;
  return { real, lines, page, target };
}

test("console: calls reach the real console, and ours are not sent", () => {
  const { real, lines, page, target } = watched();
  watchConsole(target, page, (line) => {
    lines.push(line as Line);
    target.warn("[devserver] sent");
    target.warn("written while sending");
  });
  const object = { a: 1 };
  target.log("got", object);
  target.warn("[devserver] the connection was lost");
  assert.deepEqual(
    lines.map((l) => [l.level, l.text]),
    [["log", "got { a: 1 }"]],
  );
  assert.equal(real.find(([text]) => text === "got")![1], object);
  assert.deepEqual(
    real.map(([text]) => text),
    ["[devserver] sent", "written while sending", "got", "[devserver] the connection was lost"],
  );
});

test("console: what cannot be sent changes nothing for the page, and is counted", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { real, lines, page, target } = watched();
  let full = true;
  watchConsole(target, page, (line) => {
    if (full) throw new Error("queue_full");
    lines.push(line as Line);
  });
  target.error("x");
  target.error("y");
  assert.deepEqual(real, [["x"], ["y"]]);
  t.mock.timers.tick(1000);
  full = false;
  target.error("z");
  t.mock.timers.tick(1000);
  assert.deepEqual(
    lines.map((l) => l.text),
    ["z", "(2 more lines were left out)"],
  );
});

test("console: a loop is cut off and its rest is counted", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { real, lines, page, target } = watched();
  watchConsole(target, page, (line) => lines.push(line as Line));
  for (let i = 0; i < 1000; i++) target.log(i);
  assert.equal(lines.length, 200);
  assert.equal(real.length, 1000);
  t.mock.timers.tick(1000);
  assert.equal(lines.at(-1)!.text, "(800 more lines were left out)");
  target.log("again");
  assert.equal(lines.at(-1)!.text, "again");
});

test("console: uncaught errors and rejections", () => {
  const { lines, page, target } = watched();
  watchConsole(target, page, (line) => lines.push(line as Line));
  page.dispatchEvent(
    Object.assign(new Event("error"), {
      message: "Uncaught boom",
      error: null,
      filename: "http://h/a.js",
      lineno: 3,
      colno: 4,
    }),
  );
  page.dispatchEvent(Object.assign(new Event("unhandledrejection"), { reason: "why" }));
  page.dispatchEvent(new Event("error"));
  assert.deepEqual(
    lines.map((l) => [l.level, l.text, l.line]),
    [
      ["uncaught", "Uncaught boom", 3],
      ["rejection", "why", 0],
    ],
  );
});
