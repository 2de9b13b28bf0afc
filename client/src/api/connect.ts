// The connection that connect() opens to a Go backend with an hmr.Hub, in production.

import { Answers, type Handler, type HandleOptions } from "../socket/answers.ts";
import {
  connectionOwner,
  Listeners,
  randomID,
  type Connection,
  type Listener,
  type Off,
  type ReadyState,
} from "../socket/connection.ts";
import { askHub, Identity, reidentifyEvent } from "../socket/identity.ts";
import { onWake } from "../socket/life.ts";
import type { Logger } from "../socket/logger.ts";
import type { ReliablePagePayload, RequestPayload, ServerMessage } from "../socket/payload.ts";
import type { RequestOptions } from "../socket/request.ts";
import { realTimers, type Timers } from "../socket/timers.ts";
import { Transport, type Socket } from "../socket/transport.ts";

export interface ConnectOptions {
  /** The address of the hub, relative to the page: `/socket` or `wss://api.example.com/socket`. "/" by default. */
  url?: string | URL;
  /**
   * A token that the server checks, next to cookies. A function is called before the first connection, and after each
   * connection that could not be opened. An error, or no answer within 10 seconds, makes the page try again later.
   */
  token?: string | (() => string | Promise<string>);
  /** The page's name in the hub's list of clients; its URL by default. */
  name?: string;
  log?: Logger;
  /** Opens a socket; WebSocket by default. */
  open?: (url: URL, protocol: string) => Socket;
  timers?: Timers;
}

/** Opens a connection to a hub. It reconnects by itself. */
export function openConnection(options: ConnectOptions = {}): Connection {
  return new OwnConnection(options);
}

class OwnConnection implements Connection {
  private readonly transport: Transport;
  private readonly listeners: Listeners;
  private readonly answers: Answers;
  private readonly session = randomID();
  private readonly identity: Identity;
  /** Ends what the connection watches, at close(). */
  private readonly ended = new AbortController();
  private token = "";
  private seq = 0;
  readyState: ReadyState = "connecting";

  constructor(private readonly options: ConnectOptions) {
    const { log = console, timers = realTimers, token } = options;
    if (typeof token === "string") this.token = token;
    this.identity = new Identity({ ask: () => askHub(this.address(), this.session), timers });
    this.transport = new Transport({
      session: this.session,
      log,
      seq: () => this.seq,
      timers,
      open: (query) => this.open(query),
      ...(typeof token === "function" ? { renew: () => this.renew(token, log), renewFirst: true } : {}),
      hello: (): ReliablePagePayload => ({
        type: "hello",
        url: options.name ?? (typeof location === "undefined" ? "" : location.href),
      }),
      receive: (payload) => this.receive(payload),
      opened: () => this.change("open"),
      lost: () => this.change("connecting"),
    });
    this.answers = new Answers(log);
    this.listeners = new Listeners(
      log,
      (c) => this.transport.subscribe(c),
      (c) => this.transport.unsubscribe(c),
    );
    this.transport.start();
    onWake(() => this.transport.wake(), this.ended.signal);
    this.identity.watch(this.ended.signal);
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

  private async renew(token: () => string | Promise<string>, log: Logger): Promise<boolean> {
    try {
      this.token = await token();
    } catch (error) {
      log.error("[devserver] the function that returns the token failed; trying again.", error);
      return false;
    }
    return true;
  }

  private receive(payload: ServerMessage): void {
    if (payload.type === "connected") {
      this.identity.enabled = payload.identifies === true;
      if (!payload.resumed) this.listeners.forgetRetained();
      this.seq = payload.seq; // this page takes no updates, so it needs no earlier ones
    } else if (payload.type === "custom" && payload.event === reidentifyEvent) this.identity.cookieChanges();
    else if (payload.type === "custom") this.listeners.emit(payload.event, payload.data, payload.retained);
    else if (payload.type === "request") this.answer(payload);
    else if (payload.type === "update" || payload.type === "full-reload") this.seq = payload.seq ?? this.seq;
  }

  private answer(request: RequestPayload): void {
    const { event, data } = request;
    if (!this.answers.has(event) && this.answers.onceLoaded(() => this.answer(request))) return;
    void this.transport.answer(request, (signal) => this.answers.call(event, data, signal));
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

  handle(event: string, handler: Handler, options: HandleOptions = {}): Off {
    return this.answers.handle(event, handler, options, connectionOwner());
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
    this.ended.abort();
    this.transport.close();
  }
}
