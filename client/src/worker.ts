// The runtime of workers and worklets: registry and modules, without DOM, socket and updates. The server writes it in
// front of the modules, since classic workers cannot import it. Worklets have neither location nor URL nor timers.

import { ModuleMeta } from "./hot/meta.ts";
import { stillContext } from "./hot/still.ts";
import type { Facade, StartOptions } from "./page/facade.ts";
import { defineGlobals, type Expressions } from "./runtime/globals.ts";
import { helpers } from "./runtime/helpers.ts";
import { importURL } from "./runtime/import.ts";
import { Packs } from "./runtime/packs.ts";
import { Registry } from "./runtime/registry.ts";
import { moduleURL } from "./runtime/url.ts";

interface WorkerStart extends StartOptions {
  base?: string;
  env?: Record<string, unknown>;
}

interface WorkerFacade extends Facade {
  /** As in pages. Worklets give the URL of their script. */
  start(options: WorkerStart, globals?: Expressions, scriptURL?: string): void;
}

function create(): WorkerFacade {
  let base = "/";
  let env: Record<string, unknown> = {};
  let origin = "";
  const url = (id: string): string => moduleURL(id, base, origin);
  const packs = new Packs("", importURL);
  const registry: Registry = new Registry({
    loadPack: (ids, have, exact) => packs.load(ids, have, exact),
    importURL,
    waits: () => false, // start throws
    url,
    meta: (instance) => new ModuleMeta(instance, { env, url, still: stillContext }),
  });
  registry.builtIn.set("/@vite/client", {
    __esModule: true,
    updateStyle() {},
    removeStyle() {},
    createHotContext: stillContext,
  });
  const facade = {
    helpers,
    define: registry.definitions.define,
    deps: registry.definitions.deps,
    fail: (id: string, error: { message: string }) => {
      packs.fail(id, error.message);
      console.error(`[devserver] ${error.message}`);
    },
    start(options: WorkerStart, globals: Expressions = {}, scriptURL?: string): void {
      origin = scriptURL === undefined ? (globalThis.location?.origin ?? "") : /\w+:\/\/[^/]+/.exec(scriptURL)![0];
      base = options.base ?? base;
      env = options.env ?? env;
      packs.base = origin + base;
      defineGlobals(globals, env);
      if (options.error) throw new Error(options.error.message);
      for (const id of options.prelude ?? []) registry.enter(id);
      const running = registry.enter(options.entry);
      // As a browser does it: what throws is an error of the program, which the page hears of by onerror.
      if (running instanceof Promise && "reportError" in globalThis) running.catch(reportError);
    },
  };
  return facade;
}

// Packs of dynamic imports take the registry from /@vite/client, which looks here. The worklets of one scope share their
// modules.
const key = Symbol.for("devserver.registry");
const scope = globalThis as unknown as Record<symbol, WorkerFacade | undefined>;

export const registry = (scope[key] ??= create());
