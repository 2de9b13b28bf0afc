// The Node host runs the project's own JavaScript tools for devserver: PostCSS, Tailwind, Sass, Less, TypeScript,
// vite.config. It speaks the protocol of internal/wire: frames of a 4-byte big-endian length and JSON, on stdin and
// stdout. All packages are resolved from the project, never from here. Tools print to stderr.
import { createRequire } from "node:module";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL, fileURLToPath } from "node:url";

const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr); // a tool that logs must not break the frames
console.log = console.info = console.debug = console.error;

process.env.VITE_CJS_IGNORE_WARNING = "1"; // Vite 5 warns each program that loads it by require

const project = process.cwd(); // the folder of its configuration
const root = resolve(process.argv[2] ?? "."); // the folder that is served

/** Resolves a package from the project, or from inside one of the packages that depend on it. */
function find(specifier, ...through) {
  const own = [...new Set([root, project])].map((dir) => join(dir, "package.json"));
  const starts = [...own];
  for (const name of through) {
    for (const from of own) {
      try {
        starts.push(createRequire(from).resolve(name));
      } catch {
        try {
          starts.push(join(dirname(createRequire(from).resolve(name + "/package.json")), "package.json"));
        } catch {
          continue; // not installed: try the next package
        }
      }
    }
  }
  let error;
  for (const start of starts) {
    try {
      return createRequire(start).resolve(specifier);
    } catch (e) {
      error = e;
    }
  }
  const name = specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : specifier.split("/")[0];
  throw Object.assign(new Error(`${name} is not installed in this project`), {
    hint: `npm install -D ${name}`,
    cause: error,
    missing: true,
  });
}

async function load(specifier, ...through) {
  const module = await import(pathToFileURL(find(specifier, ...through)).href);
  // Node finds only some of the names of a CommonJS package. Its default export has them all.
  return module.default && typeof module.default === "object" ? { ...module.default, ...module } : module;
}

const plain = (module) => module.default ?? module;

// ---- PostCSS

const postcssConfigs = new Map(); // option -> {loading, deps, stamps}
let reads = 0; // Node loads a module once for each address

/** `option` names the configuration file, or is the configuration itself: css.postcss of the project's. */
async function postcssConfig(option) {
  const key = JSON.stringify(option);
  let state = postcssConfigs.get(key);
  if (state?.deps?.some((d) => stamp(d) !== state.stamps.get(d))) {
    for (const d of state.deps) delete createRequire(d).cache[d]; // CommonJS must read it again
    state = undefined;
  }
  if (!state) {
    state = { loading: option.configFile ? readPostCSS(option.configFile) : givenPostCSS(option) };
    postcssConfigs.set(key, state);
    state.loading.catch(() => postcssConfigs.delete(key)); // the next file tries again
  }
  const config = await state.loading;
  if (!state.deps) {
    state.stamps = new Map(config.deps.map((d) => [d, stamp(d)]));
    state.deps = config.deps;
  }
  return config;
}

async function givenPostCSS(option) {
  // The plugins of a vite.config are functions, which cannot be sent. So they are loaded here, where they run.
  const { plugins, ...options } = option.viteMode ? (await loadVite(option.viteMode)).config.css.postcss : option;
  return { deps: [], plugins: await pluginsOf(plugins, join(project, "package.json")), options };
}

async function readPostCSS(file) {
  const { cache } = createRequire(file);
  const before = new Set(Object.keys(cache));
  let { config, deps } = await postcssModule(file);
  if (typeof config === "function")
    config = await config({
      cwd: project,
      env: process.env.NODE_ENV ?? "development",
      mode: "development",
      file: {},
      options: {},
    });
  const { plugins, ...options } = config ?? {};
  for (const name of ["parser", "syntax", "stringifier"])
    if (typeof options[name] === "string") options[name] = plain(await loadFrom(file, options[name]));
  const list = await pluginsOf(plugins, file);
  const required = Object.keys(cache).filter((f) => !before.has(f) && !f.includes("node_modules"));
  return { deps: [...new Set([file, ...deps, ...required])], plugins: list, options };
}

async function postcssModule(file) {
  const read = () => readFileSync(file, "utf8");
  if (file.endsWith("package.json")) return { config: JSON.parse(read()).postcss, deps: [] };
  if (/\.ya?ml$/.test(file)) return { config: (await load("yaml")).parse(read()), deps: [] };
  if (/rc$|\.json$/.test(file)) return { config: JSON.parse(read()), deps: [] };
  try {
    return { config: plain(await import(pathToFileURL(file).href + `?t=${reads++}`)), deps: [] };
  } catch (e) {
    if (!/\.[cm]?ts$/.test(file)) throw e;
  }
  // This Node does not read TypeScript by itself.
  const vite = await load("vite");
  const made = await vite.loadConfigFromFile({ command: "serve", mode: "development" }, file, project, "silent");
  return { config: made.config, deps: made.dependencies.map((d) => resolve(d)) };
}

