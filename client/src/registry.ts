// The modules of this page: their definitions, which come in packs and updates, and their instances, which have run.
//
// A module is evaluated by `require`, synchronously, as CommonJS; only graphs with top-level await take the slow path
// of evaluate.ts. The registry knows neither DOM nor socket: what it needs of them is its Host.

import { AsyncEvaluator, type AsyncHost } from "./evaluate.ts";
import { copyProps, markESModule, toNamespace } from "./helpers.ts";
import type { ModuleID } from "./plan.ts";
import { decodePath } from "./url.ts";

export type Require = (specifier: string) => unknown;
export type Load = (specifier: string, options?: unknown) => Promise<unknown>;

/** What import.meta is to a module; the host fills it. */
export type Meta = object;

export interface CommonJSModule { id: string; exports: unknown }

export type Factory = (
  this: unknown, module: CommonJSModule, exports: unknown, require: Require, load: Load, meta: Meta,
) => void | Promise<void>;

export interface DefinitionInfo {
  /** Names taken from modules that accept single exports; a module that is not listed is used as a whole. */
  uses?: Record<ModuleID, readonly string[] | null>;
  /** Specifiers of dynamic imports and workers. */
  dynamic?: readonly string[];
}

/** One version of a module, as the server compiled it. */
export interface Definition {
  readonly id: ModuleID;
  readonly rev: string;
  /** Specifier as written -> module. */
  readonly deps: Record<string, ModuleID>;
  readonly factory: Factory;
  readonly info: DefinitionInfo;
  readonly async: boolean;
  /** A lazy barrel that got more imports: what it runs from them may not have arrived. */
  grown?: boolean;
}

/** One run of a module. Importers that are not run again keep the instance that they got. */
export interface Instance {
  readonly id: ModuleID;
  readonly definition: Definition;
  readonly module: CommonJSModule;
  state: "running" | "done" | "failed";
  error?: unknown;
  /** What the host keeps for it: the context of import.meta.hot. */
  hot?: HotRecord;
}

/** What the registry must know of an instance's import.meta.hot. */
export interface HotRecord {
  /** The instance ran again or left the page. */
  readonly disposed: boolean;
}

export interface Host {
  /**
   * Fetches and runs the packs that define the modules. `exact` = everything below them, whatever `have` says. Returns
   * what the server said it could not compile, if anything.
   */
  loadPack(ids: ModuleID[], have: ModuleID[], exact: boolean): Promise<string | undefined>;
  /** Lets the browser load a module by its URL. */
  importURL(url: string): Promise<unknown>;
  /** The URL of a module. */
  url(id: ModuleID): string;
  meta(instance: Instance): Meta;
}

const AsyncFunction = (async () => {}).constructor;

/** An error about modules, in the form that Node gives it, so that packages which try an optional import work. */
class ModuleNotFoundError extends Error {
  readonly code = "MODULE_NOT_FOUND";
}

export class Registry implements AsyncHost {
  private readonly definitions = new Map<ModuleID, Definition>();
  private readonly current = new Map<ModuleID, Instance>();
  /** What packs were fetched for: a later pack leaves out what these reach. */
  private readonly roots = new Set<ModuleID>();
  /** The page's own scripts, which stay without an importer. */
  private readonly entries = new Set<ModuleID>();
  private readonly evaluator = new AsyncEvaluator(this);
  /** Modules with top-level await that have not finished. While there are none everything is synchronous. */
  private readonly unfinished = new Set<ModuleID>();

  // Who imports whom is worked out when it is first asked for: a page that nobody edits never needs it.
  private readonly importersOf = new Map<ModuleID, Set<ModuleID>>();
  private readonly edges = new Map<ModuleID, Set<ModuleID>>();
  private unindexed: Instance[] = [];
  /** Modules whose instance is only known to who imported it before: the next importer runs them anew. */
  private readonly outdated = new Set<ModuleID>();
  /** Dynamic imports that were really made. */
  private readonly loaded = new Map<ModuleID, Set<ModuleID>>();
  /** Those of them whose address was put together then: importer and module. */
  private readonly addressed = new Set<string>();

  private staged: Staged | undefined;
  /** Exports handed out before their module ran, to modules in a cycle with top-level await. */
  private readonly early = new Map<ModuleID, object>();

  constructor(private readonly host: Host) {}

  // ---- Definitions

