// The entry and a module that it imports use await. They run in the order of the specification: a module runs after all
// its imports. The modules slow and quick do not need each other, so they wait at the same time.
import { order } from "./order";
import { slow } from "./slow";
import { quick } from "./quick";
import { config } from "./config";

order.push("main");
document.querySelector("#order")!.textContent = order.join(" ");
document.querySelector("#config")!.textContent = `${config.name} ${slow} ${quick}`;

const late = await import("./late");
document.querySelector("#late")!.textContent = late.text;

export const ready = true;

import.meta.hot?.accept();
