// The project's packages, and what every tool needs to know of its process.
import { createRequire } from "node:module";
import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

process.env.VITE_CJS_IGNORE_WARNING = "1"; // Vite 5 warns each program that loads it by require
process.env.VITE_CONFIG_NATIVE_IGNORE_WARNING = "true"; // Vite 8 warns of a default that a later Vite may have

process.env.NODE_ENV ||= "development"; // as Vite does before anything else runs
export const startEnv = { ...process.env };

export const project = process.cwd(); // the folder of its configuration
export const root = resolve(process.argv[2] ?? "."); // the folder that is served

/** Resolves a package from the project, or from inside one of the packages that depend on it. */
export function find(specifier, ...through) {
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

export async function load(specifier, ...through) {
  const module = await import(pathToFileURL(find(specifier, ...through)).href);
  // Node finds only some of the names of a CommonJS package. Its default export has them all.
  return module.default && typeof module.default === "object" ? { ...module.default, ...module } : module;
}

export const plain = (module) => module.default ?? module;

/** Loads the first of the packages that is installed. */
export async function loadFirst(specifiers, ...through) {
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

export const stamp = (file) => {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
};