  /** `$d` of packs: fills gaps only. What an update brought is newer than a pack that was on its way. */
  readonly define = (id: ModuleID, rev: string, deps: Record<string, ModuleID>, factory: Factory, info?: DefinitionInfo | null): void => {
    const definition: Definition = { id, rev, deps, factory, info: info ?? {}, async: factory instanceof AsyncFunction };
    if (this.staged) this.staged.definitions.set(id, definition);
    else if (!this.definitions.has(id)) this.install(definition);
    else if (this.definitions.get(id)!.rev === rev) this.deps(id, { ...deps, ...this.definitions.get(id)!.deps }); // of a barrel more may be in use by now
  };

  /** `$deps`: imports of a lazy barrel that came into use after its definition. */
  readonly deps = (id: ModuleID, deps: Record<string, ModuleID>): void => {
    if (this.staged) this.staged.deps.push([id, deps]);
    else this.grow(id, deps);
  };

  private grow(id: ModuleID, deps: Record<string, ModuleID>): void {
    const definition = this.definitions.get(id);
    if (!definition || Object.keys(deps).every((specifier) => definition.deps[specifier] === deps[specifier])) return;
    Object.assign(definition.deps, deps);
    definition.grown = true;
  }

  private install(definition: Definition): void {
    this.definitions.set(definition.id, definition);
    if (definition.async) this.unfinished.add(definition.id);
    else this.unfinished.delete(definition.id);
  }

  /**
   * Runs the code of an update with its definitions held back, so that the plan is made and the old instances are
   * disposed of before anything changes.
   */
  stage(run: () => void): Staged {
    const staged: Staged = { definitions: new Map(), deps: [] };
    this.staged = staged;
    try {
      run();
    } finally {
      this.staged = undefined;
    }
    return staged;
  }

  /** As stage, for code that has to be imported. Packs that arrive meanwhile are held back too, which is harmless. */
  async stageAsync(run: () => Promise<unknown>): Promise<Staged> {
    const staged: Staged = { definitions: new Map(), deps: [] };
    this.staged = staged;
    try {
      await run();
    } finally {
      this.staged = undefined;
    }
    return staged;
  }

  /** Makes staged definitions the ones that the next run of each module takes. */
  commit(staged: Staged, deleted: Iterable<ModuleID> = []): void {
    for (const id of deleted) {
      this.definitions.delete(id);
      this.unfinished.delete(id);
    }
    for (const d of staged.definitions.values()) this.install(d);
    for (const [id, deps] of staged.deps) this.deps(id, deps);
  }

  definition(id: ModuleID): Definition | undefined {
    return this.definitions.get(id);
  }

  /** The revisions of all definitions, for a server that does not know what this page has. */
  revisions(): Map<ModuleID, string> {
    const revs = new Map<ModuleID, string>();
    for (const [id, d] of this.definitions) revs.set(id, this.current.get(id)?.definition.rev ?? d.rev);
    return revs;
  }

