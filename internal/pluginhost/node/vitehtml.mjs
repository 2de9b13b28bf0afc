// The hooks transformIndexHtml of plugins. Devserver's own work on a page is done between the two stages.
import { join } from "node:path";
import { ask } from "./wire.mjs";
import { at, running } from "./vitestate.mjs";

/** Returns the hooks of a stage in the order in which Vite calls them: those before Vite's own work, or the rest. */
function hooksOf(stage) {
  const lists = { pre: [], normal: [], post: [] };
  for (const plugin of running.plugins) {
    const hook = plugin.transformIndexHtml;
    const handler = typeof hook === "function" ? hook : (hook?.handler ?? hook?.transform);
    if (!handler) continue;
    const order = hook.order ?? hook.enforce; // Vite 5 knows both
    (lists[order] ?? lists.normal).push({ plugin, handler });
  }
  return stage === "pre" ? lists.pre : [...lists.normal, ...lists.post];
}

/** Returns which stages have hooks. */
export const htmlInfo = () => ({ pre: hooksOf("pre").length > 0, rest: hooksOf("rest").length > 0 });

const context = {
  meta: { watchMode: true },
  debug() {},
  info: (message) => logged("info", message),
  warn: (message) => logged("warn", message),
  error(e) {
    throw typeof e === "string" ? new Error(e) : e;
  },
};

const logged = (level, message) => {
  const text = typeof message === "function" ? message() : message;
  running.server.config.logger[level](text.message ?? text);
};

/** Stands for server.transformIndexHtml: plugins that render pages have them completed by it. */
export async function transformIndexHtml(url, html, originalUrl = url) {
  const { base, root } = running.server.config;
  let path = decodeURI(url.replace(/[?#].*$/s, ""));
  if (path.startsWith(base)) path = "/" + path.slice(base.length);
  if (path.endsWith("/")) path += "index.html";
  const page = { path, file: join(root, path), originalUrl };
  ({ html } = await transformPage({ ...page, stage: "pre", html }));
  ({ html } = await ask("viteRewrite", { ...page, html }));
  return (await transformPage({ ...page, stage: "rest", html })).html;
}

async function transformPage({ stage, path, file, originalUrl, html }) {
  const { server } = running;
  const by = [];
  for (const { plugin, handler } of hooksOf(stage)) {
    const given = { path, filename: file, server, originalUrl };
    let made;
    try {
      made = await at.run({ plugin: plugin.name, hook: "transformIndexHtml" }, () =>
        handler.call(context, html, given),
      );
    } catch (e) {
      const thrown = Object(e) === e ? e : new Error(String(e));
      if (Object.isExtensible(thrown))
        Object.assign(thrown, { plugin: thrown.plugin ?? plugin.name, hook: "transformIndexHtml" });
      throw thrown;
    }
    if (!made) continue;
    by.push(plugin.name);
    if (typeof made === "string") html = made;
    else html = insert(made.html || html, (Array.isArray(made) ? made : made.tags) ?? []);
  }
  return { html, by };
}

/** Returns the page with tags at their places. The next hook sees them. */
function insert(html, tags) {
  const text = { "head-prepend": "", head: "", "body-prepend": "", body: "" };
  for (const tag of tags) text[tag.injectTo in text ? tag.injectTo : "head-prepend"] += print(tag) + "\n";
  for (const place of Object.keys(text)) {
    if (!text[place]) continue;
    const i = placeIn(html, place);
    html = html.slice(0, i) + text[place] + html.slice(i);
  }
  return html;
}

/** Returns where a tag goes. Comments and the texts of scripts and styles are no places. */
function placeIn(html, place) {
  const bare = html.replace(
    /<!--[^]*?-->|(<(script|style|template)\b[^>]*>)([^]*?)(?=<\/\2\s*>)/gi,
    (m, open = "") => open + " ".repeat(m.length - open.length),
  );
  const before = (tag) => bare.search(tag);
  const behind = (tag) => {
    const m = tag.exec(bare);
    return m ? m.index + m[0].length : -1;
  };
  const first = (...places) => places.find((i) => i >= 0);
  const start = () => first(behind(/<html\b[^>]*>/i), behind(/<!doctype\b[^>]*>/i), 0);
  switch (place) {
    case "head-prepend":
      return first(behind(/<head\b[^>]*>/i), start());
    case "head":
      return first(before(/<\/head\s*>/i), before(/<body\b/i), start());
    case "body-prepend":
      return first(behind(/<body\b[^>]*>/i), behind(/<\/head\s*>/i), start());
    default:
      return first(before(/<\/body\s*>(?![^]*<\/body\s*>)/i), before(/<\/html\s*>(?![^]*<\/html\s*>)/i), html.length);
  }
}

const empty = new Set(["link", "meta", "base"]);
const escaped = (value) => String(value).replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

function print({ tag, attrs = {}, children }) {
  let open = `<${tag}`;
  for (const [name, value] of Object.entries(attrs)) {
    if (value === true) open += ` ${name}`;
    else if (value !== false && value !== undefined && value !== null) open += ` ${name}="${escaped(value)}"`;
  }
  if (empty.has(tag)) return `${open}>`;
  const inside = Array.isArray(children) ? children.map(print).join("") : (children ?? "");
  return `${open}>${inside}</${tag}>`;
}

export const methods = { viteHTML: transformPage };
