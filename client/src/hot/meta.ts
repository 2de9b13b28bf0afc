// import.meta of the modules.

import type { ModuleID } from "../runtime/definitions.ts";
import type { Instance, Registry } from "../runtime/registry.ts";
import type { HotContext, HotState, HotStore } from "./hot.ts";

/** What the compiler says of a module's components and hooks, for fast refresh. */
export interface Components {
  components: Record<string, unknown>;
  /** [component or hook, key of its hook calls, reset its state on each update, custom hooks that it calls] */
  signatures?: [type: unknown, key: string, forceReset: boolean, customHooks?: () => unknown[]][];
  /** `// @refresh reset` stands in the file. */
  reset?: boolean;
}

export interface MetaHost {
  readonly registry: Registry;
  readonly env: Record<string, unknown>;
  url(id: ModuleID): string;
  /** Undefined where modules are not updated, as in workers. */
  readonly hot?: HotStore;
  /** Undefined while no framework's runtime is there. */
  readonly refresh?: ((instance: Instance, hot: HotState, components: Components) => void) | undefined;
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
    const state = refresh && this.#state();
    return state && ((components) => refresh(this.#instance, state, components));
  }
}
