// The errors that the project has now: of modules, of the configuration and the plugins, and those uncaught in pages.
import { ask } from "./api.js";
import { ago, count, empty, h, pathName } from "./dom.js";
import { openButton, openPlace } from "./listview.js";
import { isUncaught, live } from "./live.js";
import { href } from "./router.js";

const kinds = {
  compile: "does not compile",
  config: "configuration",
  plugins: "plugins",
  uncaught: "uncaught in a page",
  rejection: "rejected promise",
};

let list = [];
let at = -1;
let body;
let asking;
let again = false;

export const errors = {
  name: "errors",
  title: "Errors",
  letter: "r",
  create() {
    body = h("div", { class: "sheet", "aria-live": "polite" });
    return h("section", { class: "view view-errors", "aria-label": "Errors" }, body);
  },
  show: load,
  update(came) {
    if (errors.element?.hidden === false && ["errors", "edit", "page", "state"].some((kind) => came.has(kind))) load();
    else if (errors.element?.hidden === false && came.has("console") && isUncaught(live.console.at(-1).console)) load();
  },
  keys: {
    j: () => step(1),
    k: () => step(-1),
    o: () => list[at] && (void openPlace(placeOf(list[at])), true),
  },
};

function load() {
  again = asking !== undefined;
  asking ??= ask("errors")
    .then((answer) => {
      list = answer.errors;
      draw();
    })
    .catch(() => {}) // the head of the panel tells of a lost connection
    .finally(() => {
      asking = undefined;
      if (again) load();
    });
}

function draw() {
  const focused = list.length > 0 && body.contains(document.activeElement) ? at : -1;
  if (list.length === 0)
    return body.replaceChildren(
      empty(
        "errors",
        "No errors",
        "Errors of modules, of the configuration and of plugins show here until they are fixed, and so do uncaught errors of pages.",
      ),
    );
  body.replaceChildren(
    h("h2", { class: "count" }, list.length === 1 ? "1 error" : `${count(list.length)} errors`),
    ...list.map((e, i) => errorCard(e, { tabindex: "0", onfocus: () => (at = i) })),
  );
  if (focused >= 0) step(0);
}

function step(by) {
  const cards = body.querySelectorAll(".error-card");
  if (cards.length === 0) return false;
  at = Math.max(0, Math.min(cards.length - 1, at + by));
  cards[at].focus();
  return true;
}

const placeOf = (e) => (e.line ? `${e.file}:${e.line}:${e.column || 1}` : e.file);

/** An error with its place, its frame and its hint. */
export function errorCard(e, props) {
  return h(
    "article",
    { class: "error-card", ...props },
    h(
      "p",
      { class: "over" },
      h("span", { class: "mark error" }, kinds[e.kind] ?? e.kind),
      e.plugin && h("span", null, `plugin ${e.plugin}`),
      ...(e.pages ?? []).map((id) => h("a", { href: href("pages", id), class: "id" }, id)),
      e.time && ago(e.time),
    ),
    h("h3", { class: "message" }, e.text),
    e.file && openButton(placeOf(e)),
    e.frame && frame(e.frame),
    e.hint && h("p", { class: "hint-line" }, e.hint),
    e.module && e.module !== e.file && h("p", { class: "dim" }, "module ", pathName(e.module)),
    e.stack && h("details", null, h("summary", null, "Stack"), h("pre", { class: "code" }, e.stack)),
  );
}

/** The lines around the error; the line that has it stands out. */
function frame(text) {
  const lines = text.replace(/\n$/, "").split("\n");
  const caret = lines.findIndex((line) => /^\s*\|\s*\^/.test(line) || /^\s*\^+\s*$/.test(line));
  return h(
    "pre",
    { class: "code frame" },
    ...lines.map((line, i) =>
      h("span", { class: i === caret ? "caret" : i === caret - 1 || line.startsWith(">") ? "wrong" : "" }, `${line}\n`),
    ),
  );
}
