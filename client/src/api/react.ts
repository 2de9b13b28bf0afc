// `devserver/react`: channels in components.

import { useCallback, useEffect, useRef, useSyncExternalStore } from "react";
import { connection, onReadyState, readyState, type Channel, type ReadyState } from "./channel.ts";

export interface UseChannelOptions<Receive> {
  /** Called with each message while the component is mounted. The function of the latest render is called. */
  onMessage?: (data: Receive) => void;
}

export interface UsedChannel<Send> {
  /** The same function in each render. */
  send: (data: Send) => void;
  readyState: ReadyState;
}

/** Uses a channel while the component is mounted. It listens only with `onMessage`. */
export function useChannel<Send, Receive>(
  channel: Channel<Send, Receive>,
  { onMessage }: UseChannelOptions<Receive> = {},
): UsedChannel<Send> {
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

/** Returns the state of the page's connection, and renders again when it changes. */
export function useReadyState(): ReadyState {
  return useSyncExternalStore(onReadyState, readyState, () => "connecting");
}

export { connection };
