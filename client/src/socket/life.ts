// The life of a document: when it wakes, and when it ends.

/**
 * Calls back when a connection may have been lost unnoticed or may be possible again: the computer woke up, the network
 * is back, or the tab came to the front.
 */
export function onWake(wake: () => void, signal: AbortSignal): void {
  if (typeof document === "undefined") return;
  addEventListener("online", wake, { signal });
  addEventListener("pageshow", wake, { signal });
  document.addEventListener("resume", wake, { signal }); // a frozen tab
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake(), { signal });
}

/**
 * Calls back once the user has left the page, after all listeners of the app. `kept` says that the browser may show the
 * page again.
 */
export function onLeave(left: (kept: boolean) => void, signal: AbortSignal): void {
  const last = ({ persisted }: PageTransitionEvent): void => {
    // A page that was in front gets one more event, in which apps send, too.
    if (persisted || document.visibilityState === "hidden") left(persisted);
    else addEventListener("visibilitychange", () => left(false), { once: true, signal });
  };
  // Listeners are called in the order in which they were added. These are added when the event is on its way already.
  addEventListener("pagehide", () => addEventListener("pagehide", last, { once: true, signal }), {
    capture: true,
    signal,
  });
}
