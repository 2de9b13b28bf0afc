// The page's session with the server: the socket, the page's user, and the revisions of what the page runs. App code
// uses it as its Connection.

import {
  connectionKey,
  Listeners,
  randomID,
  type Connection,
  type Listener,
  type Off,
  type ReadyState,
} from "../socket/connection.ts";
import { askHub, Identity } from "../socket/identity.ts";
import type { Logger } from "../socket/logger.ts";
import type { ConnectedPayload, ReliablePagePayload, ReportPayload, ServerMessage } from "../socket/payload.ts";
import { HotError, type RequestOptions } from "../socket/request.ts";
import { shareSockets, type SharedSockets } from "../socket/tabs.ts";
import { Transport, type Socket, type Timers } from "../socket/transport.ts";
import type { Config } from "./config.ts";

export interface SessionOptions {
  config: Config;
  scriptURL: URL;
  log: Logger;
  /** Called with each message but replies, in order, as they arrive. */
  receive(message: ServerMessage): void;
  opened(socket: Socket): void;
  /** Called when an open connection was lost. The session opens the next one itself. */
  lost(socket: Socket): void;
  /** Opens a socket; a WebSocket by default. */
  openSocket?: (url: URL) => Socket;
  timers?: Timers;
}

/** A frame that is too big ends the connection, so the revisions of many modules take several of at most this size. */
const maxRevisions = 400_000;

export class Session implements Connection {
  /** Number of the newest update or reload that the page has. */
  private newest: number;
  /** What the server knows requests of this page by. A restarted server has another. */
  token: string;
  private readonly id = randomID();
  private readonly transport: Transport;
  private readonly listeners: Listeners;
  private readonly identity = new Identity({ ask: () => this.askUser() });
  private shared: SharedSockets | undefined;
  private notificationHandlers = 0;
  private leaving = false;

  get seq(): number {
    return this.newest;
  }

  constructor(private readonly options: SessionOptions) {
    const { config, log, timers } = options;
    this.newest = config.seq;
    this.token = config.token;
    this.transport = new Transport({
      session: this.id,
      log,
      ...(timers ? { timers } : {}),
      seq: () => this.newest,
      open: (query) => this.openSocket(query),
      renew: () => this.renewToken(),
      hello: () => ({ type: "hello", url: typeof location === "undefined" ? "" : location.href }),
      receive: options.receive,
      opened: (socket) => this.opened(socket),
      lost: (socket, reason) => this.lost(socket, reason),
    });
    this.listeners = new Listeners(
      log,
      (c) => this.transport.subscribe(c),
      (c) => this.transport.unsubscribe(c),
    );
  }

  // ---- The socket

  /** Opens the socket, without the page's other tabs. */
  connect(): void {
    this.transport.connect(this.options.config.epoch);
  }

  /** Opens the socket and watches for what brings it back. */
  open(): void {
    (globalThis as { [connectionKey]?: Connection })[connectionKey] = this;
    if (this.options.config.shareTabs) this.shared = shareSockets(this.options.scriptURL, this.id);
    this.connect();
    this.watch();
  }

