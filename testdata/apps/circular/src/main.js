// even.js and odd.js import each other, and self.js imports itself. This works because functions are hoisted.
import { order } from "./order.js";
import { isEven } from "./even.js";
import { isOdd } from "./odd.js";
import * as self from "./self.js";

order.push("main");
self.raise();
document.querySelector("#parity").textContent =
  `10 is ${isEven(10) ? "even" : "odd"}, 7 is ${isOdd(7) ? "odd" : "even"}`;
document.querySelector("#order").textContent = order.join(" ");
document.querySelector("#live").textContent = `live ${self.value} ${self.seenByItself()}`;

import.meta.hot?.accept("./even.js", (even) => {
  document.querySelector("#parity").textContent = `updated: 10 is ${even.isEven(10) ? "even" : "odd"}`;
});
