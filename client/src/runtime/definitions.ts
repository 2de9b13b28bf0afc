// What the modules of this page are made of. Packs and updates bring definitions; each run of a module takes its
// newest.

/**
 * The name of a module on both sides: its path below the project's root with its query, or a name that a plugin made.
 */
export type ModuleID = string;

export type Require = (specifier: string, names?: readonly string[]) => unknown;
export type Load = (specifier: string, options?: unknown) => Promise<unknown>;

/** A module's import.meta; the host makes it. */
export type Meta = object;

export interface CommonJSModule {
  id: string;
  exports: unknown;
}

export type Factory = (
  this: unknown,
  module: CommonJSModule,
  exports: unknown,
  require: Require,
  load: Load,
  meta: Meta,
) => void | Promise<void>;

export interface DefinitionInfo {
  /** The names taken from each module that accepts single exports. A module that is not listed is used as a whole. */
  uses?: Record<ModuleID, readonly string[] | null>;
  /** Specifiers of dynamic imports and workers. */
  dynamic?: readonly string[];
  /** Set when `import()` of CommonJS follows Node's rule: the default export is module.exports. */
  node?: boolean;
}

/** One version of a module, as the server compiled it. */
export interface Definition {
  readonly id: ModuleID;
  readonly rev: string;
  /** Maps each specifier, as it is written, to its module. */
  readonly deps: Record<string, ModuleID>;
  readonly factory: Factory;
  readonly info: DefinitionInfo;
  readonly async: boolean;
  /** Set for a lazy barrel that got more imports. Modules that they need may not have arrived. */
  grown?: boolean;
}

/** The definitions of an update's code, before they take effect. */
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
  /** Modules with top-level await that have not finished. While there are none, everything runs synchronously. */
  readonly unfinished = new Set<ModuleID>();

  /** `$d` of packs. It fills gaps only: an update's definition is newer than that of a pack that arrives later. */
  readonly define = (
    id: ModuleID,
    rev: string,
    deps: Record<string, ModuleID>,
    factory: Factory,
    info?: DefinitionInfo | null,
  ): void => {
    const definition: Definition = {
      id,
      rev,
      deps,
      factory,
      info: info ?? {},
      async: factory instanceof AsyncFunction,
    };
    const known = this.newest.get(id);
    if (this.staged) this.staged.definitions.set(id, definition);
    else if (!known) this.install(definition);
    else if (known.rev === rev) this.deps(id, { ...deps, ...known.deps }); // more of a barrel may be in use by now
  };

  /** `$deps` of packs: imports of a lazy barrel that came into use after its definition. */
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

  /** Notes that a module has not finished, if it awaits at all, because its instance is gone. */
  awaitAgain(id: ModuleID): void {
    if (this.newest.get(id)?.async) this.unfinished.add(id);
  }

  /**
   * Runs the code of an update and holds its definitions back. So the plan is made and old instances are disposed of
   * before anything changes. Packs that arrive meanwhile are held back too, which is harmless.
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

  /** Makes staged definitions the newest. */
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

  /** The newest definition of each module. */
  values(): Iterable<Definition> {
    return this.newest.values();
  }

  /**
   * Returns the modules that `ids` need, statically and transitively, and that are not defined. It does not look below
   * definitions that are `complete`.
   */
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

/** Returns the modules that run before this one, in the order of the source. */
export function staticDeps({ deps, info: { dynamic } }: Definition): ModuleID[] {
  if (!dynamic) return Object.values(deps);
  const ids: ModuleID[] = [];
  for (const specifier in deps) if (!dynamic.includes(specifier)) ids.push(deps[specifier]!);
  return ids;
}
