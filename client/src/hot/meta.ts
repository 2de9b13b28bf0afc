// import.meta of the modules.

import type { ModuleID } from "../runtime/definitions.ts";
import type { Instance } from "../runtime/registry.ts";
import type { HotContext, HotState, HotStore } from "./hot.ts";

/** What the compiler says of a module's components and hooks, for fast refresh. */
export interface Components {
  components: Record<string, unknown>;
  /** [component or hook, key of its hook calls, reset its state on each update, custom hooks that it calls] */
  signatures?: [type: unknown, key: string, forceReset: boolean, customHooks?: () => unknown[]][];
  /** `// @refresh reset` stands in the file. */
  reset?: boolean;
}

/** Fast refresh, as far as modules reach it. */
export interface ComponentRefresh {
  /** Whether a framework's runtime is there. */
  readonly installed: boolean;
  module(instance: Instance, hot: HotState, components: Components): void;
}

export interface MetaHost {
  readonly env: Record<string, unknown>;
  url(id: ModuleID): string;
  // Both are absent where modules are not updated, as in workers.
  readonly hot?: HotStore;
  readonly refresh?: ComponentRefresh;
}

/** One per run of a module. Its members are worked out when they are asked for: most modules ask for none. */
export class ModuleMeta {
  readonly #instance: Instance;
  readonly #host: MetaHost;

  constructor(instance: Instance, host: MetaHost) {
    this.#instance = instance;
    this.#host = host;
  }

  get url(): string {
    return this.#host.url(this.#instance.id);
  }

  get env(): Record<string, unknown> {
    return this.#host.env;
  }

  get hot(): HotContext | undefined {
    return this.#state()?.context;
  }

  #state(): HotState | undefined {
    const { hot } = this.#host;
    return hot && ((this.#instance.hot ??= hot.create(this.#instance.id)) as HotState);
  }

  resolve(specifier: string): string {
    const id = this.#instance.definition.deps[specifier];
    return typeof id === "string" ? this.#host.url(id) : new URL(specifier, this.url).href;
  }

  /** Called by the end of modules with components, see refresh.ts. Undefined when no framework asked for it. */
  get refresh(): ((components: Components) => void) | undefined {
    const { refresh } = this.#host;
    const state = refresh?.installed ? this.#state() : undefined;
    return state && ((components) => refresh!.module(this.#instance, state, components));
  }
}
