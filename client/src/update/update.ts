// Applies an update to the page: plan, listeners, dispose, run, callbacks, prune, report. plan.ts decides; DOM and
// socket are behind UpdateHost.

import type { Events } from "../hot/events.ts";
import type { HotState, HotStore } from "../hot/hot.ts";
import { nothingStaged, type Definition, type ModuleID, type Staged } from "../runtime/definitions.ts";
import type { Instance, Registry } from "../runtime/registry.ts";
import type { Logger } from "../socket/logger.ts";
import type { ErrorInfo, FullReloadPayload, ReportPayload, Update, UpdatePayload } from "../socket/payload.ts";
import { plan, type Boundary, type Change, type Decision, type RegistryView, type ReloadDecision } from "./plan.ts";

/** The page, as far as updates need it. */
export interface UpdateHost {
  readonly log: Logger;
  /** Runs the update's code and returns its definitions. */
  stage(update: UpdatePayload): Promise<Staged>;
  /** Reports whether this page needs a module or script. */
  needs(module: ModuleID): boolean;
  /** Reports whether this page starts a worker. */
  startsWorker(worker: ModuleID): boolean;
  /** Returns why only a reload makes this page render again, undefined when it renders. */
  stopped(): string | undefined;
  /** Decides how this page takes edits of stylesheets and other files that no module imports. */
  decideStyles(css: readonly string[], files: readonly string[]): StylesDecision;
  /** Loads the links of these stylesheets again. */
  swapStyles(paths: readonly string[], timestamp: number): Promise<void>;
  reload(reason: string): void;
  /** Reports whether the page is at this path, or at the URL of this HTML file, or was made from the changed file. */
  isAt(path: string, changed: ModuleID | undefined): boolean;
  /** Shows that a module failed when it ran. */
  showFailure(error: ErrorInfo & { id: ModuleID }): void;
  /** Drops the errors of modules that compile now, and the failure of a module that runs `again`. */
  clearErrors(compiled: readonly ModuleID[], again?: readonly ModuleID[]): void;
  report(report: Omit<ReportPayload, "type">): void;
  /** Lets fast refresh render once for all components of the update. */
  renderRefreshed(): void;
  /** Runs the entries that wait for an error to be fixed, if they compile now. */
  startWaiting(): Promise<void>;
  sendInvalidate(data: InvalidateData): void;
}

/** How the page takes edits of files that no module imports. It uses none of those that are not listed. */
export interface StylesDecision {
  /** The stylesheets whose links are swapped. */
  swap: string[];
  /** Why the page must reload; undefined when it need not. */
  reload: string | undefined;
}

export interface InvalidateData {
  path: ModuleID;
  message: string | undefined;
  firstInvalidatedBy: ModuleID;
}

/** Makes the plan's view of the registry and the hot contexts. */
export function viewOf(registry: Registry, hot: HotStore): RegistryView {
  return {
    ran: (id) => registry.instance(id) !== undefined,
    failed: (id) => registry.instance(id)?.state === "failed",
    importers: (id) => registry.importers.of(id),
    selfAccepting: (id) => hot.state(id)?.selfAccepting ?? false,
    acceptedExports: (id) => hot.state(id)?.acceptedExports,
    exports: (id) => Object.keys(registry.instance(id)?.module.exports ?? {}),
    acceptsDep: (importer, dep) => hot.state(importer)?.acceptsDep(dep) ?? false,
    uses: (importer, dep) => registry.importers.uses(importer, dep),
    refusedTo: (id) => registry.importers.refusedTo(id),
  };
}

/** How long an update waits for modules that start, in milliseconds. */
const longestStart = 5000;

interface Invalidation {
  path: ModuleID;
  message: string | undefined;
  first: ModuleID;
}

/** Applies updates. The queue calls it with one message at a time. */
export class Updater {
  private readonly view: RegistryView;
  /** Modules that were updated and may invalidate that once, each with the module that invalidated first. */
  private readonly invalidatable = new Map<ModuleID, ModuleID>();
  private invalidations: Invalidation[] = [];
  /** Modules that run an older version than their definition, because the newer one could not run. */
  private readonly stale = new Set<ModuleID>();
  private timestamp = 0;
  private seq = 0;
  /** When the update came, by performance.now(). */
  private began = 0;
  private applying = false;

