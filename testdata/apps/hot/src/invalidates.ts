// This module accepts itself, then finds that it cannot: invalidate() passes the update on to its importers.
import { log } from "./log";

export const kind = "kind 1";

const hot = import.meta.hot!;
const before: string | undefined = hot.data.kind;
hot.data.kind = kind;
hot.accept(() => {
  if (before !== undefined) log("invalidates was updated before");
  hot.invalidate("the kind has changed");
});
