// The languages that become CSS: Sass, Less, Stylus and SugarSS.
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL, fileURLToPath } from "node:url";
import { load, plain, root } from "./packages.mjs";
import { loadVite } from "./vite.mjs";
import { ask, failure, placeIn } from "./wire.mjs";

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
export class StyleRun {
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
    if (/^Inline JavaScript is not enabled/.test(e.message))
      e.hint ??= "css.preprocessorOptions.less.javascriptEnabled, set to true, enables it";
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

export async function runSass({ file, module, code, options = {}, map }) {
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

export async function runLess({ file, module, code, options = {}, map }) {
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
      return true;
    }
    async loadFile(file, dir, options, env) {
      const found = await run.find(file, join(dir || dirname(run.file), "importer"));
      if (found) return { filename: found.file, contents: found.text };
      return this.noted(await super.loadFile(file, dir, options, env));
    }
    /** Reads the file of a data-uri(), which does not wait. */
    loadFileSync(file, dir, options, env) {
      options.syncImport = true;
      return this.noted(super.loadFile(file, dir, options, env));
    }
    /** Notes a file that Less has found by itself: the server may refuse the result. */
    noted(found) {
      if (found.filename) run.deps.push(resolve(found.filename));
      return found;
    }
  }
  return { install: (_, manager) => manager.addFileManager(new Manager()), minVersion: [3, 0, 0] };
}

export async function runStylus({ file, module, code, options = {} }) {
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
    style.define("json", stylusJSON(stylus, run));
    for (const [name, value] of Object.entries(rest.define ?? {})) style.define(name, value);
    return { style, code: style.render() };
  };
  return run.result(async () => {
    for (;;) {
      try {
        const { style, code } = render();
        const [functions] = style.options.imports; // those of Stylus itself, wherever it is installed
        const files = [...style.deps(), ...imports.map((i) => i.path), ...(rest.imports ?? [])];
        return { code, deps: files.filter((f) => typeof f === "string" && f !== functions).map((f) => resolve(f)) };
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

/** The function json() of Stylus, which notes the file that it reads. */
function stylusJSON(stylus, run) {
  return function json(path, local, namePrefix) {
    const file = stylus.utils.lookup(String(path?.string ?? ""), this.options.paths, this.options.filename);
    if (file) run.deps.push(resolve(file));
    return stylus.functions.json.call(this, path, local, namePrefix);
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

export async function runSugarSS({ file, code, map }) {
  const postcss = plain(await load("postcss", "vite"));
  const parser = plain(await load("sugarss", "vite"));
  const inline = map ? { inline: true, annotation: true, sourcesContent: true } : false;
  const result = await postcss().process(code, { parser, from: file, map: inline });
  return { code: result.css, deps: [] };
}
