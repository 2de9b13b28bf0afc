// Requests to the server, as the code that makes them sees them.

export interface RequestOptions {
  /** Milliseconds until the request is given up; 30,000 by default, 0 = never. */
  timeout?: number;
  signal?: AbortSignal;
}

/** Why a request was rejected: `code` is the handler's, or one of timeout, connection_lost, queue_full, disposed. */
export class HotError extends Error {
  constructor(readonly code: string, message: string, readonly path?: string) {
    super(message);
    this.name = "HotError";
  }
}
