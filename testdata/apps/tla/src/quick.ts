import { order } from "./order";

order.push("quick:begin");
await null;
order.push("quick:end");

export const quick = "quick";
