// The form that sends an event or a notification to pages, or an event to a handler of the server as if a page had.
import { ask } from "./api.js";
import { h, icon, setOptions } from "./dom.js";
import { jsonTree } from "./json.js";
import { live } from "./live.js";

/** Makes the form. message prefills it: { to, event, data }. */
export function sendForm(message) {
  const form = new SendForm();
  if (message) form.fill(message);
  return form;
}

let forms = 0;

class SendForm {
  #sends = 0;

  constructor() {
    const id = `send${++forms}`;
    this.to = h("select", { name: "to" });
    this.title = field("title", { value: "Hello" });
    this.text = field("description");
    this.type = h(
      "select",
      { name: "type" },
      ...["info", "success", "warning", "error"].map((t) => h("option", null, t)),
    );
    this.names = h("datalist", { id: `${id}-names` });
    this.event = field("event", { placeholder: "my-event", list: `${id}-names` });
    this.data = h("textarea", { name: "data", rows: "5", spellcheck: "false" }, "{}");
    this.result = h("output", { role: "status" });
    this.answer = h("div", { class: "answer" });
    this.parts = {
      notification: h("div", null, row("Title", this.title), row("Text", this.text), row("Type", this.type)),
      event: h("div", null, row("Name", this.event), row("Data (JSON)", this.data)),
    };
    this.kinds = ["notification", "event"].map((kind) =>
      h("input", { type: "radio", name: "kind", value: kind, onchange: () => this.show(kind) }),
    );
    this.element = h(
      "form",
      { class: "send", onsubmit: (event) => (event.preventDefault(), void this.send()) },
      h(
        "fieldset",
        { class: "choice" },
        h("legend", { class: "unseen" }, "What"),
        h("label", null, this.kinds[0], h("span", null, "Notification ", h("kbd", null, "n"))),
        h("label", null, this.kinds[1], h("span", null, "Event ", h("kbd", null, "e"))),
      ),
      row("To", this.to),
      this.parts.notification,
      this.parts.event,
      this.names,
      h(
        "div",
        { class: "line" },
        h("button", { class: "main" }, icon("send"), "Send", h("kbd", null, "Ctrl Enter")),
        this.result,
      ),
      this.answer,
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault(); // a focused button would send the form a second time
      void this.send();
    });
    this.show("notification");
    this.refresh();
  }

  /** Shows the fields of a kind. */
  show(kind) {
    this.kind = kind;
    for (const input of this.kinds) input.checked = input.value === kind;
    for (const [name, part] of Object.entries(this.parts)) part.hidden = name !== kind;
    this.serverOptions();
  }

  focus(kind) {
    this.show(kind);
    const first = kind === "event" ? this.event : this.title;
    first.focus();
    first.select();
  }

  fill({ to, event, data }) {
    this.show("event");
    this.wanted = to;
    this.refresh();
    this.event.value = event;
    this.data.value = JSON.stringify(data ?? null, null, 2);
    this.say("");
  }

  choose(to) {
    this.wanted = to;
    this.refresh();
  }

  /** Lists the pages and their users again; what was chosen stays chosen. */
  refresh() {
    const pages = live.status?.pages ?? [];
    const chosen = this.wanted ?? this.to.value;
    const users = [...new Set(pages.map((p) => p.user).filter(Boolean))].sort();
    setOptions(this.to, [
      ["all", "all pages"],
      ...users.map((user) => [`user:${user}`, `user ${user}`]),
      ...pages.map((p) => [`page:${p.id}`, `page ${p.id}`]),
      ...pages.map((p) => [`server:${p.id}`, `the server, as page ${p.id}`]),
    ]);
    this.to.value = chosen;
    if (!this.to.value) this.to.value = "all";
    if (this.to.value === this.wanted) this.wanted = undefined;
    this.serverOptions();
  }

  /** Only events have handlers in the server. */
  serverOptions() {
    for (const option of this.to.options) {
      if (option.value.startsWith("server:")) option.hidden = option.disabled = this.kind !== "event";
    }
    if (this.to.selectedOptions[0]?.disabled) this.to.value = "all";
  }

  /** Offers the names of events that the server knows. */
  known(names) {
    this.names.replaceChildren(...names.map((name) => h("option", { value: name })));
  }

  say(text, bad) {
    this.result.textContent = text;
    this.result.classList.toggle("bad", Boolean(bad));
    this.answer.replaceChildren();
  }

  async send() {
    const n = ++this.#sends;
    const newest = () => n === this.#sends; // only the last message's result shows, even if its answer is not the last
    let data;
    if (this.kind === "event") {
      if (!this.event.value.trim()) return this.say("Give the event a name.", true);
      try {
        data = JSON.parse(this.data.value || "null");
      } catch (error) {
        return this.say(`Data is not JSON: ${error.message}`, true);
      }
    }
    try {
      const text = await this.#pass(data, newest);
      if (newest()) this.result.textContent = text;
      if (newest()) this.result.classList.remove("bad");
    } catch (error) {
      if (newest()) this.say(error.message, true);
    }
  }

  async #pass(data, newest) {
    const event = this.event.value.trim();
    const [kind, page] = this.to.value.split(":");
    if (kind === "server") {
      const called = await ask("call", { page, event, data, to: "server" });
      if (newest()) this.answer.replaceChildren(...(called.answer === undefined ? [] : [jsonTree(called.answer)]));
      return called.answer === undefined ? "The server took it." : "The server answered:";
    }
    const notification = { title: this.title.value, description: this.text.value, type: this.type.value };
    const what = this.kind === "event" ? { event, data } : { notification };
    const { sent } = await ask("send", { to: this.to.value, ...what });
    if (newest()) this.answer.replaceChildren();
    return sent === 1 ? "Sent to 1 page." : `Sent to ${sent} pages.`;
  }
}

const field = (name, props) => h("input", { name, autocomplete: "off", ...props });
const row = (label, control) => h("label", { class: "field" }, h("span", null, label), control);
