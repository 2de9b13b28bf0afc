// What keys do. Views bring their list and their search field; the rest is the same everywhere.
import { h } from "./dom.js";
import { go } from "./router.js";

const help = [
  ["1 – 6", "show a view"],
  ["g then u p m e r c", "updates, pages, modules, events, errors, console"],
  ["/", "search"],
  ["j k, ↓ ↑", "next, previous row"],
  ["Home End, PgUp PgDn", "ends of the list, a page of it"],
  ["Enter", "open the row"],
  ["o", "open its file in the editor"],
  ["Esc", "back"],
  ["n, e", "send a notification, an event"],
  ["p", "hold the list of events or lines, go on"],
  ["t", "theme: the system's, light, dark"],
  ["?", "these keys"],
];

export function showHelp() {
  const dialog = document.getElementById("keys");
  dialog.replaceChildren(
    h("h2", { id: "keys-title", tabindex: -1, autofocus: true }, "Keys"),
    h("dl", null, ...help.flatMap(([keys, text]) => [h("dt", null, ...caps(keys)), h("dd", null, text)])),
    h("form", { method: "dialog" }, h("button", { class: "quiet" }, "Close")),
  );
  dialog.showModal();
}

function caps(keys) {
  return keys.split(/([ ,–]+|then)/).map((part) => (/^([ ,–]+|then|)$/.test(part) ? part : h("kbd", null, part)));
}

/** Listens to keys. current returns the view that shows, views all of them, and commands what single letters do. */
export function listenToKeys({ current, views, commands }) {
  let prefix = false; // whether g came before
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return void escape(event, current());
    if (isField(event.target)) {
      if (event.target.type === "search" && (event.key === "ArrowDown" || event.key === "Enter")) {
        current().list?.element.focus();
        current().list?.move(event.key === "Enter" && current().list.index >= 0 ? 0 : 1);
        event.preventDefault();
      }
      return;
    }
    const view = prefix ? views.find((v) => v.letter === event.key) : views[Number(event.key) - 1];
    prefix = !prefix && event.key === "g";
    if (view) {
      event.preventDefault();
      return go(view.name);
    }
    if (prefix) return;
    if (inList(event, current().list) || current().keys?.[event.key]?.() || commands[event.key]?.())
      event.preventDefault();
  });
}

function isField(el) {
  return /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && !/^(radio|checkbox|button)$/.test(el.type);
}

/** Returns whether the key was one of the list. Enter and arrows stay those of a button or a link that has the focus. */
function inList(event, list) {
  if (!list || list.element.offsetParent === null) return false;
  const own = list.element === document.activeElement || document.activeElement === document.body;
  const steps = { j: 1, k: -1 };
  if (own) Object.assign(steps, { ArrowDown: 1, ArrowUp: -1, PageDown: list.page(), PageUp: -list.page() });
  if (own) Object.assign(steps, { Home: -Infinity, End: Infinity });
  if (event.key in steps) list.move(steps[event.key]);
  else if (event.key === "Enter" && own) list.enter();
  else return false;
  return true;
}

function escape(event, view) {
  const field = document.activeElement;
  if (field.type === "search" && field.value) return; // the browser clears the field
  event.preventDefault();
  if (isField(field)) return field.blur();
  view.back?.();
}
