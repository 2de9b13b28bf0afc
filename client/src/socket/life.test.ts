import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { onLeave } from "./life.ts";

/** A window and a document in which events can be dispatched. */
function page(t: TestContext, visibilityState: string) {
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState });
  const globals = {
    document,
    addEventListener: window.addEventListener.bind(window),
    removeEventListener: window.removeEventListener.bind(window),
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
    t.after(() => delete (globalThis as Record<string, unknown>)[name]);
  }
  const hide = (): void => {
    document.visibilityState = "hidden";
    document.dispatchEvent(new Event("visibilitychange"));
    window.dispatchEvent(new Event("visibilitychange")); // it bubbles
  };
  return { window, document, hide };
}

for (const before of ["visible", "hidden"])
  test(`onLeave: after the app's listeners, in a tab that was ${before}`, (t) => {
    const { window, document, hide } = page(t, "visible");
    const seen: string[] = [];
    const ended = new AbortController();
    onLeave(() => seen.push("left"), ended.signal);
    window.addEventListener("pagehide", () => seen.push("pagehide"));
    document.addEventListener("visibilitychange", () => seen.push("hidden"));
    window.addEventListener("visibilitychange", () => seen.push("hidden, window"));
    if (before === "hidden") hide();
    seen.length = 0;
    window.dispatchEvent(new Event("pagehide"));
    if (before === "hidden") return assert.deepEqual(seen, ["pagehide", "left"]);
    hide();
    assert.deepEqual(seen, ["pagehide", "hidden", "hidden, window", "left"]);
    seen.length = 0;
    window.dispatchEvent(new Event("pagehide")); // the browser showed the page again
    ended.abort();
    window.dispatchEvent(new Event("pagehide"));
    assert.deepEqual(seen, ["pagehide", "left", "pagehide"]);
  });
