// The types of `devserver/client` and `devserver/react`, for projects that did not install the npm package. Part of
// devserver-env.d.ts.

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
    handle<E extends string>(event: E, handler: DevserverHandler<E>, options?: DevserverHandleOptions): Off;
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
