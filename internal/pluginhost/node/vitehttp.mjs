// Requests for plugins: the middlewares and the HTTP server of a Vite that does not listen. Devserver hands requests over
// a socket of its own, and answers those that no plugin takes.
import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { failure } from "./wire.mjs";
import { transformIndexHtml } from "./vitehtml.mjs";
import { at, by, tell } from "./vitestate.mjs";

// What both sides say to each other about a request. A header of this name never comes from a browser.
const stageHeader = "x-devserver-stage"; // "pre", "late", "socket" or "proxy"
const fromHeader = "x-devserver-from"; // JSON: the address of the browser
const passHeader = "x-devserver-pass"; // no plugin took the request; the value is its new URL, "" for the same
const errorHeader = "x-devserver-error"; // JSON: the error of a middleware

/** How long a middleware may take before the terminal names its plugin, and how long plugins have to take a socket. */
const slow = 10_000;
const untaken = 5_000;

let own; // the layers that Vite has put up itself
let names; // layer -> the plugin that put it up
let proxying; // the listeners for upgrades that Vite's own proxy has
let vite; // the server
let front; // the server that devserver connects to
let told = ""; // what devserver knows of the routes

/**
 * Prepares the server for the layers and listeners of plugins. It must run before the hooks configureServer of all
 * plugins, and these must run with `at` set.
 */
export function prepareHTTP(server) {
  vite = server;
  own = new WeakSet(server.middlewares.stack);
  names = new WeakMap();
  proxying = new WeakSet();
  const { middlewares, httpServer } = server;
  const use = middlewares.use;
  middlewares.use = function (...args) {
    const result = use.apply(this, args);
    const layer = this.stack.at(-1);
    if (by() || front) names.set(layer, by());
    else own.add(layer);
    tellLater();
    return result;
  };
  const handle = middlewares.handle;
  middlewares.handle = function (req, res, out) {
    runStage(this, handle, req, res, out);
  };
  server.printUrls = silent;
  server.transformIndexHtml = transformIndexHtml;
  if (!httpServer) return;
  httpServer.removeAllListeners("upgrade"); // Vite's own socket of pages
  httpServer.on("newListener", (event, listener) => {
    if (event === "upgrade" && !by() && !front) proxying.add(listener);
    tellLater();
  });
  httpServer.on("removeListener", tellLater);
}

/** Stands for Vite's printUrls: devserver prints its own URLs. A plugin that prints more replaces it and calls it. */
function silent() {}

/** The names of Vite's layers that answer with files. Layers before them come first, and those behind them last. */
const serving = new Set([
  "viteServePublicMiddleware",
  "viteTransformMiddleware",
  "viteServeRawFsMiddleware",
  "viteServeStaticMiddleware",
]);

/**
 * Returns the layers of a stage in their order. Plugins may have moved layers, so their places count. Late layers see a
 * URL without the base, and the page's name in the place of a route. Two of Vite's own layers see to that. A layer that
 * came when Vite's own were complete is behind all of them, where no request reaches it in Vite. Here it is the first of
 * the late ones.
 */
function layersOf(stage, stack = vite.middlewares.stack) {
  const vites = (name) => stack.filter((l) => own.has(l) && l.handle.name === name);
  if (stage === "proxy") return vites("viteProxyMiddleware");
  const files = stack.findLastIndex((l) => own.has(l) && serving.has(l.handle.name));
  const end = stack.findLastIndex((l) => own.has(l));
  const between = (from, to) => stack.slice(from, to).filter((l) => !own.has(l));
  if (stage !== "late") return between(0, files + 1);
  return [
    ...vites("viteBaseMiddleware"),
    ...between(end + 1),
    ...vites("viteHtmlFallbackMiddleware"),
    ...between(files + 1, end + 1),
  ];
}

const isApp = (listener) => listener === vite.middlewares || listener.listener === vite.middlewares;

