// Take the import away and the module is pruned; bring it back and it starts anew.
import "./pruned";
import { show } from "./log";

show("toggle", "1");
import.meta.hot!.accept();
