// What this page needs: the server says which modules have errors, and the page which errors concern it.

import type { ModuleID } from "../runtime/definitions.ts";
import type { Registry } from "../runtime/registry.ts";
import { hasDocument } from "../socket/life.ts";
import type { ErrorInfo } from "../socket/payload.ts";
import type { Styles } from "./styles.ts";
import type { Requested } from "./requested.ts";

export class Needs {
  constructor(
    private readonly registry: Registry,
    /** The entries that wait until an error is fixed. */
    private readonly waiting: () => Iterable<ModuleID>,
    private readonly requested: Requested,
    private readonly styles: Styles,
  ) {}

  /** Returns the modules, scripts and stylesheets that this page needs. */
  all(): Set<ModuleID> {
    return this.registry.needed([...this.waiting(), ...this.given()]);
  }

  /** Returns a function that reports whether an error concerns this page, as the page is now. */
  concerns(): (error: ErrorInfo) => boolean {
    let needed: Set<ModuleID> | undefined;
    return ({ module, workers }) => {
      if (module === undefined) return true;
      needed ??= this.all();
      return needed.has(module) || (workers ?? []).some((worker) => this.startsWorker(worker));
    };
  }

  /** Reports whether this page starts a worker: by its module's code, or by an address that was put together. */
  startsWorker(worker: ModuleID): boolean {
    return this.registry.importers.starts(worker) || [...this.requested.of(worker)].some((by) => by !== "script");
  }

  /** The scripts and stylesheets that the browser loads by itself, and the page that this page stands for. */
  private *given(): Iterable<ModuleID> {
    if (!hasDocument()) return; // a worker
    const broken = document.querySelector<HTMLMetaElement>("meta[name=devserver-broken]")?.content;
    if (broken) yield broken; // the server sent the error in place of the page
    for (const [path, by] of this.requested.code()) if (by.has("script")) yield path;
    for (const path of this.styles.used()) yield `${path}?direct`;
  }
}
