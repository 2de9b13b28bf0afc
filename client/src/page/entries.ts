// The page's entries: the scripts that its packs start. An entry whose pack has an error waits until that is fixed.

import type { Meanwhile } from "../hot/wait.ts";
import type { ModuleID } from "../runtime/definitions.ts";
import type { Registry } from "../runtime/registry.ts";
import type { Logger } from "../socket/logger.ts";
import type { Refresh } from "../update/refresh.ts";
import type { Errors } from "./errors.ts";
import type { StartOptions } from "./facade.ts";

export class Entries {
  private readonly waiting = new Map<ModuleID, StartOptions>();

  constructor(
    private readonly registry: Registry,
    private readonly refresh: Refresh,
    private readonly errors: Errors,
    private readonly log: Logger,
    private readonly meanwhile: Meanwhile,
  ) {}

  /** The entries that wait. */
  get waitingIDs(): Iterable<ModuleID> {
    return this.waiting.keys();
  }

  waits(id: ModuleID): boolean {
    return this.waiting.has(id);
  }

  /** Runs an entry and returns its exports, or a promise of them when something in its graph awaits. */
  start(options: StartOptions): unknown {
    if (!options.error) return this.run(options);
    this.waiting.set(options.entry, options);
    this.errors.add(options.error);
    return {};
  }

  private run({ entry, prelude }: StartOptions): unknown {
    for (const id of prelude ?? []) {
      try {
        this.refresh.install(this.registry.enter(id));
      } catch (error) {
        this.log.error(`[devserver] ${id}, which runs before the app, failed:`, error);
      }
    }
    return this.registry.enter(entry);
  }

  /** Runs the entries that waited and whose modules now compile. */
  async startWaiting(): Promise<void> {
    for (const [entry, options] of [...this.waiting]) {
      try {
        await this.registry.complete([...(options.prelude ?? []), entry]);
      } catch {
        continue; // an error remains; the server sends it
      }
      this.waiting.delete(entry);
      this.errors.clear([entry]);
      try {
        const result = this.run(options);
        if (result instanceof Promise) await this.meanwhile(result);
      } catch (error) {
        this.log.error(`[devserver] ${entry} failed when it ran:`, error);
      }
    }
  }
}
