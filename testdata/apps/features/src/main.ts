import { show } from "./show";
import "./assets";
import "./environment";
import "./globs";
import "./resolution";
import "./styles";
import "./workers";

show("all", "ran");
