// The connection that connect() opens to a Go backend with an hmr.Hub, in production.

import {
  Listeners,
  randomID,
  type Connection,
  type Listener,
  type Off,
  type ReadyState,
} from "../socket/connection.ts";
import { askHub, Identity, reidentifyEvent } from "../socket/identity.ts";
import type { Logger } from "../socket/logger.ts";
import type { ReliablePagePayload, ServerMessage } from "../socket/payload.ts";
import type { RequestOptions } from "../socket/request.ts";
import { Transport, type Socket, type TransportOptions } from "../socket/transport.ts";

export interface ConnectOptions {
  /** The address of the hub, relative to the page: `/socket` or `wss://api.example.com/socket`. "/" by default. */
  url?: string | URL;
  /** A token that the server checks, next to cookies. A function is called for each connection. */
  token?: string | (() => string | Promise<string>);
  /** The page's name in the hub's list of clients; its URL by default. */
  name?: string;
  log?: Logger;
  /** Opens a socket; WebSocket by default. */
  open?: (url: URL, protocol: string) => Socket;
  timers?: TransportOptions["timers"];
}

/** Opens a connection to a hub. It reconnects by itself. */
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
      session: this.session,
      log,
      seq: () => this.seq,
      ...(options.timers ? { timers: options.timers } : {}),
      open: (query) => this.open(query),
      ...(typeof options.token === "function" ? { renew: () => this.renew() } : {}),
      hello: (): ReliablePagePayload => ({
        type: "hello",
        url: options.name ?? (typeof location === "undefined" ? "" : location.href),
      }),
      receive: (payload) => this.receive(payload),
      opened: () => this.change("open"),
      lost: () => this.change("connecting"),
    });
    this.listeners = new Listeners(
      log,
      (c) => this.transport.subscribe(c),
      (c) => this.transport.unsubscribe(c),
    );
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

  private receive(payload: ServerMessage): void {
    if (payload.type === "connected") {
      this.identity.enabled = payload.identifies === true;
      this.seq = payload.seq; // this page takes no updates, so it needs no earlier ones
    } else if (payload.type === "custom" && payload.event === reidentifyEvent) this.identity.cookieChanges();
    else if (payload.type === "custom") this.listeners.emit(payload.event, payload.data);
    else if (payload.type === "update" || payload.type === "full-reload") this.seq = payload.seq ?? this.seq;
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