  constructor(
    private readonly registry: Registry,
    private readonly hot: HotStore,
    private readonly events: Events,
    private readonly page: UpdateHost,
    /** Queues work ahead of the next message. */
    private readonly next: (task: () => Promise<void>) => void,
  ) {
    this.view = viewOf(registry, hot);
  }

  async apply(payload: UpdatePayload): Promise<void> {
    this.seq = payload.seq;
    this.timestamp = payload.timestamp;
    this.began = performance.now();
    const staged = await this.page.stage(payload);
    const deleted = payload.deleted ?? [];
    const touched = new Set([...(payload.changed ?? []), ...deleted]);
    const fixed = await this.fixed(staged, (id) => this.reaches(id, touched, staged));
    return this.applyTo(payload, staged, [...touched, ...this.staleNear(touched, staged)], fixed);
  }

  /** Returns the modules whose `import()` failed here, that `may` be fixed, and that the server can give now. */
  private async fixed(staged: Staged, may: (id: ModuleID) => boolean): Promise<ModuleID[]> {
    const ids = [...this.registry.importers.refused()].filter(may);
    const had = await Promise.all(
      ids.map((id) =>
        this.registry.complete([id], staged).then(
          () => true,
          () => false, // an error remains; the server sends it
        ),
      ),
    );
    return ids.filter((_, i) => had[i]);
  }

  /** Returns the modules that could not run and may run now: one of their imports or importers was touched. */
  private staleNear(touched: ReadonlySet<ModuleID>, staged: Staged): ModuleID[] {
    if (this.stale.size === 0) return [];
    return [...this.stale].filter(
      (id) => this.reaches(id, touched, staged) || [...touched].some((t) => this.reaches(t, new Set([id]), staged)),
    );
  }

  /** Reports whether one of the modules is `id` or below it, by the newest definitions. */
  private reaches(id: ModuleID, modules: ReadonlySet<ModuleID>, staged: Staged): boolean {
    const seen = new Set([id]);
    for (const at of seen) {
      if (modules.has(at)) return true;
      for (const dep of Object.values(this.newest(at, staged)?.deps ?? {})) seen.add(dep);
    }
    return false;
  }

  private newest(id: ModuleID, staged: Staged): Definition | undefined {
    return staged.definitions.get(id) ?? this.registry.definitions.get(id);
  }

  /** Runs the modules that could not run before, and the importers of those that could not be had: errors are fixed. */
  async retry(): Promise<void> {
    this.began = performance.now();
    const update: UpdatePayload = { type: "update", seq: this.seq, timestamp: this.timestamp, changed: [] };
    const fixed = await this.fixed(nothingStaged(), () => true);
    if (this.stale.size + fixed.length > 0) await this.applyTo(update, nothingStaged(), [...this.stale], fixed);
    else await this.page.startWaiting();
  }

  /** Decides how the page takes an update of these modules and the fix of others, and does it. */
  private async applyTo(payload: UpdatePayload, staged: Staged, modules: ModuleID[], fixed: ModuleID[]): Promise<void> {
    const { deleted = [], again = [] } = payload;
    const changed = [...new Set(modules)].filter(
      (id) => !deleted.includes(id) && (again.includes(id) || this.differs(id, staged)),
    );
    const styles = this.page.decideStyles(payload.css ?? [], payload.files ?? []);
    const stuck = await this.awaitRunning(changed); // what they accept is known when they have run
    const decision: Decision =
      stuck !== undefined
        ? { kind: "reload", reason: `${stuck} still awaits something at its top level` }
        : styles.reload === undefined
          ? this.decide(payload, staged, { changed, deleted, fixed })
          : { kind: "reload", reason: styles.reload };
    for (const id of fixed) this.registry.importers.forgetRefused(id);
    switch (decision.kind) {
      case "reload": {
        const file = payload.css?.[0] ?? payload.files?.[0];
        return this.giveUp(decision, changed[0] ?? deleted[0] ?? fixed[0] ?? file);
      }
      case "nothing":
        return this.applyNothing(payload, styles.swap, staged, deleted);
      case "update":
        return this.applyUpdate(payload, decision, styles.swap, staged, deleted);
      default: {
        const never: never = decision;
        throw new Error(`unknown decision ${JSON.stringify(never)}`);
      }
    }
  }

