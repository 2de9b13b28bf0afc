// The modules of this page as they run. Their code is in definitions.ts, their importers in importers.ts.
//
// `require` evaluates a module synchronously, as CommonJS. Only graphs with top-level await take the slow path of
// evaluate.ts. The registry knows neither DOM nor socket: both are behind its Host.

import {
  Definitions,
  staticDeps,
  type CommonJSModule,
  type Definition,
  type Meta,
  type ModuleID,
  type Staged,
} from "./definitions.ts";
import { AsyncEvaluator, type AsyncHost } from "./evaluate.ts";
import {
  copyProps,
  finishExports,
  giveUnfinished,
  isESModule,
  toCommonJS,
  toNamespace,
  toNodeNamespace,
} from "./helpers.ts";
import { Importers } from "./importers.ts";
import { decodePath, isAddress } from "./url.ts";

/** One run of a module. An importer that does not run again keeps the instance that it got. */
export interface Instance {
  readonly id: ModuleID;
  readonly definition: Definition;
  readonly module: CommonJSModule;
  state: "running" | "done" | "failed";
  error?: unknown;
  /** The context of import.meta.hot, which the host keeps here. */
  hot?: HotRecord;
}

/** An instance's import.meta.hot, as far as the registry needs it. */
export interface HotRecord {
  /** Set when the module ran again or left the page. */
  readonly disposed: boolean;
}

export interface Host {
  /**
   * Fetches and runs the packs that define the modules. With `exact` they define everything below them, otherwise what
   * `have` does not reach. Returns why the server could not compile them, if so.
   */
  loadPack(ids: ModuleID[], have: ModuleID[], exact: boolean): Promise<string | undefined>;
  /** Lets the browser load a module by its URL. */
  importURL(url: string, options?: unknown): Promise<unknown>;
  /** Reports whether the module's own URL was loaded and the module waits until its error is fixed. */
  waits(id: ModuleID): boolean;
  /** The URL of a module. */
  url(id: ModuleID): string;
  meta(instance: Instance): Meta;
}

/** A missing module. The code is Node's, since packages that try an optional import look for it. */
class ModuleNotFoundError extends Error {
  readonly code = "MODULE_NOT_FOUND";
}

function notFound(specifier: string, from: Instance, cause?: unknown): ModuleNotFoundError {
  const known = neighbors(specifier, from);
  const more = known.length > maxKnown ? ` and ${known.length - maxKnown} more` : "";
  const hint = known.length > 0 ? `. In that folder it can import ${known.slice(0, maxKnown).join(", ")}${more}` : "";
  return new ModuleNotFoundError(`Cannot find ${JSON.stringify(specifier)}, imported by ${from.id}${hint}`, { cause });
}

const maxKnown = 10;

/** The specifiers of an import() with variables that differ from a specifier only in the last name. */
function neighbors(specifier: string, from: Instance): string[] {
  const folder = specifier.slice(0, specifier.lastIndexOf("/") + 1);
  const known = from.definition.info.dynamic ?? [];
  return known.filter((s) => folder !== "" && s.startsWith(folder) && !s.includes("/", folder.length));
}

export class Registry implements AsyncHost {
  readonly definitions = new Definitions();
  /** The instances that new importers get. */
  private readonly current = new Map<ModuleID, Instance>();
  /** Modules that have no definition: the client itself. */
  readonly builtIn = new Map<string, unknown>();
  /** Called for each instance once its body has run. */
  afterRun: ((instance: Instance) => void) | undefined;
  /** The modules that packs were fetched for. A later pack leaves out what these reach. */
  private readonly roots = new Set<ModuleID>();
  /** The page's own scripts, which need no importer. */
  private readonly entries = new Set<ModuleID>();
  readonly importers = new Importers(this.current, this.entries);
  private readonly evaluator = new AsyncEvaluator(this);
  /**
   * Modules with a newer version than their instance. Old importers keep the instance; the next importer runs the
   * module.
   */
  private readonly outdated = new Set<ModuleID>();
  /** Exports given to importers before the module ran, in a cycle with top-level await. */
  private readonly early = new Map<ModuleID, object>();
  /** Promises of modules with top-level await that run, until the evaluator takes them. */
  private readonly pending = new Map<ModuleID, Promise<void>>();

  constructor(private readonly host: Host) {}

  // ---- Definitions

