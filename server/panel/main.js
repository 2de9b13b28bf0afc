// The panel at /__devserver/: it shows what happened in the project, and sends to its pages. It is no page of the
// project: it has no socket and asks by HTTP.
import { ask, byWorker } from "./api.js";
import { console as consoleView } from "./console.js";
import { count, h, icon, toast } from "./dom.js";
import { errors } from "./errors.js";
import { events } from "./events.js";
import { listenToKeys, showHelp } from "./keys.js";
import { follow, live, onNews, refreshStatus } from "./live.js";
import { modules } from "./modules.js";
import { pages } from "./pages.js";
import { go, href, onPlace, place } from "./router.js";
import { themeButton } from "./themes.js";
import { outcome, updates } from "./updates.js";

const $ = (id) => document.getElementById(id);
const views = [updates, pages, modules, events, errors, consoleView];
const links = new Map();
let current;

function buildNav() {
  for (const [i, view] of views.entries()) {
    const badge = h("span", { class: "badge" });
    const link = h("a", { href: href(view.name), title: `${view.title} (${i + 1})` });
    link.append(icon(view.name), h("span", { class: "name" }, view.title), badge);
    links.set(view, { link, badge });
    document.querySelector(".nav").append(link);
  }
}

function show() {
  const at = place();
  const view = views.find((v) => v.name === at.view);
  if (!view) return go("updates", "", true);
  if (current !== view) {
    if (current) current.element.hidden = true;
    if (!view.element) {
      view.element = view.create();
      $("main").append(view.element);
    }
    view.element.hidden = false;
    view.enter?.();
    for (const [v, { link }] of links) {
      if (v === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    current = view;
    document.title = `${view.title} · ${live.status?.project ?? "devserver"}`;
  }
  view.show(at.item);
}

const states = {
  connecting: "connecting…",
  open: "connected",
  lost: "no answer: start devserver",
  nokey: "no key",
};

function showState() {
  $("state").title =
    live.state === "lost" ? "The server does not answer. Start devserver again: this panel goes on by itself." : "";
  $("state").textContent = live.paused && live.state === "open" ? "updates are paused" : states[live.state];
  $("state").className = `state ${live.paused && live.state === "open" ? "paused" : live.state}`;
  $("nokey").hidden = live.state !== "nokey";
  $("worker").hidden = !byWorker();
  document.body.classList.toggle("locked", live.state === "nokey");
  document.body.classList.toggle("stale", live.state === "lost");
  if (live.status) {
    $("project").textContent = live.status.project || "devserver";
    $("project").title = live.status.root;
    if (current) document.title = `${current.title} · ${live.status.project || "devserver"}`;
  }
  $("pause").setAttribute("aria-pressed", live.paused);
  $("pause")
    .querySelector("use")
    .setAttribute("href", `icons.svg#${live.paused ? "play" : "pause"}`);
  $("pause").querySelector("span").textContent = live.paused ? "Resume updates" : "Pause updates";
  badge(pages, live.status?.pages.length ?? 0);
  badge(errors, live.errors.length + [...live.uncaught.values()].reduce((a, b) => a + b, 0), true);
}

function badge(view, n, bad) {
  const el = links.get(view).badge;
  el.textContent = n > 0 ? count(n) : "";
  el.classList.toggle("bad", Boolean(bad));
}

/** Tells those who do not see the list what became of the newest edit. */
function announce(came) {
  if (!came.has("edit") && !came.has("report")) return;
  const last = live.timeline.findLast((entry) => entry.kind === "edit");
  if (last) $("news").textContent = `${last.edit.files[0]?.path ?? "edit"}: ${outcome(last).text}`;
}

async function pauseUpdates() {
  try {
    await (live.paused ? ask("resume") : ask("pause", { seconds: 600 }));
    await refreshStatus();
  } catch (error) {
    toast(error.message, true);
  }
}

/** Opens the form to send an event or a notification. */
function compose(kind) {
  if (!current.compose) go("pages");
  (current.compose ? current : pages).compose(kind);
}

buildNav();
const nextTheme = themeButton($("theme"));
$("help").addEventListener("click", showHelp);
$("pause").addEventListener("click", () => void pauseUpdates());
onPlace(show);
onNews((came) => {
  showState();
  announce(came);
  current.update(came);
});
listenToKeys({
  current: () => current,
  views,
  commands: {
    "?": () => (showHelp(), true),
    "/": () => (current.search?.focus(), current.search?.select(), true),
    t: () => (nextTheme(), true),
    n: () => (compose("notification"), true),
    e: () => (compose("event"), true),
  },
});
show();
showState();
void follow();
