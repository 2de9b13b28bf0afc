// import.meta.hot: how a module takes its updates, and its events. It knows neither DOM nor socket: both are behind
// HotHost.

import type { ModuleID } from "../runtime/definitions.ts";
import type { HotRecord } from "../runtime/registry.ts";
import type { Answers, Handler, HandleOptions, HandlerOwner } from "../socket/answers.ts";
import type { Logger } from "../socket/logger.ts";
import { HotError, type RequestOptions } from "../socket/request.ts";
import type { Events, Listener } from "./events.ts";
import { waitAll } from "./wait.ts";

export type AcceptCallback = (module: unknown) => unknown;
export type DisposeCallback = (data: Record<string, unknown>) => unknown;

/** The page, as far as contexts need it. */
export interface HotHost {
  readonly events: Events;
  readonly answers: Answers;
  readonly log: Logger;
  send(event: string, data: unknown): void;
  request(event: string, data: unknown, options: RequestOptions): Promise<unknown>;
  /** Returns the module that `owner` imports under this specifier; undefined when it imports none. */
  resolve(owner: ModuleID, specifier: string): ModuleID | undefined;
  invalidate(owner: ModuleID, message: string | undefined): void;
}

interface Acceptance {
  /** The accepted imports; undefined when the module accepts itself. */
  deps?: (ModuleID | undefined)[];
  callback?: (modules: unknown) => unknown;
  /** Set for a single specifier: the callback gets the module, not a list. */
  single?: boolean;
}

/** The contexts of a page's modules, and the data that survives their updates. */
export class HotStore {
  private readonly states = new Map<ModuleID, HotState>();
  private readonly data = new Map<ModuleID, Record<string, unknown>>();

  constructor(readonly host: HotHost) {}

  /**
   * Makes the context of a new run and ends the listeners of the last run. During an update the listeners stay until
   * the update is done, since the new run may fail.
   */
  create(owner: ModuleID): HotState {
    const last = this.states.get(owner);
    if (last && (!last.disposed || last.outdated)) last.end();
    const state = new HotState(owner, this);
    if (last) state.inheritPrune(last);
    this.states.set(owner, state);
    return state;
  }

  state(id: ModuleID): HotState | undefined {
    return this.states.get(id);
  }

  /** Ends a state whose module has run again. */
  replaced(state: HotState): void {
    state.end();
    if (this.states.get(state.owner) === state) this.states.delete(state.owner);
  }

  /** Puts a state back whose successor failed. */
  restore(state: HotState): void {
    const failed = this.states.get(state.owner);
    if (failed && failed !== state) failed.end();
    state.answers = !state.outdated;
    this.states.set(state.owner, state);
  }

  dataOf(id: ModuleID): Record<string, unknown> {
    let data = this.data.get(id);
    if (!data) this.data.set(id, (data = {}));
    return data;
  }

  forget(id: ModuleID): void {
    this.states.get(id)?.end();
    this.states.delete(id);
    this.data.delete(id);
  }
}

/** What one run of a module registered. */
export class HotState implements HotRecord, HandlerOwner {
  private readonly acceptances: Acceptance[] = [];
  private readonly disposers: DisposeCallback[] = [];
  private pruners: DisposeCallback[] = [];
  private inherited = false;
  private ended: HotError | undefined;
  /** Made for the first request: thousands of modules send none. */
  private canceller: AbortController | undefined;
  acceptedExports: Set<string> | undefined;
  disposed = false;
  /** Set when an update disposed of the module and did not run it again. */
  outdated = false;
  /** False from dispose on: handlers of the run answer no more, unless its successor fails. */
  answers = true;
  readonly context: HotContext;

  constructor(
    readonly owner: ModuleID,
    readonly store: HotStore,
  ) {
    this.context = new HotContext(this);
  }

  get name(): string {
    return this.owner;
  }

  get data(): Record<string, unknown> {
    return this.store.dataOf(this.owner);
  }

  get host(): HotHost {
    return this.store.host;
  }

  get selfAccepting(): boolean {
    return this.acceptances.some((a) => !a.deps);
  }

  /** The imports that the module accepts. */
  get acceptedDeps(): ModuleID[] {
    return this.acceptances.flatMap((a) => a.deps ?? []).filter((id) => id !== undefined);
  }

  acceptsDep(id: ModuleID): boolean {
    return this.acceptances.some((a) => a.deps?.includes(id));
  }

  accept(deps: unknown, callback: unknown): void {
    if (typeof deps === "function" || deps === undefined || deps === null) {
      this.acceptances.push({ callback: deps as AcceptCallback | undefined });
      return;
    }
    const single = !Array.isArray(deps);
    const ids = (single ? [deps] : (deps as unknown[])).map((d) => this.resolve(d));
    this.acceptances.push({ deps: ids, single, callback: callback as AcceptCallback | undefined });
  }

  private resolve(specifier: unknown): ModuleID | undefined {
    const id = typeof specifier === "string" ? this.host.resolve(this.owner, specifier) : undefined;
    if (id === undefined) {
      this.host.log.warn(
        `[devserver] ${this.owner}: hot.accept(${JSON.stringify(specifier)}) has no effect: this module has no such import`,
      );
    }
    return id;
  }

