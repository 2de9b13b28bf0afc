// Runs the hooks of plugins so that it is known which plugin runs, what it made of a module, and what it watches.
import { isAbsolute } from "node:path";
import { at, running, tell } from "./vitestate.mjs";

const pipeline = ["resolveId", "load", "transform"];
const others =
  "configureServer transformIndexHtml handleHotUpdate hotUpdate watchChange buildStart buildEnd closeBundle".split(" ");

/** The hooks by which a plugin takes part in serving. */
export const actingHooks = [...pipeline, ...others.filter((hook) => !/End|close/.test(hook))];

const wrapped = new WeakSet(); // the functions that stand for hooks
const off = new WeakSet(); // the plugins that do not run

/** Keeps all hooks of a plugin from running. */
export const turnOff = (plugin) => off.add(plugin);

/** Replaces hooks of a plugin by calls of around(plugin, hook, call, args, context). Their filters and order stay. */
export function wrap(plugin, hooks, around) {
  for (const name of hooks) {
    const hook = plugin[name];
    const key = typeof hook === "object" && hook ? (hook.handler ? "handler" : "transform") : undefined;
    const handler = key ? hook[key] : hook;
    if (typeof handler !== "function" || wrapped.has(handler)) continue;
    const run = function (...args) {
      return around(plugin, name, () => handler.apply(this, args), args, this);
    };
    wrapped.add(run);
    if (key) hook[key] = run;
    else plugin[name] = run;
  }
}

/** Wraps the hooks of a plugin of the user. Hooks that are wrapped already stay, so it may be called again. */
export const wrapUser = (plugin) => wrap(plugin, [...pipeline, ...others], aroundUser);

/**
 * Vite's own plugins in native code that have no filters: a call of each for each module is a twentieth of all work.
 * They load modules that are no files, and transform JSON.
 */
const native = /^builtin:(vite-resolve|oxc-runtime|vite-json)$/;
const idle = (plugin, hook, id) =>
  native.test(plugin.name) && (hook === "load" ? isAbsolute(id) : !/\.json(?:$|\?)/.test(id));

/** Wraps the hooks of one of Vite's own plugins. `before` is called before each of its transforms. */
export const wrapCore = (plugin, before) =>
  wrap(plugin, pipeline, (p, hook, call, args, context) => {
    if (passedOver(p, args)) return undefined;
    if (hook !== "resolveId" && idle(p, hook, hook === "load" ? args[0] : args[1])) return undefined;
    if (hook === "transform") before(p, args);
    if (hook !== "resolveId") noteWatched(context, hook === "load" ? args[0] : args[1]);
    return call();
  });

function aroundUser(plugin, hook, call, args, context) {
  if (off.has(plugin) || passedOver(plugin, args)) return undefined;
  const { name } = plugin;
  if (hook === "resolveId") return runAs(name, hook, call, args[0]);
  if (hook === "load" || hook === "transform") {
    const [code, id] = hook === "load" ? [undefined, args[0]] : args;
    noteWatched(context, id);
    return then(runAs(name, hook, call, id), (made) => {
      if (hook === "load" ? made != null : changes(made, code)) recordOf(id)?.by.add(name);
      return made;
    });
  }
  const made = runAs(name, hook, call);
  if (hook !== "configureServer") return made;
  return then(made, (fn) => (typeof fn === "function" ? () => runAs(name, hook, fn, undefined, { late: true }) : fn));
}

const then = (v, f) => (typeof v?.then === "function" ? v.then(f) : f(v));

/** Reports whether a plugin is not asked, as only some plugins are: see picking. */
const passedOver = (plugin, args) => {
  const pick = at.getStore()?.pick;
  return pick ? !pick(plugin, args) : false;
};

/** Runs a call within which only those plugins answer that are picked. What their hooks call themselves asks all. */
export const picking = (pick, call) => at.run({ plugin: "", hook: "", batch: at.getStore()?.batch, pick }, call);

const waiting = new Set(); // the hooks that have not answered yet
let clock;

/** Tells of hooks that take long. Of a hook that never yields nobody can tell here. */
function tellSlow() {
  for (const call of waiting) {
    if (call.told || Date.now() - call.since < 3000) continue;
    call.told = true;
    const of = typeof call.of === "string" ? call.of : "";
    if (running.server) void tell("viteSlow", { plugin: call.plugin, hook: call.hook, of });
    else console.error(`plugin ${call.plugin}: ${call.hook} has not answered for 3 s`); // nobody is told before the start
  }
}

/** Returns what a hook threw as an error with the names of the plugin and the hook. */
export function named(thrown, plugin, hook) {
  const e = typeof thrown === "object" && thrown ? thrown : new Error(String(thrown)); // Vite needs an object
  if (Object.isExtensible(e)) {
    e.plugin ??= plugin;
    e.hook ??= hook;
  }
  return e;
}

/** Runs a hook of a plugin: all that it does, also later, is known as the plugin's. An error gets the plugin's name. */
export function runAs(plugin, hook, call, of, more) {
  let made;
  try {
    made = at.run({ plugin, hook, batch: at.getStore()?.batch, ...more }, call);
  } catch (e) {
    throw named(e, plugin, hook);
  }
  if (typeof made?.then !== "function") return made;
  const started = { plugin, hook, of, since: Date.now() };
  clock ??= setInterval(tellSlow, 500).unref();
  waiting.add(started);
  return made.then(
    (v) => {
      waiting.delete(started);
      return v;
    },
    (e) => {
      waiting.delete(started);
      throw named(e, plugin, hook);
    },
  );
}

const here = new URL(".", import.meta.url).href;

/** Tells of an error that nobody waits for: of a timer, of an event, or of a promise that nobody looks at. */
export function tellStray(e) {
  const { plugin, hook } = e?.plugin && e.hook ? e : (at.getStore() ?? {});
  const lines = String(e?.stack ?? e).split("\n");
  const text = lines.filter((l) => !/^\s+at .*(node:|\/node_modules\/vite\/)/.test(l) && !l.includes(here)).join("\n");
  if (plugin) void tell("viteLog", { level: "error", text: `nobody handles an error of ${hook}: ${text}`, by: plugin });
  else console.error(e);
}

const records = new Map(); // module ID -> its record

/** Returns what plugins did with a module: `by` whom it was changed, what they watch, and the last result. */
export const recordOf = (id) => records.get(id);

/** Begins the record of a module anew: it is about to be loaded. */
export function beginRecord(id) {
  records.set(id, { by: new Set(), watched: new Set(), result: records.get(id)?.result });
}

const noted = Symbol("devserver");

/** Collects what the hooks of a module watch. A context serves all hooks of a load or of a transform. */
function noteWatched(context, id) {
  if (!context?.addWatchFile || context[noted]) return;
  const add = context.addWatchFile;
  context[noted] = true;
  context.addWatchFile = function (file) {
    recordOf(id)?.watched.add(file);
    return add.call(this, file);
  };
}

/** Reports whether a transform made more than the same text. */
function changes(made, code) {
  if (!made) return false;
  if (typeof made === "string") return made !== code;
  return made.code == null ? made.moduleType !== undefined : made.code !== code;
}
