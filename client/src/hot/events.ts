// The listeners of a page's events: built-in events, and the project's own.

import type { Logger } from "../socket/logger.ts";
import { waitAll } from "./wait.ts";

export type Listener = (data: never) => unknown;

/** Listeners of built-in and custom events, of all modules of the page. */
export class Events {
  private readonly listeners = new Map<string, { fn: Listener; owner: object | undefined }[]>();

  constructor(private readonly log: Logger) {}

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
    const results: unknown[] = [];
    for (const { fn } of [...(this.listeners.get(canonical(event)) ?? [])]) {
      try {
        results.push(fn(data as never));
      } catch (error) {
        this.log.error(`[devserver] a listener of ${JSON.stringify(event)} failed:`, error);
      }
    }
    await waitAll(results, `a listener of ${JSON.stringify(event)}`, this.log);
  }

  private filter(event: string, keep: (l: { fn: Listener; owner: object | undefined }) => boolean): void {
    const list = this.listeners.get(event);
    if (!list) return;
    const kept = list.filter(keep);
    if (kept.length > 0) this.listeners.set(event, kept);
    else this.listeners.delete(event);
  }
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
