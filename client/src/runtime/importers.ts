// The importers of each module, among the modules that have run in this page. They are computed at the first question:
// a page that nobody edits never needs them.

import { staticDeps, type Definition, type ModuleID } from "./definitions.ts";

/** The part of an instance that importers need. */
interface Run {
  readonly id: ModuleID;
  readonly definition: Definition;
}

export class Importers {
  private readonly importers = new Map<ModuleID, Set<ModuleID>>();
  /** The same edges from the other end: what each module imports. */
  private readonly edges = new Map<ModuleID, Set<ModuleID>>();
  private unindexed: Run[] = [];
  /** Dynamic imports that ran. */
  private readonly loaded = new Map<ModuleID, Set<ModuleID>>();
  /** Dynamic imports whose address was computed: importer and module. */
  private readonly addressed = new Set<string>();
  /** The importers whose `import()` of a module failed, because the module or its imports could not be had. */
  private readonly refusals = new Map<ModuleID, Set<Run>>();
  /** Modules that lost an importer since orphans were last collected. */
  private readonly released = new Set<ModuleID>();

  /**
   * `current` holds the instances that new importers get, `entries` the modules that need no importer. Both may change.
   */
  constructor(
    private readonly current: ReadonlyMap<ModuleID, Run>,
    private readonly entries: ReadonlySet<ModuleID>,
  ) {}

  of(id: ModuleID): Iterable<ModuleID> {
    this.index();
    return this.importers.get(id) ?? [];
  }

  /** Reports whether a module runs that starts this worker. */
  starts(worker: ModuleID): boolean {
    for (const { definition } of this.current.values()) {
      if (names(definition, worker)) return true;
    }
    return false;
  }

  /** Returns the dynamic imports of a module that ran, or were tried. */
  *asked(id: ModuleID): Iterable<ModuleID> {
    const run = this.current.get(id);
    for (const dep of (run && this.loaded.get(id)) ?? []) {
      // A module still imports what it has loaded, unless its new version no longer names that. Whether the new version
      // would compute the same addresses is unknown.
      if (names(run!.definition, dep) || this.addressed.has(id + "\n" + dep)) yield dep;
    }
  }

  /** Returns the names that `importer` takes from `dep`; undefined means everything. */
  uses(importer: ModuleID, dep: ModuleID): readonly string[] | undefined {
    if (this.loaded.get(importer)?.has(dep)) return undefined; // what `import()` gives may be used as a whole
    const uses = this.current.get(importer)?.definition.info.uses;
    return uses && Object.hasOwn(uses, dep) ? (uses[dep] ?? []) : undefined;
  }

  /** Notes that a module runs. */
  noteRun(instance: Run): void {
    this.unindexed.push(instance);
    this.refusals.delete(instance.id);
  }

  /** Notes that a dynamic import ran. `addressed` is set when the importer computed the address. */
  noteLoaded(importer: ModuleID, id: ModuleID, addressed?: boolean): void {
    if (addressed) this.addressed.add(importer + "\n" + id);
    const loaded = this.loaded.get(importer);
    if (!loaded) this.loaded.set(importer, new Set([id]));
    else if (loaded.has(id)) return;
    else loaded.add(id);
    const edges = this.edges.get(importer); // a module that is not indexed yet takes it from `loaded`
    if (edges) {
      edges.add(id);
      this.add(id, importer);
    }
  }

  /** Notes that `import()` of a module failed, because the module or its imports could not be had. */
  noteRefused(importer: Run, id: ModuleID): void {
    this.refusals.set(id, (this.refusals.get(id) ?? new Set()).add(importer));
  }

  /** Returns the modules whose `import()` failed, and that have not run since. */
  refused(): Iterable<ModuleID> {
    return this.refusals.keys();
  }

  /** Returns the importers that hold a failed `import()` of the module. An importer that ran again has dropped it. */
  refusedTo(id: ModuleID): ModuleID[] {
    return [...(this.refusals.get(id) ?? [])].filter((run) => this.current.get(run.id) === run).map((run) => run.id);
  }

  /** Forgets that `import()` of the module failed: the importers have been told that it is fixed. */
  forgetRefused(id: ModuleID): void {
    this.refusals.delete(id);
  }

  /** Computes what is missing. The page calls it while it is idle, before the first question. */
  index(): void {
    const list = this.unindexed;
    this.unindexed = [];
    for (const run of list) {
      if (this.current.get(run.id) === run) this.reindex(run);
    }
  }

  /** Updates a module's edges and notes the modules that it no longer imports. */
  private reindex({ id, definition }: Run): void {
    const now = new Set([...staticDeps(definition), ...this.asked(id)]);
    for (const dep of this.edges.get(id) ?? []) {
      if (now.has(dep)) continue;
      this.importers.get(dep)?.delete(id);
      this.released.add(dep);
    }
    this.edges.set(id, now);
    for (const dep of now) this.add(dep, id);
  }

  private add(dep: ModuleID, importer: ModuleID): void {
    this.importers.set(dep, (this.importers.get(dep) ?? new Set()).add(importer));
  }

  /**
   * Returns the modules that lost their last importer since the last call, and the modules that only these imported.
   */
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
    for (const importer of this.importers.get(id) ?? []) {
      if (importer !== id && !orphans.has(importer)) return;
    }
    orphans.add(id);
    for (const dep of this.edges.get(id) ?? []) this.collectOrphan(dep, orphans);
  }

  /** Forgets a module that left the page. */
  drop(id: ModuleID): void {
    for (const dep of this.edges.get(id) ?? []) this.importers.get(dep)?.delete(id);
    this.edges.delete(id);
    this.loaded.delete(id);
  }
}

/** Reports whether a module names another in a dynamic import, or as a worker. */
function names({ deps, info: { dynamic } }: Definition, id: ModuleID): boolean {
  return dynamic?.some((specifier) => deps[specifier] === id) ?? false;
}
