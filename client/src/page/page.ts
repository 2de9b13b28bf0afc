// Puts a page together: the parts of an update's life, and the adapters between them.
//
// A message arrives at the session, waits in the queue, and `receive` handles it.

import { resolveAccepted } from "../hot/accepted.ts";
import { Events } from "../hot/events.ts";
import { HotStore, type HotContext, type HotHost } from "../hot/hot.ts";
import { ModuleMeta, type MetaHost } from "../hot/meta.ts";
import type { Definition, ModuleID } from "../runtime/definitions.ts";
import { evaluate } from "../runtime/evaluate-code.ts";
import { helpers } from "../runtime/helpers.ts";
import { importURL } from "../runtime/import.ts";
import { Packs } from "../runtime/packs.ts";
import { Registry } from "../runtime/registry.ts";
import { notificationEvent } from "../socket/connection.ts";
import { ownPrefix } from "../socket/answers.ts";
import { reidentifyEvent } from "../socket/identity.ts";
import { hasDocument } from "../socket/life.ts";
import type { Logger } from "../socket/logger.ts";
import type { CustomPayload, ErrorInfo, RequestPayload, ServerMessage } from "../socket/payload.ts";
import { defineOverlay, ErrorOverlay } from "../ui/overlay.ts";
import { removeStyle, updateStyle } from "../ui/style.ts";
import { askToReload, showToast, type Toast } from "../ui/toast.ts";
import { Queue } from "../update/queue.ts";
import { Refresh } from "../update/refresh.ts";
import { Updater, type UpdateHost } from "../update/update.ts";
import { Address, pageFile } from "./address.ts";
import { answer, type AnswerHost, type ModuleAnswer, type Steer } from "./answers.ts";
import { UpdateCode } from "./code.ts";
import type { Config } from "./config.ts";
import { Entries } from "./entries.ts";
import { Errors, openInEditor } from "./errors.ts";
import type { Facade } from "./facade.ts";
import { Needs } from "./needs.ts";
import { Reloader } from "./reload.ts";
import { Requested } from "./requested.ts";
import { Session } from "./session.ts";
import { Styles } from "./styles.ts";
import { UncaughtErrors } from "./uncaught.ts";

const log: Logger = console;

export function startPage(
  config: Config,
  scriptURL: string,
): { facade: Facade; createHotContext(owner: string): HotContext } {
  // A worker's pack has a registry of its own, and the worker's later imports must find that registry.
  const shared = (globalThis as Record<symbol, unknown>)[Symbol.for("devserver.registry")] as Facade | undefined;
  const page = new BrowserPage(config, new Address(config.base, new URL(scriptURL)));
  if (hasDocument()) page.open();
  return { facade: shared ?? page.facade, createHotContext: page.createHotContext };
}

class BrowserPage {
  readonly facade: Facade;
  private readonly session: Session;
  private readonly queue = new Queue((error) => log.error("[devserver] an update could not be applied:", error));
  private readonly events = new Events(log, this.queue.meanwhile);
  private readonly errors: Errors;
  private readonly reloader: Reloader;
  private readonly refresh = new Refresh(log);
  private readonly packs: Packs;
  private readonly hot: HotStore;
  private readonly registry: Registry;
  private readonly entries: Entries;
  private readonly updater: Updater;
  private readonly requested: Requested;
  private readonly styles: Styles;
  private readonly needs: Needs;
  private readonly uncaught = new UncaughtErrors(() => this.session.seq);
  private readonly file = pageFile();
  private greeted = false;
  /** The number of the newest update that changed what runs here. */
  private changed = 0;
  /** When the newest update was applied. */
  private applied = 0;