/** Returns what plugins want to be asked for: the paths of their layers, "" for all. */
export function httpInfo() {
  const routes = layersOf("pre").map((l) => (l.route === "/" ? "" : l.route));
  const { httpServer } = vite;
  if (httpServer?.listeners("request").some((l) => !isApp(l))) routes.push("");
  return {
    routes: routes.includes("") ? [""] : [...new Set(routes)],
    late: layersOf("late").some((l) => !own.has(l)),
    upgrades: upgradesOf("socket").length > 0,
  };
}

/** Returns the listeners for WebSockets of a stage: those of Vite's own proxy, or those of plugins. */
const upgradesOf = (stage) =>
  (vite.httpServer?.rawListeners("upgrade") ?? []).filter((l) => proxying.has(l.listener ?? l) === (stage === "proxy"));

let telling = false;

/** Tells devserver when the routes have changed since the start. */
function tellLater() {
  if (!front || telling) return;
  telling = true;
  setImmediate(() => {
    telling = false;
    const info = httpInfo();
    const text = JSON.stringify(info);
    if (text === told) return;
    told = text;
    void tell("viteRoutes", info);
  });
}

/** Answers devserver's requests at the path of a socket. Windows has a named pipe there. */
export async function openHTTP(server, socket) {
  await closeHTTP();
  if (!socket || !server.httpServer) return;
  front = createServer({ maxHeaderSize: 256 * 1024, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
  front.on("request", take);
  front.on("checkContinue", (req, res) => {
    readWhenAsked(req, res);
    take(req, res);
  });
  front.on("upgrade", takeSocket);
  front.on("clientError", (_, s) => s.destroy());
  rmSync(socket, { force: true });
  await new Promise((resolve, reject) => front.once("error", reject).listen(socket, resolve));
  if (process.platform !== "win32") chmodSync(socket, 0o600);
  server.httpServer.close = function (done) {
    void closeHTTP();
    this.emit("close");
    done?.();
    return this;
  };
  told = JSON.stringify(httpInfo());
}

async function closeHTTP() {
  const last = front;
  front = undefined;
  if (!last) return;
  last.close();
  last.closeAllConnections();
}

/** Has the body of a request sent when a plugin reads it. A request that is passed on leaves its body to devserver. */
function readWhenAsked(req, res) {
  const read = req._read;
  let asked = false;
  req._read = function (size) {
    if (!asked && !res.headersSent) {
      asked = true;
      res.writeContinue();
    }
    return read.call(this, size);
  };
}

/** Takes what devserver says about a request off it. */
function tidy(req) {
  const { [stageHeader]: stage, [fromHeader]: from, ...headers } = req.headers;
  req.headers = headers;
  req.rawHeaders = req.rawHeaders.filter((_, i, all) => !/^x-devserver-(stage|from)$/i.test(all[i - (i % 2)]));
  const { address, port, tls } = JSON.parse(from ?? "{}");
  const set = (name, value) => Object.defineProperty(req.socket, name, { value, configurable: true, writable: true });
  set("remoteAddress", address);
  set("remotePort", port);
  set("remoteFamily", address?.includes(":") ? "IPv6" : "IPv4");
  set("encrypted", Boolean(tls));
  return stage;
}

const asked = new WeakMap(); // request -> {stage, plugin, url}

function take(req, res) {
  const state = { stage: tidy(req), plugin: "", url: undefined };
  if (req.headers.expect) delete req.headers.expect; // devserver's
  asked.set(req, state);
  const timer = setTimeout(() => {
    if (!res.headersSent) {
      const who = state.plugin ? `plugin ${state.plugin}` : state.stage === "proxy" ? "server.proxy" : "a plugin";
      const text = `${who}: its middleware has not answered ${req.method} ${req.originalUrl ?? req.url} for ${slow / 1000} s`;
      void tell("viteLog", { level: "warn", text, by: state.plugin });
    }
  }, slow).unref();
  res.on("close", () => clearTimeout(timer));
  try {
    if (state.stage === "proxy") vite.middlewares(req, res);
    else vite.httpServer.emit("request", req, res);
  } catch (e) {
    fail(res, e, state.plugin);
  }
}

/** Runs the layers of a stage. Connect takes the list of layers once for each request. */
function runStage(app, handle, req, res, out) {
  if (res.headersSent) return; // a listener of the server was faster
  const state = asked.get(req) ?? { stage: "pre", plugin: "", url: undefined };
  const stack = app.stack;
  let layers = layersOf(state.stage, stack).map((layer) => ({ route: layer.route, handle: asPlugin(layer, state) }));
  if (state.stage === "late") {
    const from = layersOf("late", stack).findLastIndex((l) => own.has(l)) + 1;
    layers = layers.toSpliced(from, 0, { route: "", handle: (r, _, next) => ((state.url = r.url), next()) });
  } else state.url = req.url;
  const passed = (e) => {
    if (out && !asked.has(req)) return out(e); // a plugin runs the app as a middleware
    if (e) fail(res, e, state.plugin);
    else pass(req, res, state);
  };
  app.stack = layers;
  try {
    handle.call(app, req, res, passed);
  } finally {
    app.stack = stack;
  }
  tellLater(); // plugins may have put layers into the list
}

/** Returns the function of a layer, which runs as its plugin. Errors of asynchronous functions are errors, too. */
function asPlugin(layer, state) {
  if (own.has(layer)) return layer.handle;
  const plugin = names.get(layer) ?? "";
  const call = (args, next) => {
    state.plugin = plugin;
    const result = at.run({ plugin, hook: "middleware" }, () => layer.handle(...args));
    if (typeof result?.then === "function") result.then(undefined, next);
  };
  return layer.handle.length > 3
    ? (e, req, res, next) => call([e, req, res, next], next)
    : (req, res, next) => call([req, res, next], next);
}

/** Leaves the request to devserver. Headers that a layer has set are part of the answer. */
function pass(req, res, state) {
  if (res.headersSent) return;
  const { base } = vite.config;
  const url = state.stage === "late" ? base.replace(/\/$/, "") + req.url : req.url;
  res.statusCode = 404;
  res.setHeader(passHeader, req.url === state.url ? "" : encodeURIComponent(url));
  res.end();
}

function fail(res, thrown, plugin) {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.statusCode = 500;
  res.setHeader(errorHeader, encodeURIComponent(JSON.stringify({ ...failure(thrown), plugin, hook: "middleware" })));
  res.end();
}

/** Gives a socket to the listeners of its stage. Devserver answers when no listener takes it. */
function takeSocket(req, socket, head) {
  const stage = tidy(req);
  socket.on("error", () => socket.destroy());
  const refuse = () =>
    socket.end(`HTTP/1.1 404 Not Found\r\n${passHeader}: \r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  const listeners = upgradesOf(stage);
  if (!listeners.length) {
    refuse();
    return;
  }
  if (stage === "proxy") answerFailure(socket);
  for (const listener of listeners) listener.call(vite.httpServer, req, socket, head);
  setTimeout(() => {
    if (!socket.bytesWritten && !socket.destroyed) refuse();
  }, untaken).unref();
}

/** Makes an answer of the end of a socket: Vite ends it when the backend does not answer, and says why in the log. */
function answerFailure(socket) {
  const { end } = socket;
  socket.end = function (...args) {
    if (!this.bytesWritten && !args[0])
      args[0] = "HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    return end.apply(this, args);
  };
}

/** Tells plugins that the server listens, and where. */
async function listening({ urls, address, again }) {
  const { httpServer } = vite;
  if (!httpServer) return null;
  const isLocal = (url) => /\/\/(localhost|127\.|\[::1\])/.test(url);
  vite.resolvedUrls = { local: urls.filter(isLocal), network: urls.filter((url) => !isLocal(url)) };
  if (!vite.resolvedUrls.local.length) vite.resolvedUrls.local = urls.slice(0, 1);
  httpServer.address = () => address;
  Object.defineProperty(httpServer, "listening", { value: true, configurable: true });
  httpServer.emit("listening");
  if (vite.printUrls !== silent && !again) vite.printUrls();
  return null;
}

export const methods = { viteListening: listening };
