// The options of requests to the server, and their errors.

export interface RequestOptions {
  /** Milliseconds until the request fails; 30,000 by default, 0 or Infinity for no limit. */
  timeout?: number;
  signal?: AbortSignal;
}

/**
 * The error of a message that was not sent, or of a request. `code` is the handler's, or timeout, connection_lost,
 * queue_full, too_big, bad_event, aborted or disposed.
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
