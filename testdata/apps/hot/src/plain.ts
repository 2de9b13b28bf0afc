// Neither this module nor its importers use import.meta.hot. An edit reloads the page, with a reason.
import { show } from "./log";

show("plain", "1");
