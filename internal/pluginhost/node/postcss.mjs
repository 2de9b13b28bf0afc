// PostCSS with the plugins of the project, and Tailwind 4 without its Vite plugin.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { load, plain, project, root, stamp } from "./packages.mjs";
import { StyleRun } from "./styles.mjs";
import { loadVite } from "./vite.mjs";
import { ask } from "./wire.mjs";

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
    const inner = inlineImports(postcss, sheet, to, imports, parse, [...above, to], conditions, seen);
    left.push(...inner.map((rule) => underConditions(rule, statement)));
    let { nodes } = sheet;
    const within = (name, params) => (nodes = [postcss.atRule({ name, params, nodes, source: node.source })]);
    if (layer !== undefined) within("layer", layer);
    if (supports) within("supports", supports);
    if (media) within("media", media);
    node.replaceWith(...nodes);
  }
  if (file === top && left.length) {
    // Imports come first, behind the statements that give the order of layers.
    const rest = root.nodes.find((node) => node.type !== "comment" && (node.name !== "layer" || node.nodes));
    if (rest) rest.before(left);
    else root.append(...left);
  }
  return left;
}

/** Puts an import from another site under the conditions of the import of its stylesheet. */
function underConditions(rule, { layer, supports, media }) {
  const text = layer === undefined ? "" : layer ? `layer(${layer}) ` : "layer ";
  const conditions = text + (supports ? `supports${supports} ` : "") + media;
  if (conditions) rule.params = `url("data:text/css,${encodeURIComponent(`@import ${rule.params};`)}") ${conditions}`;
  return rule;
}

/**
 * A plugin that changes the addresses of imported files to fit the stylesheet `file`. It is the last plugin: plugins see
 * addresses as they are written, and may add more.
 */
function rebasing(file, module, lookups) {
  return {
    postcssPlugin: "devserver-rebase",
    async OnceExit(root) {
      const decls = [];
      root.walkDecls((decl) => {
        const from = decl.source?.input.file;
        if (from && dirname(from) !== dirname(file) && /url\(|image-set\(/i.test(decl.value)) decls.push(decl);
      });
      if (decls.length === 0) return;
      const values = decls.map((decl) => ({ file: decl.source.input.file, text: decl.value }));
      const answer = await ask("rebase", { module, entry: file, values });
      lookups.push(...(answer.lookups ?? []));
      decls.forEach((decl, i) => {
        if (decl.value !== answer.values[i]) decl.value = answer.values[i];
      });
    },
  };
}

export async function runPostCSS({ file, module, code, options, imports, map }) {
  const config = await postcssConfig(options);
  if (config.plugins.length === 0 && !config.options.parser && !config.options.syntax)
    return { code, deps: config.deps, dirs: [] };
  const postcss = plain(await load("postcss", "vite", "@tailwindcss/postcss"));
  const { parser, syntax } = config.options;
  const custom = parser?.parse ?? parser ?? syntax?.parse ?? postcss.parse;
  const isCSS = (name) => /\.(css|pcss|postcss)$/i.test(name); // the other languages are CSS by now
  const parse = (text, o) => (isCSS(o.from) ? custom : postcss.parse)(text, o);
  const own = config.plugins.some((p) => p.postcssPlugin === "@tailwindcss/postcss"); // inlines and rebases itself
  let input = code;
  if (imports && !own) {
    input = parse(code, { from: file, map: map ? {} : false });
    inlineImports(postcss, input, file, imports, parse);
  }
  const lookups = [];
  const last = own ? [] : [rebasing(file, module, lookups)];
  const result = await postcss([...config.plugins, ...last]).process(input, {
    ...config.options,
    ...(isCSS(file) ? {} : { parser: undefined, syntax: undefined }),
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
    lookups,
    warnings: result.warnings().map((w) => ({ message: w.text, file, line: w.line, column: w.column })),
  };
}

// ---- Tailwind 4 without its Vite plugin

const tailwinds = new Map(); // file -> {css, compiler, scanner, deps, lookups}

export async function runTailwind({ file, module, code }) {
  const via = ["@tailwindcss/vite", "@tailwindcss/postcss"];
  const { compile } = await load("@tailwindcss/node", ...via);
  const { Scanner } = await load("@tailwindcss/oxide", ...via);
  let state = tailwinds.get(file);
  const stale = state?.deps.some((d) => stamp(d) !== state.stamps.get(d));
  if (!state || state.css !== code || stale) {
    const deps = [];
    const run = new StyleRun({ file, module }, "css", { rebase: false });
    const compiler = await compile(code, {
      base: dirname(file),
      from: file,
      onDependency: (d) => deps.push(resolve(d)),
      customCssResolver: async (specifier, base) => (await run.find(specifier, join(base, "importer")))?.file,
      shouldRewriteUrls: true,
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
      lookups: run.lookups,
      stamps: new Map(deps.map((d) => [d, stamp(d)])),
    };
    tailwinds.set(file, state);
  }
  const css = state.compiler.build(state.scanner.scan());
  return {
    code: css,
    deps: [...state.deps, ...state.scanner.files.map((f) => resolve(f))],
    lookups: state.lookups,
    dirs: state.scanner.globs.map((g) => ({ dir: resolve(g.base), glob: g.pattern })),
  };
}
