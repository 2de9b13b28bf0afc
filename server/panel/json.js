// Shows JSON as a tree. An object builds its lines when it is opened for the first time.
import { count, h } from "./dom.js";

const most = 200; // lines that show at once

export function jsonTree(value, open = 2) {
  return h("div", { class: "json" }, node(undefined, value, open));
}

/** One line of JSON, for a row of a list. */
export function preview(value, limit = 160) {
  if (value === undefined) return "";
  const text = JSON.stringify(value);
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}

function node(name, value, open) {
  const label = name === undefined ? [] : [h("span", { class: "name" }, name), ": "];
  if (value === null || typeof value !== "object")
    return h("div", { class: "leaf" }, ...label, h("span", { class: kindOf(value) }, JSON.stringify(value)));
  const entries = Object.entries(value);
  const array = Array.isArray(value);
  if (entries.length === 0) return h("div", { class: "leaf" }, ...label, array ? "[]" : "{}");
  const size = array ? `[${count(entries.length)}]` : `{${count(entries.length)}}`;
  const about = h("span", { class: "about" }, size, h("span", null, " ", preview(value, 60)));
  const details = h("details", null, h("summary", null, ...label, about));
  const fill = () => {
    if (details.open && details.childElementCount === 1) more(details, entries, 0, open - 1);
  };
  details.addEventListener("toggle", fill);
  if (open > 0 && entries.length <= most) {
    details.open = true;
    fill();
  }
  return details;
}

function more(details, entries, from, open) {
  details.append(...entries.slice(from, from + most).map(([name, value]) => node(name, value, open)));
  const left = entries.length - from - most;
  if (left <= 0) return;
  const button = h("button", { type: "button", class: "quiet" }, `${count(left)} more`);
  button.addEventListener("click", () => {
    button.remove();
    more(details, entries, from + most, open);
  });
  details.append(button);
}

const kindOf = (value) => (value === null ? "null" : typeof value);
