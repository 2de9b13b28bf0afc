// Events, requests and answers between the server and pages, as they pass.
import { ask } from "./api.js";
import { ago, bytes, clock, empty, h, icon, toast } from "./dom.js";
import { jsonTree, preview } from "./json.js";
import { choice, listView, pageChoice, searchField } from "./listview.js";
import { live } from "./live.js";
import { href } from "./router.js";
import { sendForm } from "./send.js";

const filter = { name: "", page: "", direction: "" };
let held; // what the list holds while it is paused

export const events = listView({
  name: "events",
  title: "Events",
  letter: "e",
  kinds: ["event"],
  unit: "event",
  all: () => held ?? live.events,
  gone: "This event is not kept any more, or the filter leaves it out.",
  hint: "Choose an event to see its payload, and to send it again.",
  tools(view) {
    view.search = searchField("Name, * for any text", (text) => {
      filter.name = text;
      view.filtered();
    });
    view.page = pageChoice((page) => {
      filter.page = page;
      view.filtered();
    });
    const direction = choice(
      "Direction",
      [
        ["", "all"],
        ["in", "from pages"],
        ["out", "to pages"],
      ],
      (value) => {
        filter.direction = value;
        view.filtered();
      },
    );
    return [
      view.search,
      view.page.select,
      direction,
      holdButton(view, () => (held = held ? undefined : live.events.slice())),
    ];
  },
  items() {
    const wanted = matcher(filter.name);
    events.page.offer(events.all().map((r) => r.event.page));
    return events
      .all()
      .filter(
        ({ event }) =>
          wanted(event.name) &&
          (!filter.page || event.page === filter.page) &&
          (!filter.direction || event.fromPage === (filter.direction === "in")),
      )
      .reverse();
  },
  key: (record) => record.cursor,
  row({ time, event }) {
    return h(
      "div",
      { class: `event ${event.fromPage ? "in" : "out"}${event.error ? " failed" : ""}` },
      clock(time),
      h(
        "span",
        { class: "arrow", title: arrowText(event) },
        icon(event.fromPage ? "in" : "out"),
        h("span", { class: "id" }, event.page),
      ),
      h("span", { class: "what", title: event.name }, event.name),
      h("span", { class: "type" }, event.type === "event" ? "" : event.type),
      h("span", { class: "data" }, event.error ? event.error.message : preview(event.data)),
      h("span", { class: "size" }, bytes(event.size)),
    );
  },
  detail,
  none: () =>
    live.events.length > 0
      ? empty("search", "No event fits", "Change the filter to see more.")
      : empty(
          "events",
          "No events yet",
          "Events show here as they pass: those that pages send with ",
          h("code", null, "import.meta.hot.send"),
          ", and those that Go code or plugins send to pages. Press ",
          h("kbd", null, "e"),
          " to send one.",
        ),
});

/** A button that stops a list, so that it can be read. */
export function holdButton(view, toggle) {
  const button = h("button", {
    type: "button",
    class: "quiet hold",
    "aria-pressed": "false",
    title: "Hold the list (p)",
  });
  const show = (held) => {
    button.setAttribute("aria-pressed", held);
    button.replaceChildren(icon(held ? "play" : "pause"), held ? "Go on" : "Hold");
  };
  const press = () => {
    show(Boolean(toggle()));
    view.render();
  };
  button.addEventListener("click", press);
  view.keys.p = () => (press(), true);
  show(false);
  return button;
}

/** Returns a test of names. Without * a name fits that has the text in it. */
function matcher(text) {
  const parts = text
    .toLowerCase()
    .split("*")
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = parts.length === 1 ? new RegExp(parts[0]) : new RegExp(`^${parts.join(".*")}$`);
  return (name) => pattern.test(name.toLowerCase());
}

const arrowText = (event) => (event.fromPage ? `from page ${event.page}` : `to page ${event.page}`);

function detail(record) {
  const { event, time } = record;
  const again = h("div", { class: "again" });
  const mayAgain = (event.type !== "reply" && event.data !== undefined) || event.size === 0;
  const edit = () => {
    const form = sendForm({
      to: event.fromPage ? `server:${event.page}` : `page:${event.page}`,
      event: event.name,
      data: event.data,
    });
    again.replaceChildren(h("h3", null, "Send"), form.element);
    form.data.focus();
  };
  return h(
    "div",
    { class: "doc" },
    h(
      "header",
      null,
      h("p", { class: "over" }, h("span", { class: "mark idle" }, event.type), arrowText(event), ago(time)),
      h("h2", null, event.name),
    ),
    event.error &&
      h(
        "p",
        { class: "bad" },
        `${event.error.code}: ${event.error.message}`,
        event.error.path && ` (at ${event.error.path})`,
      ),
    h("section", null, h("h3", null, "Payload ", h("span", { class: "dim" }, bytes(event.size))), payload(event)),
    pair(record),
    event.type !== "reply" &&
      h(
        "p",
        { class: "line" },
        h(
          "button",
          { type: "button", class: "main", disabled: !mayAgain, onclick: () => void sendAgain(event) },
          icon("send"),
          "Send again",
        ),
        h("button", { type: "button", class: "quiet", onclick: edit }, icon("open"), "Edit and send"),
      ),
    again,
  );
}

function payload(event) {
  if (event.data !== undefined) return jsonTree(event.data);
  return h("p", { class: "dim" }, event.size > 0 ? "The payload is too long to be kept." : "No payload.");
}

/** Links a request and its answer. */
function pair({ event, cursor }) {
  if (event.type === "event" || !event.id) return undefined;
  const other = live.events.find(
    (r) =>
      r.event.id === event.id &&
      r.event.page === event.page &&
      r.event.type !== event.type &&
      r.event.type !== "event" &&
      r.event.fromPage !== event.fromPage &&
      r.cursor > cursor === (event.type === "request"),
  );
  if (!other) return event.type === "request" && h("p", { class: "dim" }, "No answer yet.");
  return h(
    "p",
    null,
    h("a", { href: href("events", other.cursor) }, event.type === "request" ? "Its answer" : "Its request"),
  );
}

async function sendAgain({ fromPage, type, page, name, data }) {
  try {
    if (!fromPage && type === "event") await ask("send", { to: `page:${page}`, event: name, data });
    else await ask("call", { page, event: name, data, to: fromPage ? "server" : "page" });
    toast(`Sent ${name} again`);
  } catch (error) {
    toast(error.message, true);
  }
}
