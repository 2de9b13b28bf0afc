// Finds the modules that take an update. Only the page can: it knows which modules ran and which really called accept.

import type { ModuleID } from "../runtime/definitions.ts";

/** The page, as far as the plan needs it. The plan asks only about modules around the changed ones. */
export interface RegistryView {
  /** Reports whether the module runs in this page. */
  ran(id: ModuleID): boolean;
  /** Reports whether the module threw while it ran. Its own accept then cannot spare its importers. */
  failed(id: ModuleID): boolean;
  importers(id: ModuleID): Iterable<ModuleID>;
  selfAccepting(id: ModuleID): boolean;
  /** Returns the names given to acceptExports; undefined when the module did not call it. */
  acceptedExports(id: ModuleID): ReadonlySet<string> | undefined;
  exports(id: ModuleID): string[];
  /** Reports whether `importer` accepts updates of `dep`, its direct import. */
  acceptsDep(importer: ModuleID, dep: ModuleID): boolean;
  /** Returns the names that `importer` takes from `dep`; undefined means everything. */
  uses(importer: ModuleID, dep: ModuleID): readonly string[] | undefined;
  /** Returns the importers that hold a failed `import()` of the module. */
  refusedTo(id: ModuleID): Iterable<ModuleID>;
}

/** A module that takes an update, and the module that it accepts: itself or a direct import. */
export interface Boundary {
  path: ModuleID;
  acceptedPath: ModuleID;
  /** Set when the accepted module imports itself through others: a second run cannot keep the order of execution. */
  circular: boolean;
  firstInvalidatedBy?: ModuleID;
}

export type Decision =
  | { kind: "nothing" }
  | { kind: "update"; boundaries: Boundary[]; /** Modules that run again, changed ones first. */ rerun: ModuleID[] }
  | ReloadDecision;

export interface ReloadDecision {
  kind: "reload";
  reason: string;
  /** Leads from the changed module up to where no module accepts it. Absent when the reason is another. */
  chain?: ModuleID[];
}

export interface Change {
  changed: Iterable<ModuleID>;
  /** Modules whose file was deleted. */
  deleted?: Iterable<ModuleID>;
  /** Modules whose `import()` failed in this page, and that it can have now. */
  fixed?: Iterable<ModuleID>;
  /** The module that called `invalidate`, so that its importers count as changed. It has run already. */
  invalidated?: ModuleID;
  /** The module whose `invalidate` came first in a chain of them. */
  firstInvalidatedBy?: ModuleID;
}

/**
 * plan walks importers from each changed module up to its boundaries. It runs nothing and changes nothing.
 *
 * It ignores modules that never ran here: a later import gets their new version. But who tried to import a module that
 * was broken may keep the rejected promise (React.lazy does), so its fix is an update of these importers.
 */
export function plan(view: RegistryView, change: Change): Decision {
  return new Walk(view, change).decide();
}

class Walk {
  private readonly boundaries = new Map<string, Boundary>();
  private readonly visited = new Set<ModuleID>();
  private readonly changed: Set<ModuleID>;
  private readonly deleted: Set<ModuleID>;
  /** The way up that ended without a boundary. */
  private dead: ModuleID[] | undefined;

  constructor(
    private readonly view: RegistryView,
    private readonly change: Change,
  ) {
    this.changed = new Set(change.changed);
    this.deleted = new Set(change.deleted ?? []);
  }

  decide(): Decision {
    const steps: [Iterable<ModuleID>, (id: ModuleID) => string | undefined][] = [
      [this.changed, (id) => (this.takesInvalidated(id) ? undefined : this.propagate(id, [id]))],
      [this.change.fixed ?? [], (id) => this.regain(id)],
      [this.deleted, (id) => this.remove(id)],
    ];
    for (const [ids, step] of steps)
      for (const id of ids) {
        const reason = step(id);
        if (reason !== undefined) return { kind: "reload", reason, ...(this.dead ? { chain: this.dead } : {}) };
      }
    if (this.boundaries.size === 0) return { kind: "nothing" };
    return { kind: "update", boundaries: [...this.boundaries.values()], rerun: [...this.visited] };
  }

