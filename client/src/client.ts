// The script that every page runs first: it ties the registry, the socket and the page together. What it exports is
// what third-party code takes from /@vite/client, and what packs take.

import { withDefaults, type Config } from "./page/config.ts";
import { startPage } from "./page/page.ts";
import { carryIfWorker } from "./socket/tabs.ts";

declare const __config__: Partial<Config> | undefined;

const config = withDefaults(typeof __config__ === "undefined" ? undefined : __config__);
carryIfWorker();
const page = startPage(config, import.meta.url);

/** What packs call: `$r`. */
export const registry = page.facade;
export const createHotContext = page.createHotContext;

export { updateStyle, removeStyle } from "./ui/style.ts";
export { ErrorOverlay } from "./ui/overlay.ts";
export { injectQuery } from "./runtime/url.ts";
