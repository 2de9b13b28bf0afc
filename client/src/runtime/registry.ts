// The modules of this page as they run: what they are made of is in definitions.ts, who imports whom in importers.ts.
//
// A module is evaluated by `require`, synchronously, as CommonJS; only graphs with top-level await take the slow path
// of evaluate.ts. The registry knows neither DOM nor socket: what it needs of them is its Host.

import { Definitions, staticDeps, type CommonJSModule, type Definition, type Meta, type ModuleID, type Staged } from "./definitions.ts";
import { AsyncEvaluator, type AsyncHost } from "./evaluate.ts";
import { copyProps, markESModule, toNamespace } from "./helpers.ts";
import { Importers } from "./importers.ts";
import { decodePath } from "./url.ts";

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

/** An error about modules, in the form that Node gives it, so that packages which try an optional import work. */
class ModuleNotFoundError extends Error {
  readonly code = "MODULE_NOT_FOUND";
}

export class Registry implements AsyncHost {
  readonly definitions = new Definitions();
  /** The instances that new importers get. */
  private readonly current = new Map<ModuleID, Instance>();
  /** Modules that have no definition: the client itself. */
  readonly builtIn = new Map<string, unknown>();
  /** Called for each instance once its body has run. */
  afterRun: ((instance: Instance) => void) | undefined;
  /** What packs were fetched for: a later pack leaves out what these reach. */
  private readonly roots = new Set<ModuleID>();
  /** The page's own scripts, which stay without an importer. */
  private readonly entries = new Set<ModuleID>();
  readonly importers = new Importers(this.current, this.entries);
  private readonly evaluator = new AsyncEvaluator(this);
  /** Modules whose instance is only known to who imported it before: the next importer runs them anew. */
  private readonly outdated = new Set<ModuleID>();
  /** Exports handed out before their module ran, to modules in a cycle with top-level await. */
  private readonly early = new Map<ModuleID, object>();
  /** Modules with top-level await that run, until the evaluator takes their promises. */
  private readonly pending = new Map<ModuleID, Promise<void>>();

  constructor(private readonly host: Host) {}

  // ---- What is here

  /** Modules that `ids` need, statically and transitively, and that are not defined. */
  missing(ids: ModuleID[], staged?: Staged): ModuleID[] {
    return this.definitions.missing(ids, (d) => this.hasRun(d), staged);
  }

  /** What has run from this very definition has found its imports, unless it is a barrel that got more of them. */
  private hasRun(definition: Definition): boolean {
    const instance = this.current.get(definition.id);
    return instance?.definition === definition && instance.state === "done" && !definition.grown;
  }

  /** Fetches what is missing below `ids`. Throws when the server cannot give it. */
  async complete(ids: ModuleID[], staged?: Staged, failure?: string): Promise<void> {
    for (let tries = 0; ; tries++) {
      const missing = this.missing(ids, staged);
      if (missing.length === 0) return;
      if (failure !== undefined) throw new Error(failure);
      if (tries === 2) throw new ModuleNotFoundError(`The server has no ${missing.join(", ")}`);
      failure = await this.host.loadPack(missing, [...this.roots], true);
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
    if (this.definitions.unfinished.size > 0) {
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
    const instance = this.instantiate(definition, "running");
    const { module } = instance;
    const early = this.early.get(id);
    if (early) forward(module, early);
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

  private instantiate(definition: Definition, state: Instance["state"]): Instance {
    const { id } = definition;
    const instance: Instance = { id, definition, module: { id, exports: {} }, state };
    this.outdated.delete(id);
    this.current.set(id, instance);
    this.importers.noteRun(instance);
    return instance;
  }

  private finish(instance: Instance): void {
    instance.state = "done";
    const early = this.early.get(instance.id);
    if (early) copyProps(early, instance.module.exports);
    this.early.delete(instance.id);
    this.definitions.unfinished.delete(instance.id);
    if (!isScript(instance.id)) markESModule(instance.module.exports);
    if (this.afterRun) this.afterRun(instance);
  }

  private require(specifier: string, from: Instance): unknown {
    const id = from.definition.deps[specifier] ?? specifier;
    const builtIn = this.builtIn.get(id);
    if (builtIn !== undefined) return builtIn;
    if (typeof from.definition.deps[specifier] !== "string") {
      throw new ModuleNotFoundError(`Cannot find ${JSON.stringify(specifier)}, imported by ${from.id}`);
    }
    // A module may be imported both ways by one specifier, which is listed as dynamic then.
    if (from.definition.info.dynamic?.includes(specifier)) this.importers.noteLoaded(from.id, id);
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
    this.importers.noteLoaded(from.id, id);
    if (!this.held(id)) {
      const failure = this.definitions.get(id) ? undefined : await this.host.loadPack([id], [...this.roots], false);
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
    if (!this.definitions.get(id)) {
      const namespace = await this.host.importURL(href);
      if (!this.definitions.get(id)) return namespace;
    }
    this.importers.noteLoaded(from.id, id, true);
    return this.loadModule(id, from);
  }

  /** The instance that new importers get. */
  instance(id: ModuleID): Instance | undefined {
    return this.current.get(id);
  }

  /** What `import * as` of the module gives; undefined when it has not run. */
  namespace(id: ModuleID): unknown {
    const instance = this.current.get(id);
    return instance && toNamespace(instance.module.exports);
  }

  private earlyExports(id: ModuleID): object {
    let exports = this.early.get(id);
    if (!exports) {
      exports = Object.defineProperty({}, "__esModule", { value: true });
      this.early.set(id, exports);
    }
    return exports;
  }

  // ---- AsyncHost: what the evaluation of graphs with top-level await asks for

  imports(id: ModuleID): ModuleID[] {
    const definition = this.definitions.get(id);
    return definition ? staticDeps(definition) : [];
  }

  settled(id: ModuleID): boolean {
    return this.current.has(id) && !this.outdated.has(id);
  }

  isAsync(id: ModuleID): boolean {
    return this.definitions.unfinished.has(id);
  }

  execute(id: ModuleID): void | Promise<void> {
    this.run(id);
    const running = this.pending.get(id);
    this.pending.delete(id);
    return running;
  }

  abandon(id: ModuleID, error: unknown): void {
    const definition = this.definitions.get(id);
    const instance = this.current.get(id) ?? (definition && this.instantiate(definition, "failed"));
    if (!instance || instance.state === "done") return;
    instance.state = "failed";
    instance.error = error;
    this.early.delete(id);
  }

  // ---- Updates

  /** Takes the instances out, so that the next importer runs the modules anew. */
  retire(ids: Iterable<ModuleID>): Map<ModuleID, Instance> {
    this.importers.index();
    const old = new Map<ModuleID, Instance>();
    for (const id of ids) {
      const instance = this.current.get(id);
      if (!instance) continue;
      old.set(id, instance);
      this.current.delete(id);
      this.definitions.awaitAgain(id);
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
      else this.definitions.unfinished.delete(id);
    }
    return renewed;
  }

  /** Removes the instance: a later import runs the module again. */
  drop(id: ModuleID): void {
    this.current.delete(id);
    this.outdated.delete(id);
    this.importers.drop(id);
    this.definitions.awaitAgain(id);
  }

  /** Entries that threw when they ran. */
  failedEntries(): Instance[] {
    return [...this.entries].map((id) => this.current.get(id)).filter((i) => i?.state === "failed") as Instance[];
  }
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
