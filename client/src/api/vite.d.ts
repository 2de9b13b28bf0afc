// What the types of import.meta.hot lack in projects that have Vite's. Part of devserver-env.d.ts, which is a module then.

declare module "vite/types/customEvent.d.ts" {
  interface CustomEventMap extends DevserverEvents {
    "devserver:unknown-event": DevserverServerEvents["devserver:unknown-event"];
    "devserver:event-error": DevserverServerEvents["devserver:event-error"];
    "devserver:channel-error": DevserverServerEvents["devserver:channel-error"];
    "devserver:notification": DevserverServerEvents["devserver:notification"];
  }
}

declare module "vite/types/hot.d.ts" {
  interface ViteHotContext {
    /** Asks the server. The promise is rejected with a DevserverRequestError. */
    request<E extends string>(event: E, data?: DevserverAsked<E>, options?: DevserverRequestOptions): Promise<DevserverAnswered<E>>;
  }
}
