// What the configuration has Vite do to packages when it bundles them. devserver does not bundle packages: it replaces
// the same names in them, and runs what the bundles would begin with before the page's own modules.
import { resolve } from "node:path";
import { written } from "./viteconfig.mjs";
import { running } from "./vitestate.mjs";

/** Returns `define`, code by names, and `prelude`, the text of a module. */
export async function bundledInfo() {
  const { server, client } = running;
  const { esbuildOptions = {}, rolldownOptions } = (client?.config ?? server.config).optimizeDeps ?? {};
  const { transform = {}, output = {}, plugins = [] } = rolldownOptions ?? {};
  const { define, banners, globals } = rolldownOptions
    ? {
        define: transform.define,
        banners: [output.banner, ...(await bannersOf([plugins, output.plugins]))],
        globals: byName(transform.inject),
      }
    : {
        define: esbuildOptions.define,
        banners: [esbuildOptions.banner?.js],
        globals: byFile(esbuildOptions.inject, server.config.root),
      };
  const texts = await Promise.all(banners.map(textOf));
  return {
    define: Object.fromEntries(
      Object.entries(define ?? {})
        .map(([name, v]) => [name, typeof v === "string" ? v : written(v)])
        .filter(([name, v]) => name !== v),
    ),
    prelude: [...globals, ...texts].filter(Boolean).join("\n"),
  };
}

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
