// accept(["./a", "./b"], callback): the callback gets only the modules that were updated.
import { a } from "./a";
import { b } from "./b";
import { log, show } from "./log";

show("list", `${a} ${b}`);

import.meta.hot!.accept(
  ["./a", "./b"],
  ([newA, newB]: [typeof import("./a") | undefined, typeof import("./b") | undefined]) => {
    log(`list ${newA?.a} ${newB?.b}`);
    show("list", `${newA?.a} ${newB?.b}`);
  },
);
