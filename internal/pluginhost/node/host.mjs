// The Node host runs the project's own JavaScript tools for devserver: PostCSS, Tailwind, Sass, Less, TypeScript,
// vite.config. It answers by the protocol of internal/wire. All packages are resolved from the project, never from here.
import { serve } from "./wire.mjs";
import { runTypeScript } from "./decorators.mjs";
import { load } from "./packages.mjs";
import { runPostCSS, runTailwind } from "./postcss.mjs";
import { runLess, runSass, runStylus, runSugarSS } from "./styles.mjs";
import { exportModule, nameModule } from "./viteconfig.mjs";
import { tellStray } from "./vitehooks.mjs";
import { methods as html } from "./vitehtml.mjs";
import { methods as http } from "./vitehttp.mjs";
import { bypassProxy, rewritePath } from "./viteproxy.mjs";
import { methods as plugins } from "./viteserver.mjs";
import { methods as socket } from "./vitesocket.mjs";

/** Loads the named packages before their first use. A missing package is an error only at its first use. */
async function warm({ packages }) {
  await Promise.allSettled(packages.map((p) => load(p, "@tailwindcss/vite", "vite")));
  return {};
}

serve(
  {
    postcss: runPostCSS,
    tailwind: runTailwind,
    sass: runSass,
    less: runLess,
    stylus: runStylus,
    sugarss: runSugarSS,
    typescript: runTypeScript,
    cssModuleNames: nameModule,
    cssModuleExports: exportModule,
    proxyRewrite: rewritePath,
    proxyBypass: bypassProxy,
    warm,
    ...plugins,
    ...html,
    ...http,
    ...socket,
  },
  tellStray,
);
