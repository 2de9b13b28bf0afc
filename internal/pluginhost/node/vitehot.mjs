// Hot updates: what plugins say to changed files, and what they change and watch by themselves.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { sorted } from "./vitefilters.mjs";
import { recordOf, runAs } from "./vitehooks.mjs";
import { exclusive, forgetFile, graph, keepFile } from "./vitemodules.mjs";
import { at, by, openBatch, running, tell } from "./vitestate.mjs";
import { letWatchersHear } from "./vitewatch.mjs";
import { failure } from "./wire.mjs";

const events = { create: "add", update: "change", delete: "unlink" };
const kinds = Object.fromEntries(Object.entries(events).map(([kind, event]) => [event, kind]));

let emit; // the watcher's own emit: plugins get another

/** Prepares the watcher, the module graph and restarts, before plugins see the server. */
export function prepareHot(server) {
  prepareWatcher(server.watcher);
  server.restart = async () => void tell("viteRestart", { by: by() });
  const environment = server.environments?.client;
  const modules = environment?.moduleGraph ?? server.moduleGraph;
  noticeInvalidated(modules);
  const reload = async (node) => {
    const own = node._clientModule ?? node; // the node that stands for those of all environments has it
    modules.invalidateModule(own);
    if (own.id && !openBatch()) void tell("viteReload", { ids: [own.id] });
  };
  server.reloadModule = reload;
  if (environment) environment.reloadModule = reload;
}

/** The watcher watches nothing. It is fed by viteHot, and what plugins ask of it is devserver's to do. */
function prepareWatcher(watcher) {
  for (const event of Object.values(events)) watcher.removeAllListeners(event); // Vite's own
  emit = watcher.emit.bind(watcher);
  for (const name of ["on", "addListener", "once", "prependListener", "prependOnceListener"]) {
    const add = watcher[name].bind(watcher);
    watcher[name] = (event, listener) => {
      const plugin = by();
      const heard = (...args) =>
        runAs(plugin, `watcher.on("${String(event)}")`, () => listener.apply(watcher, args), args[0]);
      heard.listener = listener; // by which off() finds it
      add(event, plugin ? heard : listener);
      return watcher;
    };
  }
  watcher.emit = (event, file, ...more) => {
    if (!kinds[event] || typeof file !== "string") return emit(event, file, ...more);
    void tell("viteEmit", { file: resolve(file), kind: kinds[event] });
    return true;
  };
  const asked = new Set();
  watcher.add = (paths) => {
    const fresh = [paths]
      .flat(Infinity)
      .map((p) => resolve(String(p)))
      .filter((p) => !asked.has(p));
    for (const p of fresh) asked.add(p);
    if (fresh.length) void tell("viteWatch", { paths: fresh });
    return watcher;
  };
  watcher.unwatch = () => watcher; // watching more does no harm
}

let own = false; // the update itself invalidates, not a plugin
let told = false; // devserver knows what is invalidated
let invalidated; // IDs to tell of, outside of updates

/** Notices what plugins invalidate. */
function noticeInvalidated(modules) {
  const invalidate = modules.invalidateModule;
  modules.invalidateModule = function (node, ...more) {
    if (told) return invalidate.call(this, node, ...more);
    const batch = openBatch();
    if (node.id && batch) batch.invalidated(node);
    else if (node.id) {
      if (!invalidated) {
        invalidated = new Set();
        queueMicrotask(() => {
          void tell("viteInvalidate", { ids: [...invalidated] });
          invalidated = undefined;
        });
      }
      invalidated.add(node.id);
    }
    return invalidate.call(this, node, ...more);
  };
}

/**
 * Tells plugins of changed files, and returns what they say to each, and what they sent meanwhile. `built` are the modules
 * that follow from these files. What Vite keeps of them is out of date, also where Vite does not know of the file.
 */
export const updateHot = ({ changes, built = [] }) =>
  exclusive(async () => {
    const batch = { open: true, sends: [], invalidated() {} };
    try {
      await letWatchersHear(changes.map(({ file }) => file));
      const files = [];
      const deleted = changes.filter(({ kind }) => kind === "delete").map(({ file }) => file);
      told = true;
      for (const id of built) {
        const node = graph().getModuleById(id);
        if (node && !deleted.includes(node.file)) graph().invalidateModule(node);
      }
      told = false;
      for (const change of changes)
        files.push(await at.run({ plugin: "", hook: "", batch }, () => changed(change, batch)));
      await new Promise(setImmediate); // what listeners do at once belongs to the update
      return { files, sends: batch.sends };
    } finally {
      batch.open = false;
    }
  });

