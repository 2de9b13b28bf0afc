// `devserver/react`: channels in components.

import { useCallback, useEffect, useRef, useSyncExternalStore } from "react";
import { connection, onReadyState, readyState, type Channel, type ReadyState } from "./channel.ts";

export interface UseChannelOptions<Receive> {
  /** Called with each message while the component is mounted; always the function of the latest render. */
  onMessage?: (data: Receive) => void;
}

export interface UsedChannel<Send> {
  /** Stays the same function over renders. */
  send: (data: Send) => void;
  readyState: ReadyState;
}

/** Uses a channel for as long as the component is mounted. */
export function useChannel<Send, Receive>(channel: Channel<Send, Receive>, { onMessage }: UseChannelOptions<Receive> = {}): UsedChannel<Send> {
  const latest = useRef(onMessage);
  useEffect(() => {
    latest.current = onMessage;
  });
  const listens = onMessage !== undefined;
  useEffect(() => {
    if (!listens) return undefined;
    return channel.subscribe((data) => latest.current?.(data));
  }, [channel.id, listens]);
  const send = useCallback((data: Send) => channel.send(data), [channel.id]);
  return { send, readyState: useReadyState() };
}

/** The state of the page's connection. */
export function useReadyState(): ReadyState {
  return useSyncExternalStore(onReadyState, readyState, () => "connecting");
}

export { connection };
