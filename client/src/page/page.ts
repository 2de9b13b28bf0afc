// A page: registry, hot contexts, socket and DOM put together.

import { resolveAccepted } from "../hot/accepted.ts";
import { Events } from "../hot/events.ts";
import { HotStore, type HotContext, type HotHost } from "../hot/hot.ts";
import { ModuleMeta, type MetaHost } from "../hot/meta.ts";
import { nothingStaged, type Definitions, type ModuleID, type Staged } from "../runtime/definitions.ts";
import { compileDefinitions } from "../runtime/evaluate-code.ts";
import { helpers } from "../runtime/helpers.ts";
import { Packs } from "../runtime/packs.ts";
import { Registry } from "../runtime/registry.ts";
import { decodePath, moduleURL } from "../runtime/url.ts";
import { connectionKey, Listeners, notificationEvent, randomID, type Connection, type Off, type ReadyState } from "../socket/connection.ts";
import { askHub, Identity, reidentifyEvent } from "../socket/identity.ts";
import type { Logger } from "../socket/logger.ts";
import type { ErrorInfo, ReliablePagePayload, ReplyPayload, ServerPayload, UpdatePayload } from "../socket/payload.ts";
import { HotError, type RequestOptions } from "../socket/request.ts";
import { shareSockets, type SharedSockets } from "../socket/tabs.ts";
import { Transport, type Socket } from "../socket/transport.ts";
import { closeOverlay, defineOverlay, ErrorOverlay, showOverlay } from "../ui/overlay.ts";
import { linkedStyles, removeStyle, swapLinks, updateStyle } from "../ui/style.ts";
import { askToReload, showToast, type Toast } from "../ui/toast.ts";
import { Queue } from "../update/queue.ts";
import { Refresh } from "../update/refresh.ts";
import { Updater, type InvalidateData, type Page } from "../update/update.ts";
import type { Config } from "./config.ts";
import { Reloader } from "./reload.ts";

export interface StartOptions {
  entry: ModuleID;
  epoch?: string;
  seq?: number;
  error?: ErrorInfo;
  /** Modules that must run before anything of the app, such as the runtime of fast refresh. */
  prelude?: ModuleID[] | null;
}

/** What packs see of the registry. */
export interface Facade {
  readonly helpers: typeof helpers;
  readonly define: Definitions["define"];
  readonly deps: Definitions["deps"];
  /** Runs an entry and returns its exports, or a promise of them when something in its graph awaits. */
  start(options: StartOptions): unknown;
  /** A pack could not be made as a whole. */
  fail(error: ErrorInfo): void;
}

/** Revisions are told in frames of at most this size: a frame that is too big ends the connection. */
const maxRevisions = 400_000;

const log: Logger = console;

export function startPage(config: Config, scriptURL: string): { facade: Facade; createHotContext(owner: string): HotContext } {
  // A worker that was made from a pack has a registry of its own; what it imports later must find that one.
  const shared = (globalThis as Record<symbol, unknown>)[Symbol.for("devserver.registry")] as Facade | undefined;
  const page = new BrowserPage(config, new URL(scriptURL));
  if (typeof document !== "undefined") page.open();
  return { facade: shared ?? page.facade, createHotContext: page.createHotContext };
}

class BrowserPage implements Page, MetaHost, HotHost, Connection {
  readonly log = log;
  readonly facade: Facade;
  readonly events = new Events(log);
  readonly registry: Registry;
  readonly hot: HotStore;
  readonly env: Record<string, unknown>;
  private readonly fastRefresh = new Refresh(log);
  private readonly queue = new Queue((error) => log.error("[devserver] an update could not be applied:", error));
  private readonly updater: Updater;
  private readonly transport: Transport;
  private readonly listeners: Listeners;
  private readonly session = randomID();
  private readonly identity = new Identity({ ask: () => this.askUser() });
  private shared: SharedSockets | undefined;
  private notificationHandlers = 0;
  private readonly packs: Packs;
  private readonly reloader: Reloader;
  private readonly pending = new Map<ModuleID, StartOptions>();
  private seq: number;
  private leaving = false;
  private shown: ErrorInfo | undefined;
  /** The last error in the console: the server tells one that stands with every update, which takes the overlay away. */
  private told = "";
  /** Under a strict Content-Security-Policy code is imported by URL. */
  private evalForbidden = false;

