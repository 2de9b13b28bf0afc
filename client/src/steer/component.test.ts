import assert from "node:assert/strict";
import test from "node:test";
import { callSite } from "./component.ts";

const stacks: Record<string, string> = {
  Chromium: `Error: react-stack-top-frame
    at exports.jsxDEV (http://localhost:1/@deps/react.js:1242:27)
    at Form (http://localhost:1/form.jsx?t=1:5:48)
    at Object.react_stack_bottom_frame (http://localhost:1/@deps/react.js:21798:16)`,
  Firefox: `exports.jsxDEV@http://localhost:1/@deps/react.js:1242:27
Form@http://localhost:1/form.jsx?t=1:5:48
react_stack_bottom_frame@http://localhost:1/@deps/react.js:21798:16`,
  "an anonymous component": `Error: react-stack-top-frame
    at jsxDEV (http://localhost:1/node_modules/react/jsx-dev-runtime.js:7:3)
    at http://localhost:1/form.jsx?t=1:5:48`,
};

for (const [browser, stack] of Object.entries(stacks))
  test(`the place of JSX in a stack of ${browser}`, () => {
    assert.deepEqual(callSite(stack), { url: "http://localhost:1/form.jsx?t=1", line: 5, column: 48 });
  });

test("a stack without the app's code has no place", () => {
  assert.equal(callSite("Error: react-stack-top-frame\n    at jsx (http://localhost:1/r.js:1:1)"), undefined);
});