async function pluginsOf(plugins, file) {
  const list = [];
  if (Array.isArray(plugins)) {
    for (const p of plugins.flat()) {
      if (!p) continue;
      list.push(typeof p === "string" ? await instance(file, p) : Array.isArray(p) ? await instance(file, ...p) : p);
    }
  } else {
    for (const [name, options] of Object.entries(plugins ?? {})) {
      if (options !== false) list.push(await instance(file, name, options === true ? undefined : options));
    }
  }
  return list;
}

async function instance(file, name, options) {
  const make = plain(await loadFrom(file, name));
  return make.postcss === true || typeof make === "function" ? make(options) : make;
}

/** Loads a package that a configuration file names: as the file finds it, or else as the project does. */
async function loadFrom(file, name) {
  let at;
  try {
    at = createRequire(file).resolve(name);
  } catch {
    return load(name);
  }
  return import(pathToFileURL(at).href);
}

/** Reads the text after `@import`: the specifier, and the conditions under which the import applies. */
function importOf(params) {
  const m = /^(?:url\(\s*)?(?:"([^"]*)"|'([^']*)'|([^\s"'()]+))\s*\)?\s*([^]*)$/.exec(params);
  if (!m) return undefined;
  const [, layer, media] = /^(layer(?:\([^)]*\))?(?=\s|$))?\s*([^]*)$/.exec(m[4]);
  const supports = /^supports(\((?:[^()]|\([^()]*\))*\))\s*/.exec(media);
  return {
    specifier: m[1] ?? m[2] ?? m[3],
    layer: layer?.replace(/^layer\(?|\)$/g, ""),
    supports: supports?.[1],
    media: media.slice(supports?.[0].length ?? 0),
  };
}

/**
 * Replaces the imports of a stylesheet by the imported text, once for the same conditions. An import that is not in
 * `imports` stays. `above` holds the files that led here, and `under` their conditions.
 */
