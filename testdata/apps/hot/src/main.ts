// Each module below uses some members of import.meta.hot. This one uses none: what is not taken below reaches the page.
import { log } from "./log";
import "./events";
import "./self";
import "./parent";
import "./list";
import "./user";
import "./toggle";
import "./declined";
import "./taker";
import "./plain";

log("main");
