// `devserver/client`: the library for app code. In development it uses the page's own socket. In production connect()
// names the Go backend that mounts an hmr.Hub.

import { connectionKey, notificationEvent, type Connection, type Off, type ReadyState } from "../socket/connection.ts";
import type { Handler, HandleOptions } from "../socket/answers.ts";
import { HotError } from "../socket/request.ts";
import { openConnection, type ConnectOptions } from "./connect.ts";

export { HotError };
export type { Connection, ConnectOptions, Handler, HandleOptions, Off, ReadyState };

declare global {
  interface DevserverChannels {}
}

/**
 * The types of the project's channels by ID: `{ "blog_chat_echo": { send: Message; receive: Message } }`. The server
 * writes them to devserver-env.d.ts, from its Go types. `send: never` marks a channel that pages only listen to.
 */
export interface ChannelMap extends DevserverChannels {}

type SendOf<K> = K extends keyof ChannelMap ? (ChannelMap[K] extends { send: infer S } ? S : unknown) : unknown;
type ReceiveOf<K> = K extends keyof ChannelMap ? (ChannelMap[K] extends { receive: infer R } ? R : unknown) : unknown;

/** A channel of the server. Make it once, with channel(), and use it everywhere. */
export interface Channel<Send = unknown, Receive = unknown> {
  readonly id: string;
  /** Sends to the channel's handler. The message waits while there is no connection. Throws as Connection.send does. */
  send(data: Send): void;
  /**
   * Listens until the returned function is called. The server sends messages only while the page listens. The newest
   * retained message comes first, also for a second listener.
   */
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
 * Opens the connection to a hub, for all channels of the page. A second call returns the first connection, unless that
 * is closed. In development the page has a connection, and need not call this.
 */
export function connect(options: ConnectOptions = {}): Connection {
  const known = shared[connectionKey];
  if (known && known.readyState !== "closed") return known;
  return (shared[connectionKey] = openConnection(options));
}

/** Returns the connection of this page. Without connect(), it opens one to the page's own origin. */
export function connection(): Connection {
  return shared[connectionKey] ?? connect();
}

const idPattern = /^[a-z][a-z0-9-]*(_[a-z][a-z0-9-]*){2}$/i;

/** Makes the channel with this ID, `{plugin}_{module}_{name}`. Throws a TypeError for other IDs. */
export function channel<const K extends string>(id: K): Channel<SendOf<K>, ReceiveOf<K>>;
export function channel<Send, Receive>(id: string): Channel<Send, Receive>;
export function channel(id: string): Channel {
  if (!idPattern.test(id))
    throw new TypeError(`${JSON.stringify(id)} is not a channel ID: an ID has three parts, plugin_module_name`);
  return {
    id,
    send: (data) => connection().send(id, data),
    subscribe: (onMessage) => connection().subscribe(id, onMessage),
  };
}

/** Listens for notifications. Without a listener, development shows them as toasts. */
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
 * Asks the server to look at the page's cookies again. Resolves with the user, "" for a guest. Call it after a sign-in
 * or sign-out that the server cannot see, because the answer with the cookie did not come through it.
 */
export function reidentify(): Promise<string> {
  return connection().reidentify();
}

/** Listens for changes of the connection's state. */
export function onReadyState(listener: (state: ReadyState) => void): Off {
  return connection().onReadyState(listener);
}

/** Returns the state of the page's connection. */
export function readyState(): ReadyState {
  return connection().readyState;
}
