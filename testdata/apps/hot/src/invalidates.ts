// It accepts itself, then finds that it can't: invalidate() hands the update on to who imports it.
import { log } from "./log";

export const kind = "kind 1";

const hot = import.meta.hot!;
const before: string | undefined = hot.data.kind;
hot.data.kind = kind;
hot.accept(() => {
  if (before !== undefined) log("invalidates was updated before");
  hot.invalidate("the kind is another one");
});
