// The values of a vite.config, as options of devserver. Functions stay here, and are called for each file.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { startEnv } from "./packages.mjs";
import { data, literal, loadVite, parsed } from "./vite.mjs";
import { proxyRule } from "./viteproxy.mjs";
import { running } from "./vitestate.mjs";

/**
 * Returns the values of the configuration of a server that has started. `merged` is the configuration as it is written,
 * with what plugins have added, but without the values that Vite fills in.
 */
export const startedConfig = ({ path, dependencies, merged, notCarried, plugins, mode }) => ({
  file: path,
  deps: dependencies.map((d) => resolve(d)),
  plugins: [...new Set(plugins.map((p) => p.name).filter(Boolean))],
  config: carried(merged, mode),
  notCarried,
  env: setByConfig(),
});

/** Returns the variables that the configuration has set in its process: .env files may refer to any of them. */
const setByConfig = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name, value]) => value !== startEnv[name] && name !== "VITE_USER_NODE_ENV"),
  );

/** Returns a value of define as code, "undefined" for what JSON cannot write. */
export function written(value) {
  try {
    return JSON.stringify(value) ?? "undefined";
  } catch {
    return "undefined"; // notCarried tells the reason
  }
}

/** Returns the values of a config that another process can use. */
function carried(config, mode) {
  const served = resolve(config.root ?? "."); // relative to the working directory, unlike other paths
  const out = { root: config.root ? served : undefined };
  for (const key of ["mode", "base", "envDir", "envPrefix", "json", "appType", "logLevel"])
    if (config[key] !== undefined) out[key] = data(config[key]);
  if (config.publicDir !== undefined) out.publicDir = config.publicDir === "" ? false : config.publicDir;
  const define = { ...config.define, ...config.environments?.client?.define };
  if (Object.keys(define).length)
    out.define = Object.fromEntries(
      Object.entries(define).map(([k, v]) => [k, typeof v === "string" ? v : written(v)]),
    );
  if (config.assetsInclude) out.assetsInclude = [config.assetsInclude].flat().map(filePattern);
  const r = merged(config.resolve ?? {}, config.environments?.client?.resolve ?? {});
  out.resolve = {
    conditions: r.conditions,
    defaultConditions: r.defaultConditions,
    dedupe: r.dedupe,
    extensions: r.extensions,
    mainFields: r.mainFields,
    preserveSymlinks: r.preserveSymlinks,
    alias: aliases(r.alias),
  };
  if (config.css)
    out.css = {
      transformer: config.css.transformer,
      modules: moduleValues(config.css.modules, mode),
      preprocessorOptions: styleValues(config.css.preprocessorOptions, mode),
      postcss: config.css.postcss && typeof config.css.postcss === "object" ? { viteMode: mode } : config.css.postcss,
    };
  out.esbuild = { ...oxcJSX(config.oxc), ...data(config.esbuild || undefined) };
  Object.assign(out.esbuild, tsOptions(config));
  const s = config.server;
  if (s) out.server = serverValues(s, served, mode);
  if (s?.forwardConsole) out.plugins = { console: true }; // Vite's name for it
  return data(out);
}

/** Lays options over others as Vite does: lists follow each other. */
function merged(under, over) {
  const out = { ...under };
  for (const [key, v] of Object.entries(over))
    if (v != null) out[key] = Array.isArray(v) && out[key] ? [...out[key], ...v] : v;
  return out;
}

/** Returns a regular expression as a pattern that begins with "^", by which devserver tells it from a glob. */
function filePattern(p) {
  if (!(p instanceof RegExp)) return p;
  const source = p.flags.includes("i") ? `(?i:${p.source})` : p.source;
  return !p.flags.includes("i") && p.source.startsWith("^") && !p.source.includes("|")
    ? source
    : `^[\\s\\S]*?(?:${source})`;
}

function serverValues(s, served, mode) {
  const out = data({
    host: s.host,
    port: Number(s.port) || (s.port === 0 ? 0 : undefined),
    strictPort: s.strictPort,
    open: s.open,
    allowedHosts: s.allowedHosts,
    fs: s.fs,
  });
  if (Array.isArray(s.fs?.allow)) out.fs.allow = s.fs.allow.map((dir) => resolve(served, dir));
  if (s.headers)
    out.headers = Object.fromEntries(
      Object.entries(s.headers)
        .filter(([, v]) => v != null)
        .map(([k, v]) => [k, String(v)]),
    );
  if (s.cors && typeof s.cors === "object") out.cors = { origin: origins(s.cors.origin) };
  else out.cors = s.cors;
  if (s.watch)
    out.watch = {
      usePolling: s.watch.usePolling,
      interval: s.watch.interval,
      ignored: [s.watch.ignored ?? []].flat().filter((p) => typeof p === "string"),
    };
  if (s.hmr === false) out.hmr = false;
  else if (typeof s.hmr?.overlay === "boolean") out.hmr = { overlay: s.hmr.overlay };
  const h = s.https;
  if (h && typeof h === "object" && h.key && h.cert) out.https = { key: pem(h.key), cert: pem(h.cert) };
  else if (h) out.https = true;
  const { proxy: ofVite } = running.server.config.server;
  const rules = Object.entries(s.proxy ?? {}).filter(([, rule]) => rule); // Vite passes over a key without a rule
  if (s.proxy) out.proxy = Object.fromEntries(rules.map(([k, v]) => [k, proxyRule(k, v, mode, ofVite && k in ofVite)]));
  return out;
}

