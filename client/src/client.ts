// The script that every page runs first. Its exports are for packs, and for third-party code that imports
// /@vite/client.

import { withDefaults, type Config } from "./page/config.ts";
import { startPage } from "./page/page.ts";
import { defineGlobals, type Expressions } from "./runtime/globals.ts";
import { carryIfWorker } from "./socket/tabs.ts";

declare const __config__: Partial<Config> | undefined;
declare const __globals__: Expressions | undefined;

const config = withDefaults(typeof __config__ === "undefined" ? undefined : __config__);
if (typeof __globals__ !== "undefined") defineGlobals(__globals__, config.env);
carryIfWorker();
const page = startPage(config, import.meta.url);

/** Packs call it `$r`. */
export const registry = page.facade;
export const createHotContext = page.createHotContext;

export { updateStyle, removeStyle } from "./ui/style.ts";
export { ErrorOverlay } from "./ui/overlay.ts";
export { injectQuery } from "./runtime/url.ts";
