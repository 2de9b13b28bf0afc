// The public types of import.meta.hot. types.go makes devserver-env.d.ts of them. This file holds interfaces and type
// aliases only, so that it may stand at the top of a script file as well as inside `declare global`.

/** Events that pages send, with their payloads. The server adds those of Go handlers; add your own in the same way. */
interface DevserverEvents {}

/** Requests that the server answers: `{ "sum:add": { request: { a: number; b: number }; response: number } }`. */
interface DevserverRequests {}

/** Requests that pages answer: `{ "cart:state": { request: void; response: { items: number } } }`. */
interface DevserverPageRequests {}

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
  "devserver:channel-error": {
    channel: string;
    direction: "listen" | "send";
    error: { code: string; message: string; path?: string };
  };
  /**
   * Messages were lost with a session. With `sent` this page had sent them, and they may have arrived. Without `sent`
   * they were on their way to this page.
   */
  "devserver:lost": { messages: number; reason: string; sent?: true };
  /** The page has another user; "" is a guest. */
  "devserver:identified": { user: string };
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
 * The error of a message that was not sent, or of a request. `code` is the handler's, or timeout, connection_lost,
 * queue_full, too_big, bad_event, aborted or disposed.
 */
interface DevserverRequestError extends Error {
  readonly code: string;
  /** The part of the payload that is wrong, such as "a.b[2]". */
  readonly path?: string;
}

interface DevserverRequestOptions {
  /** Milliseconds until the request fails; 30,000 by default, 0 or Infinity for no limit. */
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

/** Answers a request of the server. The signal aborts when nobody waits for the answer any more. */
type DevserverHandler<E> = E extends keyof DevserverPageRequests
  ? DevserverPageRequests[E] extends { request: infer In; response: infer Out }
    ? (data: In, context: { signal: AbortSignal }) => Out | Promise<Out>
    : never
  : (data: any, context: { signal: AbortSignal }) => any;

interface DevserverHandleOptions {
  /** Says what the request does. Tools and agents list requests that have a description. */
  description?: string;
}

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
  /** Sends an event, which waits while there is no connection. Throws a DevserverRequestError if it cannot be sent. */
  send<E extends string>(event: E, data?: DevserverSent<E>): void;
  /**
   * Answers requests of the server: plugin.Request in Go. A name has one handler in a page. It ends with the module, or
   * when the returned function is called.
   */
  handle<E extends string>(event: E, handler: DevserverHandler<E>, options?: DevserverHandleOptions): () => void;
  /** Sends a request and resolves with the answer. Errors are DevserverRequestErrors. */
  request<E extends string>(
    event: E,
    data?: DevserverRequestOf<E>,
    options?: DevserverRequestOptions,
  ): Promise<DevserverResponseOf<E>>;
}