  /** Reports whether the importer accepts the invalidated module. Its callback gets the module, and nothing runs again. */
  private takesInvalidated(importer: ModuleID): boolean {
    const { invalidated: id, firstInvalidatedBy: first } = this.change;
    if (id === undefined || !this.view.acceptsDep(importer, id) || this.view.failed(importer)) return false;
    this.boundaries.set(importer + "\n" + id, {
      path: importer,
      acceptedPath: id,
      circular: false,
      ...(first === undefined ? {} : { firstInvalidatedBy: first }),
    });
    return true;
  }

  /** Returns why the page must reload; undefined when it need not. `chain` leads from the changed module to `id`. */
  private propagate(id: ModuleID, chain: ModuleID[]): string | undefined {
    if (this.visited.has(id) || !this.view.ran(id)) return undefined;
    this.visited.add(id);
    const ran = !this.view.failed(id);
    const names = this.view.acceptedExports(id);
    if (ran && (this.view.selfAccepting(id) || (names && this.view.exports(id).every((n) => names.has(n))))) {
      return this.add(id, id, chain);
    }
    if (ran && names) {
      const reason = this.add(id, id, chain);
      if (reason !== undefined) return reason;
    }
    const importers = [...this.view.importers(id)].filter((i) => i !== id);
    if (importers.length === 0) return ran && names ? undefined : this.deadEnd(chain); // nobody uses the other exports
    for (const importer of importers) {
      const reason = this.propagateTo(importer, id, names, chain);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  /** Continues with one importer of `id`. */
  private propagateTo(
    importer: ModuleID,
    id: ModuleID,
    names: ReadonlySet<string> | undefined,
    chain: ModuleID[],
  ): string | undefined {
    if (this.view.acceptsDep(importer, id) && !this.view.failed(importer)) return this.add(importer, id, chain);
    if (names && this.view.uses(importer, id)?.every((n) => names.has(n))) return undefined;
    if (chain.includes(importer)) return undefined; // a cycle: the other importers decide
    return this.propagate(importer, [...chain, importer]);
  }

  private add(path: ModuleID, acceptedPath: ModuleID, chain: ModuleID[]): string | undefined {
    const first = this.change.firstInvalidatedBy;
    if (first !== undefined && acceptedPath === first) {
      return `${first} imports itself through ${chain.join(" → ")}`;
    }
    const key = path + "\n" + acceptedPath;
    if (!this.boundaries.has(key)) {
      this.boundaries.set(key, {
        path,
        acceptedPath,
        circular: this.isCircular(acceptedPath, new Set(chain)),
        ...(first === undefined ? {} : { firstInvalidatedBy: first }),
      });
    }
    return undefined;
  }

  /** Reports whether the importers of `id` lead back to a module between the change and `id`. */
  private isCircular(id: ModuleID, chain: Set<ModuleID>): boolean {
    const seen = new Set([id]);
    const todo = [id];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      for (const importer of this.view.importers(at)) {
        if (importer === at) continue;
        if (chain.has(importer)) return true;
        if (!seen.has(importer)) {
          seen.add(importer);
          todo.push(importer);
        }
      }
    }
    return false;
  }

  private deadEnd(chain: ModuleID[]): string {
    this.dead = chain;
    const first = this.change.firstInvalidatedBy;
    if (first !== undefined) return `no importer accepts ${first}: ${[first, ...chain].join(" → ")}`;
    const [id] = chain;
    const failed = chain.find((m) => this.view.failed(m));
    if (failed !== undefined) return `${failed} failed when it ran`;
    return chain.length === 1 ? `no boundary for ${id}` : `no boundary for ${id}: ${chain.join(" → ")}`;
  }

  /** Returns why the page must reload for a module that it tried to import in vain. */
  private regain(id: ModuleID): string | undefined {
    for (const importer of this.view.refusedTo(id)) {
      if (this.propagateTo(importer, id, undefined, [id]) !== undefined)
        return `${id} is fixed, and its import() had failed`;
    }
    return undefined;
  }

  /**
   * Returns why the page must reload for a deleted module. While other modules import it, they are broken on the
   * server, and the page keeps running what it has. A module that changed importers no longer import is pruned after
   * the update.
   */
  private remove(id: ModuleID): string | undefined {
    if (!this.view.ran(id) || this.visited.has(id)) return undefined;
    for (const importer of this.view.importers(id)) {
      if (importer !== id) return undefined;
    }
    return `${id} was deleted`;
  }
}