/** Returns the origins that are texts. Expressions and functions cannot be sent, and notCarried reports them. */
const origins = (origin) =>
  typeof origin === "boolean"
    ? origin
    : [origin ?? true].flat().includes(true)
      ? true
      : [origin].flat().filter((o) => typeof o === "string");

/** A key or certificate is text, or the path of a file. */
const pem = (v) =>
  Array.isArray(v) ? v.map(pem).join("\n") : Buffer.isBuffer(v) ? v.toString() : existsSync(v) ? resolve(v) : v;

/** Reads the JSX options by the names of newer versions of Vite. */
function oxcJSX(oxc) {
  if (!oxc) return {};
  const jsx = typeof oxc.jsx === "object" ? oxc.jsx : {};
  const runtime = jsx.runtime ?? (typeof oxc.jsx === "string" ? oxc.jsx : undefined);
  return data({
    jsx: runtime === "classic" ? "transform" : runtime,
    jsxImportSource: jsx.importSource,
    jsxFactory: jsx.pragma,
    jsxFragment: jsx.pragmaFrag,
    jsxInject: oxc.jsxInject,
  });
}

/** Returns the compiler options that win over a tsconfig: esbuild.tsconfigRaw, and the same by newer names. */
function tsOptions({ esbuild, oxc }) {
  const raw = (esbuild || undefined)?.tsconfigRaw;
  const given = parsed(raw)?.compilerOptions ?? {};
  const { jsx, jsxFactory, jsxFragmentFactory, jsxImportSource, ...rest } = given;
  const { legacy, emitDecoratorMetadata } = (oxc || undefined)?.decorator ?? {};
  return data({
    tsconfigRaw: {
      compilerOptions: {
        ...rest,
        experimentalDecorators: legacy ?? rest.experimentalDecorators,
        emitDecoratorMetadata: emitDecoratorMetadata ?? rest.emitDecoratorMetadata,
      },
    },
    ...data({
      jsx: jsx && (jsx === "react" ? "transform" : "automatic"),
      jsxFactory,
      jsxFragment: jsxFragmentFactory,
      jsxImportSource,
    }),
  });
}

/** Options that JSON does not have stay here, see styleOptions. A result depends on the state of the vite.config then. */
function styleValues(languages, mode) {
  if (!languages) return undefined;
  return Object.fromEntries(
    Object.entries(languages).map(([language, options]) => [language, isData(options) ? options : { viteMode: mode }]),
  );
}

/** Reports whether a value is the same after it was sent as JSON. */
function isData(value, above = []) {
  if (value === null || typeof value !== "object") return !["function", "symbol", "bigint"].includes(typeof value);
  const proto = Object.getPrototypeOf(value);
  const simple = Array.isArray(value) || proto === null || Object.getPrototypeOf(proto) === null; // also of another realm
  return simple && !above.includes(value) && Object.values(value).every((v) => isData(v, [...above, value]));
}

/** Functions for CSS Modules stay here, and are called for each stylesheet. */
function moduleValues(modules, mode) {
  if (!modules) return modules;
  const names = typeof modules.generateScopedName === "function";
  const exports = typeof modules.localsConvention === "function" || typeof modules.getJSON === "function";
  return {
    ...data(modules),
    globalModulePaths: modules.globalModulePaths?.map((p) =>
      p instanceof RegExp ? (p.ignoreCase ? "(?i)" : "") + p.source : literal(p),
    ),
    functions: names || exports ? { mode, names, exports } : undefined,
  };
}

function aliases(alias) {
  if (!alias) return undefined;
  const list = Array.isArray(alias)
    ? alias
    : Object.entries(alias).map(([find, replacement]) => ({ find, replacement }));
  return list
    .filter((a) => typeof a.replacement === "string" && !a.customResolver)
    .map(({ find, replacement }) =>
      find instanceof RegExp ? { find: find.source, flags: find.flags, replacement } : { find, replacement },
    );
}

const modulesOf = async ({ viteMode }) => (await loadVite(viteMode)).config.css.modules;

/** Returns what generateScopedName makes of the names of a stylesheet. */
export async function nameModule({ file, code, options }) {
  const { generateScopedName } = await modulesOf(options);
  return { code: JSON.stringify(options.names.map((name) => String(generateScopedName(name, file, code)))), deps: [] };
}

/** Returns the exports of a CSS module under the names of localsConvention, and tells them to getJSON. */
export async function exportModule({ file, options }) {
  const { localsConvention, getJSON } = await modulesOf(options);
  const exports = {};
  for (const { Name, Value } of options.names) {
    const names = typeof localsConvention === "function" ? localsConvention(Name, Value, file) : Name;
    for (const name of [names].flat()) exports[name] = Value;
  }
  await getJSON?.(file, exports, file);
  return { code: JSON.stringify(Object.entries(exports).map(([Name, Value]) => ({ Name, Value }))), deps: [] };
}
