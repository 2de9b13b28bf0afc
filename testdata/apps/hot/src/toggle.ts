// Without this import the module is pruned. When the import is back, the module starts again without its old data.
import "./pruned";
import { show } from "./log";

show("toggle", "1");
import.meta.hot!.accept();
