// The options of requests to the server, and their errors.

export interface RequestOptions {
  /** Milliseconds until the request fails; 30,000 by default, 0 for no limit. */
  timeout?: number;
  signal?: AbortSignal;
}

/**
 * A request's error. `code` is the handler's, or timeout, connection_lost, queue_full, too_big, aborted or disposed.
 */
export class HotError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly path?: string,
  ) {
    super(message);
    this.name = "HotError";
  }
}
