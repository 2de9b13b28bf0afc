// The page's session with the server: the socket, the page's user, and the revisions of what the page runs. App code
// uses it as its Connection.

import { Answers, type Handler, type HandleOptions } from "../socket/answers.ts";
import {
  connectionKey,
  connectionOwner,
  Listeners,
  randomID,
  type Connection,
  type Listener,
  type Off,
  type ReadyState,
} from "../socket/connection.ts";
import { browserFetch } from "../socket/fetch.ts";
import { askHub, Identity, sessionURL } from "../socket/identity.ts";
import { onLeave, onWake } from "../socket/life.ts";
import type { Logger } from "../socket/logger.ts";
import type {
  ConnectedPayload,
  PageFile,
  ReliablePagePayload,
  ReportPayload,
  RequestPayload,
  ServerMessage,
} from "../socket/payload.ts";
import type { RequestOptions } from "../socket/request.ts";
import { shareSockets, type SharedSockets } from "../socket/tabs.ts";
import { realTimers, type Timers } from "../socket/timers.ts";
import { Transport, type Socket } from "../socket/transport.ts";
import type { Config } from "./config.ts";

export interface SessionOptions {
  config: Config;
  scriptURL: URL;
  /** The page's HTML file, if it has one. */
  page?: PageFile | undefined;
  /** The ID that the page had before its client reloaded it. */
  was?(): string | undefined;
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

/** What the page sends by itself, for the console. */
const names: Partial<Record<ReliablePagePayload["type"], string>> = {
  report: "the report of an update",
  revisions: "what this page runs",
  custom: "the event vite:invalidate",
};

export class Session implements Connection {
  /** Number of the newest update or reload that the page has. */
  private newest: number;
  /** What the server knows requests of this page by. A restarted server has another. */
  token: string;
  /** The ID by which the server and its tools know this page; undefined before the first connection. */
  client: string | undefined;
  /** Set when the page sends its console. */
  recorded = false;
  /** The requests of the server that this page answers. */
  readonly answers: Answers;
  private readonly id = randomID();
  private readonly transport: Transport;
  private readonly listeners: Listeners;
  private readonly identity: Identity;
  private shared: SharedSockets | undefined;
  private notificationHandlers = 0;
  private leaving = false;

  get seq(): number {
    return this.newest;
  }

  constructor(private readonly options: SessionOptions) {
    const { config, log, timers = realTimers } = options;
    this.newest = config.seq;
    this.token = config.token;
    this.answers = new Answers(log);
    this.identity = new Identity({ ask: () => askHub(this.address(), this.id, browserFetch), timers });
    this.transport = new Transport({
      session: this.id,
      log,
      timers,
      seq: () => this.newest,
      open: (query) => this.openSocket(query),
      renew: () => this.renewToken(),
      hello: () => {
        const was = options.was?.();
        const url = typeof location === "undefined" ? "" : location.href;
        return { type: "hello", url, ...(was === undefined ? {} : { was }), ...options.page };
      },
      receive: options.receive,
      ...(config.maxMessage ? { maxMessage: config.maxMessage } : {}),
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
    const always = new AbortController().signal; // the page's own connection is never closed
    addEventListener("pageshow", () => (this.leaving = false));
    addEventListener("pagehide", () => (this.leaving = true));
    onWake(() => this.transport.wake(), always);
    onLeave(() => this.leaveTabs(), always);
    this.identity.watch(always);
    document.addEventListener("freeze", () => this.leaving && this.transport.leave()); // comes after pagehide
  }

  /**
   * Leaves the shared socket. Its carrier may be gone before it sends what it has: a worker ends with its last page, and
   * a tab with itself. So the page sends the rest by a request that outlives it. A page that is shown again begins a new
   * session.
   */
  private leaveTabs(): void {
    if (!this.shared?.usable) return;
    const { confirmed, frames } = this.transport.unconfirmed();
    if (!this.sendLeave(confirmed + 1, frames.join("\n"))) return this.shared.leave();
    this.shared.forget();
    this.transport.leave(true);
  }

  /** Sends the frames and the end of the session, and reports whether the browser takes them: 64 KiB at most. */
  private sendLeave(first: number, frames: string): boolean {
    const url = sessionURL(this.address(), this.id);
    url.searchParams.set("leave", String(first));
    const sent = navigator.sendBeacon?.(url, frames) ?? false;
    if (!sent && frames !== "")
      this.options.log.error("[devserver] too much waits for the server at the end of this page; some may be lost.");
    return sent;
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
    const response = await browserFetch(this.options.scriptURL, { cache: "no-store" });
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

  /** Sends what no code of the app waits for. The console gets the error. */
  private tryToSend(payload: ReliablePagePayload): void {
    try {
      this.transport.send(payload);
    } catch (error) {
      const { message } = error as Error;
      this.options.log.error(`[devserver] the server does not get ${names[payload.type] ?? payload.type}: ${message}`);
    }
  }

  /** Tells the server that a module refused its update. */
  sendInvalidate(data: object): void {
    this.tryToSend({ type: "custom", event: "vite:invalidate", data });
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
    this.tryToSend({ type: "revisions", modules, css, ...this.options.page });
  }

  /** Called for an error that code has caught and written to the console. */
  noteError: (error: unknown) => void = () => {};

  // ---- The user

  /** Takes the server's greeting. */
  greeted(payload: ConnectedPayload): void {
    this.identity.enabled = payload.identifies === true;
    this.client = payload.client;
    if (!payload.resumed) this.listeners.forgetRetained();
    this.options.log.debug(`[devserver] connected${payload.client ? ` as ${payload.client}` : ""}.`);
  }

  /** The server has seen that a cookie changes. */
  cookieChanges(): void {
    this.identity.cookieChanges();
  }

  /** The address of the hub for requests about this session. */
  private address(): URL {
    const { config, scriptURL } = this.options;
    const url = new URL(`${config.base}@vite/identify`, scriptURL);
    url.searchParams.set("token", this.token);
    return url;
  }

  // ---- Connection: what the library for app code uses

  get readyState(): ReadyState {
    return this.connected ? "open" : "connecting";
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

  /** Answers a request of the server by its handler. */
  answer(request: RequestPayload): void {
    void this.transport.answer(request, (signal) => this.answers.call(request.event, request.data, signal));
  }

  on(event: string, listener: Listener): Off {
    return this.listeners.on(event, listener);
  }

  listensFor(event: string): boolean {
    return this.listeners.has(event);
  }

  /** Calls the listeners of an event that arrived. */
  emit(event: string, data: unknown, retained?: boolean): void {
    this.listeners.emit(event, data, retained);
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
