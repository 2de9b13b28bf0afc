// import.meta.hot where modules are not updated: in workers and worklets, a changed module reloads the page. Code that
// plugins make uses import.meta.hot without asking whether it is there.

import type { Hot } from "./hot.ts";

const nothing = (): void => {};
const unconnected = (): never => {
  throw new Error("import.meta.hot: a worker has no connection; send the event from the page");
};

/** Returns a context that takes no updates and hears no events. */
export const stillContext = (): Hot => ({
  data: {},
  accept: nothing,
  acceptExports: nothing,
  dispose: nothing,
  prune: nothing,
  decline: nothing,
  invalidate: nothing,
  on: nothing,
  off: nothing,
  handle: (event) => {
    console.warn(
      `[devserver] import.meta.hot.handle(${JSON.stringify(event)}) has no effect in a worker; use it in the page`,
    );
    return nothing;
  },
  send: unconnected,
  request: unconnected,
});
