// Run from the repository's folder, so that it covers all TypeScript and JavaScript in it: `npm run lint`.
import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

const off = (...rules) => Object.fromEntries(rules.map((rule) => [rule, "off"]));
const readonly = (...names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

export default defineConfig(
  { ignores: ["**/dist/", "**/devserver-env.d.ts", "**/devserver-vite.d.ts"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    rules: {
      "no-control-regex": "off", // terminals' colours are taken out of messages
      "no-unused-vars": ["error", { ignoreRestSiblings: true }],
    },
  },
  {
    files: ["internal/pluginhost/node/*.mjs", "internal/agent/testdata/*.mjs", "client/*.mjs"],
    languageOptions: {
      globals: readonly(
        ...[
          "AbortController",
          "Buffer",
          "URL",
          "clearTimeout",
          "console",
          "process",
          "queueMicrotask",
          "setImmediate",
          "setInterval",
          "setTimeout",
        ],
      ),
    },
  },
  { files: ["testdata/apps/**/*.js"], languageOptions: { globals: readonly("document") } },
  {
    files: ["server/panel/*.js", "internal/look/*.js", "internal/guides/site/*.js"],
    languageOptions: {
      globals: readonly(
        ...["AbortController", "Event", "IntersectionObserver", "ResizeObserver"],
        ...["addEventListener", "clearTimeout", "dispatchEvent", "document", "fetch", "getComputedStyle", "history"],
        ...[
          "localStorage",
          "location",
          "matchMedia",
          "navigator",
          "removeEventListener",
          "sessionStorage",
          "setInterval",
        ],
        "setTimeout",
        ...["URL", "getSelection", "innerHeight", "requestAnimationFrame", "scrollY"],
      ),
    },
  },
  { files: ["testdata/apps/features/src/legacy/*.js"], languageOptions: { sourceType: "commonjs" } },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.recommended],
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true, argsIgnorePattern: "^_" }],
      // Interfaces that the declarations of a project's plugins are merged into.
      "@typescript-eslint/no-empty-object-type": ["error", { allowInterfaces: "always" }],
    },
  },
  {
    files: ["client/{src,testing}/**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...off(
        "@typescript-eslint/prefer-promise-reject-errors", // what modules and listeners throw is passed on as it is
        "@typescript-eslint/require-await", // an interface may ask for a promise
        "@typescript-eslint/unbound-method", // functions of the global scope are taken off objects to be wrapped
      ),
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: "test" }] },
      ],
    },
  },
  // Their types are as loose as Vite's, which they stand in for.
  { files: ["**/*.d.ts"], rules: off("@typescript-eslint/no-explicit-any") },
);