  acceptExports(names: unknown, callback: unknown): void {
    const list = typeof names === "string" ? [names] : [...(names as Iterable<string>)];
    this.acceptedExports ??= new Set();
    for (const name of list) this.acceptedExports.add(name);
    if (callback) this.exportCallbacks.push(callback as AcceptCallback);
  }

  private readonly exportCallbacks: AcceptCallback[] = [];

  /** Returns the callbacks for an update of `dep`, which is the owner itself or a direct import. */
  callbacks(dep: ModuleID): ((module: unknown) => unknown)[] {
    if (dep === this.owner) {
      const own = this.acceptances.filter((a) => !a.deps && a.callback).map((a) => a.callback!);
      return [...own, ...this.exportCallbacks];
    }
    return this.acceptances
      .filter((a) => a.callback && a.deps?.includes(dep))
      .map((a) => (module) => a.callback!(a.single ? module : a.deps!.map((id) => (id === dep ? module : undefined))));
  }

  onDispose(callback: DisposeCallback): void {
    this.disposers.push(callback);
  }

  onPrune(callback: DisposeCallback): void {
    if (this.inherited) this.pruners = [];
    this.inherited = false;
    this.pruners.push(callback);
  }

  /** Takes over the prune callbacks of the last run. They stay unless this run registers its own. */
  inheritPrune(last: HotState): void {
    this.pruners = [...last.pruners];
    this.inherited = true;
  }

  /** Runs the dispose callbacks, once. Listeners stay until the next run starts or the module leaves the page. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    this.answers = false;
    await this.call(this.disposers, "a dispose callback");
    this.cancel(`${this.owner} was replaced`);
  }

  async prune(): Promise<void> {
    await this.call(this.pruners, "a prune callback");
  }

  end(): void {
    this.host.events.drop(this);
    this.host.answers.drop(this);
    this.cancel(`${this.owner} is gone`);
  }

  /** Cancels the requests of this run, and any that it makes later. */
  private cancel(why: string): void {
    this.ended ??= new HotError("disposed", why);
    this.canceller?.abort(this.ended);
  }

  private get signal(): AbortSignal {
    this.canceller ??= new AbortController();
    if (this.ended) this.canceller.abort(this.ended);
    return this.canceller.signal;
  }

  request(event: string, data: unknown, options: RequestOptions): Promise<unknown> {
    const signals = [this.signal, options.signal].filter((s) => s !== undefined);
    return this.host.request(event, data, { ...options, signal: anySignal(signals) });
  }

  private async call(callbacks: DisposeCallback[], what: string): Promise<void> {
    const name = `${what} of ${this.owner}`;
    const results = callbacks.map((callback) => {
      try {
        return callback(this.data);
      } catch (error) {
        this.host.log.error(`[devserver] ${name} failed:`, error);
        return undefined;
      }
    });
    await waitAll(results, name, this.host.log, this.host.events.meanwhile);
  }
}

function anySignal(signals: AbortSignal[]): AbortSignal {
  if (signals.length === 1) return signals[0]!;
  const any = new AbortController();
  for (const s of signals) {
    if (s.aborted) any.abort(s.reason);
    else s.addEventListener("abort", () => any.abort(s.reason), { once: true, signal: any.signal });
  }
  return any.signal;
}

/** import.meta.hot, the public side of a HotState. No member relies on `this`, so code may destructure it. */
export class HotContext {
  readonly #state: HotState;

  constructor(state: HotState) {
    this.#state = state;
  }

  get data(): Record<string, unknown> {
    return this.#state.data;
  }

  readonly accept = (deps?: unknown, callback?: unknown): void => this.#state.accept(deps, callback);
  readonly acceptExports = (names: string | readonly string[], callback?: unknown): void =>
    this.#state.acceptExports(names, callback);
  readonly dispose = (callback: DisposeCallback): void => this.#state.onDispose(callback);
  readonly prune = (callback: DisposeCallback): void => this.#state.onPrune(callback);
  readonly decline = (): void => {};
  readonly invalidate = (message?: string): void => this.#state.host.invalidate(this.#state.owner, message);
  readonly on = (event: string, fn: Listener): void => this.#state.host.events.on(event, fn, this.#state);
  /** Answers requests of the server until the module is replaced, or until the returned function is called. */
  readonly handle = (event: string, fn: Handler, options: HandleOptions = {}): (() => void) =>
    this.#state.host.answers.handle(event, fn, options, this.#state);
  readonly off = (event: string, fn: Listener): void => this.#state.host.events.off(event, fn);
  readonly send = (event: string, data?: unknown): void => this.#state.host.send(event, data);
  readonly request = (event: string, data?: unknown, options: RequestOptions = {}): Promise<unknown> =>
    this.#state.request(event, data, options);
}

/** What modules have of a context. */
export type Hot = Pick<HotContext, keyof HotContext>;
