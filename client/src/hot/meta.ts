// import.meta of each module.

import type { ModuleID } from "../runtime/definitions.ts";
import { isAddress } from "../runtime/url.ts";
import type { Instance } from "../runtime/registry.ts";
import type { Hot, HotState, HotStore } from "./hot.ts";

/** A module's components and hooks, as the compiler lists them for fast refresh. */
export interface Components {
  components: Record<string, unknown>;
  /** [component or hook, key of its hook calls, whether each update resets its state, custom hooks that it calls] */
  signatures?: [type: unknown, key: string, forceReset: boolean, customHooks?: () => unknown[]][];
  /** Set when the file has the comment `// @refresh reset`. */
  reset?: boolean;
  /** The module's name for the code of Vite plugins, when they made it. */
  id?: string;
}

/** Fast refresh, as far as modules use it. */
export interface ComponentRefresh {
  /** Set once a framework's runtime has run. */
  readonly installed: boolean;
  module(instance: Instance, hot: HotState, components: Components): void;
}

export interface MetaHost {
  readonly env: Record<string, unknown>;
  url(id: ModuleID): string;
  // Both are absent where modules are not updated, as in workers.
  readonly hot?: HotStore;
  readonly refresh?: ComponentRefresh;
  /** Makes what import.meta.hot is there. */
  readonly still?: () => Hot;
}

/** import.meta of one run of a module. Its members are made when they are read: most modules read none. */
export class ModuleMeta {
  readonly #instance: Instance;
  readonly #host: MetaHost;
  #still?: Hot;

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

  get hot(): Hot | undefined {
    return this.#state()?.context ?? (this.#still ??= this.#host.still?.());
  }

  #state(): HotState | undefined {
    const { hot } = this.#host;
    return hot && ((this.#instance.hot ??= hot.create(this.#instance.id)) as HotState);
  }

  resolve(specifier: string): string {
    const id = this.#instance.definition.deps[specifier];
    if (typeof id === "string") return this.#host.url(id);
    // A name is no address. Only a module script's own import.meta knows the page's import map.
    if (!isAddress(specifier)) throw new TypeError(`Cannot resolve '${specifier}'`);
    return new URL(specifier, this.url).href;
  }

  /** `import.source()` of an address that the compiler could not know. */
  async source(specifier: string): Promise<WebAssembly.Module> {
    return WebAssembly.compileStreaming(fetch(this.resolve(specifier)));
  }

  /** The end of a module with components calls it, see refresh.ts. Undefined where no framework's runtime has run. */
  get refresh(): ((components: Components) => void) | undefined {
    const { refresh } = this.#host;
    const state = refresh?.installed ? this.#state() : undefined;
    return state && ((components) => refresh!.module(this.#instance, state, components));
  }
}
