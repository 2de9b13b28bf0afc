// Each module below uses some members of import.meta.hot. This module uses none, so what they do not accept reloads.
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
