// Written by devserver from the Go types of this project's plugins. Do not edit.
// It need not be in version control.

interface DevserverEvents {
  "hello": string;
}

interface DevserverRequests {
}

interface DevserverChannels {
}

/** Events that pages send, with their payloads. The server adds those of Go handlers; add your own in the same way. */
interface DevserverEvents {}

/** Requests that the server answers: `{ "sum:add": { request: { a: number; b: number }; response: number } }`. */
interface DevserverRequests {}

/** Channels: `{ "blog_chat_echo": { send: Message; receive: Message } }`. With `send: never` pages only listen. */
interface DevserverChannels {}

/** Events that pages listen for: the built-in events, and the server's own that are declared here. */
interface DevserverServerEvents {
  "vite:beforeUpdate": DevserverUpdatePayload;
  "vite:afterUpdate": DevserverUpdatePayload;
  "vite:beforePrune": { type: "prune"; paths: string[] };
  "vite:beforeFullReload": { type: "full-reload"; path?: string; triggeredBy?: string; reason?: string };
  "vite:error": { type: "error"; err: DevserverError };
  "vite:invalidate": { path: string; message: string | undefined; firstInvalidatedBy: string };
  "vite:ws:connect": { webSocket: WebSocket };
  "vite:ws:disconnect": { webSocket: WebSocket };
  "devserver:beforeUpdate": DevserverUpdatePayload;
  "devserver:afterUpdate": DevserverUpdatePayload;
  "devserver:beforePrune": { type: "prune"; paths: string[] };
  "devserver:beforeFullReload": { type: "full-reload"; path?: string; triggeredBy?: string; reason?: string };
  "devserver:error": { type: "error"; err: DevserverError };
  "devserver:invalidate": { path: string; message: string | undefined; firstInvalidatedBy: string };
  "devserver:ws:connect": { webSocket: WebSocket };
  "devserver:ws:disconnect": { webSocket: WebSocket };
  "devserver:unknown-event": { event: string };
  "devserver:event-error": { event: string; error: { code: string; message: string; path?: string } };
  "devserver:channel-error": { channel: string; error: { code: string; message: string; path?: string } };
  "devserver:notification": { title: string; description?: string; type?: "info" | "success" | "warning" | "error" };
  "devserver:plugins:reloaded": unknown;
}

interface DevserverUpdatePayload {
  type: "update";
  updates: {
    type: "js-update" | "css-update";
    path: string;
    acceptedPath: string;
    timestamp: number;
    explicitImportRequired?: boolean;
    isWithinCircularImport?: boolean;
    firstInvalidatedBy?: string;
  }[];
}

interface DevserverError {
  message: string;
  stack: string;
  id?: string;
  frame?: string;
  plugin?: string;
  loc?: { file?: string; line: number; column: number };
  file?: string;
  hint?: string;
}

/**
 * A request's error. `code` is the handler's, or timeout, connection_lost, queue_full, too_big, aborted or disposed.
 */
interface DevserverRequestError extends Error {
  readonly code: string;
  /** The part of the payload that is wrong, such as "a.b[2]". */
  readonly path?: string;
}

interface DevserverRequestOptions {
  /** Milliseconds until the request fails; 30,000 by default, 0 for no limit. */
  timeout?: number;
  signal?: AbortSignal;
}

type DevserverSent<E> = E extends keyof DevserverEvents ? DevserverEvents[E] : any;
type DevserverReceived<E> = E extends keyof DevserverServerEvents ? DevserverServerEvents[E] : any;
type DevserverRequestOf<E> = E extends keyof DevserverRequests
  ? DevserverRequests[E] extends { request: infer R }
    ? R
    : any
  : any;
type DevserverResponseOf<E> = E extends keyof DevserverRequests
  ? DevserverRequests[E] extends { response: infer R }
    ? R
    : any
  : any;

type DevserverModule = Record<string, any> & { [Symbol.toStringTag]?: "Module" };

/** import.meta.hot */
interface DevserverHot {
  /** Survives updates of the module. Change its members; do not assign it. */
  readonly data: any;
  /** Takes updates of this module, or of its direct imports. */
  accept(): void;
  accept(callback: (module: DevserverModule | undefined) => void): void;
  accept(dep: string, callback?: (module: DevserverModule | undefined) => void): void;
  accept(deps: readonly string[], callback?: (modules: (DevserverModule | undefined)[]) => void): void;
  /** Takes updates of this module for importers that use these exports only. */
  acceptExports(names: string | readonly string[], callback?: (module: DevserverModule | undefined) => void): void;
  /** Calls back before this module is replaced. All callbacks run. */
  dispose(callback: (data: any) => void): void;
  /** Calls back when nothing imports this module any more. */
  prune(callback: (data: any) => void): void;
  /** Does nothing. */
  decline(): void;
  /** Refuses the update of this module: its importers have to take it. */
  invalidate(message?: string): void;
  on<E extends string>(event: E, callback: (data: DevserverReceived<E>) => void): void;
  off<E extends string>(event: E, callback: (data: DevserverReceived<E>) => void): void;
  /** Sends an event, which waits while there is no connection. */
  send<E extends string>(event: E, data?: DevserverSent<E>): void;
  /** Sends a request and resolves with the answer. Errors are DevserverRequestErrors. */
  request<E extends string>(
    event: E,
    data?: DevserverRequestOf<E>,
    options?: DevserverRequestOptions,
  ): Promise<DevserverResponseOf<E>>;
}

