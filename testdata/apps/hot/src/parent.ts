// accept("./dep", callback): the module itself does not run again.
import { value } from "./dep";
import { log, show } from "./log";

log("parent runs");
show("parent", `${value}`);

import.meta.hot!.accept("./dep", (now: typeof import("./dep") | undefined) => {
  show("parent", `${value} -> ${now?.value}`);
  log(`dep ${now?.value}`);
});
