import assert from "node:assert/strict";
import { test } from "node:test";
import { UncaughtErrors } from "./uncaught.ts";

function thrown(message: string, ...stack: string[]): Error {
  const error = new Error(message);
  error.stack = [`Error: ${message}`, ...stack.map((at) => `    at ${at} (http://localhost/x.js:1:1)`)].join("\n");
  return error;
}

test("an error that Vue meets while it renders stops the page, one of a handler does not", () => {
  const errors = new UncaughtErrors(() => 1);
  errors.add("uncaught", thrown("handler", "f", "callWithErrorHandling", "HTMLButtonElement.invoker"));
  errors.add("console", thrown("caught", "Proxy._sfc_render", "renderComponentRoot"));
  assert.equal(errors.stopped, undefined);
  errors.add("rejection", thrown("render", "Proxy._sfc_render", "renderComponentRoot", "patch"));
  assert.equal(errors.stopped, "Vue stopped rendering at an error that was not caught: Error: render");
});

test("an error of a hook, of setup and of a first mount stop it, too", () => {
  for (const at of [
    "flushPostFlushCbs",
    "setupStatefulComponent",
    "mountComponent",
    "ReactiveEffect.componentUpdateFn [as fn]",
  ]) {
    const errors = new UncaughtErrors(() => 1);
    errors.add("rejection", thrown("hook", "eval", at));
    assert.ok(errors.stopped, at);
  }
});
