import "./imported.css";
import styles from "./button.module.css";
import other from "./other/button.module.css";
import text from "./inline.css?inline";
import url from "./linked.css?url";

document.querySelector("#module")!.className = styles.button!;
document.querySelector("#other")!.className = other.button!;
document.querySelector("#inline")!.textContent = `${text.trim()}\n${url}`;

declare global {
  interface Window {
    runs?: number;
  }
}
window.runs = (window.runs ?? 0) + 1; // a stylesheet's edit must not run this again