  constructor(
    private readonly config: Config,
    private readonly address: Address,
  ) {
    this.session = new Session({
      config,
      scriptURL: address.script,
      page: this.file,
      was: () => this.reloader.cause?.page,
      log,
      receive: (message) =>
        message.type === "custom"
          ? this.queue.pushEvent(() => this.receiveEvent(message))
          : message.type === "request"
            ? this.queue.pushEvent(() => this.answer(message))
            : this.queue.push(() => this.receive(message)),
      opened: (webSocket) => this.queue.push(() => this.events.emit("vite:ws:connect", { webSocket })),
      lost: (webSocket) => this.queue.push(() => this.events.emit("vite:ws:disconnect", { webSocket })),
    });
    const path = (url: string): string | undefined => address.pathOf(url);
    this.requested = new Requested(path);
    this.styles = new Styles(path, this.requested);
    this.reloader = new Reloader(log, () => this.session.client, config.askReload ? askToReload : undefined);
    this.packs = new Packs(address.absolute(config.base), importURL);
    this.hot = new HotStore(this.hotHost());
    this.registry = this.newRegistry();
    this.needs = new Needs(this.registry, () => this.entries.waitingIDs, this.requested, this.styles);
    this.errors = new Errors(log, config.overlay, () => this.needs.concerns());
    this.entries = new Entries(this.registry, this.refresh, this.errors, log, this.queue.meanwhile);
    this.updater = new Updater(this.registry, this.hot, this.events, this.updateHost(), (task) =>
      this.queue.pushFront(task),
    );
    this.facade = this.newFacade();
    const host = this.answerHost();
    this.session.answers.handlePrefix(ownPrefix, (event, data) => answer(event, data, host));
    ErrorOverlay.options = {
      open: (position) => void openInEditor(position, address.absolute(config.base), this.session.token, log),
    };
  }

  /** Begins to receive updates and events. */
  open(): void {
    this.reloader.explain();
    this.uncaught.watch(window);
    this.session.noteError = (error) => this.uncaught.add("console", error);
    defineOverlay();
    this.requested.watch(() => this.errors.look());
    this.session.open();
    addEventListener("load", () => globalThis.requestIdleCallback?.(() => this.registry.importers.index()), {
      once: true,
    });
  }

  // ---- Messages of the server

  private async receive(message: Exclude<ServerMessage, CustomPayload | RequestPayload>): Promise<void> {
    switch (message.type) {
      case "connected":
        this.session.greeted(message);
        // The server says which errors it has now. Errors of an earlier session may have been fixed since.
        if (this.greeted && !message.resumed) await this.receiveErrors([]);
        this.greeted = true;
        return;
      case "update":
        this.session.seen(message.seq);
        return this.updater.apply(message);
      case "full-reload":
        this.session.seen(message.seq);
        return this.updater.reload(message);
      case "error":
        return this.receiveErrors([message.err, ...(message.more ?? [])]);
      case "fixed":
        return this.receiveErrors([]);
      case "need-revisions":
        return this.session.sendRevisions(this.running(), this.styles.linked());
      case "ack":
        return;
      default: {
        const never: never = message;
        log.debug("[devserver] unknown message", never);
      }
    }
  }

  private async receiveErrors(errors: ErrorInfo[]): Promise<void> {
    const [err] = this.errors.mine(errors);
    if (err) await this.events.emit("vite:error", { type: "error", err });
    if (this.errors.take(errors) || errors.length === 0) await this.updater.retry();
  }

  /** Answers a request of the server. A request without a handler waits while modules are replaced or the page loads. */
  private answer(request: RequestPayload): void {
    const again = (): void => this.answer(request);
    if (!this.session.answers.has(request.event)) {
      if (this.queue.waits) return this.queue.pushLater(again);
      if (this.session.answers.onceLoaded(() => this.queue.pushEvent(again))) return;
    }
    this.session.answer(request);
  }

  private receiveEvent({ event, data, retained }: CustomPayload): void {
    if (event === reidentifyEvent) return this.session.cookieChanges();
    const about = data as { event?: string; error?: { message?: string } } | undefined;
    if (event === "devserver:unknown-event" && !about?.event?.startsWith("vite:")) {
      log.warn(`[devserver] nothing on the server listens for the event ${JSON.stringify(about?.event)}`);
    } else if (event === "devserver:event-error") {
      const what = `the server could not handle the event ${JSON.stringify(about?.event)}: ${about?.error?.message}`;
      log.error(`[devserver] ${what}`);
      this.uncaught.add("event", what);
    }
    this.session.emit(event, data, retained);
    if (event === notificationEvent && !this.appShowsNotifications()) showToast(data as Toast);
    this.events.send(event, data);
  }

  private appShowsNotifications(): boolean {
    return this.session.appShowsNotifications || this.events.has(notificationEvent);
  }

  /** The definitions that this page runs, or will run. */
  private *running(): Iterable<Definition> {
    for (const newest of this.registry.definitions.values())
      yield this.registry.instance(newest.id)?.definition ?? newest;
  }

