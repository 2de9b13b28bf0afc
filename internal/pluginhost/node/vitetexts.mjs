// A module may have to be made from the text that its file had before an edit. Pages run what was made of that text, and
// plugins compare the edit with it. Plugins get the text wherever they read the file, since some read it themselves.
import { AsyncLocalStorage } from "node:async_hooks";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const former = new AsyncLocalStorage(); // {file, text} of the module that is made
let prepared = false;

/** Calls a function within which the file has the text, undefined for what it has. */
export function withText(file, text, call) {
  if (text === undefined) return call();
  prepare();
  return former.run({ file, text }, call);
}

/** Returns what a read of a file gives instead of its content, undefined for its content. */
function instead(path, options) {
  const now = former.getStore();
  if (!now || (typeof path !== "string" && !(path instanceof URL))) return undefined;
  if (resolve(path instanceof URL ? fileURLToPath(path) : path) !== now.file) return undefined;
  const encoding = typeof options === "string" ? options : options?.encoding;
  return encoding && !/^utf-?8$/i.test(encoding)
    ? Buffer.from(now.text).toString(encoding)
    : encoding
      ? now.text
      : Buffer.from(now.text);
}

/** Replaces the functions that read a whole file, once. */
function prepare() {
  if (prepared) return;
  prepared = true;
  const { readFile, readFileSync } = fs;
  const { readFile: read } = fs.promises;
  fs.readFileSync = (path, options) => instead(path, options) ?? readFileSync(path, options);
  fs.promises.readFile = async (path, options) => instead(path, options) ?? read(path, options);
  fs.readFile = (path, ...more) => {
    const text = instead(path, more.length > 1 ? more[0] : undefined);
    if (text === undefined) return readFile(path, ...more);
    queueMicrotask(() => more.at(-1)(null, text));
  };
  syncBuiltinESMExports();
}
