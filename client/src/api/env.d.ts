// The public types of import.meta.hot (not named hot.d.ts: beside hot.ts it would count as its output). This file holds interfaces and type aliases only, so that it can stand at the
// top of a script file as well as inside `declare global`: client.go makes devserver-env.d.ts of it.

/** Events that pages send, with their payloads. Written from the types of the Go handlers; add your own the same way. */
interface DevserverEvents {}

/** Requests that the server answers: `{ "sum:add": { request: { a: number; b: number }; response: number } }`. */
interface DevserverRequests {}

/** Channels: `{ "blog_chat_echo": { send: Message; receive: Message } }`; `send: never` = pages only listen. */
interface DevserverChannels {}

/** Events that pages listen for: the built-in ones, and those of the server that are declared here. */
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

/** What a rejected request is rejected with. `code` is the handler's, or timeout, connection_lost, queue_full, too_big, disposed. */
interface DevserverRequestError extends Error {
  readonly code: string;
  /** Where in the payload the fault is. */
  readonly path?: string;
}

interface DevserverRequestOptions {
  /** Milliseconds until the request is given up; 30,000 by default, 0 = never. */
  timeout?: number;
  signal?: AbortSignal;
}

type DevserverSent<E> = E extends keyof DevserverEvents ? DevserverEvents[E] : any;
type DevserverReceived<E> = E extends keyof DevserverServerEvents ? DevserverServerEvents[E] : any;
type DevserverAsked<E> = E extends keyof DevserverRequests ? (DevserverRequests[E] extends { request: infer R } ? R : any) : any;
type DevserverAnswered<E> = E extends keyof DevserverRequests ? (DevserverRequests[E] extends { response: infer R } ? R : any) : any;

type DevserverModule = Record<string, any> & { [Symbol.toStringTag]?: "Module" };

/** import.meta.hot */
interface DevserverHot {
  /** Outlives updates of the module. Change its members, don't assign it. */
  readonly data: any;
  /** Takes updates of this module, or of direct imports of it. */
  accept(): void;
  accept(callback: (module: DevserverModule | undefined) => void): void;
  accept(dep: string, callback?: (module: DevserverModule | undefined) => void): void;
  accept(deps: readonly string[], callback?: (modules: (DevserverModule | undefined)[]) => void): void;
  /** Takes updates for importers that use these exports only. */
  acceptExports(names: string | readonly string[], callback?: (module: DevserverModule | undefined) => void): void;
  /** Called before this module is replaced; several callbacks all run. */
  dispose(callback: (data: any) => void): void;
  /** Called when nothing imports this module any more. */
  prune(callback: (data: any) => void): void;
  /** Does nothing. */
  decline(): void;
  /** Says that this module cannot take its update, so its importers have to. */
  invalidate(message?: string): void;
  on<E extends string>(event: E, callback: (data: DevserverReceived<E>) => void): void;
  off<E extends string>(event: E, callback: (data: DevserverReceived<E>) => void): void;
  /** Sends an event; it waits while there is no connection. */
  send<E extends string>(event: E, data?: DevserverSent<E>): void;
  /** Asks the server. The promise is rejected with a DevserverRequestError. */
  request<E extends string>(event: E, data?: DevserverAsked<E>, options?: DevserverRequestOptions): Promise<DevserverAnswered<E>>;
}