function inlineImports(postcss, root, file, imports, parse, above = [file], under = "", seen = new Set()) {
  const top = above[0];
  const left = [];
  for (const node of [...root.nodes]) {
    if (node.type === "atrule" && node.name.toLowerCase() === "charset") node.remove(); // the text is UTF-8 by now
    if (node.type !== "atrule" || node.name.toLowerCase() !== "import" || node.nodes) continue;
    const statement = importOf(node.params);
    const to = statement && imports.paths[file]?.[statement.specifier];
    if (!to) {
      if (file !== top && /^(?:\w+:)?\/\//.test(statement?.specifier ?? "")) left.push(node.remove()); // from another site
      continue;
    }
    const { layer, supports, media } = statement;
    const conditions = [under, layer, supports, media].join("\n").trim();
    if (seen.has(to + conditions) || above.includes(to)) {
      node.remove();
      continue;
    }
    seen.add(to + conditions);
    const sheet = parse(imports.texts[to], { from: to });
    if (dirname(to) !== dirname(top)) rebase(sheet, dirname(to), dirname(top));
    left.push(...inlineImports(postcss, sheet, to, imports, parse, [...above, to], conditions, seen));
    let { nodes } = sheet;
    const within = (name, params) => (nodes = [postcss.atRule({ name, params, nodes, source: node.source })]);
    if (layer !== undefined) within("layer", layer);
    if (supports) within("supports", supports);
    if (media) within("media", media);
    node.replaceWith(...nodes);
  }
  if (file === top && left.length) root.prepend(...left); // imports come first
  return left;
}

/** Changes the relative addresses in a stylesheet to fit a stylesheet in another folder. */
function rebase(sheet, from, to) {
  const moved = (text) =>
    text.replace(/url\(\s*(["']?)([^"')]+)\1\s*\)/g, (all, quote, url) => {
      const path = url.replace(/[?#].*$/, "");
      if (/^(?:[a-z][\w+.-]*:|\/|#)/i.test(url) || (!/^\.\.?\//.test(url) && !existsSync(join(from, path)))) return all;
      const at = relative(to, join(from, path)).replaceAll("\\", "/");
      return `url(${quote}${at.startsWith(".") ? at : "./" + at}${url.slice(path.length)}${quote})`;
    });
  sheet.walkDecls((decl) => {
    if (decl.value.includes("url(")) decl.value = moved(decl.value);
  });
}

async function runPostCSS({ file, code, options, imports, map }) {
  const config = await postcssConfig(options);
  if (config.plugins.length === 0 && !config.options.parser && !config.options.syntax)
    return { code, deps: config.deps, dirs: [] };
  const postcss = plain(await load("postcss", "vite", "@tailwindcss/postcss"));
  const { parser, syntax } = config.options;
  const parse = parser?.parse ?? parser ?? syntax?.parse ?? postcss.parse;
  const own = config.plugins.some((p) => p.postcssPlugin === "@tailwindcss/postcss"); // inlines imports itself
  let input = code;
  if (imports && !own) {
    input = parse(code, { from: file, map: map ? {} : false });
    inlineImports(postcss, input, file, imports, parse);
  }
  const result = await postcss(config.plugins).process(input, {
    ...config.options,
    from: file,
    map: map ? { inline: true, annotation: true, sourcesContent: true } : false,
  });
  const deps = [...config.deps, ...(imports && !own ? Object.keys(imports.texts) : [])];
  const dirs = [];
  for (const m of result.messages) {
    if (["dependency", "build-dependency", "missing-dependency"].includes(m.type)) deps.push(resolve(m.file));
    else if (m.type === "dir-dependency") dirs.push({ dir: resolve(m.dir), glob: m.glob || "**/*" });
    else if (m.type === "context-dependency") dirs.push({ dir: resolve(m.file ?? m.dir), glob: "**/*" });
  }
  return {
    code: result.css,
    deps,
    dirs,
    warnings: result.warnings().map((w) => ({ message: w.text, file, line: w.line, column: w.column })),
  };
}

// ---- Tailwind 4 without its Vite plugin

const tailwinds = new Map(); // file -> {css, compiler, scanner, deps}

async function runTailwind({ file, code }) {
  const via = ["@tailwindcss/vite", "@tailwindcss/postcss"];
  const { compile } = await load("@tailwindcss/node", ...via);
  const { Scanner } = await load("@tailwindcss/oxide", ...via);
  let state = tailwinds.get(file);
  const stale = state?.deps.some((d) => stamp(d) !== state.stamps.get(d));
  if (!state || state.css !== code || stale) {
    const deps = [];
    const compiler = await compile(code, {
      base: dirname(file),
      from: file,
      onDependency: (d) => deps.push(resolve(d)),
    });
    const sources =
      compiler.root === "none"
        ? []
        : compiler.root === null
          ? [{ base: root, pattern: "**/*", negated: false }]
          : [{ ...compiler.root, negated: false }];
    state = {
      css: code,
      compiler,
      scanner: new Scanner({ sources: sources.concat(compiler.sources) }),
      deps,
      stamps: new Map(deps.map((d) => [d, stamp(d)])),
    };
    tailwinds.set(file, state);
  }
  const css = state.compiler.build(state.scanner.scan());
  return {
    code: css,
    deps: [...state.deps, ...state.scanner.files.map((f) => resolve(f))],
    dirs: state.scanner.globs.map((g) => ({ dir: resolve(g.base), glob: g.pattern })),
  };
}

const stamp = (file) => {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
};

// ---- Sass, Less, Stylus

const withMap = (code, map) =>
  map
    ? `${code}\n/*# sourceMappingURL=data:application/json;base64,${Buffer.from(typeof map === "string" ? map : JSON.stringify(map)).toString("base64")} */`
    : code;

/**
 * Returns the options of css.preprocessorOptions, and the code with additionalData, which is text before the code or a
 * function that makes the code. Functions of a vite.config cannot be sent, so they are loaded here, where they run.
 */
async function styleOptions(language, given, file, code) {
  const options = given.viteMode
    ? ((await loadVite(given.viteMode)).config.css.preprocessorOptions[language] ?? {})
    : given;
  const { additionalData, api, ...rest } = options;
  if (typeof additionalData !== "function") return { code: (additionalData ?? "") + code, rest };
  const made = await additionalData(code, file);
  return { code: typeof made === "string" ? made : made.content, rest };
}

async function runSass({ file, code, options = {}, map }) {
  let sass;
  try {
    sass = await load("sass-embedded");
  } catch {
    sass = await load("sass");
  }
  const indented = file.endsWith(".sass");
  const prepared = await styleOptions(indented ? "sass" : "scss", options, file, code);
  const result = await sass.compileStringAsync(prepared.code, {
    url: pathToFileURL(file),
    syntax: indented ? "indented" : "scss",
    loadPaths: [dirname(file), root, join(root, "node_modules")],
    logger: { warn() {}, debug: (message) => console.error(message) },
    ...prepared.rest,
    importers: [...(prepared.rest.importers ?? []), { findFileUrl: (url) => packageStyle(url, file) }],
    sourceMap: Boolean(map),
    sourceMapIncludeSources: true,
  });
  return {
    code: withMap(result.css, result.sourceMap),
    deps: result.loadedUrls
      .filter((u) => u.protocol === "file:")
      .map((u) => fileURLToPath(u))
      .filter((f) => f !== file),
  };
}

/** Finds the styles of packages by name: `@use "pkg/style"` and `~pkg/style`. */
function packageStyle(url, from) {
  const name = url.replace(/^~/, "");
  if (name.startsWith(".") || name.startsWith("/") || name.includes(":")) return null;
  for (let dir = dirname(from); ; dir = dirname(dir)) {
    const candidate = join(dir, "node_modules", name);
    if (
      existsSync(dirname(candidate)) &&
      existsSync(
        join(
          dir,
          "node_modules",
          name
            .split("/")
            .slice(0, name.startsWith("@") ? 2 : 1)
            .join("/"),
        ),
      )
    )
      return pathToFileURL(candidate);
    if (dirname(dir) === dir) return null;
  }
}

async function runLess({ file, code, options = {}, map }) {
  const less = plain(await load("less"));
  const prepared = await styleOptions("less", options, file, code);
  const result = await less.render(prepared.code, {
    filename: file,
    paths: [dirname(file), root, join(root, "node_modules")],
    ...prepared.rest,
    sourceMap: map ? { outputSourceFiles: true } : undefined,
  });
  return { code: withMap(result.css, result.map), deps: result.imports.map((f) => resolve(f)) };
}

async function runStylus({ file, code, options = {} }) {
  const stylus = plain(await load("stylus"));
  const prepared = await styleOptions("stylus", options, file, code);
  const style = stylus(prepared.code, { filename: file, paths: [dirname(file), root], ...prepared.rest });
  return { code: style.render(), deps: style.deps().map((f) => resolve(f)) };
}

// ---- TypeScript, for decorator metadata only

async function runTypeScript({ file, code, options = {} }) {
  const ts = plain(await load("typescript"));
  const own = options.compilerOptions ?? {};
  const { options: compilerOptions } = ts.convertCompilerOptionsFromJson(
    {
      ...own,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      jsx: "preserve",
      module: "esnext",
      target: own.target ?? "esnext",
      sourceMap: false,
      inlineSourceMap: true,
      inlineSources: true,
      noEmit: false,
    },
    root,
  );
  return { code: ts.transpileModule(code, { fileName: file, compilerOptions }).outputText, deps: [] };
}

// ---- vite.config

const viteFiles = [
  "vite.config.js",
  "vite.config.mjs",
  "vite.config.ts",
  "vite.config.cjs",
  "vite.config.mts",
  "vite.config.cts",
];

const loadedVite = new Map(); // mode -> promise; an edited configuration gets another process

function loadVite(mode) {
  if (!loadedVite.has(mode)) {
    const loading = readVite(mode);
    loadedVite.set(mode, loading);
    loading.catch(() => loadedVite.delete(mode));
  }
  return loadedVite.get(mode);
}

async function readVite(mode) {
  const name = viteFiles.find((f) => existsSync(join(project, f)));
  if (!name) return null;
  const vite = await load("vite");
  process.setSourceMapsEnabled(true); // places in errors are those of the configuration as it is written
  return vite.loadConfigFromFile(
    { command: "serve", mode, isSsrBuild: false, isPreview: false },
    join(project, name),
    project,
    "silent",
  );
}

async function readViteConfig({ mode }) {
  const loaded = await loadVite(mode);
  if (!loaded) return null;
  const { config } = loaded;
  const env = { command: "serve", mode, isSsrBuild: false, isPreview: false };
  const applies = (p) =>
    p && (!p.apply || (typeof p.apply === "function" ? p.apply({ ...config, mode }, env) : p.apply === "serve"));
  const plugins = (await Promise.all((config.plugins ?? []).flat(Infinity))).flat(Infinity).filter(applies);
  return {
    file: loaded.path,
    deps: loaded.dependencies.map((d) => resolve(d)),
    plugins: [...new Set(plugins.map((p) => p.name).filter(Boolean))],
    config: carried(config, plugins, mode),
    notCarried: [...notCarried(config), ...unfollowed(config, followed)],
  };
}

/** Returns the values of a config that another process can use. */
function carried(config, plugins, mode) {
  const served = resolve(config.root ?? "."); // relative to the working directory, unlike other paths
  const out = { root: config.root ? served : undefined };
  for (const key of ["mode", "base", "envDir", "envPrefix", "json", "appType"])
    if (config[key] !== undefined) out[key] = data(config[key]);
  if (config.publicDir !== undefined) out.publicDir = config.publicDir === "" ? false : config.publicDir;
  const define = { ...config.define, ...config.environments?.client?.define };
  if (Object.keys(define).length)
    out.define = Object.fromEntries(
      Object.entries(define).map(([k, v]) => [k, typeof v === "string" ? v : (JSON.stringify(v) ?? "undefined")]),
    );
  if (config.assetsInclude) out.assetsInclude = [config.assetsInclude].flat().map(filePattern);
  const r = merged(config.resolve ?? {}, config.environments?.client?.resolve ?? {});
  out.resolve = {
    conditions: r.conditions,
    dedupe: r.dedupe,
    extensions: r.extensions,
    mainFields: r.mainFields,
    preserveSymlinks: r.preserveSymlinks,
    alias: aliases(r.alias),
  };
  if (config.css)
    out.css = {
      transformer: config.css.transformer,
      modules: data(config.css.modules),
      preprocessorOptions: styleValues(config.css.preprocessorOptions, mode),
      postcss: config.css.postcss && typeof config.css.postcss === "object" ? { viteMode: mode } : config.css.postcss,
    };
  out.esbuild = { ...pluginJSX(plugins, mode), ...oxcJSX(config.oxc), ...data(config.esbuild || undefined) };
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
  if (s.proxy) out.proxy = Object.fromEntries(Object.entries(s.proxy).map(([k, v]) => [k, proxyRule(k, v, mode)]));
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

/** Returns the JSX options that the plugins of frameworks set. */
function pluginJSX(plugins, mode) {
  const jsx = {};
  for (const p of plugins) {
    if (!/^(vite:react|vite:preact|preact:)/.test(p.name ?? "")) continue;
    try {
      const hook = typeof p.config === "object" ? p.config?.handler : p.config;
      const set = hook?.call({ meta: {} }, {}, { command: "serve", mode });
      Object.assign(jsx, oxcJSX(set?.oxc), data(set?.esbuild || undefined));
    } catch (e) {
      console.error(`${p.name}: ${e.message}`); // the hook needs more of Vite
    }
  }
  return {
    jsx: jsx.jsx,
    jsxImportSource: jsx.jsxImportSource,
    jsxFactory: jsx.jsxFactory,
    jsxFragment: jsx.jsxFragment,
  };
}

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

/** Options with functions stay here, see styleOptions. The text of the functions changes when they do. */
function styleValues(languages, mode) {
  if (!languages) return undefined;
  return Object.fromEntries(
    Object.entries(languages).map(([language, options]) => {
      let functions = "";
      JSON.stringify(options, (_, v) => (typeof v === "function" ? void (functions += v) : v));
      return [language, functions ? { ...data(options), viteMode: mode, functions } : options];
    }),
  );
}

/** Returns the address of a target, which may be an object of parts. */
function address(target) {
  if (typeof target === "string" || target == null) return target;
  if (target.href) return target.href;
  const { protocol = "http:", host, hostname = host, port, path = "" } = target;
  return `${protocol.replace(/:?$/, ":")}//${hostname}${port ? ":" + port : ""}${path}`;
}

function proxyRule(key, v, mode) {
  if (typeof v === "string") return v;
  const rule = data({
    target: address(v.target),
    changeOrigin: v.changeOrigin,
    ws: v.ws,
    headers: v.headers,
    secure: v.secure,
    cookieDomainRewrite: v.cookieDomainRewrite,
    cookiePathRewrite: v.cookiePathRewrite,
    rewriteWsOrigin: v.rewriteWsOrigin,
  });
  if (typeof v.rewrite === "function") rule.rewrite = rewriteRule(key, v.rewrite) ?? undefined;
  const rewrite = typeof v.rewrite === "function" && !rule.rewrite;
  const bypass = typeof v.bypass === "function";
  if (rewrite || bypass) rule.functions = { mode, rewrite, bypass }; // called for each request
  return rule;
}

const proxyOf = async ({ mode, key }) => (await loadVite(mode)).config.server.proxy[key];

async function rewritePath(asked) {
  return { path: String(await (await proxyOf(asked)).rewrite(asked.path)) };
}

/** Calls a rule's bypass(), which may answer a request without the backend. */
async function bypassProxy(asked) {
  const rule = await proxyOf(asked);
  const res = new Answer();
  const made = await rule.bypass(asked.request, res, rule);
  if (res.writableEnded)
    return { status: res.statusCode, headers: res.headers, body: Buffer.concat(res.chunks).toString("base64") };
  if (made === false) return { status: 404 };
  return typeof made === "string" ? { url: made } : {};
}

/** The response that a bypass() may write to. It has the parts of a ServerResponse that this takes. */
class Answer {
  statusCode = 200;
  headers = {};
  chunks = [];
  writableEnded = false;
  get headersSent() {
    return this.writableEnded;
  }
  setHeader(name, value) {
    this.headers[name.toLowerCase()] = String(value);
    return this;
  }
  getHeader(name) {
    return this.headers[name.toLowerCase()];
  }
  hasHeader(name) {
    return name.toLowerCase() in this.headers;
  }
  removeHeader(name) {
    delete this.headers[name.toLowerCase()];
  }
  writeHead(status, ...rest) {
    this.statusCode = status;
    for (const [name, value] of Object.entries(rest.at(-1) ?? {}))
      if (typeof rest.at(-1) === "object") this.setHeader(name, value);
    return this;
  }
  write(chunk) {
    this.chunks.push(Buffer.from(chunk));
    return true;
  }
  end(chunk) {
    if (chunk && typeof chunk !== "function") this.write(chunk);
    this.writableEnded = true;
    return this;
  }
}

const literal = (s) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/**
 * Returns a rewrite function as patterns, or null. A function that is a single replace() is read from its text. A
 * function that only changes the beginning of the path is found by trying a few paths, however it is written. All other
 * functions are called for each request.
 */
function rewriteRule(key, f) {
  const start = key.startsWith("^") ? "" : key; // an expression has no beginning to try
  const rests = ["/one", "/", `/two${start}/x%2Fy?q=1;a`, ""];
  let made; // the rewritten paths
  try {
    made = rests.map((rest) => String(f(start + rest)));
  } catch {
    // the function needs a path of another form
  }
  let read;
  try {
    read = readReplace(f.toString());
  } catch {
    // it looked like an expression, but is not
  }
  if (read && (made ?? []).every((path, i) => path === (start + rests[i]).replace(read.find, read.replacement)))
    return read.rule;
  const now = made?.at(-1);
  if (start && made?.every((path, i) => path === now + rests[i]))
    return { ["^" + literal(key)]: now.replaceAll("$", "$$$$") };
  return null;
}

function readReplace(code) {
  if (code.split(".replace").length !== 2) return null;
  const m =
    /\.replace\(\s*(?:\/((?:\\.|[^/\\])+)\/([a-z]*)|new RegExp\(\s*["'`]([^"'`\\]+)["'`]\s*\)|["'`]([^"'`\\]+)["'`])\s*,\s*["'`]([^"'`\\]*)["'`]\s*\)\s*;?\s*\}?\s*$/.exec(
      code,
    );
  if (!m) return null;
  const [, source, flags = "", made, text, replacement] = m;
  if (/[^gi]/.test(flags) || /\$[^\d]/.test(replacement) || /\$\{/.test(made ?? text ?? "")) return null; // a template has values that are not known here
  const pattern = source?.replaceAll("\\/", "/") ?? made ?? literal(text);
  const find = new RegExp(pattern, flags);
  const cased = flags.includes("i") ? `(?i:${pattern})` : pattern;
  if (flags.includes("g") || pattern.startsWith("^")) return { find, replacement, rule: { [cased]: replacement } };
  // JavaScript replaces only the first match, so the expression includes the text before it.
  return {
    find,
    replacement,
    rule: { [`^(.*?)(?:${cased})`]: "$1" + replacement.replace(/\$(\d)/g, (_, n) => "$" + (Number(n) + 1)) },
  };
}

/** The options of an esbuild or oxc transform that are followed or named, or that concern a build. */
const compilerOptions = {
  ...names(
    "jsx jsxDev jsxFactory jsxFragment jsxImportSource jsxInject target supported drop dropLabels pure tsconfigRaw banner footer",
  ),
  ...names("decorator define inject assumptions legalComments charset keepNames treeShaking sourcemap sourcesContent"),
  ...names(
    "minify minifyIdentifiers minifySyntax minifyWhitespace logLevel logLimit logOverride color format platform",
  ),
};

/** The options of a proxy's rule that are followed or named. */
const ruleOptions = names(
  "target changeOrigin ws headers secure cookieDomainRewrite cookiePathRewrite rewriteWsOrigin rewrite bypass agent auth " +
    "autoRewrite configure followRedirects forward hostRewrite ignorePath method protocolRewrite router selfHandleResponse toProxy",
);

const resolveOptions = names(
  "alias conditions dedupe extensions mainFields preserveSymlinks tsconfigPaths externalConditions noExternal external builtins",
);

const devOptions = names("warmup preTransformRequests sourcemap recoverable moduleRunnerTransform");

/**
 * The options that are followed, that notCarried names, or that have nothing to do with serving modules to a browser.
 * An object holds the options of an option. The terminal names all others that a config sets.
 */
const followed = {
  ...names(
    "root base mode publicDir envDir envPrefix assetsInclude define json appType plugins tsconfig html clearScreen",
  ),
  ...names("cacheDir build builder preview ssr optimizeDeps future devtools test"),
  resolve: resolveOptions,
  css: {
    ...names("transformer preprocessorOptions preprocessorMaxWorkers postcss devSourcemap lightningcss"),
    modules: names(
      "localsConvention generateScopedName scopeBehaviour getJSON globalModulePaths hashPrefix exportGlobals Loader root resolve",
    ),
  },
  esbuild: compilerOptions,
  oxc: {
    ...compilerOptions,
    jsx: names("runtime importSource pragma pragmaFrag refresh"),
    typescript: names("jsxPragma jsxPragmaFrag declaration"),
  },
  worker: names("format plugins rollupOptions rolldownOptions"),
  server: {
    ...names("host port strictPort open allowedHosts headers hmr ws forwardConsole origin warmup preTransformRequests"),
    ...names("perEnvironmentStartEndDuringDev perEnvironmentWatchChangeDuringDev"),
    fs: names("strict allow deny cachedChecks"),
    cors: names("origin"),
    watch: names("usePolling interval binaryInterval ignored awaitWriteFinish"),
    https: names("key cert pfx"),
    proxy: new Proxy({}, { get: () => ruleOptions }), // any path
  },
  dev: devOptions,
  environments: new Proxy(
    {
      client: {
        ...names("define optimizeDeps build consumer keepProcessEnv"),
        resolve: resolveOptions,
        dev: devOptions,
      },
    },
    { get: (own, name) => own[name] ?? true }, // the other environments are no browser's
  ),
  experimental: names("renderBuiltUrl hmrPartialAccept"),
  legacy: names("skipWebSocketTokenCheck"),
};

function names(list) {
  return Object.fromEntries(list.split(" ").map((name) => [name, true]));
}

/** Lists the options that the table does not have. */
function unfollowed(options, table, at = "") {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value == null || value === false || table[name] === true) return [];
    if (!table[name]) return [at + name];
    return typeof value === "object" ? unfollowed(value, table[name], `${at}${name}.`) : [];
  });
}

/** Lists the values of a config that only a running Vite could use. The terminal shows them. */
function notCarried(config) {
  const not = [];
  if (config.clearScreen === false) not.push("clearScreen: devserver.config.json and --clearScreen have it");
  const tell = (values, at, names, why = "") => {
    for (const name of names) if (values?.[name] !== undefined && values[name] !== false) not.push(at + name + why);
  };
  const { css, server } = config;
  for (const [key, rule] of Object.entries(config.server?.proxy ?? {})) {
    if (typeof rule !== "object") continue;
    tell(rule, `server.proxy ${JSON.stringify(key)}: `, [
      "agent",
      "auth",
      "autoRewrite",
      "followRedirects",
      "forward",
      "hostRewrite",
      "ignorePath",
      "method",
      "protocolRewrite",
      "selfHandleResponse",
      "toProxy",
    ]);
    for (const name of ["configure", "router"])
      if (typeof rule[name] === "function") not.push(`server.proxy ${JSON.stringify(key)}: ${name}, a function`);
  }
  for (const a of [config.resolve?.alias ?? []].flat())
    if (a.customResolver) not.push(`resolve.alias ${JSON.stringify(String(a.find))}: customResolver`);
  for (const name of ["generateScopedName", "localsConvention"])
    if (typeof css?.modules?.[name] === "function") not.push(`css.modules.${name}, a function`);
  tell(css?.modules, "css.modules.", ["getJSON", "globalModulePaths", "hashPrefix", "exportGlobals"]);
  if (css?.transformer === "lightningcss")
    tell(css, "css.", ["lightningcss"], ": stylesheets stay as they are written");
  tell(config.esbuild, "esbuild.", ["drop", "dropLabels", "pure", "tsconfigRaw", "banner", "footer"]);
  tell(config.oxc, "oxc.", ["decorator", "define", "inject", "assumptions"]);
  tell(config.html, "html.", ["cspNonce", "additionalAssetSources"]);
  tell(
    config,
    "",
    ["tsconfig", "worker"].filter((name) => name !== "worker" || config.worker?.plugins),
  );
  tell(server, "server.", ["origin"]);
  if ([server?.cors?.origin ?? []].flat().some((o) => o instanceof RegExp || typeof o === "function"))
    not.push("server.cors.origin: expressions and functions");
  if ([server?.watch?.ignored ?? []].flat().some((p) => typeof p !== "string"))
    not.push("server.watch.ignored: expressions and functions");
  if (server?.https?.pfx) not.push("server.https.pfx: give key and cert");
  return not;
}

function aliases(alias) {
  if (!alias) return undefined;
  const list = Array.isArray(alias)
    ? alias
    : Object.entries(alias).map(([find, replacement]) => ({ find, replacement }));
  return list
    .filter((a) => typeof a.replacement === "string")
    .map(({ find, replacement }) =>
      find instanceof RegExp ? { find: find.source, flags: find.flags, replacement } : { find, replacement },
    );
}

/** Returns the value without the parts that JSON does not have. */
function data(value) {
  return value === undefined
    ? undefined
    : JSON.parse(
        JSON.stringify(value, (_, v) =>
          typeof v === "function" || typeof v === "symbol" ? undefined : v instanceof RegExp ? v.source : v,
        ),
      );
}

// ---- The protocol

const methods = {
  postcss: runPostCSS,
  tailwind: runTailwind,
  sass: runSass,
  less: runLess,
  stylus: runStylus,
  typescript: runTypeScript,
  viteConfig: readViteConfig,
  proxyRewrite: rewritePath,
  proxyBypass: bypassProxy,
  warm,
};

/** Loads the named packages before their first use. A missing package is an error only at its first use. */
async function warm({ packages }) {
  await Promise.allSettled(packages.map((p) => load(p, "@tailwindcss/vite", "vite")));
  return {};
}

/** Returns the place in the project's own files at which an error was thrown. */
function placeOf(e) {
  for (const [, file, line, column] of String(e.stack ?? "").matchAll(
    /^\s+at .*?\(?((?:file:\/\/)?\/[^():]+):(\d+):(\d+)\)?$/gm,
  )) {
    const at = file.startsWith("file:") ? fileURLToPath(file.replace(/\?.*/, "")) : file;
    if (at.startsWith(project) && !at.includes("node_modules"))
      return { file: at, line: Number(line), column: Number(column) - 1 };
  }
  return undefined;
}

/** Returns the first error of a bundler. Vite throws one for a configuration that does not parse. */
function ofBuild(e, message) {
  const { text, location } = e.errors?.[0] ?? {}; // esbuild
  if (location) return { text, file: resolve(location.file), line: location.line, column: location.column };
  const m = /^Build failed.*\n+(?:\[\w+\] )?(.+)\n[^]*?\[ (.+?):(\d+):(\d+) \]/.exec(message); // Rolldown
  return m && { text: m[1], file: resolve(m[2]), line: Number(m[3]), column: Number(m[4]) - 1 };
}

function failure(thrown) {
  const e = thrown ?? new Error(`the tool threw ${thrown}`); // every call needs an answer, whatever was thrown
  const message = (e.sassMessage ?? e.reason ?? e.message ?? String(e)).replace(/\x1b\[[\d;]*m/g, "");
  const span = e.span; // Sass
  const place = e.line === undefined && !span && !e.loc ? (ofBuild(e, message) ?? placeOf(e)) : undefined;
  const file =
    e.file ??
    e.filename ??
    e.input?.file ??
    (span?.url ? fileURLToPath(span.url) : undefined) ??
    e.loc?.file ??
    e.id ??
    place?.file;
  const line = e.line ?? (span ? span.start.line + 1 : undefined) ?? e.loc?.line ?? place?.line;
  const column = e.column ?? (span ? span.start.column : undefined) ?? e.loc?.column ?? place?.column ?? 0;
  return {
    code: e.missing ? "not_installed" : undefined,
    message: place?.text ?? message,
    hint: e.hint,
    file,
    line,
    column: line === undefined ? undefined : column + (e.name === "CssSyntaxError" ? 0 : 1), // PostCSS counts from 1
  };
}

function send(message) {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  write(Buffer.concat([head, body]));
}

async function answer({ id, method, params, cancel }) {
  if (cancel) return; // nobody waits any more, and the work ends by itself
  try {
    const run = methods[method];
    if (!run) throw new Error(`unknown method ${method}`);
    // Values that Go leaves out arrive as null, for which JavaScript uses no default values.
    const given = Object.fromEntries(Object.entries(params ?? {}).filter(([, v]) => v !== null));
    send({ id, result: (await run(given)) ?? null });
  } catch (e) {
    send({ id, error: failure(e) });
  }
}

let pending = Buffer.alloc(0);
process.stdin.on("data", (chunk) => {
  pending = pending.length ? Buffer.concat([pending, chunk]) : chunk;
  while (pending.length >= 4) {
    const length = pending.readUInt32BE(0);
    if (pending.length < 4 + length) return;
    const message = JSON.parse(pending.subarray(4, 4 + length).toString());
    pending = pending.subarray(4 + length);
    void answer(message);
  }
});
process.stdin.on("end", () => process.exit(0)); // the server is gone
process.on("uncaughtException", (e) => console.error(e));
process.on("unhandledRejection", (e) => console.error(e));
send({ method: "hello", params: { protocol: 2, info: { plugins: [] } } });
