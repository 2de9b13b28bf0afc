import { kind } from "./invalidates";
import { log, show } from "./log";

show("invalidates", kind);
log(`taker runs with ${kind}`);
import.meta.hot!.accept();