  private watch(): void {
    const wake = (): void => this.transport.wake();
    addEventListener("online", wake);
    addEventListener("pageshow", () => {
      this.leaving = false;
      wake();
    });
    addEventListener("pagehide", () => (this.leaving = true));
    this.identity.watch();
    document.addEventListener("freeze", () => this.leaving && this.transport.leave()); // comes after pagehide
    document.addEventListener("resume", wake); // a frozen tab
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake());
  }

  private opened(socket: Socket): void {
    this.listeners.readyState("open");
    this.options.opened(socket);
  }

  private lost(socket: Socket, reason: string): void {
    this.listeners.readyState("connecting");
    if (!this.leaving) this.options.log.warn(`[devserver] the connection was lost (${reason}); reconnecting.`);
    this.options.lost(socket);
  }

  private openSocket(query: Record<string, string>): Socket {
    const {
      config,
      scriptURL,
      openSocket = (url) => new WebSocket(url, "vite-hmr") as unknown as Socket,
    } = this.options;
    const url = new URL(config.base, scriptURL);
    url.protocol = url.protocol.replace(/^http/, "ws");
    const { token } = this;
    if (this.shared?.usable) {
      url.search = new URLSearchParams({ token, mux: "1" }).toString();
      const { session: _, ...rest } = query;
      return this.shared.open(url.href, new URLSearchParams(rest).toString());
    }
    url.search = new URLSearchParams({ token, ...query }).toString();
    return openSocket(url);
  }

  /** Reads the script's configuration again: a server that was restarted has another token. */
  private async renewToken(): Promise<boolean> {
    const response = await fetch(this.options.scriptURL, { cache: "no-store" });
    if (!response.ok) return false;
    const [line] = (await response.text()).split("\n", 1);
    const json = /^const __config__ = (\{.*\});$/.exec(line!)?.[1];
    if (json) this.token = (JSON.parse(json) as Config).token;
    return true;
  }

  get connected(): boolean {
    return this.transport.connected;
  }

  /** Notes the number of an update or a reload. A payload to this page alone has none. */
  seen(seq: number | undefined): void {
    this.newest = Math.max(this.newest, seq ?? 0);
  }

  // ---- Messages to the server

  /** Sends, unless too much waits already, which the transport reports. */
  private tryToSend(payload: ReliablePagePayload): void {
    try {
      this.transport.send(payload);
    } catch (error) {
      if (!(error instanceof HotError)) throw error;
    }
  }

  /** Reports how the page applied an update. */
  report(report: Omit<ReportPayload, "type">): void {
    this.tryToSend({ type: "report", ...report });
  }

  /** Sends the revisions of what runs here, so that the server can send what differs. */
  sendRevisions(running: Iterable<{ id: string; rev: string }>, css: string[]): void {
    let modules: Record<string, string> = {};
    let size = 0;
    for (const { id, rev } of running) {
      modules[id] = rev;
      size += id.length + rev.length + 6;
      if (size > maxRevisions) {
        this.tryToSend({ type: "revisions", modules, css: [] });
        modules = {};
        size = 0;
      }
    }
    this.tryToSend({ type: "revisions", modules, css });
  }

  // ---- The user

  /** Takes the server's greeting. */
  greeted(payload: ConnectedPayload): void {
    this.identity.enabled = payload.identifies === true;
    this.options.log.debug(`[devserver] connected${payload.client ? ` as ${payload.client}` : ""}.`);
  }

  /** The server has seen that a cookie changes. */
  cookieChanges(): void {
    this.identity.cookieChanges();
  }

  private askUser(): Promise<string> {
    const { config, scriptURL } = this.options;
    const url = new URL(`${config.base}@devserver/identify`, scriptURL);
    url.searchParams.set("token", this.token);
    return askHub(url, this.id);
  }

  // ---- Connection: what the library for app code uses

  get readyState(): ReadyState {
    return this.connected ? "open" : "connecting";
  }

  onReadyState(listener: (state: ReadyState) => void): Off {
    return this.listeners.onReadyState(listener);
  }

  /** Sends an event. When too much waits already, the event is dropped, and the console says so. */
  send(event: string, data?: unknown): void {
    this.tryToSend(data === undefined ? { type: "custom", event } : { type: "custom", event, data });
  }

  request(event: string, data?: unknown, options: RequestOptions = {}): Promise<unknown> {
    return this.transport.request(event, data, options);
  }

  on(event: string, listener: Listener): Off {
    return this.listeners.on(event, listener);
  }

  /** Calls the listeners of an event that arrived. */
  emit(event: string, data: unknown): void {
    this.listeners.emit(event, data);
  }

  subscribe(channel: string, listener: Listener): Off {
    return this.listeners.channel(channel, listener);
  }

  reidentify(): Promise<string> {
    return this.identity.reidentify();
  }

  /** Does nothing: the socket carries the updates too. */
  close(): void {}

  /** The app shows notifications itself until the returned function is called. */
  handlesNotifications(): Off {
    this.notificationHandlers++;
    return () => void this.notificationHandlers--;
  }

  get appShowsNotifications(): boolean {
    return this.notificationHandlers > 0;
  }
}
