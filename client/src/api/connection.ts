// A connection as app code sees it: events, requests and channels. In development it is the page's own socket; in
// production it is one that connect() opens to a Go backend with an hmr.Hub.

import type { Logger } from "../hot/events.ts";
import { HotError, type RequestOptions } from "../hot/hot.ts";
import { askHub, Identity, reidentifyEvent } from "../socket/identity.ts";
import type { ReliablePagePayload, ReplyPayload, ServerPayload } from "../socket/payload.ts";
import { Transport, type Socket, type TransportOptions } from "../socket/transport.ts";

/** "connecting" also while a lost connection is on its way back; "closed" after close(). */
export type ReadyState = "connecting" | "open" | "closed";

export type Off = () => void;

export interface Connection {
  readonly readyState: ReadyState;
  /** Calls back at each change of readyState. */
  onReadyState(listener: (state: ReadyState) => void): Off;
  /** Sends an event; it waits while there is no connection. Throws a HotError when too much waits already. */
  send(event: string, data?: unknown): void;
  request(event: string, data?: unknown, options?: RequestOptions): Promise<unknown>;
  on(event: string, listener: (data: never) => void): Off;
  /** As on, and tells the server that this page wants the channel's messages. */
  subscribe(channel: string, listener: (data: never) => void): Off;
  /**
   * Lets the server look at the page's cookies again, after a sign-in or sign-out that it cannot have seen, and resolves
   * with the user, "" for a guest.
   */
  reidentify(): Promise<string>;
  close(): void;
}

/** Where a page's own connection is found by code that is bundled apart from it. */
export const connectionKey = Symbol.for("devserver.connection");

/** The event that carries notifications, see hmr.NotificationEvent. */
export const notificationEvent = "devserver:notification";

type Listener = (data: never) => void;

/** Keeps listeners by event, and who subscribes to which channel. */
export class Listeners {
  private readonly byEvent = new Map<string, Set<{ fn: Listener }>>();
  private readonly ready = new Set<(state: ReadyState) => void>();

  constructor(
    private readonly log: Pick<Logger, "error">,
    private readonly subscribe: (channel: string) => void,
    private readonly unsubscribe: (channel: string) => void,
  ) {}

  on(event: string, fn: Listener): Off {
    const entry = { fn }; // the same function may be there twice
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

export interface ConnectOptions {
  /** Address of the hub, such as `/socket` or `wss://api.example.com/socket`; relative to the page. */
  url?: string | URL;
  /** What the server checks beside cookies, if anything. A function is asked at each connection. */
  token?: string | (() => string | Promise<string>);
  /** Names the page in the list of the hub's clients; the page's URL by default. */
  name?: string;
  log?: Logger;
  /** Opens a socket; WebSocket by default. */
  open?: (url: URL, protocol: string) => Socket;
  timers?: TransportOptions["timers"];
}

/** Opens a connection to a hub. It comes back by itself after a loss. */
export function openConnection(options: ConnectOptions = {}): Connection {
  return new OwnConnection(options);
}

class OwnConnection implements Connection {
  private readonly transport: Transport;
  private readonly listeners: Listeners;
  private readonly session = randomID();
  private readonly identity = new Identity({ ask: () => askHub(this.address(), this.session) });
  private token = "";
  private seq = 0;
  readyState: ReadyState = "connecting";

  constructor(private readonly options: ConnectOptions) {
    const log: Logger = options.log ?? console;
    this.transport = new Transport({
      session: this.session, log, seq: () => this.seq,
      ...(options.timers ? { timers: options.timers } : {}),
      open: (query) => this.open(query),
      ...(typeof options.token === "function" ? { renew: () => this.renew() } : {}),
      hello: (): ReliablePagePayload => ({ type: "hello", url: options.name ?? (typeof location === "undefined" ? "" : location.href) }),
      receive: (payload) => this.receive(payload),
      opened: () => this.change("open"),
      lost: () => this.change("connecting"),
    });
    this.listeners = new Listeners(log, (c) => this.transport.subscribe(c), (c) => this.transport.unsubscribe(c));
    if (typeof options.token === "function") void this.renew().finally(() => this.transport.connect());
    else {
      this.token = options.token ?? "";
      this.transport.connect();
    }
    this.wake();
  }

  private address(): URL {
    const url = new URL(this.options.url ?? "/", typeof location === "undefined" ? undefined : location.href);
    if (this.token) url.searchParams.set("token", this.token);
    return url;
  }

  private open(query: Record<string, string>): Socket {
    const url = this.address();
    url.protocol = url.protocol.replace(/^http/, "ws");
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const open = this.options.open ?? ((u, protocol) => new WebSocket(u, protocol) as unknown as Socket);
    return open(url, "vite-hmr");
  }

  private async renew(): Promise<boolean> {
    const { token } = this.options;
    if (typeof token === "function") this.token = await token();
    return true;
  }

  private readonly woken = (): void => {
    if (typeof document === "undefined" || document.visibilityState !== "hidden") this.transport.wake();
  };

  private wake(): void {
    if (typeof addEventListener !== "function" || typeof document === "undefined") return;
    addEventListener("online", this.woken);
    addEventListener("pageshow", this.woken);
    document.addEventListener("visibilitychange", this.woken);
    document.addEventListener("resume", this.woken);
    this.identity.watch();
  }

  private receive(payload: Exclude<ServerPayload, ReplyPayload>): void {
    if (payload.type === "connected") this.identity.enabled = payload.identifies === true;
    else if (payload.type === "custom" && payload.event === reidentifyEvent) this.identity.prompted();
    else if (payload.type === "custom") this.listeners.emit(payload.event, payload.data);
    else if (payload.type === "update") this.seq = payload.seq; // another page's business
  }

  private change(state: ReadyState): void {
    if (this.readyState === "closed") return;
    this.readyState = state;
    this.listeners.readyState(state);
  }

  onReadyState(listener: (state: ReadyState) => void): Off {
    return this.listeners.onReadyState(listener);
  }

  send(event: string, data?: unknown): void {
    this.transport.send(data === undefined ? { type: "custom", event } : { type: "custom", event, data });
  }

  request(event: string, data?: unknown, options: RequestOptions = {}): Promise<unknown> {
    return this.transport.request(event, data, options);
  }

  on(event: string, listener: Listener): Off {
    return this.listeners.on(event, listener);
  }

  subscribe(channel: string, listener: Listener): Off {
    return this.listeners.channel(channel, listener);
  }

  reidentify(): Promise<string> {
    return this.identity.reidentify();
  }

  close(): void {
    this.change("closed");
    this.identity.enabled = false;
    this.transport.close();
    if (typeof removeEventListener === "function" && typeof document !== "undefined") {
      removeEventListener("online", this.woken);
      removeEventListener("pageshow", this.woken);
      document.removeEventListener("visibilitychange", this.woken);
      document.removeEventListener("resume", this.woken);
    }
  }
}

export function randomID(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12)); // randomUUID exists on secure origins only
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

export { HotError };