  /** Decides how this page would take an edit of a module, and changes nothing. */
  wouldDo(id: ModuleID): Decision {
    return plan(this.view, { changed: [id] });
  }

  /**
   * Reports whether a module needs its newest version. The page may have been loaded with an update that is replayed.
   */
  private differs(id: ModuleID, staged: Staged): boolean {
    const instance = this.registry.instance(id);
    if (!instance || instance.hot?.disposed || instance.state === "failed") return true;
    return this.newest(id, staged)?.rev !== instance.definition.rev;
  }

  private decide(payload: UpdatePayload, staged: Staged, change: Change & { deleted: ModuleID[] }): Decision {
    for (const [worker, changed] of Object.entries(payload.workers ?? {})) {
      if (!this.page.startsWorker(worker)) continue;
      const reason = worker === changed ? `the worker ${worker} changed` : `${changed} changed in the worker ${worker}`;
      return { kind: "reload", reason };
    }
    const touched = new Set([...change.changed, ...change.deleted]);
    const failed = this.registry.failedEntries().find((entry) => this.reaches(entry.id, touched, staged));
    if (failed) return { kind: "reload", reason: `${failed.id} failed when it ran` };
    const decision = plan(this.view, change);
    const stopped = decision.kind === "update" ? this.page.stopped() : undefined;
    return stopped === undefined ? decision : { kind: "reload", reason: stopped };
  }

  private async applyNothing(
    payload: UpdatePayload,
    styles: string[],
    staged: Staged,
    deleted: ModuleID[],
  ): Promise<void> {
    this.registry.definitions.commit(staged, deleted);
    if (styles.length > 0) {
      const message = { type: "update", updates: this.updatesOf([], styles) };
      await this.events.emit("vite:beforeUpdate", message);
      this.page.clearErrors(compiledIn(payload));
      await this.swapStyles(payload, styles);
      await this.events.emit("vite:afterUpdate", message);
      this.report("updated", styles);
    } else {
      if (payload.changed?.length) this.page.clearErrors(compiledIn(payload));
      this.report("nothing", []);
    }
    await this.page.startWaiting();
  }

  private async applyUpdate(
    payload: UpdatePayload,
    decision: UpdateDecision,
    styles: string[],
    staged: Staged,
    deleted: ModuleID[],
  ): Promise<void> {
    const message = { type: "update", updates: this.updatesOf(decision.boundaries, styles) };
    await this.events.emit("vite:beforeUpdate", message);
    this.page.clearErrors(compiledIn(payload), decision.rerun);
    const swapped = this.swapStyles(payload, styles);
    const done = await this.run(decision, staged, deleted);
    await swapped;
    if (done === "reloading") return;
    await this.events.emit("vite:afterUpdate", message);
    await this.prune(done.orphans);
    const paths = [...new Set([...done.updated, ...styles])];
    if (done.failed.length > 0) {
      const failed = done.failed.map((f) => f.path);
      this.report("failed", failed, { reason: done.failed[0]!.message });
    } else this.report("updated", paths);
    await this.page.startWaiting();
  }

  /** Loads stylesheets again that this page links. */
  private async swapStyles({ timestamp }: UpdatePayload, paths: string[]): Promise<void> {
    if (paths.length === 0) return;
    await this.page.swapStyles(paths, timestamp);
    for (const path of paths) this.page.log.log(`[devserver] css hot updated: ${path}`);
  }

