// The connection as app code uses it: events, requests and channels.

import type { Handler, HandleOptions, HandlerOwner } from "./answers.ts";
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
  /**
   * Sends an event, which waits while there is no connection. Throws a HotError when the event cannot be sent: too much
   * waits already, it is too big, or it has no name.
   */
  send(event: string, data?: unknown): void;
  request(event: string, data?: unknown, options?: RequestOptions): Promise<unknown>;
  on(event: string, listener: (data: never) => void): Off;
  /**
   * Answers requests of that name: Client.Request in Go. A name has one handler in a page. An error that the handler
   * throws is that of the request; its `code` and `path` are kept.
   */
  handle(event: string, handler: Handler, options?: HandleOptions): Off;
  /**
   * Listens as `on` does, and asks the server for the channel's messages. A listener that comes later gets the newest
   * retained message, too. Throws a HotError as send does.
   */
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

/** The event by which the server says that the page has another user, see hmr.IdentifiedEvent. */
const identifiedEvent = "devserver:identified";

/** The event by which a channel refuses the page, see hmr.ChannelError. */
const channelErrorEvent = "devserver:channel-error";

/** The event by which a channel that retains nothing follows a channel that did. */
const nothingRetainedEvent = "devserver:nothing-retained";

/** The event that carries notifications, see hmr.NotificationEvent. */
export const notificationEvent = "devserver:notification";

export type Listener = (data: never) => void;

interface Entry {
  fn: Listener;
  /** A retained message that the listener gets before any other. */
  first?: { data: unknown };
}

/** The listeners of a connection, by event, and the channels that they need. */
export class Listeners {
  private readonly byEvent = new Map<string, Set<Entry>>();
  private readonly ready = new Set<(state: ReadyState) => void>();
  /** The newest retained message of each channel that the page listens to. The server sends it once to a page. */
  private readonly retained = new Map<string, { data: unknown }>();

  constructor(
    private readonly log: Pick<Logger, "error">,
    private readonly subscribe: (channel: string) => void,
    private readonly unsubscribe: (channel: string) => void,
  ) {}

  on(event: string, fn: Listener): Off {
    return this.add(event, { fn }); // a function may be registered twice
  }

  private add(event: string, entry: Entry): Off {
    const set = this.byEvent.get(event);
    if (set) set.add(entry);
    else this.byEvent.set(event, new Set([entry]));
    return () => {
      const all = this.byEvent.get(event);
      if (all?.delete(entry) && all.size === 0) this.byEvent.delete(event);
    };
  }

  has(event: string): boolean {
    return this.byEvent.has(event);
  }

  private readonly channels = new Map<string, number>();

  channel(channel: string, fn: Listener): Off {
    const count = this.channels.get(channel) ?? 0;
    if (count === 0) this.subscribe(channel); // may throw, and then nothing is registered
    this.channels.set(channel, count + 1);
    const entry: Entry = { fn };
    const off = this.add(channel, entry);
    this.giveRetained(channel, entry);
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
        this.retained.delete(channel);
        this.unsubscribe(channel);
      });
    };
  }

  private giveRetained(channel: string, entry: Entry): void {
    const message = this.retained.get(channel);
    if (!message) return;
    entry.first = message;
    // Not at once: code that registers a listener does not expect a call before it has the means to remove it.
    queueMicrotask(() => {
      if (this.retained.get(channel) !== message)
        delete entry.first; // it is no longer this page's to see
      else if (this.byEvent.get(channel)?.has(entry)) this.giveFirst(channel, entry);
    });
  }

  private giveFirst(event: string, entry: Entry): void {
    const { first } = entry;
    delete entry.first;
    if (first) this.call(event, entry.fn, first.data);
  }

  /** Forgets the retained messages: the server sends them again where the page may have them. */
  forgetRetained(): void {
    this.retained.clear();
  }

  /** Calls the listeners of an event. A retained one is kept for listeners of the channel that come later. */
  emit(event: string, data: unknown, retained = false): void {
    if (event === identifiedEvent) this.forgetRetained();
    else if (event === nothingRetainedEvent) this.retained.delete((data as { channel: string }).channel);
    else if (event === channelErrorEvent) {
      const { channel, direction } = data as { channel: string; direction?: string };
      if (direction !== "send") this.retained.delete(channel); // the page may not listen
    }
    const entries = [...(this.byEvent.get(event) ?? [])];
    for (const entry of entries) this.giveFirst(event, entry);
    if (retained && this.channels.has(event)) this.retained.set(event, { data });
    for (const { fn } of entries) this.call(event, fn, data);
  }

  private call(event: string, fn: Listener, data: unknown): void {
    try {
      fn(data as never);
    } catch (error) {
      this.log.error(`[devserver] a listener of ${JSON.stringify(event)} failed:`, error);
    }
  }

  onReadyState(fn: (state: ReadyState) => void): Off {
    const entry = (state: ReadyState): void => fn(state);
    this.ready.add(entry);
    return () => void this.ready.delete(entry);
  }

  readyState(state: ReadyState): void {
    for (const fn of [...this.ready]) {
      try {
        fn(state);
      } catch (error) {
        this.log.error("[devserver] a listener of the connection's state failed:", error);
      }
    }
  }
}

/** Returns what registers a handler by a connection. Each call is its own. */
export function connectionOwner(): HandlerOwner {
  return { name: "code that uses devserver/client", answers: true };
}

export function randomID(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12)); // randomUUID exists on secure origins only
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
