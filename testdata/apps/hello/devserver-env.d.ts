// Written by devserver from the Go types of this project's plugins. Do not edit; it may be left out of version control.
export {};

interface DevserverEvents {
  "hello:broadcast": { Text: string };
  "my-custom-event": { Message: string };
}

interface DevserverRequests {
}

declare global {
  interface DevserverHot {
    send<E extends keyof DevserverEvents>(event: E, data: DevserverEvents[E]): void;
    request<E extends keyof DevserverRequests>(event: E, data: DevserverRequests[E]["request"], options?: { timeout?: number; signal?: AbortSignal }): Promise<DevserverRequests[E]["response"]>;
  }
}

declare module "vite/types/customEvent.d.ts" {
  interface CustomEventMap extends DevserverEvents {}
}
