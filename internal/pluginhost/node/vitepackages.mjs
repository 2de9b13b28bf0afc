// What the configuration has Vite do to packages when it bundles them. devserver does not bundle packages: it reads their
// files in the same languages, replaces the same names in them, and runs what the bundles would begin with before the
// page's own modules.
import { resolve } from "node:path";
import { written } from "./viteconfig.mjs";
import { running } from "./vitestate.mjs";

/** The languages of files by the names that bundlers have for them, as the extensions that devserver knows them by. */
const languages = { js: "js", jsx: "jsx", ts: "ts", tsx: "tsx", json: "json", text: "txt" };

/** Reports whether files of packages are read in a language that a bundler has. */
export const isLanguage = (name) => name in languages;

/**
 * Returns `define`, code by names, and `prelude`, the text of a module. `languages` are those of files by extension, and
 * `jsx` are the options for JSX in them.
 */
export async function bundledInfo() {
  const { server, client } = running;
  const { esbuildOptions = {}, rolldownOptions } = (client?.config ?? server.config).optimizeDeps ?? {};
  const { transform = {}, output = {}, plugins = [] } = rolldownOptions ?? {};
  const { define, banners, globals, loader, jsx } = rolldownOptions
    ? {
        define: transform.define,
        banners: [output.banner, ...(await bannersOf([plugins, output.plugins]))],
        globals: byName(transform.inject),
        loader: rolldownOptions.moduleTypes,
        jsx: rolldownJSX(transform.jsx),
      }
    : {
        define: esbuildOptions.define,
        banners: [esbuildOptions.banner?.js],
        globals: byFile(esbuildOptions.inject, server.config.root),
        loader: esbuildOptions.loader,
        jsx: esbuildOptions.loader && esbuildJSX(esbuildOptions),
      };
  const texts = await Promise.all(banners.map(textOf));
  return {
    define: Object.fromEntries(
      Object.entries(define ?? {})
        .map(([name, v]) => [name, typeof v === "string" ? v : written(v)])
        .filter(([name, v]) => name !== v),
    ),
    prelude: [...globals, ...texts].filter(Boolean).join("\n"),
    languages: Object.fromEntries(
      Object.entries(loader ?? {})
        .filter(([, name]) => isLanguage(name))
        .map(([extension, name]) => [extension, languages[name]]),
    ),
    jsx: jsx || {},
  };
}

function rolldownJSX(jsx) {
  if (typeof jsx !== "object") return { runtime: jsx === "react" ? "classic" : undefined };
  return { runtime: jsx.runtime, importSource: jsx.importSource, factory: jsx.pragma, fragment: jsx.pragmaFrag };
}

const esbuildJSX = ({ jsx, jsxImportSource, jsxFactory, jsxFragment }) => ({
  runtime: jsx === "automatic" ? jsx : "classic",
  importSource: jsxImportSource,
  factory: jsxFactory,
  fragment: jsxFragment,
});

async function bannersOf(plugins) {
  const list = (await Promise.all(plugins.flat(Infinity))).flat(Infinity);
  return list.map((p) => p?.banner?.handler ?? p?.banner);
}

async function textOf(banner) {
  try {
    return typeof banner === "function"
      ? await banner.call({}, { name: "package", isEntry: true, exports: [] })
      : banner;
  } catch (e) {
    console.error(`optimizeDeps: a banner is left out: ${e.message}`);
  }
}

/** Defines the names that Rolldown would import where code uses them. */
const byName = (inject) =>
  Object.entries(inject ?? {}).map(([name, from], i) => {
    const [module, exported] = [from, "default"].flat();
    const what = exported === "*" ? `* as $${i}` : `{ ${exported} as $${i} }`;
    return `import ${what} from ${JSON.stringify(module)};\nglobalThis[${JSON.stringify(name)}] ??= $${i};`;
  });

/** Defines what these files export, as esbuild has it seen in all code. */
const byFile = (inject, root) =>
  (inject ?? []).map(
    (file, i) =>
      `import * as $${i} from ${JSON.stringify("/@fs/" + resolve(root, file).replace(/^\//, ""))};\n` +
      `for (const name of Object.keys($${i})) if (name !== "default") globalThis[name] ??= $${i}[name];`,
  );