  /** Returns the modules that `ids` need, statically and transitively, and that are not defined. */
  missing(ids: ModuleID[], staged?: Staged): ModuleID[] {
    return this.definitions.missing(ids, (d) => this.hasRun(d), staged);
  }

  /** A module that ran from this very definition has found its imports, unless it is a barrel that got more of them. */
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

  /** Runs one of the page's scripts. Synchronous unless something in its graph awaits. */
  enter(id: ModuleID): unknown {
    this.roots.add(id);
    this.entries.add(id);
    return this.evaluate(id);
  }

  /** Runs a module and its imports, as far as they have not run. Returns the exports, or a promise of them. */
  evaluate(id: ModuleID): unknown {
    const instance = this.reusable(id);
    if (instance?.state === "done") return instance.module.exports;
    if (instance?.state === "failed") throw instance.error;
    if (this.definitions.unfinished.size > 0) {
      const tainted = this.evaluator.tainted(id);
      if (tainted.size > 0)
        return this.evaluator.evaluate(id, tainted).then(() => this.current.get(id)?.module.exports);
    }
    return instance ? instance.module.exports : this.run(id).module.exports;
  }

  /** Returns the instance that the next importer gets; undefined when the module has to run. */
  private reusable(id: ModuleID): Instance | undefined {
    if (this.outdated.delete(id)) this.current.delete(id);
    return this.current.get(id);
  }

