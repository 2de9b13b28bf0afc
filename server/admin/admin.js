// The page at /__devserver/: it lists the open pages, and sends notifications and events to them. It is a page like any
// other and uses the same socket, with requests that the server answers for this page only.
import { createHotContext } from "../@vite/client";

const hot = createHotContext("/__devserver/admin.js");
const $ = (id) => document.getElementById(id);
const form = $("send");

function option(value, label) {
  const o = document.createElement("option");
  o.value = value;
  o.textContent = label;
  return o;
}

function cell(text) {
  const td = document.createElement("td");
  td.textContent = text;
  return td;
}

/** Returns "Chrome 156 on Linux" for a user agent; an unknown user agent as it is. */
function browserName(agent) {
  const name = /(Firefox|Edg|OPR|Chrome|Safari)\/(\d+)/.exec(agent);
  const system = /Windows|Mac OS X|Android|iPhone|Linux/.exec(agent);
  if (!name) return agent;
  const known = { Edg: "Edge", OPR: "Opera" }[name[1]] ?? name[1];
  return `${known} ${name[2]}${system ? ` on ${system[0]}` : ""}`;
}

let refreshing;
let again = false;

/** Shows the open pages. All changes during a refresh lead to one more refresh. */
function refresh() {
  again = Boolean(refreshing);
  refreshing ??= show().finally(() => {
    refreshing = undefined;
    if (again) refresh().catch(() => {});
  });
  return refreshing;
}

async function show() {
  const { clients, events } = await hot.request("devserver:admin:clients");
  const pages = clients.filter((c) => !c.self);
  const chosen = $("to").value;
  const focused = document.activeElement?.dataset.page; // the rows are replaced, and the keyboard needs its focus back
  $("count").textContent = String(pages.length);
  $("empty").hidden = pages.length > 0;
  $("pages").replaceChildren(
    ...pages.map((c) => {
      const row = document.createElement("tr");
      const pick = document.createElement("button");
      pick.textContent = "Send to";
      pick.dataset.page = c.id;
      pick.setAttribute("aria-label", `Send to ${c.id}`);
      pick.addEventListener("click", () => {
        $("to").value = `page:${c.id}`;
        form.elements.title.focus();
      });
      const last = document.createElement("td");
      last.append(pick);
      row.append(cell(c.id), cell(c.url || "–"), cell(c.user || "guest"), cell(browserName(c.userAgent)), last);
      return row;
    }),
  );
  $("pages").querySelector(`[data-page="${focused}"]`)?.focus();
  const users = [...new Set(pages.map((c) => c.user).filter(Boolean))].sort();
  $("to").replaceChildren(
    option("all", "all pages"),
    ...users.map((u) => option(`user:${u}`, `user ${u}`)),
    ...pages.map((c) => option(`page:${c.id}`, `page ${c.id}`)),
  );
  $("to").value = chosen;
  if (!$("to").value) $("to").value = "all";
  $("events").replaceChildren(...events.map((name) => option(name, name)));
}

function say(text, bad) {
  $("result").textContent = text;
  $("result").classList.toggle("bad", Boolean(bad));
}

function showKind() {
  const kind = form.elements.kind.value;
  for (const part of form.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== kind;
}

let sends = 0;

async function send() {
  const f = form.elements;
  const n = ++sends;
  const showResult = (text, bad) => {
    if (n === sends) say(text, bad); // only the last message's result shows, even if its answer is not the last
  };
  const message = { to: f.to.value, kind: f.kind.value };
  if (message.kind === "notification") {
    message.notification = { title: f.title.value, description: f.description.value, type: f.type.value };
  } else {
    message.event = f.event.value.trim();
    try {
      message.data = JSON.parse(f.data.value || "null");
    } catch (error) {
      return say(`Data is not JSON: ${error.message}`, true);
    }
    if (!message.event) return say("Give the event a name.", true);
  }
  try {
    const { sent } = await hot.request("devserver:admin:send", message);
    showResult(sent === 1 ? "Sent to 1 page." : `Sent to ${sent} pages.`);
  } catch (error) {
    showResult(error.message, true);
  }
}

form.addEventListener("change", showKind);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void send();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault(); // a focused button would send the form a second time
    return void send();
  }
  if (/INPUT|TEXTAREA|SELECT/.test(document.activeElement?.tagName) || event.ctrlKey || event.metaKey || event.altKey)
    return;
  const kind = { n: "notification", e: "event" }[event.key];
  if (kind) {
    form.elements.kind.value = kind;
    showKind();
    form.elements[kind === "event" ? "event" : "title"].focus();
    event.preventDefault();
  }
});
function state(text, kind) {
  $("state").textContent = text;
  $("state").className = kind;
}
hot.on("devserver:admin:changed", () => void refresh().catch(() => {})); // a lost connection shows by itself
hot.on("vite:ws:connect", () => {
  state("connected", "open");
  void refresh();
});
hot.on("vite:ws:disconnect", () => state("connection lost, reconnecting", "lost"));
refresh().then(
  () => state("connected", "open"),
  (error) => state(error.message, "lost"),
);
