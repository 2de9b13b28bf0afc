// Adds what Vite's types of import.meta.hot lack, in projects that have them. It becomes devserver-vite.d.ts.

declare module "vite/types/customEvent.d.ts" {
  interface CustomEventMap extends DevserverEvents {
    "devserver:unknown-event": DevserverServerEvents["devserver:unknown-event"];
    "devserver:event-error": DevserverServerEvents["devserver:event-error"];
    "devserver:channel-error": DevserverServerEvents["devserver:channel-error"];
    "devserver:lost": DevserverServerEvents["devserver:lost"];
    "devserver:identified": DevserverServerEvents["devserver:identified"];
    "devserver:notification": DevserverServerEvents["devserver:notification"];
  }
}

declare module "vite/types/hot.d.ts" {
  interface ViteHotContext {
    /**
     * Answers requests of the server: plugin.Request in Go. A name has one handler in a page. It ends with the module,
     * or when the returned function is called.
     */
    handle<E extends string>(event: E, handler: DevserverHandler<E>, options?: DevserverHandleOptions): () => void;
    /** Sends a request and resolves with the answer. Errors are DevserverRequestErrors. */
    request<E extends string>(
      event: E,
      data?: DevserverRequestOf<E>,
      options?: DevserverRequestOptions,
    ): Promise<DevserverResponseOf<E>>;
  }
}
