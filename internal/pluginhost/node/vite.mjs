// Loads the vite.config of the project.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { load, project } from "./packages.mjs";

const viteFiles = [
  "vite.config.js",
  "vite.config.mjs",
  "vite.config.ts",
  "vite.config.cjs",
  "vite.config.mts",
  "vite.config.cts",
];

const loadedVite = new Map(); // mode -> promise; an edited configuration gets another process

export function loadVite(mode) {
  if (!loadedVite.has(mode)) keepVite(mode, readVite(mode));
  return loadedVite.get(mode);
}

/** Keeps a configuration that is being loaded. */
export function keepVite(mode, loading) {
  loadedVite.set(mode, loading);
  loading.catch(() => loadedVite.delete(mode));
}

/** Returns the file of the configuration, undefined when there is none. */
export const viteFile = () => viteFiles.map((f) => join(project, f)).find((f) => existsSync(f));

async function readVite(mode) {
  const file = viteFile();
  if (!file) return null;
  const vite = await load("vite");
  process.setSourceMapsEnabled(true); // places in errors are those of the configuration as it is written
  const env = { command: "serve", mode, isSsrBuild: false, isPreview: false };
  return vite.loadConfigFromFile(env, file, project, "silent");
}

/** Returns the value without the parts that JSON does not have. */
export function data(value) {
  return value === undefined
    ? undefined
    : JSON.parse(
        JSON.stringify(value, (_, v) =>
          typeof v === "function" || typeof v === "symbol" ? undefined : v instanceof RegExp ? v.source : v,
        ),
      );
}

/** Returns a value that may be given as JSON, undefined for a text that is not. */
export function parsed(value) {
  try {
    return typeof value === "string" ? JSON.parse(value) : value;
  } catch {
    return undefined;
  }
}

export const literal = (s) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
