// What packs use of the page, as `$r`: the server writes calls of it, see internal/pack.

import type { Definitions, ModuleID } from "../runtime/definitions.ts";
import type { helpers } from "../runtime/helpers.ts";
import type { ErrorInfo } from "../socket/payload.ts";

export interface Facade {
  readonly helpers: typeof helpers;
  readonly define: Definitions["define"];
  readonly deps: Definitions["deps"];
  /** Runs an entry and returns its exports, or a promise of them when something in its graph awaits. */
  start(options: StartOptions): unknown;
  /** Says that the pack of a module lacks modules, since the server could not make them. */
  fail(id: ModuleID, error: ErrorInfo): void;
}

export interface StartOptions {
  entry: ModuleID;
  /** The first error among the entry's modules. */
  error?: ErrorInfo;
  /** Modules that must run before anything of the app, such as the runtime of fast refresh. */
  prelude?: ModuleID[] | null;
}
