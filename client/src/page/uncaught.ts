// The errors that code of this page did not catch. Tools ask for them, so that they learn what an update led to. They
// are kept here and not sent: a page that nobody asks costs nothing.

import { firstPosition, pageLocal } from "../console/position.ts";

/** An error that was not caught, that a framework caught and wrote to the console, or of an event's handler. */
export interface Uncaught {
  kind: "uncaught" | "rejection" | "console" | "event";
  /** The message, with the stack where there is one. */
  text: string;
  /** The place in a script, "" and 0 when it is unknown. */
  url: string;
  line: number;
  column: number;
  /** The number of the newest update that the page had then. */
  seq: number;
  /** By Date.now(). */
  time: number;
}

/**
 * What is in the stack of an error that stops Vue: thrown while it renders, mounts or updates a component. The tree of
 * components is incomplete then, and takes no update.
 */
const vueRenders =
  /\b(renderComponentRoot|componentUpdateFn|setupStatefulComponent|mountComponent|flush(PostFlushCb|Job)s)\b/;

/** How many errors are kept, the newest, and how long each text may be. */
const most = 20;
const longest = 4000;

export class UncaughtErrors {
  private readonly list: Uncaught[] = [];
  /** How many errors there were since the page was loaded. */
  count = 0;
  /** Why only a reload makes the page render again. */
  stopped: string | undefined;

  constructor(private readonly seq: () => number) {}

  watch(target: Pick<Window, "addEventListener">): void {
    target.addEventListener("error", (e) => {
      if (e.message === undefined) return; // an element that did not load
      this.add("uncaught", e.error ?? e.message, [e.filename, e.lineno, e.colno]);
    });
    target.addEventListener("unhandledrejection", (e) => this.add("rejection", e.reason));
  }

  /** Notes an error. Without a position, that of its stack counts. */
  add(kind: Uncaught["kind"], error: unknown, at?: [url: string, line: number, column: number]): void {
    const text = textOf(error);
    const [url, line, column] = (at?.[0] ? at : undefined) ?? firstPosition(text) ?? ["", 0, 0];
    this.count++;
    if ((kind === "uncaught" || kind === "rejection") && vueRenders.test(text)) {
      this.stopped = `Vue stopped rendering at an error that was not caught: ${text.split("\n", 1)[0]}`;
    }
    this.list.push({ kind, text, url: pageLocal(url), line, column, seq: this.seq(), time: Date.now() });
    if (this.list.length > most) this.list.shift();
  }

  /** Returns the errors, the oldest first. */
  all(): readonly Uncaught[] {
    return this.list;
  }
}

function textOf(error: unknown): string {
  let text: string;
  try {
    const { name, message, stack } = error as Partial<Error>;
    const title = error instanceof Error ? `${name}: ${message}` : String(error);
    // Chromium's stacks begin with the title, those of Firefox and Safari do not.
    text = stack === undefined || stack.includes(message ?? "") ? (stack ?? title) : `${title}\n${stack}`;
  } catch {
    text = "an error that has no text"; // its own code threw
  }
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
