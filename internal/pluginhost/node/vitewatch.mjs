// Plugins may watch files by themselves: some have a Vite of their own, and ask it what a file means now. So their
// watchers hear of a change before plugins are asked. With Vite they do, as pages ask for modules only later.
import fs from "node:fs";
import { stat } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { basename, dirname, resolve } from "node:path";

const patience = 100; // ms
const watchers = new Map(); // path -> its watchers: since when each watches, and when it heard of a name last

const { watch } = fs;
fs.watch = function (path, ...more) {
  const watcher = watch.call(fs, path, ...more);
  if (typeof path !== "string") return watcher;
  const at = resolve(path);
  const one = { since: Date.now(), heard: new Map(), deaf: false, closed: false, wake() {} };
  if (!watchers.has(at)) watchers.set(at, new Set());
  watchers.get(at).add(one);
  watcher.prependListener("change", (_, name) => {
    one.heard.set(String(name), Date.now());
    one.deaf = false;
    one.wake();
  });
  watcher.once("close", () => {
    one.closed = true;
    watchers.get(at).delete(one);
    if (!watchers.get(at).size) watchers.delete(at);
    one.wake();
  });
  return watcher;
};
syncBuiltinESMExports();

/** Waits until the watchers of the files have heard that the files are as they are now. */
export async function letWatchersHear(files) {
  if (watchers.size && (await Promise.all(files.map(hear))).some(Boolean))
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate); // what they do at once
}

/** Reports whether there are watchers of the file. */
async function hear(file) {
  const listening = [...(watchers.get(file) ?? watchers.get(dirname(file)) ?? [])].filter((w) => !w.deaf);
  if (!listening.length) return false;
  const changed = (await stat(file).catch(() => undefined))?.ctimeMs;
  if (changed === undefined) return false;
  const name = basename(file);
  const end = Date.now() + patience;
  for (const one of listening) {
    while (!one.closed && (one.heard.get(name) ?? one.since) < Math.floor(changed)) {
      const rest = end - Date.now();
      if (rest <= 0) {
        one.deaf = true; // until it hears again
        break;
      }
      await new Promise((woken) => {
        const timer = setTimeout(woken, rest);
        one.wake = () => {
          clearTimeout(timer);
          woken();
        };
      });
    }
  }
  await stat(file).catch(() => undefined); // as watchers do before they tell anyone
  return true;
}