  /** Replaces the modules and calls the accept callbacks. */
  private async run(decision: UpdateDecision, staged: Staged, deleted: ModuleID[]): Promise<Done | "reloading"> {
    // The old instances' callbacks are called; the new instances register their own.
    const jobs = decision.boundaries.map((boundary): Job => ({
      boundary,
      callbacks: this.hot.state(boundary.path)?.callbacks(boundary.acceptedPath) ?? [],
      namespace: undefined,
      failure: undefined,
    }));
    try {
      await this.registry.complete(
        decision.boundaries.map((b) => b.acceptedPath),
        staged,
      ); // before the old instances end
    } catch (error) {
      this.registry.definitions.commit(staged, deleted);
      return this.refuse(jobs, error);
    }
    const stuck = await this.awaitRunning(decision.rerun);
    if (stuck !== undefined) {
      this.registry.definitions.commit(staged, deleted);
      await this.giveUp({ reason: `${stuck} still awaits something at its top level` }, stuck);
      return "reloading";
    }
    await this.dispose(decision.rerun);
    this.registry.definitions.commit(staged, deleted);
    for (const id of decision.rerun) {
      this.invalidatable.set(id, decision.boundaries.find((b) => b.acceptedPath === id)?.firstInvalidatedBy ?? id);
    }
    this.applying = true;
    try {
      const old = this.registry.retire(decision.rerun);
      const reload = await this.evaluate(jobs);
      if (reload) {
        this.keepOrRestore(old, false); // the page may ask first, and runs on until then
        await this.giveUp(reload, reload.path);
        return "reloading";
      }
      this.keepOrRestore(
        old,
        jobs.every((job) => job.failure === undefined),
      );
      for (const job of jobs) this.callBack(job.boundary, job.callbacks, job.namespace);
      this.page.renderRefreshed();
    } finally {
      this.applying = false;
    }
    for (const job of jobs)
      if (job.failure === undefined) this.page.log.log(`[devserver] hot updated: ${nameOf(job.boundary)}`);
    const orphans = this.registry.importers.orphans();
    this.followInvalidations();
    return done(jobs, orphans);
  }

