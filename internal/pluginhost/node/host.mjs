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

process.env.NODE_ENV ||= "development"; // as Vite does before anything else runs
const startEnv = { ...process.env };

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

async function runPostCSS({ file, module, code, options, imports, map }) {
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

async function runTailwind({ file, module, code }) {
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

const stamp = (file) => {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
};

// ---- Sass, Less, Stylus

/**
 * Puts a source map at the end of the code. The texts of imported files are left out, since their addresses were changed:
 * the server reads the files.
 */
function withMap(code, map, file) {
  if (!map) return code;
  const { sourcesContent, ...rest } = typeof map === "string" ? JSON.parse(map) : map;
  const pathOf = (source) => (source.startsWith("file:") ? fileURLToPath(source) : resolve(dirname(file), source));
  const contents = rest.sources.map((source, i) => (pathOf(source) === file ? (sourcesContent?.[i] ?? null) : null));
  const text = Buffer.from(JSON.stringify({ ...rest, sourcesContent: contents })).toString("base64");
  return `${code}\n/*# sourceMappingURL=data:application/json;base64,${text} */`;
}

/**
 * Returns the options of css.preprocessorOptions, and the code with additionalData, which is text before the code or a
 * function that makes the code. `added` counts the lines before the code. Functions of a vite.config cannot be sent, so
 * they are loaded here, where they run.
 */
async function styleOptions(languages, given, file, code) {
  let options = given;
  if (given.viteMode) {
    const all = (await loadVite(given.viteMode)).config.css.preprocessorOptions;
    options = languages.map((name) => all[name]).find(Boolean) ?? {};
  }
  const { additionalData = "", api, ...rest } = options;
  if (typeof additionalData === "function") {
    const made = await additionalData(code, file);
    return { code: typeof made === "string" ? made : made.content, rest, added: 0 };
  }
  const before = additionalData && !additionalData.endsWith("\n") ? additionalData + "\n" : additionalData;
  return { code: before + code, rest, added: before.split("\n").length - 1 };
}

/**
 * One run of a tool for a stylesheet. The tool asks the server where an import leads. The answer has the file and its
 * text, whose addresses fit the stylesheet. The run collects what the result follows from.
 */
class StyleRun {
  lookups = [];
  deps = [];
  dirs = [];
  warnings = [];
  why = "";

  constructor({ file, module }, language, { added = 0, rebase = true } = {}) {
    Object.assign(this, { file, module, language, added, rebase });
  }

  async find(specifier, importer, more) {
    const { file, module, language, rebase } = this;
    const question = { module, entry: rebase ? file : "", language, specifier, importer, ...more };
    const answer = await ask("findStyle", question);
    if (answer.file || !more?.glance) this.lookups.push(...answer.lookups);
    if (answer.file) this.deps.push(answer.file);
    else if (answer.why) this.why = answer.why;
    return answer.file ? answer : undefined;
  }

  /** Runs the tool, and returns what it says with what was collected. */
  async result(tool) {
    try {
      const { code, deps } = await tool();
      const { lookups, dirs, warnings } = this;
      return {
        code,
        deps: [...new Set([...deps, ...this.deps])].filter((f) => f !== this.file),
        lookups,
        dirs,
        warnings,
      };
    } catch (e) {
      throw await this.failed(e);
    }
  }

  /** Adds to an error what the server knows of a missing file, and corrects the line for additionalData. */
  async failed(e) {
    if (!e || typeof e !== "object") return e;
    const [, relative] = /["'](\.\.?\/[^"']+)["']/.exec(e.span?.text ?? "") ?? []; // Sass asks without "./"
    if (relative) await this.find(relative, placeIn(e).file ?? this.file);
    if (this.why && /find stylesheet|wasn't found|failed to locate/.test(e.message)) e.hint ??= this.why;
    const at = placeIn(e);
    if (!this.added || !at.line || (at.file && at.file !== this.file)) return e;
    const { message } = failure(e);
    if (at.line > this.added)
      return Object.assign(new Error(message), { ...at, file: this.file, line: at.line - this.added, hint: e.hint });
    return Object.assign(new Error(`additionalData of css.preprocessorOptions: ${message}`), {
      file: this.file,
      hint: e.hint,
    });
  }
}

/** Returns the place that a tool's error names. */
function placeIn(e) {
  const { span } = e; // Sass
  if (span)
    return {
      file: span.url ? fileURLToPath(span.url) : undefined,
      line: span.start.line + 1,
      column: span.start.column,
    };
  const file = e.file ?? e.filename ?? e.input?.file ?? e.loc?.file ?? e.id;
  return { file, line: e.line ?? e.loc?.line, column: e.column ?? e.loc?.column };
}

let sassCompiler; // a promise of what compiles; a new process of sass-embedded for each file is slow

async function loadSass() {
  let sass;
  try {
    sass = await load("sass-embedded");
  } catch {
    sass = await load("sass");
  }
  return sass.initAsyncCompiler ? sass.initAsyncCompiler() : sass;
}

async function runSass({ file, module, code, options = {}, map }) {
  sassCompiler ??= loadSass();
  sassCompiler.catch(() => (sassCompiler = undefined)); // it may be installed later
  const sass = await sassCompiler;
  const indented = file.endsWith(".sass");
  const { code: text, rest, added } = await styleOptions([indented ? "sass" : "scss"], options, file, code);
  const run = new StyleRun({ file, module }, "sass", { added });
  const importer = sassImporter(run);
  return run.result(async () => {
    const result = await sass.compileStringAsync(text, {
      url: pathToFileURL(file),
      syntax: indented ? "indented" : "scss",
      loadPaths: [root],
      logger: sassLogger(run),
      importer,
      ...rest,
      importers: [...(rest.importers ?? []), importer],
      sourceMap: Boolean(map),
      sourceMapIncludeSources: true,
    });
    const files = result.loadedUrls.filter((u) => u.protocol === "file:").map((u) => fileURLToPath(u));
    return { code: withMap(result.css, result.sourceMap, file), deps: files };
  });
}

/** Finds the files of Sass by the server. Sass asks for each relative path first, which is usually no file. */
function sassImporter(run) {
  const texts = new Map();
  return {
    async canonicalize(url, { containingUrl, fromImport }) {
      const glance = url.startsWith("file:");
      const foreign = /^(?!pkg:)[a-z][a-z\d+.-]+:/i.test(url);
      if (glance ? /[?#]/.test(url) : foreign) return null;
      const specifier = glance ? fileURLToPath(url) : url;
      const from = containingUrl?.protocol === "file:" ? fileURLToPath(containingUrl) : run.file;
      const found = await run.find(specifier, from, { glance, importRule: fromImport });
      if (!found) return null;
      const at = pathToFileURL(found.file);
      texts.set(at.href, found.text);
      return at;
    },
    load(at) {
      const syntax = at.pathname.endsWith(".css") ? "css" : at.pathname.endsWith(".sass") ? "indented" : "scss";
      return { contents: texts.get(at.href), syntax, sourceMapUrl: at };
    },
  };
}

/** Tells @warn and @debug, and each kind of deprecated code in the project once. */
function sassLogger(run) {
  const tell = (message, { span, stack }, more) => {
    const [, path, at] = /^\s*(.+?) (\d+):\d+ /.exec(stack ?? "") ?? [];
    const file = span?.url?.protocol === "file:" ? fileURLToPath(span.url) : path ? resolve(path) : run.file;
    const line = span ? span.start.line + 1 : Number(at ?? 0);
    run.warnings.push({ message, file, line: file === run.file ? Math.max(line - run.added, 0) : line, ...more });
  };
  return {
    warn(message, details) {
      const { deprecation, deprecationType, span } = details;
      if (/^\d+ repetitive deprecation warnings omitted/.test(message)) return; // each kind is told once
      if (!deprecation) tell(message, details);
      else if (!span?.url?.pathname.includes("/node_modules/")) {
        const id = deprecationType?.id ?? "code";
        tell(`Sass: ${message.split("\n\n")[0]}`, details, { once: `sass ${id}` });
      }
    },
    debug: (message, details) => tell(message, details, { debug: true }),
  };
}

async function runLess({ file, module, code, options = {}, map }) {
  const less = plain(await load("less"));
  const { code: text, rest, added } = await styleOptions(["less"], options, file, code);
  const { rewriteUrls = rest.relativeUrls, plugins = [] } = rest;
  const rebase = !rewriteUrls || rewriteUrls === "off"; // else Less does it
  const run = new StyleRun({ file, module }, "less", { added, rebase });
  return run.result(async () => {
    const result = await less.render(text, {
      filename: file,
      paths: [root, join(root, "node_modules")],
      ...rest,
      plugins: [...(less.FileManager ? [lessImports(less, run)] : []), ...plugins],
      sourceMap: map ? { outputSourceFiles: true } : undefined,
    });
    return { code: withMap(result.css, result.map, file), deps: result.imports.map((f) => resolve(f)) };
  });
}

/** A plugin of Less that finds files by the server. */
function lessImports(less, run) {
  class Manager extends less.FileManager {
    supports(file) {
      return !/^(?:\w+:)?\/\//.test(file);
    }
    supportsSync() {
      return false;
    }
    async loadFile(file, dir, options, env) {
      const found = await run.find(file, join(dir || dirname(run.file), "importer"));
      if (found) return { filename: found.file, contents: found.text };
      return super.loadFile(file, dir, options, env);
    }
  }
  return { install: (_, manager) => manager.addFileManager(new Manager()), minVersion: [3, 0, 0] };
}

async function runStylus({ file, module, code, options = {} }) {
  const stylus = plain(await load("stylus"));
  const languages = file.endsWith(".styl") ? ["styl", "stylus"] : ["stylus"];
  const { code: text, rest, added } = await styleOptions(languages, options, file, code);
  const run = new StyleRun({ file, module }, "stylus", { added });
  const found = new Map(); // importer and specifier -> file
  const imports = [];
  let last; // the import that is looked up
  class Evaluator extends (rest.Evaluator ?? stylus.Evaluator) {
    visitImport(node) {
      const specifier = String(node.path.first?.string ?? node.path.first?.val ?? "");
      last = { specifier, importer: node.filename ?? file };
      globbed(run, specifier, last.importer);
      const key = last.importer + "\n" + specifier;
      const to = found.get(key);
      const leaves = () =>
        last.importer.includes("/node_modules/") && stylusFiles(stylus, this, specifier).some(isOutside);
      if (!found.has(key) && (specifier.startsWith("#") || leaves()))
        throw new Error(`failed to locate @import file ${specifier}`); // the server knows, and may refuse
      if (to) {
        node.path = new stylus.nodes.Expression();
        node.path.push(new stylus.nodes.String(to));
      }
      return super.visitImport(node);
    }
  }
  const render = () => {
    const paths = rest.paths ?? [dirname(file), root, join(root, "node_modules")];
    const own = { filename: file, _imports: imports, Evaluator };
    const style = stylus(text, { ...rest, paths: [...paths], imports: [...(rest.imports ?? [])], ...own });
    style.define("url", stylusURL(stylus), true);
    for (const [name, value] of Object.entries(rest.define ?? {})) style.define(name, value);
    return { style, code: style.render() };
  };
  return run.result(async () => {
    for (;;) {
      try {
        const { style, code } = render();
        const files = [...style.deps(), ...imports.map((i) => i.path), ...(rest.imports ?? [])];
        return { code, deps: files.filter((f) => typeof f === "string").map((f) => resolve(f)) };
      } catch (e) {
        // Stylus finds its files by itself, without waiting for anybody: the server is asked about what it misses.
        const key = last && last.importer + "\n" + last.specifier;
        const missing = /failed to locate @(?:import|require) file/.test(e.message) && !found.has(key);
        const answer = missing && (await run.find(last.specifier, last.importer));
        if (!answer) throw stylusError(e);
        found.set(key, answer.file);
      }
    }
  });
}

const isOutside = (file) => relative(root, resolve(file)).startsWith("..");

/** Returns the files that Stylus takes for an import. */
function stylusFiles({ utils }, { paths, filename }, specifier) {
  const name = /\.(styl|css)$/i.test(specifier) ? specifier : specifier + ".styl";
  return utils.find(name, paths, filename) ?? utils.lookupIndex(specifier, paths, filename) ?? [];
}

/** Notes the folder of an import with a pattern. */
function globbed(run, specifier, importer) {
  const at = specifier.search(/[*?[{]/);
  if (at < 0) return;
  const base = specifier.slice(0, specifier.lastIndexOf("/", at) + 1);
  const glob = specifier.slice(base.length);
  run.dirs.push({ dir: resolve(dirname(importer), base), glob: glob.endsWith(".styl") ? glob : glob + ".styl" });
}

/** The function url() of Stylus: an address that leads to a file beside the imported file fits the stylesheet. */
function stylusURL(stylus) {
  return function url(args) {
    const text = args.nodes.map((n) => new stylus.Compiler(n).visit(n)).join("");
    const plain = text.replace(/^(["'])([^]*)\1$/, "$2");
    const path = plain.replace(/[?#].*$/, "");
    const from = dirname(args.filename ?? this.filename);
    const to = dirname(this.filename);
    const moves = path && from !== to && !/^(?:[a-z][\w+.-]*:|\/)/i.test(path) && existsSync(join(from, path));
    const address = moves ? "./" + relative(to, join(from, path)).replaceAll("\\", "/") + plain.slice(path.length) : "";
    return new stylus.nodes.Literal(moves ? `url("${address}")` : `url(${text})`);
  };
}

/** Stylus writes the place and the code around it into the message. */
function stylusError(e) {
  const m = /^(.+):(\d+):(\d+)\n[^]*?\n\n([^]*)$/.exec(e.message ?? "");
  if (!m) return e;
  const [, filename, line, column, text] = m;
  const message = text.split("\n    at ")[0].trim();
  return Object.assign(new Error(message), { filename, line: Number(line), column: Number(column) - 1 });
}

async function runSugarSS({ file, code, map }) {
  const postcss = plain(await load("postcss", "vite"));
  const parser = plain(await load("sugarss", "vite"));
  const inline = map ? { inline: true, annotation: true, sourcesContent: true } : false;
  const result = await postcss().process(code, { parser, from: file, map: inline });
  return { code: result.css, deps: [] };
}

// ---- Decorators with metadata

/**
 * The packages that know the types of decorated parts, in the order in which they are asked: TypeScript, which makes the
 * rules and has no API from version 7 on; the compiler inside Vite 8, which lacks little; SWC.
 */
const decoratorTools = [withTypeScript, withOxc, withSwc];

let decoratorTool; // promise

async function findDecoratorTool() {
  for (const make of decoratorTools) {
    try {
      const tool = await make();
      if (tool) return tool;
    } catch (e) {
      if (!e.missing) throw e;
    }
  }
  throw Object.assign(new Error("emitDecoratorMetadata needs a compiler: TypeScript up to version 6, Vite 8, or SWC"), {
    hint: "npm install -D @swc/core",
    missing: true,
  });
}

async function runTypeScript({ file, code, options = {} }) {
  decoratorTool ??= findDecoratorTool();
  decoratorTool.catch(() => (decoratorTool = undefined)); // it may be installed
  return { code: await (await decoratorTool)(file, code, options.compilerOptions ?? {}), deps: [] };
}

async function withTypeScript() {
  const ts = plain(await load("typescript"));
  if (!ts.transpileModule) return undefined;
  return (file, code, own) => {
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
    const made = ts.transpileModule(code, { fileName: file, compilerOptions, reportDiagnostics: true });
    const wrong = made.diagnostics.find((d) => d.file && d.category === ts.DiagnosticCategory.Error);
    if (wrong) {
      // the output is what TypeScript guesses
      const { line, character } = wrong.file.getLineAndCharacterOfPosition(wrong.start);
      const text = ts.flattenDiagnosticMessageText(wrong.messageText, "\n");
      throw Object.assign(new Error(text), { file, line: line + 1, column: character });
    }
    return made.outputText;
  };
}

/** What the compiler inside Vite calls. It stands on a line of its own. */
const oxcHelpers = `const babelHelpers = {
  decorate(decorators, target, key, desc) {
    const n = arguments.length;
    let made = n < 3 ? target : desc === null ? (desc = Object.getOwnPropertyDescriptor(target, key)) : desc;
    for (const decorator of decorators.reverse())
      if (decorator) made = (n < 3 ? decorator(made) : n > 3 ? decorator(target, key, made) : decorator(target, key)) || made;
    return n > 3 && made && Object.defineProperty(target, key, made), made;
  },
  decorateMetadata: (key, value) => globalThis.Reflect?.metadata?.(key, value),
  decorateParam: (index, decorator) => (target, key) => decorator(target, key, index),
};`.replace(/\s*\n\s*/g, " ");

async function withOxc() {
  const { transform } = await loadFirst(["rolldown/utils", "rolldown/experimental", "oxc-transform"], "vite");
  if (!transform) return undefined;
  return async (file, code, own) => {
    const defines = definesFields(own);
    const made = await transform(file, code, {
      lang: file.endsWith("x") ? "tsx" : "ts",
      target: "esnext",
      tsconfig: false,
      sourcemap: true,
      jsx: "preserve",
      helpers: { mode: "External" },
      decorator: {
        legacy: true,
        emitDecoratorMetadata: true,
        strictNullChecks: own.strictNullChecks ?? own.strict ?? true,
      },
      assumptions: { setPublicClassFields: !defines },
      typescript: {
        onlyRemoveTypeImports: own.verbatimModuleSyntax ?? false,
        removeClassFieldsWithoutInitializer: !defines,
      },
    });
    const [error] = made.errors;
    if (error) {
      const [text] = error.message.replace(/\x1b\[[\d;]*m/g, "").split("\n");
      throw Object.assign(new Error(text.replace(/^\[\w+\] /, "")), { loc: { ...error.loc, file } });
    }
    const map = made.map && { ...made.map, mappings: ";" + made.map.mappings };
    return inlineMap(`${oxcHelpers}\n${made.code}`, map);
  };
}

async function withSwc() {
  const swc = plain(await load("@swc/core"));
  return async (file, code, own) => {
    const made = await swc
      .transform(code, {
        filename: file,
        swcrc: false,
        configFile: false,
        sourceMaps: true,
        module: { type: "es6" },
        jsc: {
          target: "esnext",
          parser: { syntax: "typescript", decorators: true, tsx: file.endsWith("x") },
          transform: {
            legacyDecorator: true,
            decoratorMetadata: true,
            useDefineForClassFields: definesFields(own),
            verbatimModuleSyntax: own.verbatimModuleSyntax ?? false,
            react: { runtime: "preserve" },
          },
        },
      })
      .catch((e) => {
        const text = e.message.replace(/\x1b\[[\d;]*m/g, "");
        const [, line, column] = /\[.*:(\d+):(\d+)\]/.exec(text) ?? [];
        const [, reason] = /^\s*[x×]\s*(.+)/m.exec(text) ?? [];
        throw Object.assign(new Error(reason ?? text), {
          file,
          line: Number(line) || undefined,
          column: Number(column) - 1,
        });
      });
    return inlineMap(made.code, made.map);
  };
}

/** Reports whether class fields are defined, as in JavaScript. The rule is TypeScript's, by the target. */
const definesFields = (own) =>
  own.useDefineForClassFields ?? /^es(next|20(2[2-9]|[3-9]\d))$/i.test(own.target ?? "esnext");

const inlineMap = (code, map) =>
  `${code}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(typeof map === "string" ? map : JSON.stringify(map)).toString("base64")}`;

/** Loads the first of the packages that is installed. */
async function loadFirst(specifiers, ...through) {
  let error;
  for (const specifier of specifiers) {
    try {
      return await load(specifier, ...through);
    } catch (e) {
      error ??= e;
    }
  }
  throw error;
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
    env: setByConfig(),
  };
}

/** Returns the variables that the configuration has set in its process: .env files may refer to any of them. */
const setByConfig = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name, value]) => value !== startEnv[name] && name !== "VITE_USER_NODE_ENV"),
  );

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
      modules: moduleValues(config.css.modules, mode),
      preprocessorOptions: styleValues(config.css.preprocessorOptions, mode),
      postcss: config.css.postcss && typeof config.css.postcss === "object" ? { viteMode: mode } : config.css.postcss,
    };
  out.esbuild = { ...pluginJSX(plugins, mode), ...oxcJSX(config.oxc), ...data(config.esbuild || undefined) };
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

/** Returns a value that may be given as JSON, undefined for a text that is not. */
function parsed(value) {
  try {
    return typeof value === "string" ? JSON.parse(value) : value;
  } catch {
    return undefined;
  }
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

const modulesOf = async ({ viteMode }) => (await loadVite(viteMode)).config.css.modules;

/** Returns what generateScopedName makes of the names of a stylesheet. */
async function nameModule({ file, code, options }) {
  const { generateScopedName } = await modulesOf(options);
  return { code: JSON.stringify(options.names.map((name) => String(generateScopedName(name, file, code)))), deps: [] };
}

/** Returns the exports of a CSS module under the names of localsConvention, and tells them to getJSON. */
async function exportModule({ file, options }) {
  const { localsConvention, getJSON } = await modulesOf(options);
  const exports = {};
  for (const { Name, Value } of options.names) {
    const names = typeof localsConvention === "function" ? localsConvention(Name, Value, file) : Name;
    for (const name of [names].flat()) exports[name] = Value;
  }
  await getJSON?.(file, exports, file);
  return { code: JSON.stringify(Object.entries(exports).map(([Name, Value]) => ({ Name, Value }))), deps: [] };
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
  tell(css?.modules, "css.modules.", ["Loader", "root", "resolve"]);
  for (const [language, options] of Object.entries(css?.preprocessorOptions ?? {}))
    if (/^legacy/.test(options?.api ?? ""))
      not.push(`css.preprocessorOptions.${language}.api: Sass is called by its modern API`);
  if (css?.transformer === "lightningcss")
    tell(css, "css.", ["lightningcss"], ": stylesheets stay as they are written");
  for (const [at, { target } = {}] of Object.entries({ esbuild: config.esbuild || {}, oxc: config.oxc || {} }))
    if (target && String(target) !== "esnext") not.push(`${at}.target: modules have the syntax of current browsers`);
  const raw = config.esbuild?.tsconfigRaw;
  if (raw && !parsed(raw)) not.push("esbuild.tsconfigRaw: a text that is no JSON");
  tell(config.esbuild, "esbuild.", ["supported", "drop", "dropLabels", "pure", "banner", "footer"]);
  tell(config.oxc, "oxc.", ["define", "inject", "assumptions"]);
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
  sugarss: runSugarSS,
  typescript: runTypeScript,
  cssModuleNames: nameModule,
  cssModuleExports: exportModule,
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
  const at = placeIn(e);
  const place = at.line === undefined && !e.loc ? (ofBuild(e, message) ?? placeOf(e)) : undefined;
  const { file = place?.file, line = place?.line, column = place?.column ?? 0 } = at;
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

let asks = 0;
const asked = new Map(); // number -> who waits for the answer

/** Calls a method of the server. */
function ask(method, params) {
  return new Promise((resolve, reject) => {
    asked.set(++asks, { resolve, reject });
    send({ id: asks, method, params });
  });
}

function answered({ id, result, error }) {
  const { resolve, reject } = asked.get(id) ?? {};
  asked.delete(id);
  if (error) reject?.(Object.assign(new Error(error.message), { hint: error.hint }));
  else resolve?.(result);
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
    if (message.method || message.cancel) void answer(message);
    else answered(message);
  }
});
process.stdin.on("end", () => process.exit(0)); // the server is gone
process.on("uncaughtException", (e) => console.error(e));
process.on("unhandledRejection", (e) => console.error(e));
send({ method: "hello", params: { protocol: 2, info: { plugins: [] } } });
