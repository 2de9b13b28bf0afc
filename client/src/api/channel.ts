// `devserver/client`: the library for app code. In development it uses the page's own socket; in a production bundle
// connect() names the Go backend that mounts an hmr.Hub.

import { connectionKey, notificationEvent, type Connection, type Off, type ReadyState } from "../socket/connection.ts";
import { HotError } from "../socket/request.ts";
import { openConnection, type ConnectOptions } from "./connect.ts";

export { HotError };
export type { Connection, ConnectOptions, Off, ReadyState };

declare global {
  interface DevserverChannels {}
}

/**
 * The types of the project's channels by ID: `{ "blog_chat_echo": { send: Message; receive: Message } }`. The server
 * writes them from its Go types into devserver-env.d.ts; `send: never` is a channel that pages only listen to.
 */
export interface ChannelMap extends DevserverChannels {}

type SendOf<K> = K extends keyof ChannelMap ? (ChannelMap[K] extends { send: infer S } ? S : unknown) : unknown;
type ReceiveOf<K> = K extends keyof ChannelMap ? (ChannelMap[K] extends { receive: infer R } ? R : unknown) : unknown;

/** A channel of the server. Make it once, with channel(), and use it anywhere. */
export interface Channel<Send = unknown, Receive = unknown> {
  readonly id: string;
  /** Sends to the channel's handler; it waits while there is no connection. */
  send(data: Send): void;
  /** Listens until the returned function is called. The server sends messages only while somebody listens. */
  subscribe(onMessage: (data: Receive) => void): Off;
}

/** A notification of the server, see hmr.Notification. */
export interface Notification {
  title: string;
  description?: string;
  type?: "info" | "success" | "warning" | "error";
}

interface Shared {
  [connectionKey]?: Connection & { handlesNotifications?(): Off };
}

const shared = globalThis as Shared;

/**
 * Opens the connection to a hub, which channels then use. A page needs one; a second call returns the first
 * connection while that is not closed. In development the page has one, and nothing needs to be called.
 */
export function connect(options: ConnectOptions = {}): Connection {
  const known = shared[connectionKey];
  if (known && known.readyState !== "closed") return known;
  return (shared[connectionKey] = openConnection(options));
}

/** The connection of this page; opened to the page's own origin where connect() was not called. */
export function connection(): Connection {
  return shared[connectionKey] ?? connect();
}

const idPattern = /^[a-z0-9-]+_[a-z0-9-]+_[a-z0-9-]+$/i;

/** Names a channel, `{plugin}_{module}_{name}`. */
export function channel<const K extends string>(id: K): Channel<SendOf<K>, ReceiveOf<K>>;
export function channel<Send, Receive>(id: string): Channel<Send, Receive>;
export function channel(id: string): Channel {
  if (!idPattern.test(id)) throw new TypeError(`${JSON.stringify(id)} is no channel: an ID has three parts, plugin_module_name`);
  return {
    id,
    send: (data) => connection().send(id, data),
    subscribe: (onMessage) => connection().subscribe(id, onMessage),
  };
}

/** Calls back at each notification, in place of the toast that development shows by default. */
export function onNotification(listener: (notification: Notification) => void): Off {
  const current = connection() as NonNullable<Shared[typeof connectionKey]>;
  const handled = current.handlesNotifications?.();
  const off = current.on(notificationEvent, listener);
  return () => {
    off();
    handled?.();
  };
}

/**
 * Lets the server look at the page's cookies again and resolves with the user, "" for a guest. It is needed only where
 * the server cannot see that somebody signed in or out: not where the answer comes through it.
 */
export function reidentify(): Promise<string> {
  return connection().reidentify();
}

/** The state of the page's connection, now and at each change. */
export function onReadyState(listener: (state: ReadyState) => void): Off {
  return connection().onReadyState(listener);
}

export function readyState(): ReadyState {
  return connection().readyState;
}