async function changed({ file, kind }, batch) {
  const { server } = running;
  const environments = Object.values(server.environments ?? {});
  const touched = new Set();
  batch.invalidated = (node) => {
    if (!own || node.file !== file) touched.add(node.id);
  };
  let error;
  const attempt = async (work) => {
    try {
      return await work();
    } catch (e) {
      error ??= failure(e); // the update goes on with what is known
    }
  };
  forgetFile(file);
  if (environments.length)
    await attempt(() => Promise.all(environments.map((e) => e.pluginContainer.watchChange(file, { event: kind }))));
  else await attempt(() => server.pluginContainer.watchChange(file, { event: kind }));
  const nodes = new Set(graph().getModulesByFile(file));
  const graphs = environments.length ? environments.map((e) => e.moduleGraph) : [graph()];
  const outdate = () => {
    own = true;
    for (const g of graphs) g.onFileChange(file);
    own = false;
  };
  if (kind === "delete") for (const g of graphs) g.onFileDelete(file);
  else outdate();
  await attempt(() => emit(events[kind], file));
  await attempt(() => emit("all", events[kind], file));
  const narrowed = await (environments.length ? askHot : askOldHot)(file, kind, [...nodes], attempt);
  if (kind === "delete") outdate(); // plugins that ask for a deleted module get what Vite has made of it last

  // Parts that pages take by themselves, as styles: the plugins have read the file, and do not need its own module again.
  if (narrowed?.length && narrowed.every((n) => n.id !== file && acceptsItself(n))) keepFile(file);
  for (const node of narrowed ?? nodes) {
    if (node.file !== file) graph().invalidateModule(node); // the others are, and may be made again already
    if (!node.id) for (const id of importersOf(node)) touched.add(id);
  }
  for (const node of nodes)
    if (!node.id && narrowed && !narrowed.includes(node)) for (const id of importersOf(node)) touched.delete(id);
  return { modules: narrowed && [...new Set(narrowed.map((n) => n.id).filter(Boolean))], touched: [...touched], error };
}

/** Reports whether pages take a module without its importers. Vite learns that where devserver does the work for it. */
const acceptsItself = (node) => /^import\.meta\.hot\.accept\(\)$/m.test(recordOf(node.id)?.result?.code ?? "");

/** Returns the IDs of the modules that were made from a file which is no module itself. */
function importersOf(node, seen = new Set([node])) {
  const ids = [];
  for (const importer of node.importers) {
    if (seen.has(importer)) continue;
    seen.add(importer);
    if (importer.id) ids.push(importer.id);
    else ids.push(...importersOf(importer, seen));
  }
  return ids;
}

/** Reads a changed file. At once, as reading it later takes four turns of threads, and pages wait. */
async function read(file) {
  const text = readFileSync(file, "utf8");
  if (text) return text;
  await new Promise((r) => setTimeout(r, 20)); // an editor may be about to write it
  return readFileSync(file, "utf8");
}

const contextOf = (file, kind, modules) => ({
  type: kind,
  file,
  timestamp: Date.now(),
  read: () => read(file),
  server: running.server,
  modules,
});

/**
 * Calls hotUpdate and handleHotUpdate of all plugins in one list, as Vite does. Each takes the modules that the one
 * before left, by nodes of the environment or by nodes that stand for those of all environments. Returns the nodes that
 * are left, null when no hook said anything.
 */
async function askHot(file, kind, nodes, attempt) {
  const { client, server } = running;
  const { ssr } = server.environments;
  const mixed = server.moduleGraph;
  const options = contextOf(file, kind, nodes);
  const old = contextOf(file, kind, [...new Set(mixed.getModulesByFile(file))]);
  const ssrOptions = ssr && contextOf(file, kind, [...new Set(ssr.moduleGraph.getModulesByFile(file))]);
  const holds = (list, node) => list.some((n) => n.id === node.id && n.url === node.url);
  const add = (list, more) => [...list, ...more.filter((n) => n && !holds(list, n))];
  let said = false;
  await attempt(async () => {
    for (const plugin of hotPlugins(client.plugins)) {
      const hook = plugin.hotUpdate ?? (kind === "update" ? plugin.handleHotUpdate : undefined);
      if (!hook) continue;
      const left = await handler(hook).call(client.pluginContainer.minimalContext, plugin.hotUpdate ? options : old);
      if (!left) continue;
      said = true;
      if (plugin.hotUpdate) {
        options.modules = left;
        old.modules = add(
          old.modules.filter((n) => holds(left, n) || (ssrOptions && holds(ssrOptions.modules, n))),
          left.map((n) => mixed.getBackwardCompatibleModuleNode(n)),
        );
      } else {
        old.modules = left;
        options.modules = add(
          options.modules.filter((n) => holds(left, n)),
          left.map((n) => n._clientModule),
        );
        if (ssrOptions)
          ssrOptions.modules = add(
            ssrOptions.modules.filter((n) => holds(left, n)),
            left.map((n) => n._ssrModule),
          );
      }
    }
  });
  for (const environment of Object.values(server.environments)) {
    if (environment === client) continue;
    const theirs =
      environment === ssr
        ? ssrOptions
        : contextOf(file, kind, [...new Set(environment.moduleGraph.getModulesByFile(file))]);
    await attempt(async () => {
      for (const plugin of hotPlugins(environment.plugins))
        if (plugin.hotUpdate) {
          const left = await handler(plugin.hotUpdate).call(environment.pluginContainer.minimalContext, theirs);
          if (left) theirs.modules = left;
        }
    });
  }
  return said ? options.modules : null;
}

/** Calls handleHotUpdate of all plugins, before Vite 6. */
async function askOldHot(file, kind, nodes, attempt) {
  const context = contextOf(file, kind, nodes);
  let said = false;
  if (kind === "update")
    await attempt(async () => {
      for (const plugin of sorted(running.server.config.plugins, "handleHotUpdate")) {
        const left = await handler(plugin.handleHotUpdate).call(plugin, context);
        if (!left) continue;
        said = true;
        context.modules = left;
      }
    });
  return said ? context.modules : null;
}

const handler = (hook) => (typeof hook === "function" ? hook : hook.handler);

function hotPlugins(plugins) {
  const rank = (p) => ({ pre: 0, post: 2 })[(p.hotUpdate ?? p.handleHotUpdate).order] ?? 1;
  return plugins.filter((p) => p.hotUpdate ?? p.handleHotUpdate).sort((a, b) => rank(a) - rank(b));
}
