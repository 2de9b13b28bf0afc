import { show } from "../show";
show("directory index", "ran");
