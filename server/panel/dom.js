// Builds elements. Texts become text nodes: what pages and consoles say is never parsed as HTML.

/** Returns an element. Props starting with "on" are listeners, others attributes; false and undefined are left out. */
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === false || value === null) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else el.setAttribute(name, value === true ? "" : value);
  }
  el.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return el;
}

/** Lists options in a select, each as [value, text]. What was chosen stays chosen, and an open list of the same stays. */
export function setOptions(select, options) {
  const listed = JSON.stringify(options);
  if (select.listed === listed) return;
  select.listed = listed;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
  select.value = chosen;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** A name that is shortened in its folders, so that the file's name stays. The title has the whole name. */
export function pathName(name, tag = "span") {
  const at = name.lastIndexOf("/", name.length - 2) + 1;
  return h(
    tag,
    { class: "path", title: name },
    h("span", { class: "dir" }, h("bdi", null, name.slice(0, at))),
    h("span", { class: "base" }, name.slice(at)),
  );
}

/** Returns a time like "12 s ago", which stays true. The title has the exact time. */
export function ago(time) {
  const at = new Date(time);
  const el = h("time", { datetime: at.toISOString(), title: at.toLocaleString(undefined, exact) }, agoText(at));
  el.at = at;
  return el;
}

const exact = {
  ...{ year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" },
  fractionalSecondDigits: 3,
  hour12: false,
};

/** Returns the time of day with milliseconds, for lists in which the order counts. */
export function clock(time) {
  const at = new Date(time);
  const text = [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
  return h(
    "time",
    { datetime: at.toISOString(), title: at.toLocaleString(undefined, exact), class: "clock" },
    text,
    h("span", { class: "ms" }, `.${String(at.getMilliseconds()).padStart(3, "0")}`),
  );
}

function agoText(at) {
  const s = Math.max(0, Math.round((Date.now() - at) / 1000));
  if (s < 5) return "now";
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return at.toLocaleDateString();
}

setInterval(() => {
  if (document.hidden) return;
  for (const el of document.querySelectorAll("main time")) {
    if (!el.at) continue;
    const text = agoText(el.at);
    if (el.textContent !== text) el.textContent = text;
  }
}, 5000);

const numbers = new Intl.NumberFormat("en");
export const count = (n) => numbers.format(n);
export const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

export function millis(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 100 ? Math.round(ms) : ms.toFixed(1)} ms`;
}

export function bytes(n) {
  if (n < 1000) return `${n} B`;
  if (n < 1e6) return `${(n / 1000).toFixed(n < 1e4 ? 1 : 0)} kB`;
  return `${(n / 1e6).toFixed(1)} MB`;
}

/** Says what will show in an empty place, and how to make it happen. */
export function empty(name, title, ...text) {
  return h("div", { class: "empty" }, icon(name), h("h3", null, title), h("p", null, ...text));
}

/** Shows a message for a while. */
export function toast(text, bad = false) {
  const el = document.getElementById("toast");
  el.textContent = text;
  el.classList.toggle("bad", bad);
  el.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => (el.hidden = true), 5000);
}
