// The order in which modules with top-level await run, as ECMA-262 defines it (16.2.1.5.3): in post-order. Async
// siblings run concurrently, and modules that import them wait.
//
// Modules that neither await nor import such a module never come here: `require` runs them synchronously.

import type { ModuleID } from "./definitions.ts";

/** The registry, as far as evaluation needs it. */
export interface AsyncHost {
  /** Static imports in the order of the source. */
  imports(id: ModuleID): ModuleID[];
  /** Reports whether the module has an instance: it has run, or runs outside of this evaluation. */
  hasInstance(id: ModuleID): boolean;
  isAsync(id: ModuleID): boolean;
  /** Runs the module once its asynchronous imports are done. Throws what the module throws. */
  execute(id: ModuleID): void | Promise<void>;
  /** Notes that the module could not run because one of its imports failed. */
  abandon(id: ModuleID, error: unknown): void;
}

interface Job {
  id: ModuleID;
  status: "evaluating" | "evaluating-async" | "evaluated";
  index: number;
  ancestor: number;
  pending: number;
  parents: Job[];
  /** The place in the order of modules that became asynchronous; 0 for other modules and those that are done. */
  order: number;
  root?: Job;
  failed: boolean;
  error?: unknown;
  waiters: { resolve(): void; reject(error: unknown): void }[];
}

/**
 * Evaluates graphs with asynchronous modules. A registry has one evaluator: evaluations share their pending modules.
 */
export class AsyncEvaluator {
  private readonly jobs = new Map<ModuleID, Job>();
  private orders = 0;

  constructor(private readonly host: AsyncHost) {}

  /** Reports whether the module waits for asynchronous modules. */
  isPending(id: ModuleID): boolean {
    return this.jobs.has(id);
  }

  /** Returns a promise that resolves when a module that waits for asynchronous modules has run, or failed. */
  settled(id: ModuleID): Promise<void> | undefined {
    const job = this.jobs.get(id);
    return job && new Promise((resolve) => job.waiters.push({ resolve, reject: () => resolve() }));
  }

  /**
   * Finds the modules below `id` that have not run and that are asynchronous or import an asynchronous module. When it
   * finds none, `id` can run synchronously.
   */
  tainted(id: ModuleID): Set<ModuleID> {
    const importers = new Map<ModuleID, ModuleID[]>([[id, []]]);
    const sources: ModuleID[] = [];
    const todo = [id];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      if (this.jobs.has(at) || this.host.isAsync(at)) sources.push(at);
      if (this.jobs.has(at)) continue;
      for (const dep of this.host.imports(at)) {
        const known = importers.get(dep);
        if (known) known.push(at);
        else if (!this.host.hasInstance(dep) || this.jobs.has(dep)) {
          importers.set(dep, [at]);
          todo.push(dep);
        }
      }
    }
    const tainted = new Set<ModuleID>();
    for (let at = sources.pop(); at !== undefined; at = sources.pop()) {
      if (tainted.has(at)) continue;
      tainted.add(at);
      sources.push(...importers.get(at)!);
    }
    return tainted;
  }

  /** Runs `id` and its imports. */
  evaluate(id: ModuleID, tainted: Set<ModuleID>): Promise<void> {
    const stack: Job[] = [];
    let job: Job | undefined;
    try {
      job = this.inner(id, stack, { next: 0 }, tainted);
    } catch (error) {
      for (const m of stack) this.fail(m, error);
      return Promise.reject(error);
    }
    const root = job.root ?? job;
    if (root.failed) return Promise.reject(root.error);
    if (root.status === "evaluated") return Promise.resolve();
    return new Promise((resolve, reject) => root.waiters.push({ resolve, reject }));
  }

  private inner(id: ModuleID, stack: Job[], index: { next: number }, tainted: Set<ModuleID>): Job {
    const known = this.jobs.get(id);
    if (known) {
      if (known.status !== "evaluating" && known.failed) throw known.error;
      return known;
    }
    const job: Job = {
      id,
      status: "evaluating",
      index: index.next,
      ancestor: index.next,
      pending: 0,
      parents: [],
      order: 0,
      failed: false,
      waiters: [],
    };
    index.next++;
    this.jobs.set(id, job);
    stack.push(job);
    for (const dep of this.host.imports(id)) {
      if (!tainted.has(dep) && !this.jobs.has(dep)) {
        if (!this.host.hasInstance(dep)) void this.host.execute(dep); // synchronous: nothing below it awaits
        continue;
      }
      if (this.host.hasInstance(dep) && !this.jobs.has(dep)) continue; // ran meanwhile, as an import of another module
      let required = this.inner(dep, stack, index, tainted);
      if (required.status === "evaluating") job.ancestor = Math.min(job.ancestor, required.ancestor);
      else {
        required = required.root ?? required;
        if (required.failed) throw required.error;
      }
      if (required.order > 0) {
        job.pending++;
        required.parents.push(job);
      }
    }
    if (job.pending > 0 || this.host.isAsync(id)) {
      job.order = ++this.orders;
      if (job.pending === 0) this.executeAsync(job);
    } else void this.host.execute(id);
    if (job.ancestor === job.index) this.close(job, stack);
    return job;
  }

  /** Takes a finished cycle (often one module) off the stack. */
  private close(root: Job, stack: Job[]): void {
    for (;;) {
      const m = stack.pop()!;
      m.root = root;
      if (m.order > 0) m.status = "evaluating-async";
      else this.done(m);
      if (m === root) return;
    }
  }

  private executeAsync(job: Job): void {
    let running: void | Promise<void>;
    try {
      running = this.host.execute(job.id);
    } catch (error) {
      running = Promise.reject(error);
    }
    Promise.resolve(running).then(
      () => this.fulfilled(job),
      (error) => this.fail(job, error),
    );
  }

  private fulfilled(job: Job): void {
    if (job.status === "evaluated") return;
    this.done(job);
    const ready: Job[] = [];
    this.gather(job, ready);
    ready.sort((a, b) => a.order - b.order);
    for (const m of ready) {
      if (m.status === "evaluated") continue;
      if (this.host.isAsync(m.id)) {
        this.executeAsync(m);
        continue;
      }
      try {
        void this.host.execute(m.id);
        this.done(m);
      } catch (error) {
        this.fail(m, error);
      }
    }
  }

  /** Collects the modules that waited for `job` alone. */
  private gather(job: Job, ready: Job[]): void {
    for (const parent of job.parents) {
      if (parent.failed || parent.root?.failed || ready.includes(parent)) continue;
      if (--parent.pending > 0) continue;
      ready.push(parent);
      if (!this.host.isAsync(parent.id)) this.gather(parent, ready);
    }
  }

  private done(job: Job): void {
    job.status = "evaluated";
    job.order = 0;
    this.jobs.delete(job.id);
    for (const w of job.waiters) w.resolve();
  }

  private fail(job: Job, error: unknown): void {
    if (job.status === "evaluated") return;
    job.status = "evaluated";
    job.order = 0;
    job.failed = true;
    job.error = error;
    this.jobs.delete(job.id);
    this.host.abandon(job.id, error);
    for (const parent of job.parents) this.fail(parent, error);
    for (const w of job.waiters) w.reject(error);
  }
}
