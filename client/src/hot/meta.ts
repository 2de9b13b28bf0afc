// import.meta of the modules.

import type { HotContext, HotState, HotStore } from "./hot.ts";
import type { ModuleID } from "../update/plan.ts";
import type { Components } from "../update/refresh.ts";
import type { Instance, Registry } from "../runtime/registry.ts";

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

/** The URL of a module: below base, and on the server that the client came from. */
export function moduleURL(id: ModuleID, base: string, origin: string): string {
  const at = id.indexOf("?");
  const path = at < 0 ? id : id.slice(0, at);
  const query = at < 0 ? "" : id.slice(at);
  const escaped = encodeURI(path).replace(/#/g, "%23");
  return origin + base.slice(0, -1) + (path.startsWith("/") ? escaped : "/@id/" + escaped) + query;
}
