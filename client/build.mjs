// Makes the npm package of the library for app code: dist/client.js, dist/react.js and their types. The server needs
// none of this: it bundles the sources itself.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: { client: "src/api/channel.ts", react: "src/api/react.ts" },
  outdir: "dist",
  bundle: true,
  splitting: false,
  format: "esm",
  target: "es2022",
  external: ["react"],
  plugins: [
    {
      name: "share",
      setup: (b) => b.onResolve({ filter: /^\.\/channel\.ts$/ }, () => ({ path: "./client.js", external: true })),
    },
  ],
});
execFileSync(
  "node_modules/.bin/tsc",
  [
    "src/api/channel.ts",
    "src/api/react.ts",
    "--declaration",
    "--emitDeclarationOnly",
    "--outDir",
    "dist",
    "--target",
    "es2022",
    "--module",
    "esnext",
    "--moduleResolution",
    "bundler",
    "--strict",
    "--allowImportingTsExtensions",
    "--rewriteRelativeImportExtensions",
    "--skipLibCheck",
    "--lib",
    "es2023,dom,dom.iterable",
  ],
  { stdio: "inherit" },
);
writeFileSync(
  "dist/env.d.ts",
  readFileSync("src/api/env.d.ts", "utf8") + "\n" + readFileSync("src/api/standalone.d.ts", "utf8"),
);
