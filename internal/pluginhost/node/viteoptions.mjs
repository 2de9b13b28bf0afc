// The options of a vite.config that have no effect.
import { parsed } from "./vite.mjs";
import { isLanguage } from "./vitepackages.mjs";
import { foreignOptions, servedByVite } from "./viteproxy.mjs";

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

const resolveOptions = names(
  "alias conditions dedupe extensions mainFields preserveSymlinks tsconfigPaths externalConditions noExternal external builtins",
);

/** The options for bundles of packages that are followed or named, or that say only how a bundle is written. */
const bundledOptions = {
  ...names("include exclude entries force extensions needsInterop disabled noDiscovery holdUntilCrawlEnd"),
  ...names("ignoreOutdatedRequests rollupOptions"), // Vite has the second as rolldownOptions
  esbuildOptions: {
    ...names("define inject banner loader plugins jsx jsxDev jsxFactory jsxFragment jsxImportSource jsxSideEffects"),
    ...names("target charset legalComments keepNames treeShaking sourcemap sourcesContent ignoreAnnotations"),
    ...names("minify minifyIdentifiers minifySyntax minifyWhitespace logLevel logLimit logOverride color"),
    ...names("format platform splitting metafile preserveSymlinks"),
  },
  rolldownOptions: {
    ...names("moduleTypes plugins treeshake platform logLevel onLog onwarn checks"),
    transform: names("define inject jsx target"),
    output: names(
      "banner plugins sourcemap minify keepNames topLevelVar legalComments codeSplitting advancedChunks exports esModule " +
        "entryFileNames chunkFileNames assetFileNames generatedCode",
    ),
    resolve: names("symlinks"),
  },
};

const devOptions = names("warmup preTransformRequests sourcemap recoverable moduleRunnerTransform");

/**
 * The options that are followed, that notCarried names, or that have nothing to do with serving modules to a browser.
 * An object holds the options of an option. The terminal names all others that a config sets.
 */
const followed = {
  ...names(
    "root base mode publicDir envDir envPrefix assetsInclude define json appType plugins tsconfig html clearScreen logLevel",
  ),
  ...names("cacheDir build builder preview ssr future devtools test"),
  optimizeDeps: bundledOptions,
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
    ...names("perEnvironmentStartEndDuringDev perEnvironmentWatchChangeDuringDev proxy"),
    fs: names("strict allow deny cachedChecks"),
    cors: names("origin"),
    watch: names("usePolling interval binaryInterval ignored awaitWriteFinish"),
    https: names("key cert pfx"),
  },
  dev: devOptions,
  environments: new Proxy(
    {
      client: {
        ...names("define build consumer keepProcessEnv"),
        ...names("input"), // Vite copies it from the top, where it is named
        optimizeDeps: bundledOptions,
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

/** Names what JSON cannot write in a value of define, or writes as something else. Undefined is written as it is. */
function unwritable(value, above = []) {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (/^(function|symbol|bigint)$/.test(typeof value)) return `a ${typeof value}`;
  if (typeof value !== "object" || value === null) return undefined;
  if (above.includes(value)) return "an object in itself";
  const made = Object.getPrototypeOf(value);
  if (made && made !== Object.prototype && !Array.isArray(value)) return `a ${made.constructor?.name || "class"}`;
  for (const part of Object.values(value)) {
    const kind = unwritable(part, [...above, value]);
    if (kind) return kind;
  }
  return undefined;
}

/** Lists what a bundler of packages would do, and has no effect where packages are not bundled. */
function ofBundles({ esbuildOptions = {}, rolldownOptions = {} } = {}, at) {
  const not = [];
  const { moduleTypes, output, plugins } = rolldownOptions;
  for (const [name, list] of [
    ["esbuildOptions.plugins", esbuildOptions.plugins],
    ["rolldownOptions.plugins", [plugins, output?.plugins]],
  ]) {
    const acting = [list].flat(Infinity).filter((p) => p && (p.then || Object.keys(p).some((key) => !idle.has(key))));
    if (acting.length)
      not.push(
        `${at}${name} (${acting.map((p) => p.name ?? "no name").join(", ")}): packages are not bundled, ` +
          "and plugins of the vite.config see those in optimizeDeps.exclude",
      );
  }
  for (const [name, types] of Object.entries({
    "esbuildOptions.loader": esbuildOptions.loader,
    "rolldownOptions.moduleTypes": moduleTypes,
  }))
    for (const [extension, type] of Object.entries(types ?? {}))
      if (!isLanguage(type))
        not.push(`${at}${name} ${JSON.stringify(extension)}: ${type}, import the file with ?url or ?inline`);
  return not;
}

/** What a bundler's plugin may have and not change modules. Banners are followed. */
const idle = new Set("name version api banner enforce apply".split(" "));

/** Lists the values of a config that only a running Vite could use, and options without a meaning here. The terminal shows them. */
export function notCarried(config) {
  const not = [];
  if (config.clearScreen === false) not.push("clearScreen: devserver.config.json and --clearScreen have it");
  const tell = (values, at, names, why = "") => {
    for (const name of names) if (values?.[name] !== undefined && values[name] !== false) not.push(at + name + why);
  };
  for (const [key, value] of Object.entries({ ...config.define, ...config.environments?.client?.define })) {
    const kind = unwritable(value);
    if (kind) not.push(`define.${key}: ${kind} is no JSON, write it as a text of code`);
  }
  const { css, server } = config;
  for (const [key, rule] of Object.entries(server?.proxy ?? {}))
    if (!servedByVite(rule))
      for (const name of foreignOptions(rule)) not.push(`server.proxy ${JSON.stringify(key)}: ${name}`);
  not.push(...ofBundles(config.optimizeDeps, "optimizeDeps."));
  not.push(...ofBundles(config.environments?.client?.optimizeDeps, "environments.client.optimizeDeps."));
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
  return [...not, ...unfollowed(config, followed)];
}