  private run(id: ModuleID, importer?: ModuleID): Instance {
    const definition = this.definitions.get(id);
    if (!definition)
      throw new ModuleNotFoundError(`${id} is not loaded${importer === undefined ? "" : ` (imported by ${importer})`}`);
    if (definition.async && importer !== undefined) {
      throw new Error(`${id} uses top-level await: ${importer} cannot require it synchronously`);
    }
    const instance = this.instantiate(definition, "running");
    const { module } = instance;
    const early = this.early.get(id);
    if (early) forward(module, early);
    try {
      const running = definition.factory.call(
        module.exports,
        module,
        module.exports,
        (specifier, names) => this.require(specifier, instance, names),
        (specifier, options) => this.load(specifier, instance, options),
        this.host.meta(instance),
      );
      if (definition.async) {
        this.pending.set(
          id,
          Promise.resolve(running).then(() => this.finish(instance)),
        );
        return instance;
      }
    } catch (error) {
      instance.state = "failed";
      instance.error = error;
      finishExports(module.exports);
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
    const { exports } = instance.module;
    if (early) {
      copyProps(early, exports);
      finishExports(early);
      this.early.delete(instance.id);
    }
    this.definitions.unfinished.delete(instance.id);
    finishExports(exports);
    if (this.afterRun) this.afterRun(instance);
  }

  /** `names` are those that a static import takes. */
  private require(specifier: string, from: Instance, names?: readonly string[]): unknown {
    const id = from.definition.deps[specifier] ?? specifier;
    const builtIn = this.builtIn.get(id);
    if (builtIn !== undefined) return builtIn;
    if (typeof from.definition.deps[specifier] !== "string") {
      throw new ModuleNotFoundError(`Cannot find ${JSON.stringify(specifier)}, imported by ${from.id}`);
    }
    // A specifier that is imported statically and dynamically is listed as dynamic.
    if (from.definition.info.dynamic?.includes(specifier)) this.importers.noteLoaded(from.id, id);
    let instance = this.reusable(id);
    if (!instance) {
      if (this.evaluator.isPending(id)) return this.earlyExports(id);
      instance = this.run(id, from.id);
    } else if (instance.state === "failed") throw instance.error;
    if (instance.state !== "done") return given(instance);
    const { exports } = instance.module;
    if (names && exports instanceof Object) {
      for (const name of names) {
        // A browser would not run the importer.
        if (!(name in exports) && isESModule(exports) && isScript(id))
          throw new SyntaxError(
            `The requested module '${id}' does not provide an export named '${name}', which ${from.id} imports`,
          );
      }
    }
    return exports;
  }

  /** `import()`. */
  private async load(specifier: string, from: Instance, options: unknown): Promise<unknown> {
    const id = from.definition.deps[specifier];
    if (typeof id === "string" && !/^(https?:\/\/|data:)/.test(id)) return this.loadModule(id, from);
    return this.loadAddress(id ?? String(specifier), from, options);
  }

  private async loadModule(id: ModuleID, from: Instance): Promise<unknown> {
    this.importers.noteLoaded(from.id, id);
    if (!this.reusable(id)) {
      try {
        const failure = this.definitions.get(id) ? undefined : await this.host.loadPack([id], [...this.roots], false);
        await this.complete([id], undefined, failure);
      } catch (error) {
        if (!this.current.has(id)) this.importers.noteRefused(from, id);
        throw error;
      }
      this.roots.add(id); // what it reaches is here from now on
    }
    await this.evaluate(id);
    return this.namespace(id, from.definition.info.node);
  }

  /**
   * `import()` of an address that the compiler could not know: another site's, or a computed address. The browser loads
   * it. If it is one of the app's modules, it is a module here, and `from` imports it.
   */
  private async loadAddress(specifier: string, from: Instance, options: unknown): Promise<unknown> {
    // Only the page's import map can know a computed name.
    if (!isAddress(specifier))
      return this.host.importURL(specifier, options).catch((error: unknown) => {
        throw error instanceof TypeError && /specifier/i.test(error.message) ? notFound(specifier, from, error) : error;
      });
    const { href, origin, pathname, search, hash } = new URL(specifier, this.host.url(from.id));
    const base = this.host.url("/");
    const id = href.startsWith(base) ? "/" + decodePath((origin + pathname).slice(base.length)) + search + hash : "";
    if (!this.definitions.get(id)) {
      const namespace = await this.host.importURL(href, options).catch((error: unknown) => {
        // Browsers say only that importing the module failed.
        const unread = error instanceof TypeError && /import.*module|module.*import/i.test(error.message);
        throw unread && neighbors(specifier, from).length > 0 ? notFound(specifier, from, error) : error;
      });
      if (!this.definitions.get(id) && !this.host.waits(id)) return namespace;
    }
    this.importers.noteLoaded(from.id, id, true);
    return this.loadModule(id, from);
  }

  /** Returns the instance that new importers get. */
  instance(id: ModuleID): Instance | undefined {
    return this.current.get(id);
  }

  /** Returns what `import * as` of the module gives, with `node` by Node's rule; undefined when it has not run. */
  namespace(id: ModuleID, node?: boolean): unknown {
    const instance = this.current.get(id);
    return instance && (node ? toNodeNamespace : toNamespace)(given(instance));
  }

  private earlyExports(id: ModuleID): object {
    let exports = this.early.get(id);
    if (!exports) {
      exports = toCommonJS({});
      giveUnfinished(exports);
      this.early.set(id, exports);
    }
    return exports;
  }

  // ---- AsyncHost, for graphs with top-level await

  imports(id: ModuleID): ModuleID[] {
    const definition = this.definitions.get(id);
    return definition ? staticDeps(definition) : [];
  }

  hasInstance(id: ModuleID): boolean {
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
    finishExports(this.early.get(id));
    this.early.delete(id);
  }

  // ---- Updates

  /** Returns the module of the list that still waits at its top level, or for an import that does; undefined for none. */
  waiting(ids: Iterable<ModuleID>): { id: ModuleID; settled: Promise<void> } | undefined {
    for (const id of ids) {
      const settled = this.evaluator.settled(id);
      if (settled) return { id, settled };
    }
    return undefined;
  }

  /** Takes the instances out, so that the next importer runs the modules again. */
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
   * Puts back the instances of modules that failed or did not run again, and returns the modules that ran. If all went
   * well, a module that did not run is one that nothing imported again, such as a view behind `import()`: its next
   * importer gets the new version.
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

  /** Returns what runs here, `more`, and all that these need: by static imports, and by dynamic imports that ran. */
  needed(more: Iterable<ModuleID>): Set<ModuleID> {
    const needed = new Set([...this.entries, ...this.current.keys(), ...more]);
    for (const id of needed) {
      for (const dep of this.imports(id)) needed.add(dep);
      for (const dep of this.importers.asked(id)) needed.add(dep);
    }
    return needed;
  }

  /** Returns the entries that threw when they ran. */
  failedEntries(): Instance[] {
    return [...this.entries].map((id) => this.current.get(id)).filter((i) => i?.state === "failed") as Instance[];
  }
}

/** Returns the exports of an instance for others, who may complete what they made of them when the module has run. */
function given(instance: Instance): unknown {
  if (instance.state === "running") giveUnfinished(instance.module.exports);
  return instance.module.exports;
}

function isScript(id: ModuleID): boolean {
  return /\.[cm]?[jt]sx?$/.test(id);
}

/** Copies a module's exports to those that importers got early, now and whenever the module assigns module.exports. */
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
