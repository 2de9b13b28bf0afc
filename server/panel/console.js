// The consoles of the open pages: their lines and their uncaught errors.
import { ago, clock, count, empty, h } from "./dom.js";
import { holdButton } from "./events.js";
import { choice, listView, openButton, pageChoice, searchField } from "./listview.js";
import { isUncaught, live } from "./live.js";
import { href } from "./router.js";

const filter = { text: "", page: "", level: "" };
let held;

const errors = (line) => line.level === "error" || isUncaught(line);
const levels = { "": () => true, warn: (line) => line.level === "warn" || errors(line), error: errors };

export const console = listView({
  name: "console",
  title: "Console",
  letter: "c",
  kinds: ["console"],
  unit: "line",
  all: () => held ?? live.console,
  gone: "This line is not kept any more, or the filter leaves it out.",
  hint: "Choose a line to see all of it.",
  tools(view) {
    view.search = searchField("Search lines", (text) => {
      filter.text = text.toLowerCase();
      view.filtered();
    });
    view.page = pageChoice((page) => {
      filter.page = page;
      view.filtered();
    });
    const level = choice(
      "Level",
      [
        ["", "all"],
        ["warn", "warnings"],
        ["error", "errors"],
      ],
      (value) => {
        filter.level = value;
        view.filtered();
      },
    );
    return [
      view.search,
      view.page.select,
      level,
      holdButton(view, () => (held = held ? undefined : live.console.slice())),
    ];
  },
  items() {
    console.page.offer(console.all().map((r) => r.console.page));
    return console
      .all()
      .filter(
        ({ console: line }) =>
          levels[filter.level](line) &&
          (!filter.page || line.page === filter.page) &&
          (!filter.text || line.text.toLowerCase().includes(filter.text)),
      )
      .reverse();
  },
  key: (record) => record.cursor,
  row({ time, console: line }) {
    return h(
      "div",
      { class: `log ${kindOf(line)}` },
      clock(time),
      h("span", { class: "id" }, line.page),
      h("span", { class: "level" }, line.level),
      h("span", { class: "text" }, line.text.split("\n", 1)[0]),
      line.count > 1 &&
        h("span", { class: "more", title: `${count(line.count)} times in a row` }, `×${count(line.count)}`),
      h("span", { class: "at", title: line.at }, line.at ? line.at.slice(line.at.lastIndexOf("/") + 1) : ""),
    );
  },
  detail(record) {
    const { time, console: line } = record;
    return h(
      "div",
      { class: "doc" },
      h(
        "header",
        null,
        h(
          "p",
          { class: "over" },
          h("span", { class: `mark ${kindOf(line)}` }, line.level),
          h("a", { href: href("pages", line.page), class: "id" }, line.page),
          line.count > 1 && `${count(line.count)} times in a row`,
          ago(time),
        ),
      ),
      h("pre", { class: "text" }, line.text),
      line.at && openButton(line.at),
    );
  },
  none: () =>
    live.console.length > 0
      ? empty("search", "No line fits", "Change the filter to see more.")
      : empty(
          "console",
          "No lines yet",
          "What pages write to their consoles shows here, and errors that no code caught.",
        ),
  file: (record) => record.console.at,
});

function kindOf(line) {
  if (errors(line)) return "error";
  return line.level === "warn" ? "reload" : "idle";
}
