// What the parts of the Vite host share: the running server, which plugin runs, and the calls to devserver.
import { AsyncLocalStorage } from "node:async_hooks";
import { ask } from "./wire.mjs";

/**
 * The running server of the project's own Vite, set by viteserver.mjs. `client` is the environment of pages, undefined
 * before Vite 6. `plugins` are the plugins of the user that run here, in the order in which Vite calls them.
 */
export const running = { vite: undefined, server: undefined, client: undefined, plugins: [] };

/**
 * Which hook of which plugin runs: {plugin, hook, batch}. It lasts into timers and promises of the hook. A batch is the
 * hot update within which the hook runs. While a batch is open, what hooks send belongs to its answer (`sends`).
 */
export const at = new AsyncLocalStorage();

/** Returns the name of the plugin whose code runs, "" when nobody knows. */
export const by = () => at.getStore()?.plugin ?? "";

/** Returns the hot update that what is sent now belongs to, undefined for none. */
export const openBatch = () => {
  const batch = at.getStore()?.batch;
  return batch?.open ? batch : undefined;
};

let last = Promise.resolve();

/** Resolves when the calls so far are answered. */
export const told = () => last;

/** Calls a method of devserver. The calls go out in order, each after the answer to the one before. */
export function tell(method, params) {
  last = last.then(() => ask(method, params)).catch((e) => console.error(`${method}: ${e.message}`));
  return last;
}