  constructor(private readonly config: Config, private readonly scriptURL: URL) {
    this.env = config.env ?? {};
    this.seq = config.seq;
    this.reloader = new Reloader(log, config.askReload ? askToReload : undefined);
    this.packs = new Packs(this.absolute(config.base), (url) => import(/* @vite-ignore */ url));
    this.hot = new HotStore(this);
    this.registry = new Registry({
      loadPack: (ids, have, exact) => this.loadPack(ids, have, exact),
      importURL: (url) => import(/* @vite-ignore */ url),
      url: (id) => this.url(id),
      meta: (instance) => new ModuleMeta(instance, this),
    });
    this.registry.afterRun = (instance) => this.fastRefresh.afterRun(instance);
    this.registry.builtIn.set("/@vite/client", {
      __esModule: true, updateStyle, removeStyle, ErrorOverlay, createHotContext: this.createHotContext,
    });
    this.updater = new Updater(this.registry, this.hot, this.events, this, (task) => this.queue.pushFront(task));
    this.transport = this.newTransport();
    this.listeners = new Listeners(log, (c) => this.transport.subscribe(c), (c) => this.transport.unsubscribe(c));
    this.facade = {
      helpers,
      define: this.registry.definitions.define,
      deps: this.registry.definitions.deps,
      start: (options) => this.start(options),
      fail: (error) => {
        this.packFailure = error.message;
        this.showError(error);
      },
    };
    ErrorOverlay.options = { open: (position) => void this.openEditor(position) };
  }

  /** What the last pack said that it lacks. */
  private packFailure: string | undefined;

  private async loadPack(ids: ModuleID[], have: ModuleID[], exact: boolean): Promise<string | undefined> {
    this.packFailure = undefined;
    await this.packs.load(ids, have, exact);
    return this.packFailure;
  }

  // ---- Starting