  /** Modules that `ids` need, statically and transitively, and that are not defined. */
  missing(ids: Iterable<ModuleID>, staged?: Staged): ModuleID[] {
    const missing: ModuleID[] = [];
    const seen = new Set(ids);
    const todo = [...seen];
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
      const definition = staged?.definitions.get(id) ?? this.definitions.get(id);
      if (!definition) {
        missing.push(id);
        continue;
      }
      // What has run from this very definition has found its imports, unless it is a barrel that got more of them.
      const instance = this.current.get(id);
      if (instance?.definition === definition && instance.state === "done" && !definition.grown) continue;
      for (const dep of staticDeps(definition)) {
        if (!seen.has(dep)) {
          seen.add(dep);
          todo.push(dep);
        }
      }
    }
    return missing;
  }

  /** Whether one of the modules is `id` or below it, by the newest definitions. */
  reaches(id: ModuleID, modules: ReadonlySet<ModuleID>, staged: Staged): boolean {
    const seen = new Set([id]);
    for (const at of seen) {
      if (modules.has(at)) return true;
      for (const dep of Object.values((staged.definitions.get(at) ?? this.definitions.get(at))?.deps ?? {})) seen.add(dep);
    }
    return false;
  }

  /** Fetches what is missing below `ids`. Throws when the server cannot give it. */
  async complete(ids: ModuleID[], staged?: Staged, failure?: string): Promise<void> {
    let missing = this.missing(ids, staged);
    for (let tries = 0; missing.length > 0; tries++) {
      if (failure !== undefined) throw new Error(failure);
      if (tries === 2) throw new ModuleNotFoundError(`The server has no ${missing.join(", ")}`);
      failure = await this.host.loadPack(missing, [...this.roots], true);
      missing = this.missing(ids, staged);
    }
  }

  // ---- Evaluation

  /** Runs a root of the page. Synchronous unless something in its graph awaits. */
  enter(id: ModuleID): unknown {
    this.roots.add(id);
    this.entries.add(id);
    return this.evaluate(id);
  }

  /** Runs a module and what it imports, where they have not run, and returns its exports or a promise of them. */
  evaluate(id: ModuleID): unknown {
    const instance = this.held(id);
    if (instance?.state === "done") return instance.module.exports;
    if (instance?.state === "failed") throw instance.error;
    if (this.unfinished.size > 0) {
      const tainted = this.evaluator.tainted(id);
      if (tainted.size > 0) return this.evaluator.evaluate(id, tainted).then(() => this.current.get(id)?.module.exports);
    }
    return instance ? instance.module.exports : this.run(id).module.exports;
  }

  /** The instance that an importer gets now; undefined when the module has to run. */
  private held(id: ModuleID): Instance | undefined {
    if (this.outdated.delete(id)) this.current.delete(id);
    return this.current.get(id);
  }

  private run(id: ModuleID, importer?: ModuleID): Instance {
    const definition = this.definitions.get(id);
    if (!definition) throw new ModuleNotFoundError(`${id} is not loaded${importer === undefined ? "" : ` (imported by ${importer})`}`);
    if (definition.async && importer !== undefined) {
      throw new Error(`${id} uses top-level await: ${importer} cannot require it synchronously`);
    }
    const instance: Instance = { id, definition, module: { id, exports: {} }, state: "running" };
    const early = this.early.get(id);
    if (early) forward(instance.module, early);
    this.outdated.delete(id);
    this.current.set(id, instance);
    this.unindexed.push(instance);
    const { module } = instance;
    try {
      const running = definition.factory.call(
        module.exports, module, module.exports,
        (specifier) => this.require(specifier, instance),
        (specifier) => this.load(specifier, instance),
        this.host.meta(instance),
      );
      if (definition.async) {
        this.pending.set(id, Promise.resolve(running).then(() => this.finish(instance)));
        return instance;
      }
    } catch (error) {
      instance.state = "failed";
      instance.error = error;
      throw error;
    }
    this.finish(instance);
    return instance;
  }

  private finish(instance: Instance): void {
    instance.state = "done";
    const early = this.early.get(instance.id);
    if (early) copyProps(early, instance.module.exports);
    this.early.delete(instance.id);
    if (instance.definition.async) this.unfinished.delete(instance.id);
    if (!isScript(instance.id)) markESModule(instance.module.exports);
    if (this.afterRun) this.afterRun(instance);
  }

  /** Modules that have no definition: the client itself. */
  readonly builtIn = new Map<string, unknown>();

  /** Called for each instance once its body has run. */
  afterRun: ((instance: Instance) => void) | undefined;

  private require(specifier: string, from: Instance): unknown {
    const id = from.definition.deps[specifier] ?? specifier;
    const builtIn = this.builtIn.get(id);
    if (builtIn !== undefined) return builtIn;
    if (typeof from.definition.deps[specifier] !== "string") {
      throw new ModuleNotFoundError(`Cannot find ${JSON.stringify(specifier)}, imported by ${from.id}`);
    }
    // A module may be imported both ways by one specifier, which is listed as dynamic then.
    if (from.definition.info.dynamic?.includes(specifier)) this.noteLoaded(from.id, id);
    const instance = this.held(id);
    if (instance) {
      if (instance.state === "failed") throw instance.error;
      return instance.module.exports;
    }
    if (this.evaluator.isPending(id)) return this.earlyExports(id);
    return this.run(id, from.id).module.exports;
  }

  /** `import()`. */
  private async load(specifier: string, from: Instance): Promise<unknown> {
    const id = from.definition.deps[specifier];
    return typeof id === "string" ? this.loadModule(id, from) : this.loadAddress(String(specifier), from);
  }

  private async loadModule(id: ModuleID, from: Instance): Promise<unknown> {
    this.noteLoaded(from.id, id);
    if (!this.held(id)) {
      const failure = this.definitions.has(id) ? undefined : await this.host.loadPack([id], [...this.roots], false);
      await this.complete([id], undefined, failure);
      this.roots.add(id); // what it reaches is here from now on
    }
    await this.evaluate(id);
    return this.namespace(id);
  }

  /**
   * `import()` of what no compiler could know: another site's, or an address that was put together. The browser loads
   * it, and if that was one of the app's modules it is one here, imported by who asked.
   */
  private async loadAddress(specifier: string, from: Instance): Promise<unknown> {
    if (!/^([a-z][a-z0-9+.-]*:|\.{0,2}\/)/i.test(specifier)) {
      throw new ModuleNotFoundError(`Cannot find ${JSON.stringify(specifier)}, imported by ${from.id}`);
    }
    const { href } = new URL(specifier, this.host.url(from.id));
    const base = this.host.url("/");
    const id = href.startsWith(base) ? "/" + decodePath(href.slice(base.length)) : "";
    if (!this.definitions.has(id)) {
      const namespace = await this.host.importURL(href);
      if (!this.definitions.has(id)) return namespace;
    }
    this.addressed.add(from.id + "\n" + id);
    return this.loadModule(id, from);
  }

  private noteLoaded(importer: ModuleID, id: ModuleID): void {
    let loaded = this.loaded.get(importer);
    if (!loaded) this.loaded.set(importer, (loaded = new Set()));
    if (loaded.has(id)) return;
    loaded.add(id);
    this.link(importer, id);
  }

  /** What `import * as` of the module gives; undefined when it has not run. */
  namespace(id: ModuleID): unknown {
    const instance = this.current.get(id);
    return instance && toNamespace(instance.module.exports);
  }

  // ---- AsyncHost: what the evaluation of graphs with top-level await asks for

  private readonly pending = new Map<ModuleID, Promise<void>>();

  imports(id: ModuleID): ModuleID[] {
    const definition = this.definitions.get(id);
    return definition ? staticDeps(definition) : [];
  }

  settled(id: ModuleID): boolean {
    return this.current.has(id) && !this.outdated.has(id);
  }

  isAsync(id: ModuleID): boolean {
    return this.unfinished.has(id);
  }

  execute(id: ModuleID): void | Promise<void> {
    this.run(id);
    const running = this.pending.get(id);
    this.pending.delete(id);
    return running;
  }

  abandon(id: ModuleID, error: unknown): void {
    let instance = this.current.get(id);
    if (!instance) {
      const definition = this.definitions.get(id);
      if (!definition) return;
      instance = { id, definition, module: { id, exports: {} }, state: "failed" };
      this.current.set(id, instance);
      this.unindexed.push(instance);
    }
    if (instance.state === "done") return;
    instance.state = "failed";
    instance.error = error;
    this.early.delete(id);
  }

  private earlyExports(id: ModuleID): object {
    let exports = this.early.get(id);
    if (!exports) {
      exports = Object.defineProperty({}, "__esModule", { value: true });
      this.early.set(id, exports);
    }
    return exports;
  }

  // ---- Who imports whom

  importers(id: ModuleID): Iterable<ModuleID> {
    this.index();
    return this.importersOf.get(id) ?? [];
  }

  /** The instance that new importers get. */
  instance(id: ModuleID): Instance | undefined {
    return this.current.get(id);
  }

  /** Modules that run and import a worker. */
  *importersOfWorker(worker: ModuleID): Iterable<ModuleID> {
    for (const { id, definition } of this.current.values()) {
      if (definition.info.dynamic?.some((s) => definition.deps[s] === worker)) yield id;
    }
  }

  /** Names that `importer` takes from `dep`; undefined = everything. */
  uses(importer: ModuleID, dep: ModuleID): readonly string[] | undefined {
    const uses = this.current.get(importer)?.definition.info.uses;
    return uses && Object.hasOwn(uses, dep) ? uses[dep] ?? [] : undefined;
  }

  /** Works out what the first update will ask for, while there is nothing else to do. */
  prepare(): void {
    this.index();
  }

  private index(): void {
    const list = this.unindexed;
    if (list.length === 0) return;
    this.unindexed = [];
    for (const instance of list) {
      if (this.current.get(instance.id) === instance) this.reindex(instance.id);
    }
  }

  /** Brings the module's edges up to date and notes the modules that it has let go of. */
  private reindex(id: ModuleID): void {
    const before = this.edges.get(id);
    const definition = this.current.get(id)?.definition;
    const now = new Set(definition && staticDeps(definition));
    for (const dep of this.loaded.get(id) ?? []) {
      // A module goes on importing what it has loaded, unless its new version no longer names it. Of addresses that it
      // puts together nobody knows whether the new version would.
      if (definition?.info.dynamic?.some((s) => definition.deps[s] === dep) || this.addressed.has(id + "\n" + dep)) now.add(dep);
    }
    for (const dep of before ?? []) {
      if (now.has(dep)) continue;
      this.importersOf.get(dep)?.delete(id);
      this.released.add(dep);
    }
    this.edges.set(id, now);
    for (const dep of now) this.addImporter(dep, id);
  }

  /** Modules that lost an importer since the last look for orphans. */
  private readonly released = new Set<ModuleID>();

  private link(importer: ModuleID, dep: ModuleID): void {
    this.edges.get(importer)?.add(dep); // a module that is not indexed yet takes it from `loaded`
    if (this.edges.has(importer)) this.addImporter(dep, importer);
  }

  private addImporter(dep: ModuleID, importer: ModuleID): void {
    const set = this.importersOf.get(dep);
    if (set) set.add(importer);
    else this.importersOf.set(dep, new Set([importer]));
  }

  // ---- Updates

  /** Takes the instances out, so that the next importer runs the modules anew. */
  retire(ids: Iterable<ModuleID>): Map<ModuleID, Instance> {
    this.index();
    const old = new Map<ModuleID, Instance>();
    for (const id of ids) {
      const instance = this.current.get(id);
      if (!instance) continue;
      old.set(id, instance);
      this.current.delete(id);
      if (this.definitions.get(id)?.async) this.unfinished.add(id);
    }
    return old;
  }

  /**
   * Puts instances back whose successors failed or never ran. Returns those that did run again. When all went well, the
   * others are modules that nobody has asked for yet, such as a page that was loaded by `import()`: who asks next gets
   * the new version.
   */
  restore(old: Map<ModuleID, Instance>, allWell: boolean): ModuleID[] {
    const renewed: ModuleID[] = [];
    for (const [id, instance] of old) {
      const now = this.current.get(id);
      if (now && now.state !== "failed") {
        renewed.push(id);
        continue;
      }
      this.current.set(id, instance);
      if (allWell) this.outdated.add(id);
      else this.unfinished.delete(id);
    }
    return renewed;
  }

  /** Finds modules that nobody imports any more since the last time, and those that only they imported. */
  orphans(): ModuleID[] {
    const candidates = this.unindexed.map((i) => i.id); // ran in this update, perhaps in vain
    this.index();
    candidates.push(...this.released);
    this.released.clear();
    const orphans = new Set<ModuleID>();
    for (const id of candidates) this.collectOrphan(id, orphans);
    return [...orphans];
  }

  private collectOrphan(id: ModuleID, orphans: Set<ModuleID>): void {
    if (orphans.has(id) || this.entries.has(id) || !this.current.has(id)) return;
    for (const importer of this.importersOf.get(id) ?? []) {
      if (importer !== id && !orphans.has(importer)) return;
    }
    orphans.add(id);
    for (const dep of this.edges.get(id) ?? []) this.collectOrphan(dep, orphans);
  }

  /** Removes the instance: a later import runs the module again. */
  drop(id: ModuleID): void {
    this.current.delete(id);
    this.outdated.delete(id);
    for (const dep of this.edges.get(id) ?? []) this.importersOf.get(dep)?.delete(id);
    this.edges.delete(id);
    this.loaded.delete(id);
    if (this.definitions.get(id)?.async) this.unfinished.add(id);
  }

  /** Entries that threw when they ran. */
  failedEntries(): Instance[] {
    return [...this.entries].map((id) => this.current.get(id)).filter((i) => i?.state === "failed") as Instance[];
  }
}

/** What the code of an update defines, before it takes effect. */
export interface Staged {
  definitions: Map<ModuleID, Definition>;
  deps: [ModuleID, Record<string, ModuleID>][];
}

function staticDeps({ deps, info: { dynamic } }: Definition): ModuleID[] {
  if (!dynamic) return Object.values(deps);
  const ids: ModuleID[] = [];
  for (const specifier in deps) if (!dynamic.includes(specifier)) ids.push(deps[specifier]!);
  return ids;
}

function isScript(id: ModuleID): boolean {
  return /\.[cm]?[jt]sx?$/.test(id);
}

/** Lets what was handed out early show what the module exports, from the moment that it says so. */
function forward(module: CommonJSModule, early: object): void {
  let exports = module.exports;
  copyProps(early, exports);
  Object.defineProperty(module, "exports", {
    enumerable: true,
    configurable: true,
    get: () => exports,
    set(value: unknown) {
      exports = value;
      copyProps(early, value);
    },
  });
}
