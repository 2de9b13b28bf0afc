import { order } from "./order.js";
import { isEven } from "./even.js";

order.push("odd");

export function isOdd(n) {
  return n !== 0 && isEven(n - 1);
}
