import { show } from "@/show";
import legacy, { kind } from "legacy-name";
import { where } from "#internal/where";
import { path } from "~lib/path";
import condition from "conditional";
import "./folder";
import { Typed } from "./typed.js";

show("alias", [legacy.default, kind]); // "type": "module" gets module.exports, as in Node
show("imports", where);
show("paths", path);
show("conditions", condition);
show("js for ts", new Typed().name);