  /**
   * Waits for modules that are still starting: their importers wait for these very instances. Returns a module that does
   * not come to its end.
   */
  private async awaitRunning(ids: ModuleID[]): Promise<ModuleID | undefined> {
    const until = Date.now() + longestStart;
    for (let now = this.registry.waiting(ids); now; now = this.registry.waiting(ids)) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(true), until - Date.now());
      });
      const isLate = await this.events.meanwhile(Promise.race([now.settled.then(() => false), late]));
      clearTimeout(timer);
      if (isLate) return now.id;
    }
    return undefined;
  }

  /** Keeps the old modules: an import of the new code is missing or does not compile. The server sends that error. */
  private refuse(jobs: Job[], error: unknown): Done {
    for (const job of jobs) {
      const { acceptedPath } = job.boundary;
      this.stale.add(acceptedPath);
      job.failure = messageOf(error);
      this.page.log.error(`[devserver] failed to update ${acceptedPath}; the old version keeps running.`, error);
      this.callBack(job.boundary, job.callbacks, undefined);
    }
    return done(jobs, []);
  }

  /** Runs the new modules. Returns why the page must reload, if it must. */
  private async evaluate(jobs: Job[]): Promise<{ path: ModuleID; reason: string } | undefined> {
    for (const job of jobs) {
      const path = job.boundary.acceptedPath;
      try {
        const result = this.registry.evaluate(path);
        if (result instanceof Promise) await this.events.meanwhile(result); // it awaits at its top level
        job.namespace = this.registry.namespace(path);
      } catch (error) {
        if (job.boundary.circular)
          return { path, reason: `${path} imports itself through others and could not run again: ${messageOf(error)}` };
        const element = definedTwice(error);
        if (element !== undefined)
          return { path, reason: `${path} defines ${element}, and a page can define a custom element only once` };
        this.stale.add(path);
        job.failure = messageOf(error);
        this.reportFailure(path, error);
      }
    }
    return undefined;
  }

  /** Disposes of the modules that will run again, importers before their imports. */
  private async dispose(ids: ModuleID[]): Promise<void> {
    await Promise.all([...ids].reverse().map(async (id) => this.hot.state(id)?.dispose()));
  }

  /** Keeps the new instances that ran, and restores the old instances of the others. */
  private keepOrRestore(old: Map<ModuleID, Instance>, allWell: boolean): void {
    const renewed = new Set(this.registry.restore(old, allWell));
    for (const [id, instance] of old) {
      const state = instance.hot as HotState | undefined;
      if (renewed.has(id)) {
        this.stale.delete(id);
        if (state) this.hot.replaced(state);
        continue;
      }
      if (state) {
        state.outdated = allWell;
        this.hot.restore(state);
      }
      if (!allWell && this.registry.definitions.get(id)?.rev !== instance.definition.rev) this.stale.add(id);
    }
  }

  private reportFailure(path: ModuleID, error: unknown): void {
    this.page.log.error(`[devserver] failed to update ${path}; the old version keeps running.`, error);
    this.page.showFailure({
      message: `${path} failed when it ran: ${messageOf(error)}`,
      id: path,
      ...(error instanceof Error && error.stack ? { stack: error.stack } : {}),
    });
  }

  private callBack(boundary: Boundary, callbacks: ((module: unknown) => unknown)[], namespace: unknown): void {
    const failed = (error: unknown): void =>
      this.page.log.error(`[devserver] an accept callback of ${boundary.path} failed:`, error);
    for (const callback of callbacks) {
      try {
        const result = callback(namespace) as PromiseLike<unknown> | undefined;
        if (typeof result?.then === "function") result.then(undefined, failed); // not awaited, as in Vite
      } catch (error) {
        failed(error);
      }
    }
  }

  // ---- Prune

  /** Removes modules that nothing imports any more. */
  private async prune(ids: ModuleID[]): Promise<void> {
    if (ids.length === 0) return;
    const states = ids.map((id) => this.hot.state(id)).filter((s) => s !== undefined);
    if (states.length > 0) {
      await this.events.emit("vite:beforePrune", { type: "prune", paths: ids });
      await Promise.all(states.map((s) => s.dispose()));
      await Promise.all(states.map((s) => s.prune()));
    }
    for (const id of ids) {
      this.hot.forget(id);
      this.registry.drop(id);
    }
  }

  // ---- Invalidate

  /** hot.invalidate(): the module cannot take its update, so its importers have to. */
  invalidate(owner: ModuleID, message: string | undefined): void {
    const first = this.invalidatable.get(owner) ?? owner;
    const data: InvalidateData = { path: owner, message, firstInvalidatedBy: first };
    void this.events.emit("vite:invalidate", data);
    this.page.sendInvalidate(data);
    this.page.log.debug(`[devserver] invalidate ${owner}${message ? `: ${message}` : ""}`);
    if (!this.invalidatable.delete(owner)) return; // was not updated, or is invalidated already
    this.invalidations.push({ path: owner, message, first });
    if (!this.applying) this.followInvalidations();
  }

  /** Queues one update of the importers of all invalidated modules. */
  private followInvalidations(): void {
    const list = this.invalidations;
    if (list.length === 0) return;
    this.invalidations = [];
    this.next(() => this.applyInvalidations(list));
  }

  private async applyInvalidations(list: Invalidation[]): Promise<void> {
    const boundaries = new Map<string, Boundary>();
    const rerun = new Set<ModuleID>();
    for (const { path, message, first } of list) {
      const importers = [...this.registry.importers.of(path)].filter((i) => i !== path);
      const change: Change = { changed: importers, invalidated: path, firstInvalidatedBy: first };
      const decision: Decision =
        importers.length > 0 ? plan(this.view, change) : { kind: "reload", reason: "no module imports it" };
      if (decision.kind === "reload") {
        const reason = `${path}${message ? `: ${message}` : " was invalidated"}; ${decision.reason}`;
        return this.giveUp({ ...decision, reason }, path);
      }
      if (decision.kind === "nothing") continue;
      for (const b of decision.boundaries) boundaries.set(b.path + "\n" + b.acceptedPath, b);
      for (const id of decision.rerun) rerun.add(id);
    }
    if (boundaries.size === 0) return;
    const decision: UpdateDecision = { kind: "update", boundaries: [...boundaries.values()], rerun: [...rerun] };
    await this.applyUpdate(
      { type: "update", seq: this.seq, timestamp: this.timestamp, changed: [] },
      decision,
      [],
      nothingStaged(),
      [],
    );
  }

  // ---- Reload

  /** Reloads the page, unless the message is about other pages. */
  async reload(payload: FullReloadPayload): Promise<void> {
    if (payload.module !== undefined && !this.page.needs(payload.module)) return;
    if (payload.path && payload.path !== "*" && !this.page.isAt(payload.path, payload.triggeredBy)) return;
    await this.events.emit("vite:beforeFullReload", payload);
    this.page.reload(
      payload.reason ?? (payload.triggeredBy ? `${payload.triggeredBy} changed` : "the server asked for it"),
    );
  }

  /** Reloads the page because it cannot take an update, and reports the reason to the server. */
  private async giveUp(
    { reason, chain }: Pick<ReloadDecision, "reason" | "chain">,
    triggeredBy: ModuleID | undefined,
  ): Promise<void> {
    const paths = triggeredBy === undefined ? [] : [triggeredBy];
    this.report("reloaded", paths, { reason, ...(chain ? { chain } : {}) });
    await this.reload({
      type: "full-reload",
      path: "*",
      reason,
      ...(triggeredBy === undefined ? {} : { triggeredBy }),
    });
  }

  /** Tells the server what this page did with the update. */
  private report(
    kind: ReportPayload["kind"],
    paths: ModuleID[],
    more: Pick<ReportPayload, "reason" | "chain"> = {},
  ): void {
    const took = Math.round((performance.now() - this.began) * 100) / 100;
    this.page.report({ seq: this.seq, kind, paths, took, ...more });
  }

  // ---- The payload of listeners

  private updatesOf(boundaries: Boundary[], styles: readonly string[]): Update[] {
    const update = (
      type: Update["type"],
      path: string,
      acceptedPath: string,
      isWithinCircularImport: boolean,
    ): Update => ({
      type,
      path,
      acceptedPath,
      timestamp: this.timestamp,
      explicitImportRequired: false,
      isWithinCircularImport,
    });
    return [
      ...boundaries.map(({ path, acceptedPath, circular, firstInvalidatedBy }) => ({
        ...update("js-update", path, acceptedPath, circular),
        ...(firstInvalidatedBy ? { firstInvalidatedBy } : {}),
      })),
      ...styles.map((path) => update("css-update", path, path, false)),
    ];
  }
}

