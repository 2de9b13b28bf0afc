// The life of a document: when it wakes, and when it ends.

/** Reports whether this is a page, and not a worker. */
export function hasDocument(): boolean {
  return typeof document !== "undefined";
}

/**
 * Calls back when a connection may have been lost unnoticed or may be possible again: the computer woke up, the network
 * is back, or the tab came to the front.
 */
export function onWake(wake: () => void, signal: AbortSignal): void {
  if (!hasDocument()) return;
  addEventListener("online", wake, { signal });
  addEventListener("pageshow", wake, { signal });
  document.addEventListener("resume", wake, { signal }); // a frozen tab
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake(), { signal });
}

/**
 * Calls back when the user has left the page, after the listeners of the app. The browser may keep the page and show it
 * again.
 */
export function onLeave(left: () => void, signal: AbortSignal): void {
  const hidden = (): void => {
    // A page that was in front gets one more event, in which apps send, too.
    if (document.visibilityState === "hidden") left();
    else addEventListener("visibilitychange", left, { once: true, signal });
  };
  // Listeners are called in the order in which they were added, so this one is added again after those of the app.
  const last = (): void => {
    removeEventListener("pagehide", hidden);
    addEventListener("pagehide", hidden, { signal });
  };
  last();
  addEventListener("load", last, { signal });
  document.addEventListener("visibilitychange", last, { signal });
}
