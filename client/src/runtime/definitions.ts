// What the modules of this page are made of: packs and updates bring definitions, and the next run of a module takes its
// newest.

/** What a module is called on both sides: the path below the project's root with its query, or a name that a plugin made. */
export type ModuleID = string;

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

/** What the code of an update defines, before it takes effect. */
export interface Staged {
  definitions: Map<ModuleID, Definition>;
  deps: [ModuleID, Record<string, ModuleID>][];
}

/** An update without code. */
export function nothingStaged(): Staged {
  return { definitions: new Map(), deps: [] };
}

const AsyncFunction = (async () => {}).constructor;

export class Definitions {
  private readonly newest = new Map<ModuleID, Definition>();
  private staged: Staged | undefined;
  /** Modules with top-level await that have not finished. While there are none everything is synchronous. */
  readonly unfinished = new Set<ModuleID>();

  /** `$d` of packs: fills gaps only. What an update brought is newer than a pack that was on its way. */
  readonly define = (id: ModuleID, rev: string, deps: Record<string, ModuleID>, factory: Factory, info?: DefinitionInfo | null): void => {
    const definition: Definition = { id, rev, deps, factory, info: info ?? {}, async: factory instanceof AsyncFunction };
    const known = this.newest.get(id);
    if (this.staged) this.staged.definitions.set(id, definition);
    else if (!known) this.install(definition);
    else if (known.rev === rev) this.deps(id, { ...deps, ...known.deps }); // of a barrel more may be in use by now
  };

  /** `$deps`: imports of a lazy barrel that came into use after its definition. */
  readonly deps = (id: ModuleID, deps: Record<string, ModuleID>): void => {
    if (this.staged) return void this.staged.deps.push([id, deps]);
    const definition = this.newest.get(id);
    if (!definition || Object.keys(deps).every((specifier) => definition.deps[specifier] === deps[specifier])) return;
    Object.assign(definition.deps, deps);
    definition.grown = true;
  };

  private install(definition: Definition): void {
    this.newest.set(definition.id, definition);
    this.unfinished.delete(definition.id);
    this.awaitAgain(definition.id);
  }

  /** Notes that the module has not finished, if it awaits at all: its instance is gone. */
  awaitAgain(id: ModuleID): void {
    if (this.newest.get(id)?.async) this.unfinished.add(id);
  }

  /**
   * Runs the code of an update with its definitions held back, so that the plan is made and the old instances are
   * disposed of before anything changes. Packs that arrive meanwhile are held back too, which is harmless.
   */
  async stage(run: () => unknown): Promise<Staged> {
    const staged = nothingStaged();
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
      this.newest.delete(id);
      this.unfinished.delete(id);
    }
    for (const d of staged.definitions.values()) this.install(d);
    for (const [id, deps] of staged.deps) this.deps(id, deps);
  }

  get(id: ModuleID): Definition | undefined {
    return this.newest.get(id);
  }

  /** All of them. */
  values(): Iterable<Definition> {
    return this.newest.values();
  }

  /** Modules that `ids` need, statically and transitively, and that are not defined. What is `complete` needs none. */
  missing(ids: Iterable<ModuleID>, complete: (definition: Definition) => boolean, staged?: Staged): ModuleID[] {
    const missing: ModuleID[] = [];
    const seen = new Set(ids);
    const todo = [...seen];
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
      const definition = staged?.definitions.get(id) ?? this.newest.get(id);
      if (!definition) {
        missing.push(id);
        continue;
      }
      if (complete(definition)) continue;
      for (const dep of staticDeps(definition)) {
        if (!seen.has(dep)) {
          seen.add(dep);
          todo.push(dep);
        }
      }
    }
    return missing;
  }
}

/** The modules that run before it, in the order of the source. */
export function staticDeps({ deps, info: { dynamic } }: Definition): ModuleID[] {
  if (!dynamic) return Object.values(deps);
  const ids: ModuleID[] = [];
  for (const specifier in deps) if (!dynamic.includes(specifier)) ids.push(deps[specifier]!);
  return ids;
}
