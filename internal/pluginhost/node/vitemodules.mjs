// What the plugins of the user make of modules: IDs of specifiers, code, and maps.
import { existsSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, posix } from "node:path";
import { filterOf, sorted } from "./vitefilters.mjs";
import { beginRecord, picking, recordOf, wrapCore } from "./vitehooks.mjs";
import { at, running } from "./vitestate.mjs";
import { withText } from "./vitetexts.mjs";

const cleaned = (id) => id.replace(/[?#].*$/s, "");

/** Ends the work on a module that only devserver has to do with. */
const notMine = Object.assign(new Error("no plugin wants this module"), { pluginCode: "DEVSERVER" });

const container = () => (running.client ?? running.server).pluginContainer;
export const graph = () => running.client?.moduleGraph ?? running.server.moduleGraph;

let core; // Vite's own plugins
let early = new Set(); // the plugins whose resolveId is called before Vite's resolver
let transforms = []; // all plugins with a transform, in order, with their filters: Vite's own have none
let loads = []; // the filters of the user's load hooks

/** Makes the container tell which plugins act on a module, and end early when none does. */
export function prepareModules(ownOfVite) {
  core = ownOfVite;
  const c = container();
  const { load, transform } = c;
  c.load = function (id, ...more) {
    beginRecord(id);
    return load.call(this, id, ...more);
  };
  c.transform = function (code, id, ...more) {
    if (isAsked(id) && !wanted(-1, id, code)) throw notMine;
    return transform.call(this, code, id, ...more);
  };
}

/** Wraps one of Vite's own plugins: before it works on a module, a plugin of the user must want the module. */
export const watchCore = (plugin) =>
  wrapCore(plugin, (p, [code, id]) => {
    const place = transforms.findIndex((t) => t.plugin === p);
    if (isAsked(id) && !wanted(place, id, code)) throw notMine;
  });

/** Learns the filters of the plugins, once they are started. */
export function learnFilters() {
  const all = (running.client ?? running.server.config).plugins;
  const user = new Set(running.plugins);
  const resolvers = sorted(all, "resolveId");
  const vites = resolvers.findIndex((p) => core.has(p) && /^(vite:resolve|builtin:vite-resolve)/.test(p.name));
  early = new Set(resolvers.slice(0, vites).filter((p) => user.has(p)));
  let made = false; // a plugin of Vite's own comes before: it makes JavaScript of TypeScript, or CSS of Sass
  transforms = sorted(all, "transform").map((plugin) => {
    if (!user.has(plugin)) {
      made ||= core.has(plugin);
      return { plugin };
    }
    return { plugin, ...filterOf(plugin, "transform", made) };
  });
  loads = all.filter((p) => user.has(p) && p.load).map((p) => filterOf(p, "load").test);
}

/** Returns the filters of a plugin's hooks, for devserver. */
export const filtersOf = (plugin) => ({
  resolveId: filterOf(plugin, "resolveId").data,
  load: filterOf(plugin, "load").data,
  transform: transforms.find((t) => t.plugin === plugin)?.data ?? null,
});

/** Reports whether resolveId of the plugin is called before Vite's own resolver. */
export const isEarly = (plugin) => early.has(plugin);

const isAsked = (id) => at.getStore()?.asked === id;

/** Reports whether a plugin has changed the module, or a plugin behind the place may. */
const wanted = (place, id, code) =>
  recordOf(id)?.by.size > 0 || transforms.some((t, i) => i > place && t.test?.(id, code));

/**
 * Returns the text of the file of a module that is asked for. Vite's own reading of it takes four turns of its threads.
 * It is undefined where Vite does more than to read.
 */
export function textOf(id) {
  if (!isAsked(id)) return undefined;
  try {
    const text = readFileSync(cleaned(id), "utf8");
    return text.includes("sourceMappingURL=") ? undefined : text;
  } catch {
    return undefined; // Vite says what is wrong
  }
}

let last; // the hot update that runs or waits
const reading = new Set();

/** Runs work that must not run during a hot update. */
async function shared(work) {
  while (last) await last;
  const working = work();
  reading.add(working);
  try {
    return await working;
  } finally {
    reading.delete(working);
  }
}

/** Runs a hot update, while no module is transformed. */
export async function exclusive(work) {
  const before = last;
  let end;
  const mine = (last = new Promise((r) => (end = r)));
  await before;
  await Promise.allSettled(reading);
  try {
    return await work();
  } finally {
    if (last === mine) last = undefined;
    end();
  }
}

const metas = new Map(); // module ID -> what its resolver said beside the ID

/** Returns the IDs that plugins give to specifiers: those before Vite's resolver, or the others. */
export async function resolveAll({ importer, specifiers, late = false }) {
  const user = new Set(running.plugins);
  const { alias } = running.server.config.resolve;
  const custom = (specifier) => alias.find((a) => matches(a.find, specifier))?.customResolver;
  const pick = (plugin, [specifier]) =>
    user.has(plugin)
      ? isEarly(plugin) !== late
      : !late && core.has(plugin) && plugin.name === "alias" && custom(specifier);
  const one = async (specifier) => {
    const found = await container().resolveId(specifier, importer || undefined, {});
    if (!found) return null;
    if (found.meta) metas.set(found.id, found.meta);
    return { id: found.id, external: Boolean(found.external) };
  };
  return picking(pick, () => Promise.all(specifiers.map(one)));
}

const matches = (find, specifier) =>
  find instanceof RegExp ? find.test(specifier) : specifier === find || specifier.startsWith(find + "/");

/** Returns the URL that Vite has for a module. */
export function urlOf(id) {
  const { root } = running.server.config;
  if (id.startsWith(root + "/")) return id.slice(root.length);
  return isAbsolute(cleaned(id)) && existsSync(cleaned(id)) ? posix.join("/@fs/", id) : id;
}

const isCSS = /\.(css|less|sass|scss|styl|stylus|pcss|postcss|sss)(?:$|\?)/;
const vitesQuery = /[?&](direct|raw|url|inline|worker|sharedworker|no-inline)\b/;
const plain = new Set(); // files whose module need not go before their parts, as they are now

/** Notes that plugins know all of a changed file that its parts need. */
export const keepFile = (file) => plain.add(file);

/** Forgets what is known of a file that changes. */
export const forgetFile = (file) => plain.delete(file);

/**
 * Returns the code that plugins made of a module, null when none did. `text` is what its file holds, or held when pages
 * got the module: without it the file is read.
 */
export const transformModule = ({ id, text }) =>
  shared(async () => {
    if (!mayBeWanted(id)) return null;
    if (isInline(id)) return made(id, text);
    const file = cleaned(id);
    // A style of a component needs what its plugin learns from the component, which may fail.
    if (file !== id && !vitesQuery.test(id) && !plain.has(file) && isAbsolute(file) && existsSync(file)) {
      if (!(await withText(file, text, () => made(file)))) plain.add(file);
    }
    return withText(file, text, () => made(id));
  });

const mayBeWanted = (id) => loads.some((test) => test(id)) || transforms.some((t) => t.test?.(id));

/**
 * Lets Vite read the file of a module. Vite reads files outside of its own folders only if a module imports them, which
 * it does not see. devserver has checked that the file may be read.
 */
function permit(id) {
  const { client, server } = running;
  const safe = client?.safeModulePaths ?? server.config.safeModulePaths ?? server.moduleGraph.safeModulesPath;
  safe?.add(id);
  safe?.add(cleaned(id));
}

const isInline = (id) => /[?&]html-proxy\b/.test(id);
const inlineScripts = new Map(); // module ID -> the script, as Vite has made it last

/** Returns an inline script of a page, undefined for other modules. The page has it from devserver. */
export const inlineScript = (id) => inlineScripts.get(id);

async function made(id, script) {
  if (!mayBeWanted(id)) return null;
  permit(id);
  const url = urlOf(id);
  const g = graph();
  const known = { id, meta: metas.get(id) };
  const node = await (running.client
    ? g._ensureEntryFromUrl?.(url, undefined, known)
    : g._ensureEntryFromUrl?.(url, false, undefined, known));
  const asked = node?.id ?? id;
  if (script !== undefined && script !== inlineScript(asked)) {
    inlineScripts.set(asked, script);
    if (node) g.invalidateModule(node);
  }
  let result;
  try {
    const call = () => (running.client ?? running.server).transformRequest(url);
    result = await at.run({ plugin: "", hook: "", asked }, call);
  } catch (e) {
    if (e === notMine || (!recordOf(asked)?.by.size && !ofUser(e))) return null; // devserver's own to compile, or to report
    throw e;
  }
  const record = recordOf(asked);
  if (!result || !record?.by.size) return null;
  record.result = result;
  return {
    code: result.code,
    css: /[?&]direct\b/.test(id) && isCSS.test(cleaned(id)),
    by: [...record.by],
    ...watched(record, cleaned(id)),
  };
}

const ofUser = (e) => running.plugins.some((p) => p.name === e?.plugin);

/** Returns the files of a record, and patterns for all that is no single file. */
function watched(record, own) {
  const files = [];
  const patterns = [];
  for (const given of record.watched) {
    if (given.startsWith("!")) continue; // more is watched than needed
    const path = posix.resolve(running.server.config.root, given);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) patterns.push(path + "/**");
    else if (!stat && /[*?[\]{}]/.test(path)) patterns.push(path);
    else if (path !== own) files.push(path);
  }
  return { files, patterns };
}

/** Returns the source map of the module as it was transformed last. */
export function mapOf({ id }) {
  const map = recordOf(id)?.result?.map;
  return map?.mappings ? JSON.stringify(map) : null;
}

const component = `import { useState } from "react";
export default function Probe() {
  "use memo";
  const [n, setN] = useState(0);
  return <button onClick={() => setN(n + 1)}>{n}</button>;
}
`;

/** Returns the names of the plugins that change a component: Babel has plugins, or React's compiler is on. */
export async function probe(plugins) {
  const id = posix.join(running.server.config.root, "src/devserver-probe.tsx");
  beginRecord(id);
  try {
    await picking(
      (p) => plugins.includes(p),
      () => container().transform(component, id),
    );
  } catch (e) {
    console.error(`${e.plugin ?? "react"}: ${e.message}`);
    return plugins.map((p) => p.name); // an error of a plugin that works: it shows again with each module
  }
  return [...recordOf(id).by];
}
