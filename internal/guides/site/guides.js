// What the guides do beyond text: the search, the theme, buttons that copy code, and the place in the outline.
import { themeButton } from "./themes.js";

// The folder of all guides: an address without a guide may look like a deeper folder.
const root = new URL(".", import.meta.url);
const field = document.querySelector(".search input");
const list = document.getElementById("_hits");
const news = document.getElementById("_news");

/** Returns an element with attributes and children. Texts are never parsed as HTML. */
function h(tag, attributes, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  el.append(...children);
  return el;
}

/** Returns an element with a text in parts, of which every second was searched for. */
const marked = (tag, parts) => h(tag, {}, ...parts.map((part, i) => (i % 2 ? h("mark", {}, part) : part)));

let request; // the search that runs
let at = -1; // the hit that is selected
const hits = () => [...list.querySelectorAll("a")];

async function search() {
  request?.abort();
  const query = field.value.trim();
  if (!query) return close();
  request = new AbortController();
  const { signal } = request;
  try {
    const answer = await fetch(new URL(`search.json?q=${encodeURIComponent(query)}`, root), { signal });
    if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
    show(query, await answer.json());
  } catch (error) {
    if (!signal.aborted) say(`The search failed: ${error.message}. Does devserver still run?`);
  }
}

function show(query, found) {
  if (found.length === 0) return say(`No section has the words “${query}”.`);
  list.replaceChildren(
    ...found.map((hit, i) =>
      h(
        "a",
        { href: new URL(hit.url, root), role: "option", id: `_hit-${i}`, tabindex: "-1" },
        marked("small", hit.guide),
        marked("b", hit.title),
        marked("span", hit.snippet),
      ),
    ),
  );
  news.textContent = `${found.length} found`;
  open();
  select(0);
}

function say(text) {
  list.replaceChildren(h("p", {}, text));
  news.textContent = text;
  open();
  select(-1);
}

function open() {
  list.hidden = false;
  list.scrollTop = 0;
  field.setAttribute("aria-expanded", "true");
}

function close() {
  request?.abort();
  list.hidden = true;
  field.setAttribute("aria-expanded", "false");
  select(-1);
}

function select(index) {
  at = index;
  for (const [i, hit] of hits().entries()) hit.setAttribute("aria-selected", String(i === at));
  if (at < 0) return field.removeAttribute("aria-activedescendant");
  field.setAttribute("aria-activedescendant", `_hit-${at}`);
  hits()[at].scrollIntoView({ block: "nearest" });
}

field.addEventListener("input", () => {
  select(-1); // Enter must not open a hit of the words before
  void search();
});
field.addEventListener("focus", () => field.value && void search());
field.addEventListener("keydown", (event) => {
  const n = hits().length;
  if (event.key === "Escape") {
    if (list.hidden) field.blur();
    else close();
  } else if (list.hidden || n === 0 || event.isComposing) {
    return;
  } else if (event.key === "ArrowDown") select((at + 1) % n);
  else if (event.key === "ArrowUp") select((at + n - 1) % n);
  else return;
  event.preventDefault();
});
// Without a hit, Enter shows the page with the results.
field.form.addEventListener("submit", (event) => {
  if (list.hidden || at < 0) return;
  event.preventDefault();
  hits()[at].click();
});
list.addEventListener("click", (event) => {
  if (event.target.closest("a")) close(); // the hit may be on this page
});
addEventListener("pointerdown", (event) => {
  if (!event.target.closest(".search")) close();
});

// The pictures of the other theme: media queries know the system's only.
const sources = [...document.querySelectorAll("source[media*='prefers-color-scheme']")].map((el) => [el, el.media]);
const nextTheme = themeButton(document.getElementById("_theme"), (theme) => {
  for (const [el, media] of sources) el.media = theme ? (media.includes(theme) ? "all" : "not all") : media;
});

addEventListener("keydown", (event) => {
  if ((event.key === "k" || event.key === "K") && (event.metaKey || event.ctrlKey) && !event.altKey) focusSearch(event);
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  if (event.key === "/") focusSearch(event);
  if (event.key === "t") nextTheme();
});

function focusSearch(event) {
  event.preventDefault();
  field.focus();
  field.select();
}

function icon(button, name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", new URL(`icons.svg#${name}`, root));
  svg.append(use);
  button.replaceChildren(svg);
}

for (const block of document.querySelectorAll(".block")) {
  const button = h("button", { class: "quiet icon copy", type: "button", "aria-label": "Copy", title: "Copy" });
  icon(button, "copy");
  button.addEventListener("click", () => void copy(button, block.querySelector("code").textContent));
  block.append(button);
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers give pages without HTTPS on other devices no clipboard: the text is selected instead.
    getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    news.textContent = "Selected";
    return;
  }
  icon(button, "check");
  button.classList.add("done");
  news.textContent = "Copied";
  setTimeout(() => {
    icon(button, "copy");
    button.classList.remove("done");
  }, 1500);
}

// The outline shows the section at the top of the window.
const links = new Map([...document.querySelectorAll(".outline.long a")].map((a) => [decodeURIComponent(a.hash), a]));
const headings = [...document.querySelectorAll("article :is(h2, h3)[id]")].filter((el) => links.has(`#${el.id}`));
let waits = false;

function markPlace() {
  waits = false;
  const line = 140; // pixels below the top: a heading there has been reached
  const bottom = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
  const current = bottom ? headings.at(-1) : headings.findLast((el) => el.getBoundingClientRect().top < line);
  for (const [hash, a] of links) {
    if (current && hash === `#${current.id}`) {
      a.setAttribute("aria-current", "true");
      a.scrollIntoView({ block: "nearest" });
    } else a.removeAttribute("aria-current");
  }
}

if (headings.length > 0) {
  addEventListener("scroll", () => {
    if (!waits) requestAnimationFrame(markPlace);
    waits = true;
  });
  markPlace();
}

// The list of all guides shows where its reader is.
document.querySelector("#_nav [aria-current]")?.scrollIntoView({ block: "nearest" });
