import { order } from "./order.js";
import { isOdd } from "./odd.js";

order.push("even");

export function isEven(n) {
  return n === 0 || isOdd(n - 1);
}
