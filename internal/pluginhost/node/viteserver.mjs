// The server of the project's own Vite: it runs the plugins of the vite.config and never listens. What devserver does
// itself is switched off in it.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { find, project } from "./packages.mjs";
import { keepVite, viteFile } from "./vite.mjs";
import { startedConfig } from "./viteconfig.mjs";
import { aliasFilter, has } from "./vitefilters.mjs";
import { actingHooks, runAs, turnOff, wrap, wrapUser } from "./vitehooks.mjs";
import { prepareHot, updateHot } from "./vitehot.mjs";
import { htmlInfo } from "./vitehtml.mjs";
import { httpInfo, openHTTP, prepareHTTP } from "./vitehttp.mjs";
import {
  filtersOf,
  inlineScript,
  isEarly,
  learnFilters,
  mapOf,
  prepareModules,
  probe,
  resolveAll,
  textOf,
  transformModule,
  watchCore,
} from "./vitemodules.mjs";
import { bundledInfo } from "./vitepackages.mjs";
import { rulesOfVite } from "./viteproxy.mjs";
import { notCarried } from "./viteoptions.mjs";
import { eventNames, prepareSocket } from "./vitesocket.mjs";
import { at, by, running, tell } from "./vitestate.mjs";
import { plainText } from "./wire.mjs";

/** Vite's own plugins whose work devserver does on what comes out. The others prepare modules for the user's plugins. */
const replaced = new Set(
  (
    "vite:optimized-deps vite:watch-package-data vite:pre-alias vite:modulepreload-polyfill vite:build-html " +
    "vite:bundled-dev-client-imports vite:html-inline-proxy vite:worker vite:worker-import-meta-url vite:define " +
    "vite:asset-import-meta-url vite:dynamic-import-vars vite:import-glob vite:client-inject vite:import-analysis " +
    "vite:forward-console"
  ).split(" "),
);

/** Plugins whose work devserver does itself. The plugins of React run when they have more to do, see probe. */
const builtIn =
  /^(vite:react|vite:preact|preact:|prefresh|transform-react-jsx|vite:transform-hook-names|vite-tsconfig-paths|vite:basic-ssl|vite-plugin-basic-ssl|vite-plugin-mkcert)/;
const certificates = /^(vite:basic-ssl|vite-plugin-basic-ssl|vite-plugin-mkcert)/;
const react = /^vite:react/;
const tailwind = /^@tailwindcss\/vite/;

async function flat(plugins) {
  let list = [plugins];
  while (list.some((p) => Array.isArray(p) || typeof p?.then === "function"))
    list = (await Promise.all(list)).flat(Infinity);
  return list.filter(Boolean);
}

const numbers = (version) => version.split(".").map(Number);

/** Reports whether a version is in a range like "^20.19.0 || >=22.12.0", the only form that Vite's package.json has. */
function fits(version, range) {
  const [major, minor] = numbers(version);
  return range.split("||").some((one) => {
    const [, sign, from] = /^\s*(\^|>=)\s*([\d.]+)\s*$/.exec(one) ?? [];
    if (!from) return true; // nobody knows
    const [least, leastMinor = 0] = numbers(from);
    return major === least ? minor >= leastMinor : sign === ">=" && major > least;
  });
}

let tooOld; // what to say of Node's version, undefined when it is not too old

/** Loads Vite by its entry as an ES module: the other of Vite 5 lacks exports. */
async function importVite() {
  const manifest = find("vite/package.json");
  const { version, engines } = JSON.parse(readFileSync(manifest, "utf8"));
  const own = process.versions.node;
  if (!fits(own, engines?.node ?? "")) {
    tooOld = `Vite ${version} needs Node.js ${engines.node}, and this is ${own}`;
    console.error(tooOld); // devserver may not answer yet
  }
  return { version, vite: await import(pathToFileURL(join(dirname(manifest), "dist/node/index.js")).href) };
}

