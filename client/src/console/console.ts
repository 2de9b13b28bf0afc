// Sends the page's console to the server. The server appends this script to the client where `plugins.console` or
// `plugins.log` is on, or a tool has asked what happens. Pages that are open then import it. It finds the page's
// connection by connectionKey.

import { connectionKey, type Connection } from "../socket/connection.ts";
import { formatArguments, formatValue } from "./format.ts";
import { callSite, firstPosition, pageLocal } from "./position.ts";

/** The event of a line, see builtin.ConsoleLine. */
const event = "devserver:console";

const levels = ["log", "info", "warn", "error", "debug"] as const;
type Level = (typeof levels)[number] | "uncaught" | "rejection";

/** How many lines are sent per second. A page that logs in a loop must not delay its own events and updates. */
const perSecond = 200;

/**
 * Wraps the console and listens for uncaught errors. Errors of trySend are ignored. noteError gets errors that code has
 * caught and written to the console: Vue does that with the errors of components.
 */
export function watchConsole(
  target: Console,
  page: Pick<Window, "addEventListener">,
  trySend: (line: object) => void,
  noteError: (error: unknown) => void = () => {},
): void {
  const send = (line: object): void => {
    try {
      trySend(line);
    } catch {
      dropped++; // the queue is full; thrown here, the error would be the next line
    }
  };
  let budget = perSecond;
  let dropped = 0;
  let busy = false;
  const refill = (): void => {
    budget = perSecond;
    const count = dropped;
    if (count === 0) return;
    dropped = 0;
    send({ level: "warn", text: `(${count} more lines were left out)` });
    if (dropped > 0) dropped = count; // the next second says it
  };
  const sendLine = (
    level: Level,
    make: () => { text: string; position: [string, number, number] | undefined },
  ): void => {
    if (busy) return; // reading a value or sending logged something: it must not loop
    if (budget === perSecond) setTimeout(refill, 1000);
    if (budget-- <= 0) return void dropped++;
    busy = true;
    try {
      const { text, position: [url, line, column] = ["", 0, 0] } = make();
      send({ level, text, url: pageLocal(url), line, column });
    } catch {
      // A value that throws must not change what the page does.
    } finally {
      busy = false;
    }
  };
  for (const level of levels) {
    const real = target[level];
    target[level] = function (this: Console, ...args: unknown[]): void {
      if (!(typeof args[0] === "string" && args[0].startsWith("[devserver]"))) {
        if (level === "error") for (const arg of args) if (arg instanceof Error) noteError(arg);
        const { stack } = new Error();
        sendLine(level, () => ({ text: formatArguments(args), position: callSite(stack) }));
      }
      return real.apply(this ?? target, args);
    };
  }
  page.addEventListener("error", (e) => {
    if (e.message === undefined) return; // an element that did not load
    sendLine("uncaught", () => ({
      text: e.error === undefined || e.error === null ? e.message : formatValue(e.error),
      position: e.filename ? [e.filename, e.lineno, e.colno] : undefined,
    }));
  });
  page.addEventListener("unhandledrejection", (e) => {
    sendLine("rejection", () => ({
      text: formatValue(e.reason),
      position: firstPosition((e.reason as Error | undefined)?.stack),
    }));
  });
}

/** The page's connection, see Session. */
interface Recorded extends Connection {
  recorded?: boolean;
  noteError?(error: unknown): void;
}

const connection = (globalThis as { [connectionKey]?: Recorded })[connectionKey];
if (connection && typeof window !== "undefined" && !connection.recorded) {
  connection.recorded = true;
  watchConsole(
    console,
    window,
    (line) => connection.send(event, line),
    (error) => connection.noteError?.(error),
  );
}
