// The rules of server.proxy. devserver proxies by itself where it knows all options of a rule, and calls `rewrite` and
// `bypass` for each request. Any other rule is left to Vite's own proxy, see vitehttp.mjs.
import { data, literal, loadVite } from "./vite.mjs";

/** Returns the address of a target, which may be an object of parts. */
function address(target) {
  if (typeof target === "string" || target == null) return target;
  if (target.href) return target.href;
  const { protocol = "http:", host, hostname = host, port, path = "" } = target;
  return `${protocol.replace(/:?$/, ":")}//${hostname}${port ? ":" + port : ""}${path}`;
}

const known = new Set(
  "target changeOrigin ws headers secure cookieDomainRewrite cookiePathRewrite rewriteWsOrigin rewrite bypass".split(
    " ",
  ),
);
const knownOfTarget = new Set("protocol host hostname port path".split(" "));

/** Returns the options of a rule that only Vite's own proxy follows. */
export function foreignOptions(rule) {
  if (typeof rule !== "object" || !rule) return [];
  const { target, headers } = rule;
  const set = Object.keys(rule).filter((name) => rule[name] != null && rule[name] !== false);
  const parts = typeof target === "object" && target && !target.href ? Object.keys(target) : [];
  return [
    ...set.filter((name) => !known.has(name)),
    ...parts.filter((name) => !knownOfTarget.has(name)).map((name) => "target." + name),
    ...(Object.values(headers ?? {}).some((value) => typeof value !== "string") ? ["headers"] : []),
  ];
}

/** Reports whether Vite's own proxy serves a rule. Requests do not reach Node on Windows. */
export const servedByVite = (rule) => process.platform !== "win32" && foreignOptions(rule).length > 0;

/**
 * Returns the rules that Vite's own proxy serves, undefined for none. Among these are rules of plugins with functions: a
 * process that has only loaded the file does not have them. `written` are the rules of the file.
 */
export function rulesOfVite(proxy, written = {}) {
  const ofPlugin = (key, rule) => process.platform !== "win32" && !(key in written) && rule && isCalled(key, rule);
  const rules = Object.entries(proxy ?? {}).filter(([key, rule]) => servedByVite(rule) || ofPlugin(key, rule));
  return rules.length ? Object.fromEntries(rules) : undefined;
}

/** Reports whether a rule has functions that are called for each request. */
const isCalled = (key, { bypass, rewrite }) =>
  typeof bypass === "function" || (typeof rewrite === "function" && !rewriteRule(key, rewrite));

/** Returns a rule as devserver has it. Of a rule that Vite serves, `ofVite`, it knows which requests are meant. */
export function proxyRule(key, v, mode, ofVite) {
  if (typeof v === "string") return v;
  if (ofVite) return data({ target: address(v.target), ws: Boolean(v.ws), functions: { mode, vite: true } });
  const rule = data({
    target: address(v.target),
    changeOrigin: v.changeOrigin,
    ws: v.ws,
    headers: v.headers,
    secure: v.secure,
    cookieDomainRewrite: v.cookieDomainRewrite,
    cookiePathRewrite: v.cookiePathRewrite,
    rewriteWsOrigin: v.rewriteWsOrigin,
  });
  if (typeof v.rewrite === "function") rule.rewrite = rewriteRule(key, v.rewrite) ?? undefined;
  const rewrite = typeof v.rewrite === "function" && !rule.rewrite;
  const bypass = typeof v.bypass === "function";
  if (rewrite || bypass) rule.functions = { mode, rewrite, bypass }; // called for each request
  return rule;
}

const proxyOf = async ({ mode, key }) => (await loadVite(mode)).config.server.proxy[key];

export async function rewritePath(asked) {
  return { path: String(await (await proxyOf(asked)).rewrite(asked.path)) };
}

/** Calls a rule's bypass(), which may answer a request without the backend. */
export async function bypassProxy(asked) {
  const rule = await proxyOf(asked);
  const res = new Answer();
  const made = await rule.bypass(asked.request, res, rule);
  if (res.writableEnded)
    return { status: res.statusCode, headers: res.headers, body: Buffer.concat(res.chunks).toString("base64") };
  if (made === false) return { status: 404 };
  return typeof made === "string" ? { url: made } : {};
}

/** The response that a bypass() may write to. It has the parts of a ServerResponse that this takes. */
class Answer {
  statusCode = 200;
  headers = {};
  chunks = [];
  writableEnded = false;
  get headersSent() {
    return this.writableEnded;
  }
  setHeader(name, value) {
    this.headers[name.toLowerCase()] = String(value);
    return this;
  }
  getHeader(name) {
    return this.headers[name.toLowerCase()];
  }
  hasHeader(name) {
    return name.toLowerCase() in this.headers;
  }
  removeHeader(name) {
    delete this.headers[name.toLowerCase()];
  }
  writeHead(status, ...rest) {
    this.statusCode = status;
    for (const [name, value] of Object.entries(rest.at(-1) ?? {}))
      if (typeof rest.at(-1) === "object") this.setHeader(name, value);
    return this;
  }
  write(chunk) {
    this.chunks.push(Buffer.from(chunk));
    return true;
  }
  end(chunk) {
    if (chunk && typeof chunk !== "function") this.write(chunk);
    this.writableEnded = true;
    return this;
  }
}

/**
 * Returns a rewrite function as patterns, or null. A function that is a single replace() is read from its text. A
 * function that only changes the beginning of the path is found by trying a few paths, however it is written. All other
 * functions are called for each request.
 */
function rewriteRule(key, f) {
  const start = key.startsWith("^") ? "" : key; // an expression has no beginning to try
  const rests = ["/one", "/", `/two${start}/x%2Fy?q=1;a`, ""];
  let made; // the rewritten paths
  try {
    made = rests.map((rest) => String(f(start + rest)));
  } catch {
    // the function needs a path of another form
  }
  let read;
  try {
    read = readReplace(f.toString());
  } catch {
    // it looked like an expression, but is not
  }
  if (read && (made ?? []).every((path, i) => path === (start + rests[i]).replace(read.find, read.replacement)))
    return read.rule;
  const now = made?.at(-1);
  if (start && made?.every((path, i) => path === now + rests[i]))
    return { ["^" + literal(key)]: now.replaceAll("$", "$$$$") };
  return null;
}

function readReplace(code) {
  if (code.split(".replace").length !== 2) return null;
  const m =
    /\.replace\(\s*(?:\/((?:\\.|[^/\\])+)\/([a-z]*)|new RegExp\(\s*["'`]([^"'`\\]+)["'`]\s*\)|["'`]([^"'`\\]+)["'`])\s*,\s*["'`]([^"'`\\]*)["'`]\s*\)\s*;?\s*\}?\s*$/.exec(
      code,
    );
  if (!m) return null;
  const [, source, flags = "", made, text, replacement] = m;
  if (/[^gi]/.test(flags) || /\$[^\d]/.test(replacement) || /\$\{/.test(made ?? text ?? "")) return null; // a template has values that are not known here
  const pattern = source?.replaceAll("\\/", "/") ?? made ?? literal(text);
  const find = new RegExp(pattern, flags);
  const cased = flags.includes("i") ? `(?i:${pattern})` : pattern;
  if (flags.includes("g") || pattern.startsWith("^")) return { find, replacement, rule: { [cased]: replacement } };
  // JavaScript replaces only the first match, so the expression includes the text before it.
  return {
    find,
    replacement,
    rule: { [`^(.*?)(?:${cased})`]: "$1" + replacement.replace(/\$(\d)/g, (_, n) => "$" + (Number(n) + 1)) },
  };
}
