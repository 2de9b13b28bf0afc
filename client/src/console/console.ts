// What the page writes to its console, sent to the server: served behind the client when the project has switched
// `plugins.console` or `plugins.log` on, and nowhere else. It finds the page's connection by connectionKey.

import { connectionKey, type Connection } from "../socket/connection.ts";
import { formatArguments, formatValue } from "./format.ts";
import { callSite, firstPosition, pageLocal } from "./position.ts";

/** The event that carries a line, see builtin.ConsoleLine. */
const event = "devserver:console";

const levels = ["log", "info", "warn", "error", "debug"] as const;
type Level = (typeof levels)[number] | "uncaught" | "rejection";

/** A page that writes in a loop must not hold up its own events and updates. */
const perSecond = 200;

/** Wraps the console and listens for what nobody caught. Failures of trySend are dropped. */
export function watchConsole(target: Console, page: Pick<Window, "addEventListener">, trySend: (line: object) => void): void {
  const send = (line: object): void => {
    try {
      trySend(line);
    } catch {
      // The queue is full: thrown from here it would be the next line.
    }
  };
  let budget = perSecond;
  let dropped = 0;
  let busy = false;
  const refill = (): void => {
    budget = perSecond;
    if (dropped > 0) send({ level: "warn", text: `(${dropped} more lines within a second were left out)` });
    dropped = 0;
  };
  const tell = (level: Level, make: () => { text: string; position: [string, number, number] | undefined }): void => {
    if (busy) return; // reading a value made it write, or sending did: no loop
    if (budget === perSecond) setTimeout(refill, 1000);
    if (budget-- <= 0) return void dropped++;
    busy = true;
    try {
      const { text, position: [url, line, column] = ["", 0, 0] } = make();
      send({ level, text, url: pageLocal(url), line, column });
    } catch {
      // A strange value must not change what the page does.
    } finally {
      busy = false;
    }
  };
  for (const level of levels) {
    const real = target[level];
    target[level] = function (this: Console, ...args: unknown[]): void {
      if (!(typeof args[0] === "string" && args[0].startsWith("[devserver]"))) {
        const { stack } = new Error();
        tell(level, () => ({ text: formatArguments(args), position: callSite(stack) }));
      }
      return real.apply(this ?? target, args);
    };
  }
  page.addEventListener("error", (e) => {
    if (e.message === undefined) return; // an element that did not load
    tell("uncaught", () => ({ text: e.error === undefined || e.error === null ? e.message : formatValue(e.error), position: e.filename ? [e.filename, e.lineno, e.colno] : undefined }));
  });
  page.addEventListener("unhandledrejection", (e) => {
    tell("rejection", () => ({ text: formatValue(e.reason), position: firstPosition((e.reason as Error | undefined)?.stack) }));
  });
}

const connection = (globalThis as { [connectionKey]?: Connection })[connectionKey];
if (connection && typeof window !== "undefined") watchConsole(console, window, (line) => connection.send(event, line));
