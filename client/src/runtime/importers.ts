// Who imports whom, among the modules that have run in this page. It is worked out when it is first asked for: a page
// that nobody edits never needs it.

import { staticDeps, type Definition, type ModuleID } from "./definitions.ts";

/** What it has to know of an instance. */
interface Run { readonly id: ModuleID; readonly definition: Definition }

export class Importers {
  private readonly importers = new Map<ModuleID, Set<ModuleID>>();
  /** The same from the other end: what each module imports. */
  private readonly edges = new Map<ModuleID, Set<ModuleID>>();
  private unindexed: Run[] = [];
  /** Dynamic imports that were really made. */
  private readonly loaded = new Map<ModuleID, Set<ModuleID>>();
  /** Those of them whose address was put together then: importer and module. */
  private readonly addressed = new Set<string>();
  /** Modules that lost an importer since the last look for orphans. */
  private readonly released = new Set<ModuleID>();

  /** `current` are the instances that new importers get, `entries` what stays without an importer. Both grow and shrink. */
  constructor(private readonly current: ReadonlyMap<ModuleID, Run>, private readonly entries: ReadonlySet<ModuleID>) {}

  of(id: ModuleID): Iterable<ModuleID> {
    this.index();
    return this.importers.get(id) ?? [];
  }

  /** Modules that run and import a worker. */
  *ofWorker(worker: ModuleID): Iterable<ModuleID> {
    for (const { id, definition } of this.current.values()) {
      if (definition.info.dynamic?.some((s) => definition.deps[s] === worker)) yield id;
    }
  }

  /** Names that `importer` takes from `dep`; undefined = everything. */
  uses(importer: ModuleID, dep: ModuleID): readonly string[] | undefined {
    const uses = this.current.get(importer)?.definition.info.uses;
    return uses && Object.hasOwn(uses, dep) ? uses[dep] ?? [] : undefined;
  }

  /** Notes that a module runs. */
  noteRun(instance: Run): void {
    this.unindexed.push(instance);
  }

  /** Notes that a dynamic import was made, of an address that the importer put together or of a name in its source. */
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

  /** Brings it up to date. Called ahead of the first question, while there is nothing else to do. */
  index(): void {
    const list = this.unindexed;
    this.unindexed = [];
    for (const run of list) {
      if (this.current.get(run.id) === run) this.reindex(run);
    }
  }

  /** Brings a module's edges up to date and notes the modules that it has let go of. */
  private reindex({ id, definition }: Run): void {
    const now = new Set(staticDeps(definition));
    for (const dep of this.loaded.get(id) ?? []) {
      // A module goes on importing what it has loaded, unless its new version no longer names it. Of addresses that it
      // puts together nobody knows whether the new version would.
      if (definition.info.dynamic?.some((s) => definition.deps[s] === dep) || this.addressed.has(id + "\n" + dep)) now.add(dep);
    }
    for (const dep of this.edges.get(id) ?? []) {
      if (now.has(dep)) continue;
      this.importers.get(dep)?.delete(id);
      this.released.add(dep);
    }
    this.edges.set(id, now);
    for (const dep of now) this.add(dep, id);
  }

  private add(dep: ModuleID, importer: ModuleID): void {
    const set = this.importers.get(dep);
    if (set) set.add(importer);
    else this.importers.set(dep, new Set([importer]));
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
