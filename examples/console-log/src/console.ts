// Sends what this page writes to its console to devserver/main.go. The browser's console gets the same as before.
// main.ts imports this module first, so that nothing is missed.

const levels = ["log", "info", "warn", "error", "debug"] as const;
export type Level = (typeof levels)[number];

// A text that is longer is cut: nobody reads it in a log, and it would fill the file.
const longest = 10_000;

/** Logs an event of the app with its data. In a production build this does nothing. */
export function logEvent(name: string, data: unknown): void {
  import.meta.hot?.send("log", { name, data });
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return String(value); // its stack has lines of the code that devserver serves, not yours
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value); // it holds itself, or a BigInt
  }
}

if (import.meta.hot) {
  const hot = import.meta.hot;
  const ended = new AbortController();
  const send = (level: Level, values: unknown[]) =>
    hot.send("console:line", { level, text: values.map(textOf).join(" ").slice(0, longest) });

  for (const level of levels) {
    const write = console[level];
    console[level] = (...values: unknown[]) => {
      write.apply(console, values);
      send(level, values);
    };
    // The next version of this module wraps the browser's own method, and not this wrapper.
    ended.signal.addEventListener("abort", () => (console[level] = write));
  }
  const { signal } = ended;
  window.addEventListener("error", (e) => send("error", ["uncaught", e.error ?? e.message]), { signal });
  window.addEventListener("unhandledrejection", (e) => send("error", ["unhandled", e.reason]), { signal });

  hot.dispose(() => ended.abort());
  hot.accept();
}