/** The modules and linked stylesheets that an update brings: they have no error. */
function compiledIn({ changed, css }: UpdatePayload): ModuleID[] {
  return [...(changed ?? []), ...(css ?? []).map((path) => `${path}?direct`)];
}

type UpdateDecision = Extract<Decision, { kind: "update" }>;

/** The update of one boundary. */
interface Job {
  readonly boundary: Boundary;
  readonly callbacks: ((module: unknown) => unknown)[];
  /** The argument of the callbacks: the new module, or undefined when it failed. */
  namespace: unknown;
  failure: string | undefined;
}

interface Done {
  updated: ModuleID[];
  failed: { path: ModuleID; message: string }[];
  orphans: ModuleID[];
}

function done(jobs: Job[], orphans: ModuleID[]): Done {
  const result: Done = { updated: [], failed: [], orphans };
  for (const { boundary, failure } of jobs) {
    if (failure === undefined) result.updated.push(boundary.path);
    else result.failed.push({ path: boundary.acceptedPath, message: failure });
  }
  return result;
}

function nameOf({ path, acceptedPath }: Boundary): string {
  return path === acceptedPath ? path : `${acceptedPath} via ${path}`;
}

/** Returns the custom element that code tried to define again, which browsers forbid; undefined for other errors. */
function definedTwice(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== "NotSupportedError" || !/custom ?element/i.test(error.message))
    return undefined;
  const name = /["'“]([a-z][^"'”]*-[^"'”]*)["'”]/.exec(error.message)?.[1];
  return name === undefined ? "a custom element" : `<${name}>`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
