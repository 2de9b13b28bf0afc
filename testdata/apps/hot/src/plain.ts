// No import.meta.hot here nor above: an edit reloads the page, and says why.
import { show } from "./log";

show("plain", "1");
