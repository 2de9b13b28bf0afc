// The requests of the server that this page answers.

import { hasDocument } from "./life.ts";
import type { Logger } from "./logger.ts";
import { HotError } from "./request.ts";

/** Answers a request. Its signal aborts when nobody waits for the answer any more. */
export type Handler = (data: never, context: { signal: AbortSignal }) => unknown;

export interface HandleOptions {
  /** Says what the request does. Tools and agents list requests that have a description. */
  description?: string;
}

/** A request that the page answers. */
export interface Handled {
  event: string;
  description?: string;
}

/** What registers handlers, such as one run of a module. */
export interface HandlerOwner {
  /** The name for people, such as the ID of the module. */
  readonly name: string;
  /** False while the owner is being replaced: its handlers are not called. */
  readonly answers: boolean;
}

/** Answers the requests whose names begin with a prefix. */
export type PrefixHandler = (event: string, data: unknown, signal: AbortSignal) => unknown;

interface Entry extends HandleOptions {
  fn: Handler;
  owner: HandlerOwner;
}

/** The names that devserver's own client answers. */
export const ownPrefix = "devserver:";

/** The handlers of a page, by the names of requests. */
export class Answers {
  /** The first handler whose owner answers is called. The others of the list wait until that handler is gone. */
  private readonly byEvent = new Map<string, Entry[]>();
  private readonly byPrefix = new Map<string, PrefixHandler>();

  constructor(private readonly log: Pick<Logger, "error">) {}

  /** Answers requests of that name until the returned function is called. */
  handle(event: string, fn: Handler, { description }: HandleOptions, owner: HandlerOwner): () => void {
    const what = `[devserver] ${owner.name}: handle(${JSON.stringify(event)})`;
    if (typeof event !== "string" || event === "" || typeof fn !== "function") {
      this.log.error(`${what} has no effect: it needs a name and a function`);
      return () => {};
    }
    if (event.startsWith(ownPrefix)) {
      this.log.error(`${what} has no effect: names that begin with ${ownPrefix} belong to devserver itself`);
      return () => {};
    }
    const entry: Entry = { fn, owner, ...(description ? { description } : {}) };
    const list = this.byEvent.get(event) ?? [];
    this.byEvent.set(event, list);
    const own = list.findIndex((other) => other.owner === owner);
    if (own >= 0) list[own] = entry;
    else {
      const other = list.find(({ owner }) => owner.answers);
      if (other)
        this.log.error(`${what} waits: ${other.owner.name} answers requests of this name already, until it stops`);
      list.push(entry);
    }
    return () => this.filter(event, (e) => e !== entry);
  }

  /** Answers all requests whose names begin with the prefix, for the client itself. */
  handlePrefix(prefix: string, fn: PrefixHandler): void {
    this.byPrefix.set(prefix, fn);
  }

  /** Removes the handlers of an owner. */
  drop(owner: HandlerOwner): void {
    for (const event of [...this.byEvent.keys()]) this.filter(event, (e) => e.owner !== owner);
  }

  private filter(event: string, keep: (entry: Entry) => boolean): void {
    const kept = (this.byEvent.get(event) ?? []).filter(keep);
    if (kept.length > 0) this.byEvent.set(event, kept);
    else this.byEvent.delete(event);
  }

  /** Lists what modules of the page answer, by name. */
  list(): Handled[] {
    return [...this.byEvent.keys()].sort().flatMap((event) => {
      const entry = this.find(event);
      return entry ? [{ event, ...(entry.description ? { description: entry.description } : {}) }] : [];
    });
  }

  private find(event: string): Entry | undefined {
    return this.byEvent.get(event)?.find(({ owner }) => owner.answers);
  }

  private own(event: string): PrefixHandler | undefined {
    for (const [prefix, fn] of this.byPrefix) if (event.startsWith(prefix)) return fn;
    return undefined;
  }

  has(event: string): boolean {
    return this.find(event) !== undefined || this.own(event) !== undefined;
  }

  /** Calls back when the scripts of a page that loads have run; returns false if they have. */
  onceLoaded(fn: () => void): boolean {
    void loading?.then(fn);
    return loading !== undefined;
  }

  /** Calls the handler. Throws a HotError when there is none. */
  async call(event: string, data: unknown, signal: AbortSignal): Promise<unknown> {
    const own = this.own(event);
    if (own) return own(event, data, signal);
    const entry = this.find(event);
    if (!entry) throw new HotError("unknown_event", this.unknown(event));
    try {
      return await entry.fn(data as never, { signal });
    } catch (error) {
      // An error with a code is an answer that the handler has chosen.
      if (codeOf(error) === undefined && !signal.aborted)
        this.log.error(`[devserver] the handler of requests ${JSON.stringify(event)} failed:`, error);
      throw error;
    }
  }

  private unknown(event: string): string {
    const names = this.list().map((handled) => JSON.stringify(handled.event));
    const rest = names.length > mostNamed ? `, and ${names.length - mostNamed} more` : "";
    const known = names.length === 0 ? "no requests" : names.slice(0, mostNamed).join(", ") + rest;
    return `no module of the page handles requests ${JSON.stringify(event)}; the page handles ${known}`;
  }
}

/** How many names an error has. */
const mostNamed = 20;

/** Resolves when the scripts of the page have run; undefined when they have, and where there is no page. */
let loading: Promise<void> | undefined;
if (hasDocument() && document.readyState !== "complete")
  loading = new Promise<void>((resolve) => {
    document.addEventListener("DOMContentLoaded", () => resolve(), { once: true });
    addEventListener("load", () => resolve(), { once: true });
  }).then(() => {
    loading = undefined;
  });

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" && code !== "" ? code : undefined;
}

/** The longest message of an error that the server gets. */
const longestMessage = 10_000;

/** Returns what the server gets of an error. */
export function errorReply(error: unknown): { code: string; message: string; path?: string } {
  const { message, path } = (error ?? {}) as { message?: unknown; path?: unknown };
  let text: string;
  try {
    text = typeof message === "string" ? message : String(error);
  } catch {
    text = "an error that has no text";
  }
  return {
    code: (codeOf(error) ?? "handler_error").slice(0, 200),
    message: text.slice(0, longestMessage),
    ...(typeof path === "string" && path !== "" ? { path: path.slice(0, 1000) } : {}),
  };
}
