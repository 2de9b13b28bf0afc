// The open pages, and the form that sends to them.
import { ask } from "./api.js";
import { empty, h, icon, pathName, plural } from "./dom.js";
import { live, refreshStatus } from "./live.js";
import { href } from "./router.js";
import { sendForm } from "./send.js";
import { withoutOrigin } from "./updates.js";

let body, form;
let chosen = "";

export const pages = {
  name: "pages",
  title: "Pages",
  letter: "p",
  create() {
    body = h("div", { class: "cards" });
    form = sendForm();
    return h(
      "section",
      { class: "view view-pages", "aria-label": "Pages" },
      h("div", { class: "sheet" }, body),
      h(
        "aside",
        { class: "side open", "aria-labelledby": "send-title" },
        h("h2", { id: "send-title" }, "Send"),
        form.element,
      ),
    );
  },
  show(item) {
    chosen = item;
    void refreshStatus();
    void ask("events", { limit: 1 }).then(
      ({ known }) => form.known(known ?? []),
      () => {}, // the field then offers no names
    );
    draw();
    body.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
  },
  update(came) {
    if (pages.element?.hidden !== false) return;
    if (came.has("status")) draw();
    else if (["console", "report", "errors"].some((kind) => came.has(kind))) void refreshStatus();
  },
  compose: (kind) => form.focus(kind),
  keys: { j: () => step(1), k: () => step(-1) },
};

function draw() {
  form.refresh();
  const list = live.status?.pages;
  if (!list) return;
  const focused = body.contains(document.activeElement) ? document.activeElement.dataset : {}; // the cards are replaced
  if (list.length === 0) {
    body.replaceChildren(
      empty("pages", "No page is open", "Open your app in another tab, or on a phone, and it appears here."),
    );
    return;
  }
  body.replaceChildren(
    h("h2", { class: "count" }, plural(list.length, "open page")),
    ...(chosen === "" || list.some((page) => page.id === chosen)
      ? []
      : [h("p", { class: "count dim" }, `Page ${chosen} is closed.`)]),
    ...list.map((page) => card(page)),
  );
  if (focused.part) body.querySelector(`[data-page="${focused.page}"][data-part="${focused.part}"]`)?.focus();
}

function card(page) {
  const newest = Math.max(...live.status.pages.map((p) => p.seq));
  const part = (name) => ({ "data-page": page.id, "data-part": name });
  return h(
    "article",
    { class: `card page${page.id === chosen ? " chosen" : ""}`, tabindex: "0", ...part("card") },
    h(
      "p",
      { class: "over" },
      h("span", { class: "id" }, page.id),
      h("span", { class: "user" }, page.user || "guest"),
      state(page, newest),
    ),
    h("h3", null, page.title || withoutOrigin(page.url || "–")),
    h("p", { class: "url" }, pathName(page.url || "–")),
    page.browser && h("p", { class: "dim" }, page.browser),
    page.error && h("p", { class: "bad" }, h("a", { href: href("errors") }, page.error)),
    page.handles?.length > 0 && h("p", { class: "dim" }, "answers ", page.handles.map((x) => x.event).join(", ")),
    h(
      "p",
      { class: "line" },
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          "aria-label": `Send to ${page.id}`,
          ...part("send"),
          onclick: () => sendTo(page),
        },
        icon("send"),
        "Send to",
      ),
    ),
  );
}

function state(page, newest) {
  if (page.silent) return h("span", { class: "mark error" }, "does not answer");
  if (page.seq < newest) return h("span", { class: "mark reload" }, plural(newest - page.seq, "update") + " behind");
  if (page.focused) return h("span", { class: "mark hot" }, "focused");
  return h("span", { class: "mark idle" }, page.visible ? "visible" : "hidden");
}

function sendTo(page) {
  form.choose(`page:${page.id}`);
  form.focus(form.kind);
  form.element.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const cards = [...body.querySelectorAll(".card")];
  const at = cards.indexOf(document.activeElement.closest?.(".card"));
  cards[Math.max(0, Math.min(cards.length - 1, at + by))]?.focus();
  return cards.length > 0;
}