/** Adds what to do to an error of the start. */
function advised(e) {
  if (/MODULE_NOT_FOUND$/.test(e?.code) && /^Cannot find \w+ '[^./]/.test(e.message))
    e.hint ??= "npm install, then save the vite.config";
  if (tooOld) e.hint ??= tooOld;
  throw e;
}

/**
 * Starts the server, and returns the values of the configuration and what devserver must know of the plugins. What is
 * logged meanwhile is among the values when the process is not needed any more: nobody hears of it otherwise.
 */
async function start(params) {
  const lines = (held = []);
  let values;
  try {
    values = await startServer(params);
  } finally {
    held = undefined;
    if (!values || values.vite.needed) for (const line of lines) void tell("viteLog", line);
  }
  return values && !values.vite.needed ? { ...values, logs: lines } : values;
}

async function startServer({ mode, socket }) {
  const file = viteFile();
  if (!file) return null;
  await close();
  const { vite, version } = await importVite();
  // A third of Node's time was V8's for optimizing functions that ran only a few times more. Node 22 has a cheaper compiler.
  if (numbers(process.versions.node)[0] < 22) setFlagsFromString("--interrupt-budget=400000");
  process.setSourceMapsEnabled(true); // places in errors are those of the configuration as it is written
  const ours = ourPlugins(Number.parseInt(version, 10), mode);
  const inline = {
    configFile: file,
    mode: mode === "development" ? undefined : mode, // the default gives way to the configuration's own
    plugins: ours.plugins,
  };
  // Vite logs by it while it reads the file. It does not merge it into the configuration, which may have its own.
  Object.defineProperty(inline, "customLogger", { value: terminalLogger });
  const starting = vite.createServer(inline);
  const loaded = starting.then(({ config: { configFileDependencies } }) => ({
    path: file,
    config: ours.written,
    dependencies: configFileDependencies,
  }));
  keepVite(mode, loaded); // the configuration is run once
  const server = await starting;
  Object.assign(running, { vite, server, client: server.environments?.client });

  const piped = running.client?.plugins ?? server.config.plugins;
  const users = [...new Set([...piped, ...server.config.plugins])].filter((p) => !ours.isVites(p));
  for (const p of users) wrapUser(p);
  for (const p of piped) if (ours.core.has(p)) watchCore(p);
  prepareModules(ours.core);
  const compilers = await probe(users.filter((p) => react.test(p.name) && p.transform && piped.includes(p)));
  running.plugins = users.filter((p) => !builtIn.test(p.name) || compilers.includes(p.name));
  for (const p of users) if (!running.plugins.includes(p)) turnOff(p);

  const needed =
    customAliases().length > 0 ||
    Boolean(server.config.server.proxy) ||
    running.plugins.some((p) => !tailwind.test(p.name) && actingHooks.some((hook) => has(p, hook)));
  if (needed) {
    await (running.client ?? server).pluginContainer.buildStart({});
    for (const p of users) wrapUser(p); // hooks that were set at the start
    if (socket) await openHTTP(server, socket);
  }
  learnFilters();
  const { path, dependencies } = await loaded;
  const values = startedConfig({
    path,
    dependencies,
    merged: ours.config(),
    notCarried: ours.notCarried,
    plugins: users,
    mode,
  });
  return { ...values, vite: { ...info(version, [file, ...values.deps], needed), bundled: await bundledInfo() } };
}

/** Returns the aliases that have a resolver of their own: devserver asks for their imports as it asks a plugin. */
const customAliases = () => running.server.config.resolve.alias.filter((a) => a.customResolver);

function info(version, files, needed) {
  const { server } = running;
  return {
    version,
    root: server.config.root,
    needed,
    plugins: [
      ...customAliases().map(({ find }) => ({ name: "resolve.alias", order: "pre", resolveId: aliasFilter(find) })),
      ...running.plugins.map((p) => ({
        name: p.name,
        order: isEarly(p) || (!p.resolveId && p.enforce === "pre") ? "pre" : p.enforce === "post" ? "post" : "normal",
        ...filtersOf(p),
      })),
      ...(server.config.server.proxy ? [{ name: "server.proxy", order: "normal" }] : []), // it has no hook
    ],
    html: htmlInfo(),
    ...httpInfo(),
    events: eventNames(),
    packages: packages(version, files),
    exclude: server.config.optimizeDeps.exclude ?? [],
  };
}

/** Returns the versions of the packages that the files of the configuration import, and the state of all that is installed. */
function packages(version, files) {
  const out = { vite: version };
  const read = (file) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return ""; // it is gone since
    }
  };
  for (const file of files)
    for (const [, name] of read(file).matchAll(/["'`]((?:@[\w.-]+\/)?[a-z][\w.-]*)(?:\/[^"'`\s]*)?["'`]/g))
      for (let dir = dirname(file); !out[name] && dir !== dirname(dir); dir = dirname(dir)) {
        const manifest = read(join(dir, "node_modules", name, "package.json"));
        if (manifest) out[name] = JSON.parse(manifest).version ?? "0";
      }
  for (const lock of [
    "node_modules/.package-lock.json",
    "node_modules/.yarn-state.yml",
    "node_modules/.pnpm/lock.yaml",
  ])
    for (let dir = project; dir !== dirname(dir); dir = dirname(dir)) {
      const text = read(join(dir, lock));
      if (text) out[lock] ??= createHash("sha1").update(text).digest("hex");
    }
  return out;
}

let held; // the lines that are logged while Vite starts
const warned = new Set();
const log = (level) => (message) => {
  const text = plainText(String(message?.stack ?? message));
  const thrown = text.startsWith("failed to load config"); // and so an error anyway
  if (!text || thrown) return;
  const line = { level, text, by: by() };
  if (held) held.push(line);
  else void tell("viteLog", line);
};

/** Stands for Vite's own logger: its messages are lines of devserver's terminal. A customLogger comes before it. */
const terminalLogger = {
  hasWarned: false,
  info: log("info"),
  warn(message) {
    terminalLogger.hasWarned = true;
    log("warn")(message);
  },
  warnOnce(message) {
    if (warned.has(message)) return;
    warned.add(message);
    terminalLogger.warn(message);
  },
  error: log("error"),
  clearScreen() {},
  hasErrorLogged: () => false,
};

/** Returns the plugins by which the server is prepared, first and last of all, and what they learn. */
function ourPlugins(major, mode) {
  let merged; // the configuration with what plugins have added
  let clientOptions; // the same for the environment of pages
  let defined; // define, before plugins changed the resolved values
  let resolved;
  const ours = { core: new Set(), written: undefined, notCarried: [] };
  let users = new Set();
  const before = {
    name: "devserver:before",
    enforce: "pre",
    apply(config) {
      const { plugins, customLogger: _, configFile: __, ...written } = config;
      if (ours.written) return true;
      ours.written = { ...written, plugins };
      ours.notCarried = notCarried(ours.written); // before Vite adds to the objects in it
      return true;
    },
    config: {
      order: "pre",
      async handler(config) {
        if (!config.customLogger && this?._logger) this._logger = terminalLogger; // all hooks of this kind have it
        users = new Set(await flat(config.plugins));
        for (const p of users) {
          p.name ??= "(no name)";
          if (certificates.test(p.name)) p.config = p.configResolved = undefined; // it would make a certificate
          wrap(p, ["config", "configEnvironment", "configResolved"], aroundConfig);
        }
      },
    },
    configResolved: {
      order: "pre",
      handler(config) {
        for (const p of config.plugins) if (!users.has(p)) ours.core.add(p);
        defined = { ...config.define };
      },
    },
    configureServer: {
      order: "pre",
      handler(server) {
        prepareSocket(server);
        prepareHTTP(server);
        prepareHot(server);
      },
    },
  };
  const after = {
    name: "devserver:after",
    enforce: "post",
    config: {
      order: "post",
      handler(config) {
        config.customLogger ??= terminalLogger;
        merged = { ...config };
        const { build, experimental, optimizeDeps, server } = config;
        config.build = { ...build, assetsInlineLimit: 0 }; // pages get images by their URL, as what Node renders should
        config.server = { ...server, watch: null, open: false, middlewareMode: false, preTransformRequests: false };
        if (major >= 8) config.server.forwardConsole = false;
        config.optimizeDeps = { ...optimizeDeps, noDiscovery: true };
        if (experimental?.bundledDev) config.experimental = { ...experimental, bundledDev: false };
      },
    },
    configEnvironment: {
      order: "post",
      handler(name, options) {
        if (name === "client") clientOptions = { ...options };
      },
    },
    configResolved: {
      order: "post",
      handler(config) {
        resolved = config;
        // Vite would answer the other rules, too.
        config.server.proxy = rulesOfVite(config.server.proxy, ours.written.server?.proxy);
        for (const { optimizeDeps } of [config, ...Object.values(config.environments ?? {})])
          if (optimizeDeps) optimizeDeps.include = [];
        for (const p of [...ours.core]) {
          if (replaced.has(p.name)) replace(p, major);
          else if (p.applyToEnvironment) addApplied(p, ours.core);
        }
        for (const p of config.plugins) if (!ours.isVites(p)) wrapUser(p);
      },
    },
    load: { order: "post", handler: (id) => inlineScript(id) ?? textOf(id) },
  };
  ours.plugins = [before, after];
  ours.isVites = (p) => ours.core.has(p) || p === before || p === after;
  ours.config = () => {
    const changed = Object.entries(resolved.define ?? {}).filter(([k, v]) => defined[k] !== v);
    const { define, resolve } = clientOptions ?? {};
    const alias = resolved.resolve.alias.filter((a) => !ofVite(a));
    const conditions = resolved.environments?.client?.resolve.conditions; // all of them, since Vite 6
    const byDefault = ["module", "browser", "development|production"].every((c) => conditions?.includes(c));
    return {
      ...merged,
      mode: mode === "development" ? merged.mode : undefined, // another is devserver's own
      environments: undefined,
      define: { ...merged.define, ...define, ...Object.fromEntries(changed) },
      resolve: {
        ...merged.resolve,
        ...resolve,
        defaultConditions: conditions && !byDefault ? false : undefined,
        alias: alias.length ? alias : undefined,
      },
    };
  };
  return ours;
}

const ofVite = ({ find }) => find instanceof RegExp && /@vite\\?\//.test(find.source);

/** Takes the work from one of Vite's own plugins. Plugins of the user find it in the lists as before. */
function replace(plugin, major) {
  if (major >= 6) {
    const was = plugin.applyToEnvironment;
    plugin.applyToEnvironment = (env) => env.name !== "client" && (was ? was.call(plugin, env) : true);
    return;
  }
  for (const hook of [...actingHooks, "buildEnd"]) delete plugin[hook];
}

/** Adds the plugins to Vite's own that one of Vite's own stands for. */
function addApplied(plugin, core) {
  const was = plugin.applyToEnvironment;
  plugin.applyToEnvironment = async (env) => {
    const applied = await was.call(plugin, env);
    if (applied && applied !== true) for (const p of await flat(applied)) core.add(p);
    return applied;
  };
}

/** Calls a hook that is about the configuration. React's plugin sees no HMR: devserver refreshes components. */
function aroundConfig(plugin, hook, call, args) {
  if (react.test(plugin.name) && hook !== "configEnvironment")
    args[0] = { ...args[0], server: { ...args[0].server, hmr: false } };
  return runAs(plugin.name, hook, call);
}

const exit = process.exit.bind(process);

/** Names the plugin that ends the process. The text is the reason that devserver shows, as it is the last. */
process.exit = (code) => {
  const { plugin, hook } = at.getStore() ?? {};
  if (plugin) console.error(`plugin ${plugin} called process.exit(${code ?? ""}) in ${hook}`);
  exit(code);
};

/** Ends the server. */
async function close() {
  const { server } = running;
  Object.assign(running, { server: undefined, client: undefined, plugins: [] });
  await server?.close();
}

/** Returns a method that needs the server. A process that started again has none until it is told to start it. */
const whenStarted = (method) => (params) => {
  if (running.server) return method(params);
  throw Object.assign(new Error("the project's Vite is not started"), { code: "not_started" });
};

export const methods = {
  viteStart: (params) => start(params).catch(advised),
  viteResolve: whenStarted(resolveAll),
  viteTransform: whenStarted(transformModule),
  viteMap: whenStarted(mapOf),
  viteHot: whenStarted(updateHot),
  viteClose: async () => {
    await close();
    return null;
  },
};
