import { logEvent, type Level } from "./console";
import "./style.css";

const list = document.querySelector("#lines")!;
const says: Record<Level, unknown[]> = {
  log: ["the page is", innerWidth, "pixels wide"],
  info: ["the cart has", { items: 2, total: 7.5 }],
  warn: ["the price is old"],
  error: [new Error("no such product")],
  debug: ["rendered in", Math.round(performance.now()), "ms"],
};

function show(line: { level: string; text: string }): void {
  const item = document.createElement("li");
  item.className = line.level;
  item.textContent = line.text;
  list.prepend(item);
  while (list.children.length > 50) list.lastChild!.remove();
}

function onClick(event: Event): void {
  const button = (event.target as Element).closest("button");
  const level = button?.dataset.level as Level | undefined;
  if (level) console[level](...says[level]);
  else if (button?.id === "event") logEvent("checkout", { items: ["apple", "pear"], total: 7.5 });
  else if (button?.id === "throw") throw new TypeError("this error was thrown by a button");
}

document.addEventListener("click", onClick);
import.meta.hot?.dispose(() => document.removeEventListener("click", onClick));
import.meta.hot?.on("console:written", show); // also the lines of other pages
import.meta.hot?.accept();

const file = await import.meta.hot?.request("console:file");
document.querySelector("#file")!.textContent = file?.name ?? "no file: this is a production build";