declare module "devserver/client" {
  export type ReadyState = "connecting" | "open" | "closed";
  export type Off = () => void;

  export interface Channel<Send = unknown, Receive = unknown> {
    readonly id: string;
    send(data: Send): void;
    subscribe(onMessage: (data: Receive) => void): Off;
  }

  export interface Notification {
    title: string;
    description?: string;
    type?: "info" | "success" | "warning" | "error";
  }

  export interface Connection {
    readonly readyState: ReadyState;
    onReadyState(listener: (state: ReadyState) => void): Off;
    send(event: string, data?: unknown): void;
    request(event: string, data?: unknown, options?: DevserverRequestOptions): Promise<unknown>;
    on(event: string, listener: (data: any) => void): Off;
    subscribe(channel: string, listener: (data: any) => void): Off;
    reidentify(): Promise<string>;
    close(): void;
  }

  export interface ConnectOptions {
    url?: string | URL;
    token?: string | (() => string | Promise<string>);
    name?: string;
  }

  export class HotError extends Error {
    readonly code: string;
    readonly path?: string;
  }

  type SendOf<K> = K extends keyof DevserverChannels
    ? DevserverChannels[K] extends { send: infer S }
      ? S
      : unknown
    : unknown;
  type ReceiveOf<K> = K extends keyof DevserverChannels
    ? DevserverChannels[K] extends { receive: infer R }
      ? R
      : unknown
    : unknown;

  export function channel<const K extends string>(id: K): Channel<SendOf<K>, ReceiveOf<K>>;
  export function channel<Send, Receive>(id: string): Channel<Send, Receive>;
  export function connect(options?: ConnectOptions): Connection;
  export function connection(): Connection;
  export function onNotification(listener: (notification: Notification) => void): Off;
  export function reidentify(): Promise<string>;
  export function onReadyState(listener: (state: ReadyState) => void): Off;
  export function readyState(): ReadyState;
}

declare module "devserver/react" {
  import type { Channel, ReadyState } from "devserver/client";
  export function useChannel<Send, Receive>(
    channel: Channel<Send, Receive>,
    options?: { onMessage?: (data: Receive) => void },
  ): { send: (data: Send) => void; readyState: ReadyState };
  export function useReadyState(): ReadyState;
}

interface ImportMetaEnv {
  readonly MODE: string;
  readonly BASE_URL: string;
  readonly DEV: boolean;
  readonly PROD: boolean;
  readonly SSR: boolean;
  readonly [key: string]: any;
}

interface DevserverGlobOptions<Eager extends boolean> {
  eager?: Eager;
  import?: string;
  query?: string | Record<string, string | number | boolean>;
  exhaustive?: boolean;
}

interface ImportMeta {
  url: string;
  readonly env: ImportMetaEnv;
  readonly hot?: DevserverHot;
  glob<M = any>(
    patterns: string | readonly string[],
    options?: DevserverGlobOptions<false>,
  ): Record<string, () => Promise<M>>;
  glob<M = any>(patterns: string | readonly string[], options: DevserverGlobOptions<true>): Record<string, M>;
}

declare module "*.module.css" {
  const names: Readonly<Record<string, string>>;
  export default names;
}
declare module "*.module.scss" {
  const names: Readonly<Record<string, string>>;
  export default names;
}
declare module "*.module.less" {
  const names: Readonly<Record<string, string>>;
  export default names;
}
declare module "*.css" {}
declare module "*.scss" {}
declare module "*.sass" {}
declare module "*.less" {}
declare module "*.svg" {
  const url: string;
  export default url;
}
declare module "*.png" {
  const url: string;
  export default url;
}
declare module "*.jpg" {
  const url: string;
  export default url;
}
declare module "*.jpeg" {
  const url: string;
  export default url;
}
declare module "*.gif" {
  const url: string;
  export default url;
}
declare module "*.webp" {
  const url: string;
  export default url;
}
declare module "*.avif" {
  const url: string;
  export default url;
}
declare module "*.ico" {
  const url: string;
  export default url;
}
declare module "*.mp4" {
  const url: string;
  export default url;
}
declare module "*.webm" {
  const url: string;
  export default url;
}
declare module "*.mp3" {
  const url: string;
  export default url;
}
declare module "*.wav" {
  const url: string;
  export default url;
}
declare module "*.ogg" {
  const url: string;
  export default url;
}
declare module "*.woff" {
  const url: string;
  export default url;
}
declare module "*.woff2" {
  const url: string;
  export default url;
}
declare module "*.ttf" {
  const url: string;
  export default url;
}
declare module "*.pdf" {
  const url: string;
  export default url;
}
declare module "*.txt" {
  const url: string;
  export default url;
}
declare module "*.wasm?init" {
  const init: (imports?: WebAssembly.Imports) => Promise<WebAssembly.Instance>;
  export default init;
}
declare module "*?url" {
  const url: string;
  export default url;
}
declare module "*?raw" {
  const text: string;
  export default text;
}
declare module "*?inline" {
  const text: string;
  export default text;
}
declare module "*?worker" {
  const Create: new (options?: { name?: string }) => Worker;
  export default Create;
}
declare module "*?worker&inline" {
  const Create: new (options?: { name?: string }) => Worker;
  export default Create;
}
declare module "*?sharedworker" {
  const Create: new (options?: { name?: string }) => SharedWorker;
  export default Create;
}