  // ---- What packs and third-party code use

  private newFacade(): Facade {
    return {
      helpers,
      define: this.registry.definitions.define,
      deps: this.registry.definitions.deps,
      start: (options) => this.entries.start(options),
      fail: (id, error) => {
        this.packs.fail(id, error.message);
        this.errors.add(error);
      },
    };
  }

  /** Makes a context for third-party code, which names modules by URL. */
  readonly createHotContext = (owner: string): HotContext => this.hot.create(this.address.moduleAt(owner)).context;

  // ---- Adapters

  private newRegistry(): Registry {
    const url = (id: ModuleID): string => this.address.module(id);
    const metaHost: MetaHost = { env: this.config.env, url, hot: this.hot, refresh: this.refresh };
    const registry = new Registry({
      loadPack: (ids, have, exact) => this.packs.load(ids, have, exact),
      importURL,
      waits: (id) => this.entries.waits(id),
      url,
      meta: (instance) => new ModuleMeta(instance, metaHost),
    });
    registry.afterRun = (instance) => {
      this.refresh.afterRun(instance);
      this.errors.look();
    };
    registry.builtIn.set("/@vite/client", {
      __esModule: true,
      updateStyle: (id: string, css: string) => updateStyle(id, css, (url) => this.address.pathOf(url)),
      removeStyle,
      ErrorOverlay,
      createHotContext: this.createHotContext,
    });
    return registry;
  }

  private hotHost(): HotHost {
    return {
      events: this.events,
      answers: this.session.answers,
      log,
      send: (event, data) => this.session.send(event, data),
      request: (event, data, options) => this.session.request(event, data, options),
      resolve: (owner, specifier) =>
        resolveAccepted(owner, specifier, this.registry.instance(owner)?.definition.deps ?? {}, this.config.base),
      invalidate: (owner, message) => this.updater.invalidate(owner, message),
    };
  }

  private answerHost(): AnswerHost {
    return {
      uncaught: this.uncaught,
      reloader: this.reloader,
      seq: () => this.session.seq,
      changed: () => this.changed,
      errors: () => this.errors.now,
      handles: () => this.session.answers.list(),
      listensFor: (event) => this.events.has(event) || this.session.listensFor(event),
      idle: () => this.queue.idle(),
      applied: () => this.applied,
      module: (id) => this.describe(id),
      record: () => this.record(),
      evaluate,
      loadSteer: async () =>
        (await importURL(this.address.absolute(`${this.config.base}@devserver/steer.js`))) as Steer,
    };
  }

  /** Says how this page would take an update of a module. */
  private describe(id: ModuleID): ModuleAnswer {
    const { acceptedDeps: deps = [], selfAccepting: self = false, acceptedExports } = this.hot.state(id) ?? {};
    const runs = this.registry.instance(id) !== undefined;
    return { runs, self, deps, exports: [...(acceptedExports ?? [])], decision: this.updater.wouldDo(id) };
  }

  /** Begins to send the console, unless the page does already. */
  private async record(): Promise<void> {
    if (this.session.recorded) return;
    await importURL(this.address.absolute(`${this.config.base}@devserver/console.js`));
  }

  private updateHost(): UpdateHost {
    const code = new UpdateCode(this.registry.definitions, (path) => importURL(this.address.absolute(path)));
    return {
      log,
      stage: (update) => code.stage(update),
      needs: (module) => this.needs.all().has(module),
      startsWorker: (worker) => this.needs.startsWorker(worker),
      stopped: () => this.uncaught.stopped,
      decideStyles: (css, files) => this.styles.decide(css, files),
      swapStyles: (paths, timestamp) => this.styles.swap(paths, timestamp),
      reload: (reason) => this.reloader.reload(reason, this.session.seq),
      isAt: (path, changed) => (this.file !== undefined && changed === this.file.page) || this.address.pageIsAt(path),
      showFailure: (error) => this.errors.fail(error),
      clearErrors: (compiled, again) => this.errors.clear(compiled, again),
      report: (report) => {
        this.applied = performance.now();
        if (report.kind === "updated" || report.kind === "failed") this.changed = report.seq;
        this.session.report(report);
      },
      renderRefreshed: () => this.refresh.perform(),
      startWaiting: () => this.entries.startWaiting(),
      sendInvalidate: (data) => this.session.sendInvalidate(data),
    };
  }
}
