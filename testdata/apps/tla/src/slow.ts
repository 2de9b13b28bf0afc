import { order } from "./order";

order.push("slow:begin");
await new Promise((done) => setTimeout(done, 20));
order.push("slow:end");

export const slow = "slow";
