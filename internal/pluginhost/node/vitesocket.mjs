// server.ws and server.hot as plugins know them: the open pages, their events, and what plugins send to them. The
// sockets are devserver's.
import { EventEmitter } from "node:events";
import { existsSync } from "node:fs";
import { named, tellStray } from "./vitehooks.mjs";
import { at, by, openBatch, tell, told as toldAll } from "./vitestate.mjs";
import { ask } from "./wire.mjs";

/** What a server of sockets emits itself, with other arguments than events of pages. */
const ofServer = new Set(["connection", "error", "headers", "listening", "message"]);
const ofPages = new Set(["vite:client:connect", "vite:client:disconnect"]);

const listeners = new Map(); // name -> function -> the function as it is called
const clients = new Map(); // ID -> client
let serving; // the server whose sockets these are
let told; // the names that devserver knows, joined; undefined before it has asked

/** Returns the names of all events of pages that plugins listen for. From then on devserver is told of changes. */
export function eventNames() {
  const names = [...listeners.keys()].filter((name) => !ofServer.has(name) && !ofPages.has(name)).sort();
  told = JSON.stringify(names);
  return names;
}

function tellNames() {
  const known = told;
  if (known === undefined) return;
  const events = eventNames();
  if (told !== known) void tell("viteOn", { events });
}

function on(event, listener) {
  if (!listeners.has(event)) listeners.set(event, new Map());
  const plugin = by();
  const hook = `the listener of ${event}`;
  const call = (...args) => {
    try {
      const made = listener(...args);
      if (typeof made?.then === "function") made.then(undefined, tellStray); // nobody waits for it
    } catch (e) {
      throw named(e, plugin, hook);
    }
  };
  listeners.get(event).set(listener, (...args) => at.run({ plugin, hook }, call, ...args));
  tellNames();
  return this;
}

function off(event, listener) {
  const of = listeners.get(event);
  if (of?.delete(listener) && of.size === 0) listeners.delete(event);
  tellNames();
  return this;
}

/** Calls the listeners of an event. Each is called, whatever the others do; then the first error is thrown. */
function emit(event, ...args) {
  let failed;
  for (const call of [...(listeners.get(event)?.values() ?? [])]) {
    try {
      call(...args);
    } catch (e) {
      failed ??= e;
    }
  }
  if (failed) throw failed;
}

/** Sends to one page, or to all with the client "". It belongs to the hot update within which it is sent. */
function send(client, args) {
  const payload = typeof args[0] === "string" ? { type: "custom", event: args[0], data: args[1] } : args[0];
  const text = JSON.stringify(payload); // plugins may change it later
  if (text === undefined) throw new TypeError("send: there is no payload");
  const sent = { payload: JSON.parse(text), client, by: by() };
  if (payload.type === "update") {
    const { updates = [] } = payload;
    if (updates.length === 0) return;
    const paths = updates.flatMap((u) => [u.path, u.acceptedPath].filter(Boolean));
    sent.ids = [...new Set(paths.map(idOf))];
  }
  const batch = openBatch();
  if (batch) batch.sends.push(sent);
  else void tell("viteSend", sent);
}

const longest = 2 ** 31 - 1; // milliseconds

/**
 * Asks a page, after what was sent before. A module of the page answers by import.meta.hot.handle. The error has the
 * `code` of the handler's error, or one of devserver's own.
 */
async function request(client, event, data, { timeout, signal } = {}) {
  if (timeout !== undefined && !(timeout >= 0))
    throw new TypeError(`the timeout of a request is a number of milliseconds, not ${timeout}`);
  await toldAll();
  signal?.throwIfAborted();
  const limit = timeout === undefined ? undefined : Math.min(Math.ceil(timeout) || longest, longest);
  const answer = await ask("viteRequest", { client, event, data, timeout: limit }, signal);
  if (!answer.error) return answer.data;
  const { message, code, path } = answer.error;
  throw Object.assign(new Error(message), { code, ...(path ? { path } : {}) });
}

/** Returns the ID of a module that an update names by its URL, or by the form that URLs of other IDs have. */
function idOf(path) {
  const [name, query = ""] = path.split(/\?(.*)/s);
  const rest = query.split("&").filter((part) => part && !/^t=\d+$/.test(part)); // the time of an earlier update
  const url = rest.length ? `${name}?${rest.join("&")}` : name;
  const plain = url.startsWith("/@id/") ? url.slice(5).replaceAll("__x00__", "\0") : url;
  const graph = serving.environments?.client.moduleGraph ?? serving.moduleGraph;
  const known = graph.urlToModuleMap.get(plain) ?? graph.getModuleById(plain) ?? graph.urlToModuleMap.get(url);
  if (known?.id) return known.id;
  if (plain.startsWith("/@fs/")) return plain.slice(/^\/@fs\/\w:/.test(plain) ? 5 : 4);
  const { root } = serving.config;
  return existsSync(root + name) ? root + plain : plain;
}

/** The socket of a page, as far as there is one here. */
class Socket extends EventEmitter {
  readyState = 1;
  #client;

  constructor(client) {
    super();
    this.#client = client;
  }

  send(text) {
    send(this.#client, [JSON.parse(String(text))]);
  }
}

function clientOf({ id, address }) {
  const known = clients.get(id);
  if (known) return known;
  const socket = Object.assign(new Socket(id), { url: address });
  return { send: (...args) => send(id, args), request: (...args) => request(id, ...args), socket };
}

/** Puts our sockets in the place of Vite's. It must run before plugins see the server. */
export function prepareSocket(server) {
  listeners.clear(); // those of a server before it
  told = undefined;
  serving = server;
  const all = { on, off, send: (...args) => send("", args) };
  // In Vite 6, server.hot is an object of its own. That of Vite 5 calls the others.
  const { ws, environments, config } = server;
  const { future } = config;
  config.future = undefined; // else Vite warns of server.hot as if the user had it
  for (const one of new Set([ws, ...(environments ? [server.hot, environments.client?.hot] : [])]))
    if (one) Object.assign(one, all);
  config.future = future;
  Object.defineProperty(ws, "clients", { get: () => new Set(clients.values()), configurable: true, enumerable: true });
}

export const methods = {
  viteConnect({ client }) {
    const opened = clientOf(client);
    clients.set(client.id, opened);
    emit("vite:client:connect", undefined, opened);
    emit("connection", opened.socket, { url: client.address, headers: {} });
  },
  viteDisconnect({ client }) {
    const gone = clientOf(client);
    clients.delete(client.id);
    gone.socket.readyState = 3;
    gone.socket.emit("close");
    emit("vite:client:disconnect", undefined, gone);
  },
  viteEvent({ client, event, data }) {
    const from = clientOf(client);
    from.socket.emit("message", Buffer.from(JSON.stringify({ type: "custom", event, data: data?.[0] })), false);
    emit(event, data?.[0], from);
  },
};
