// The connection as app code uses it: events, requests and channels.

import type { Logger } from "./logger.ts";
import type { RequestOptions } from "./request.ts";

/** "connecting" covers reconnecting, too; "closed" follows close(). */
export type ReadyState = "connecting" | "open" | "closed";

/** Ends a registration. */
export type Off = () => void;

export interface Connection {
  readonly readyState: ReadyState;
  /** Calls back at each change of readyState. */
  onReadyState(listener: (state: ReadyState) => void): Off;
  /** Sends an event, which waits while there is no connection. Throws a HotError when too much waits already. */
  send(event: string, data?: unknown): void;
  request(event: string, data?: unknown, options?: RequestOptions): Promise<unknown>;
  on(event: string, listener: (data: never) => void): Off;
  /** Listens as `on` does, and asks the server for the channel's messages. */
  subscribe(channel: string, listener: (data: never) => void): Off;
  /**
   * Asks the server to look at the page's cookies again, after a sign-in or sign-out that it cannot see. Resolves with
   * the user, "" for a guest.
   */
  reidentify(): Promise<string>;
  close(): void;
}

/** The global property with the page's connection. Code that is bundled apart from the client finds it there. */
export const connectionKey = Symbol.for("devserver.connection");

/** The event that carries notifications, see hmr.NotificationEvent. */
export const notificationEvent = "devserver:notification";

export type Listener = (data: never) => void;

/** The listeners of a connection, by event, and the channels that they need. */
export class Listeners {
  private readonly byEvent = new Map<string, Set<{ fn: Listener }>>();
  private readonly ready = new Set<(state: ReadyState) => void>();

  constructor(
    private readonly log: Pick<Logger, "error">,
    private readonly subscribe: (channel: string) => void,
    private readonly unsubscribe: (channel: string) => void,
  ) {}

  on(event: string, fn: Listener): Off {
    const entry = { fn }; // a function may be registered twice
    const set = this.byEvent.get(event);
    if (set) set.add(entry);
    else this.byEvent.set(event, new Set([entry]));
    return () => {
      const all = this.byEvent.get(event);
      if (all?.delete(entry) && all.size === 0) this.byEvent.delete(event);
    };
  }

  private readonly channels = new Map<string, number>();

  channel(channel: string, fn: Listener): Off {
    const off = this.on(channel, fn);
    const count = this.channels.get(channel) ?? 0;
    this.channels.set(channel, count + 1);
    if (count === 0) this.subscribe(channel);
    let done = false;
    return () => {
      if (done) return;
      done = true;
      off();
      this.channels.set(channel, this.channels.get(channel)! - 1);
      // Not at once: a component that is unmounted and mounted again in one go stays subscribed.
      queueMicrotask(() => {
        if (this.channels.get(channel) !== 0) return;
        this.channels.delete(channel);
        this.unsubscribe(channel);
      });
    };
  }

  emit(event: string, data: unknown): void {
    for (const { fn } of [...(this.byEvent.get(event) ?? [])]) {
      try {
        fn(data as never);
      } catch (error) {
        this.log.error(`a listener of ${JSON.stringify(event)} failed:`, error);
      }
    }
  }

  onReadyState(fn: (state: ReadyState) => void): Off {
    const entry = (state: ReadyState): void => fn(state);
    this.ready.add(entry);
    return () => void this.ready.delete(entry);
  }

  readyState(state: ReadyState): void {
    for (const fn of [...this.ready]) fn(state);
  }
}

export function randomID(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12)); // randomUUID exists on secure origins only
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
