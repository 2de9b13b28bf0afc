// The listeners of a page's events: built-in events, and the project's own.

import type { Logger } from "../socket/logger.ts";
import { logFailures, waitAll, type Meanwhile } from "./wait.ts";

export type Listener = (data: never) => unknown;

/** Listeners of built-in and custom events, of all modules of the page. */
export class Events {
  private readonly listeners = new Map<string, { fn: Listener; owner: object | undefined }[]>();

  constructor(
    private readonly log: Logger,
    /** Waits for the app. */
    readonly meanwhile: Meanwhile = (promise) => promise,
  ) {}

  on(event: string, fn: Listener, owner?: object): void {
    const name = canonical(event);
    const list = this.listeners.get(name);
    if (list) list.push({ fn, owner });
    else this.listeners.set(name, [{ fn, owner }]);
  }

  /** Removes every registration of the function, of any module. */
  off(event: string, fn: Listener): void {
    this.filter(canonical(event), (l) => l.fn !== fn);
  }

  /** Removes the listeners of a module that runs again or left the page. */
  drop(owner: object): void {
    for (const event of [...this.listeners.keys()]) this.filter(event, (l) => l.owner !== owner);
  }

  has(event: string): boolean {
    return this.listeners.has(canonical(event));
  }

  /** Calls the listeners and waits for their promises. A listener that throws does not stop the others. */
  async emit(event: string, data: unknown): Promise<void> {
    await waitAll(this.call(event, data), nameOf(event), this.log, this.meanwhile);
  }

  /** Calls the listeners, and waits for none: a listener may wait for another event. */
  send(event: string, data: unknown): void {
    void logFailures(this.call(event, data), nameOf(event), this.log);
  }

  private call(event: string, data: unknown): unknown[] {
    const results: unknown[] = [];
    for (const { fn } of [...(this.listeners.get(canonical(event)) ?? [])]) {
      try {
        results.push(fn(data as never));
      } catch (error) {
        this.log.error(`[devserver] ${nameOf(event)} failed:`, error);
      }
    }
    return results;
  }

  private filter(event: string, keep: (l: { fn: Listener; owner: object | undefined }) => boolean): void {
    const list = this.listeners.get(event);
    if (!list) return;
    const kept = list.filter(keep);
    if (kept.length > 0) this.listeners.set(event, kept);
    else this.listeners.delete(event);
  }
}

function nameOf(event: string): string {
  return `a listener of ${JSON.stringify(event)}`;
}

/**
 * Returns Vite's name of an event: `devserver:afterUpdate` is `vite:afterUpdate`. Other devserver: events are our own.
 */
function canonical(event: string): string {
  return event.startsWith("devserver:") && builtIn.has(event.slice(10)) ? "vite:" + event.slice(10) : event;
}

const builtIn = new Set([
  "beforeUpdate",
  "afterUpdate",
  "beforePrune",
  "beforeFullReload",
  "invalidate",
  "error",
  "ws:connect",
  "ws:disconnect",
]);
