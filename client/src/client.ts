// The script that every page runs first. Its exports are for packs, and for third-party code that imports
// /@vite/client.

import { withDefaults, type Config } from "./page/config.ts";
import { startPage } from "./page/page.ts";
import { carryIfWorker } from "./socket/tabs.ts";

declare const __config__: Partial<Config> | undefined;

const config = withDefaults(typeof __config__ === "undefined" ? undefined : __config__);
carryIfWorker();
const page = startPage(config, import.meta.url);

/** Packs call it `$r`. */
export const registry = page.facade;
export const createHotContext = page.createHotContext;

export { updateStyle, removeStyle } from "./ui/style.ts";
export { ErrorOverlay } from "./ui/overlay.ts";
export { injectQuery } from "./runtime/url.ts";
