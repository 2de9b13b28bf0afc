import { shown } from "./exports";
import { log } from "./log";

log(`user of ${shown}`);