  /** Opens the socket and listens for what brings it back. */
  open(): void {
    (globalThis as { [connectionKey]?: Connection })[connectionKey] = this;
    this.reloader.explain();
    defineOverlay();
    if (this.config.shareTabs) this.shared = shareSockets(this.scriptURL, this.session);
    this.transport.connect(this.config.epoch);
    addEventListener("load", () => globalThis.requestIdleCallback?.(() => this.registry.importers.index()), { once: true });
    const wake = (): void => this.transport.wake();
    addEventListener("online", wake);
    addEventListener("pageshow", () => {
      this.leaving = false;
      wake();
    });
    addEventListener("pagehide", () => (this.leaving = true));
    this.identity.watch();
    document.addEventListener("freeze", () => this.leaving && this.transport.leave()); // after all listeners of pagehide
    document.addEventListener("resume", wake); // a frozen tab
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake());
  }

  private start(options: StartOptions): unknown {
    if (options.seq !== undefined && !this.transport.connected) this.seq = Math.min(this.seq, options.seq);
    if (options.error) {
      this.pending.set(options.entry, options);
      this.showError(options.error);
      return {};
    }
    return this.begin(options);
  }

  private begin({ entry, prelude }: StartOptions): unknown {
    for (const id of prelude ?? []) {
      try {
        this.fastRefresh.install(this.registry.enter(id));
      } catch (error) {
        log.error(`[devserver] ${id} failed, so components are not refreshed:`, error);
      }
    }
    return this.registry.enter(entry);
  }

  async startPending(): Promise<void> {
    for (const [entry, options] of [...this.pending]) {
      try {
        await this.registry.complete([...(options.prelude ?? []), entry]);
      } catch {
        continue; // not all is mended yet; the server tells what is left
      }
      this.pending.delete(entry);
      this.clearError();
      try {
        await this.begin(options);
      } catch (error) {
        log.error(`[devserver] ${entry} failed when it ran:`, error);
      }
    }
  }

  // ---- The socket

  private newTransport(): Transport {
    return new Transport({
      session: this.session,
      log,
      seq: () => this.seq,
      open: (query) => this.socket(query),
      renew: () => this.renewToken(),
      hello: () => ({ type: "hello", url: typeof location === "undefined" ? "" : location.href, title: typeof document === "undefined" ? "" : document.title }),
      receive: (payload) => this.queue.push(() => this.receive(payload)),
      opened: (webSocket) => {
        this.listeners.readyState("open");
        this.queue.push(() => this.events.emit("vite:ws:connect", { webSocket }));
      },
      lost: (webSocket, reason) => {
        this.listeners.readyState("connecting");
        if (!this.leaving) log.warn(`[devserver] the connection was lost (${reason}); reconnecting.`);
        this.queue.push(() => this.events.emit("vite:ws:disconnect", { webSocket }));
      },
    });
  }

  private askUser(): Promise<string> {
    const { socket, base, token } = this.config;
    const url = new URL(socket ?? `${base}@devserver/identify`, this.scriptURL);
    url.searchParams.set("token", token);
    return askHub(url, this.session);
  }

  private socket(query: Record<string, string>): Socket {
    const url = new URL(this.config.socket ?? this.config.base, this.scriptURL);
    url.protocol = url.protocol.replace(/^http/, "ws");
    const { token } = this.config;
    if (this.shared?.usable) {
      url.search = new URLSearchParams({ token, mux: "1" }).toString();
      const { session: _, ...rest } = query;
      return this.shared.open(url.href, new URLSearchParams(rest).toString());
    }
    url.search = new URLSearchParams({ token, ...query }).toString();
    return new WebSocket(url, "vite-hmr") as unknown as Socket;
  }

  /** Reads the script's configuration again: a server that was started anew has another token. */
  private async renewToken(): Promise<boolean> {
    const response = await fetch(this.scriptURL, { cache: "no-store" });
    if (!response.ok) return false;
    const [line] = (await response.text()).split("\n", 1);
    const json = /^const __config__ = (\{.*\});$/.exec(line!)?.[1];
    if (json) this.config.token = (JSON.parse(json) as Config).token;
    return true;
  }

  private async receive(payload: Exclude<ServerPayload, ReplyPayload>): Promise<void> {
    switch (payload.type) {
      case "connected":
        this.identity.enabled = payload.identifies === true;
        log.debug(`[devserver] connected${payload.client ? ` as ${payload.client}` : ""}.`);
        return;
      case "update":
        this.seq = Math.max(this.seq, payload.seq);
        return this.updater.apply(payload);
      case "full-reload":
        return this.updater.reload(payload);
      case "prune":
        return this.updater.prune(payload.paths.filter((id) => this.registry.instance(id)));
      case "error":
        await this.events.emit("vite:error", payload);
        this.showError(payload.err);
        return;
      case "fixed":
        this.told = "";
        this.clearError();
        return this.updater.retry();
      case "custom":
        return this.custom(payload.event, payload.data);
      case "need-revisions":
        this.sendRevisions();
        return;
      case "ack":
        return;
      default: {
        const never: never = payload;
        log.debug("[devserver] unknown message", never);
      }
    }
  }

  private custom(event: string, data: unknown): Promise<void> | void {
    if (event === reidentifyEvent) return this.identity.prompted();
    const about = data as { event?: string; error?: { message?: string } } | undefined;
    if (event === "devserver:unknown-event" && !about?.event?.startsWith("vite:")) {
      log.warn(`[devserver] nothing on the server listens for the event ${JSON.stringify(about?.event)}`);
    } else if (event === "devserver:event-error") {
      log.error(`[devserver] the server could not handle the event ${JSON.stringify(about?.event)}: ${about?.error?.message}`);
    }
    this.listeners.emit(event, data);
    if (event === notificationEvent && !this.config.noToasts && this.notificationHandlers === 0 && !this.events.has(event)) {
      showToast(data as Toast);
    }
    return this.events.emit(event, data);
  }

  // ---- Connection: what the library for app code uses

  get readyState(): ReadyState {
    return this.transport.connected ? "open" : "connecting";
  }

  onReadyState(listener: (state: ReadyState) => void): Off {
    return this.listeners.onReadyState(listener);
  }

  on(event: string, listener: (data: never) => void): Off {
    return this.listeners.on(event, listener);
  }

  subscribe(channel: string, listener: (data: never) => void): Off {
    return this.listeners.channel(channel, listener);
  }

  reidentify(): Promise<string> {
    return this.identity.reidentify();
  }

  /** The socket also carries the updates, so it stays. */
  close(): void {}

  /** The app shows notifications itself until the returned function is called. */
  handlesNotifications(): Off {
    this.notificationHandlers++;
    return () => void this.notificationHandlers--;
  }

  /** Tells the server what runs here, so that it can send what differs. */
  private sendRevisions(): void {
    let modules: Record<string, string> = {};
    let size = 0;
    const css = linkedStyles((url) => this.stylePath(url));
    for (const newest of this.registry.definitions.values()) {
      const { id, rev } = this.registry.instance(newest.id)?.definition ?? newest;
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

  private tryToSend(payload: ReliablePagePayload): void {
    try {
      this.transport.send(payload);
    } catch (error) {
      if (!(error instanceof HotError)) throw error; // the transport has told it
    }
  }

  // ---- HotHost

  send(event: string, data?: unknown): void {
    this.tryToSend(data === undefined ? { type: "custom", event } : { type: "custom", event, data });
  }

  request(event: string, data?: unknown, options: RequestOptions = {}): Promise<unknown> {
    return this.transport.request(event, data, options);
  }

  resolve(owner: ModuleID, specifier: string): ModuleID | undefined {
    return resolveAccepted(owner, specifier, this.registry.instance(owner)?.definition.deps ?? {}, this.config.base);
  }

  invalidate(owner: ModuleID, message: string | undefined): void {
    this.updater.invalidate(owner, message);
  }

  /** For third-party code, which names modules by URL. */
  readonly createHotContext = (owner: string): HotContext => {
    const { base } = this.config;
    const id = owner.startsWith(base) ? owner.slice(base.length - 1) : owner;
    return this.hot.create(id).context;
  };

  // ---- MetaHost

  url(id: ModuleID): string {
    return moduleURL(id, this.config.base, this.scriptURL.origin);
  }

  get refresh(): MetaHost["refresh"] {
    return this.fastRefresh.installed ? this.components : undefined;
  }

  private readonly components: MetaHost["refresh"] = (instance, state, components) => this.fastRefresh.module(instance, state, components);

  // ---- Page

  renderRefreshed(): void {
    this.fastRefresh.perform();
  }

  async stage(update: UpdatePayload): Promise<Staged> {
    const { definitions } = this.registry;
    if (!update.code) return nothingStaged();
    if (!this.evalForbidden) {
      try {
        return await definitions.stage(compileDefinitions(update.code, definitions));
      } catch (error) {
        if (!update.url || error instanceof SyntaxError) throw error;
        this.evalForbidden = true;
      }
    }
    const url = this.absolute(update.url!);
    return definitions.stage(() => import(/* @vite-ignore */ url));
  }

  async swapStyles(paths: readonly string[], timestamp: number): Promise<string[]> {
    return swapLinks(paths, timestamp, (url) => this.stylePath(url));
  }

  reload(reason: string): void {
    this.reloader.reload(reason, this.seq);
  }

  isAt(htmlPath: string): boolean {
    if (htmlPath === "/index.html" || typeof location === "undefined") return true;
    const path = decodePath(location.pathname);
    const wanted = this.config.base + htmlPath.slice(1);
    return [path, path + "index.html", path + "/index.html", path + ".html"].includes(wanted);
  }

  showError(error: ErrorInfo): void {
    this.shown = error;
    const { loc } = error;
    const place = loc ? `${loc.file ?? error.id ?? ""}:${loc.line ? `${loc.line}:${loc.column}:` : ""} ` : ""; // tools may not know the line
    const text = `[devserver] ${place}${error.message}${error.frame ? `\n${error.frame}` : ""}`;
    if (text !== this.told) log.error(text);
    this.told = text;
    if (this.config.overlay) showOverlay(error);
  }

  clearError(changed?: readonly ModuleID[]): void {
    const { id } = this.shown ?? {};
    if (changed && id !== undefined && !changed.includes(id)) return;
    this.shown = undefined;
    closeOverlay();
  }

  report(report: Parameters<Page["report"]>[0]): void {
    this.tryToSend({ type: "report", ...report });
  }

  sendInvalidate(data: InvalidateData): void {
    this.send("vite:invalidate", data);
  }

  private async openEditor(position: string): Promise<void> {
    const url = new URL(`__open-in-editor?file=${encodeURIComponent(position)}`, this.absolute(this.config.base));
    const response = await fetch(url, { method: "POST", headers: { "x-devserver-token": this.config.token } }).catch(() => undefined);
    if (!response?.ok) log.warn(`[devserver] could not open ${position} in an editor${response ? `: ${(await response.text()).trim()}` : ""}`);
  }

  private absolute(url: string): string {
    return new URL(url, this.scriptURL).href;
  }

  /** The path below base of a URL of this server. */
  private stylePath(url: string): string | undefined {
    const { base } = this.config;
    const at = new URL(url, this.scriptURL);
    if (at.host !== this.scriptURL.host || !at.pathname.startsWith(base)) return undefined;
    return "/" + decodePath(at.pathname.slice(base.length));
  }
}
