// The entry awaits, and so does a module that it imports. The order is that of the specification: a module runs when all
// that it imports has; slow and quick, which don't need each other, wait side by side.
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
