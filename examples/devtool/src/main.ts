import { shop } from "./shop";
import "./style.css";

const end = shop(document.querySelector("#app")!);

import.meta.hot?.dispose(end);
import.meta.hot?.accept();
