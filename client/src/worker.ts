// The runtime of workers: registry and modules, without DOM, socket and updates. The server writes it in front of a
// worker's modules, since a classic worker cannot import it.

import { ModuleMeta } from "./hot/meta.ts";
import type { Facade, StartOptions } from "./page/facade.ts";
import { defineGlobals, type Expressions } from "./runtime/globals.ts";
import { helpers } from "./runtime/helpers.ts";
import { Packs } from "./runtime/packs.ts";
import { Registry } from "./runtime/registry.ts";
import { moduleURL } from "./runtime/url.ts";

interface WorkerStart extends StartOptions {
  base?: string;
  env?: Record<string, unknown>;
}

function create(): Facade & { start(options: WorkerStart, globals?: Expressions): unknown } {
  let base = "/";
  let env: Record<string, unknown> = {};
  const { origin } = new URL(globalThis.location.href);
  const importURL = (url: string): Promise<unknown> => import(/* @vite-ignore */ url);
  const url = (id: string): string => moduleURL(id, base, origin);
  const packs = new Packs(origin + base, importURL);
  const registry: Registry = new Registry({
    loadPack: (ids, have, exact) => packs.load(ids, have, exact),
    importURL,
    waits: () => false, // start throws
    url,
    meta: (instance) => new ModuleMeta(instance, { env, url }),
  });
  registry.builtIn.set("/@vite/client", {
    __esModule: true,
    updateStyle() {},
    removeStyle() {},
    createHotContext() {},
  });
  const facade = {
    helpers,
    define: registry.definitions.define,
    deps: registry.definitions.deps,
    fail: (error: { message: string }) => {
      packs.fail(error.message);
      console.error(`[devserver] ${error.message}`);
    },
    start(options: WorkerStart, globals: Expressions = {}): unknown {
      base = options.base ?? base;
      env = options.env ?? env;
      packs.base = origin + base;
      defineGlobals(globals, env);
      if (options.error) throw new Error(options.error.message);
      return registry.enter(options.entry);
    },
  };
  // Packs of dynamic imports take the registry from /@vite/client, which looks here.
  (globalThis as Record<symbol, unknown>)[Symbol.for("devserver.registry")] = facade;
  return facade;
}

export const registry = create();
