// Roles of elements, by ARIA in HTML. "generic" is an element without a meaning of its own.

import { nearest } from "./dom.ts";

const known = new Set(
  (
    "alert alertdialog application article banner blockquote button caption cell checkbox columnheader combobox " +
    "complementary contentinfo definition dialog directory document feed figure form generic grid gridcell group " +
    "heading img image link list listbox listitem log main marquee math menu menubar menuitem menuitemcheckbox " +
    "menuitemradio meter navigation none note option presentation progressbar radio radiogroup region row rowgroup " +
    "rowheader scrollbar search searchbox separator slider spinbutton status switch tab table tablist tabpanel term " +
    "textbox timer toolbar tooltip tree treegrid treeitem"
  ).split(" "),
);

const ofTags: Record<string, string> = {
  article: "article",
  aside: "complementary",
  audio: "audio",
  button: "button",
  canvas: "canvas",
  details: "group",
  dialog: "dialog",
  embed: "embed",
  fieldset: "group",
  figure: "figure",
  frame: "iframe",
  h1: "heading",
  h2: "heading",
  h3: "heading",
  h4: "heading",
  h5: "heading",
  h6: "heading",
  hr: "separator",
  iframe: "iframe",
  li: "listitem",
  main: "main",
  math: "math",
  menu: "list",
  meter: "meter",
  nav: "navigation",
  object: "iframe",
  ol: "list",
  optgroup: "group",
  option: "option",
  output: "status",
  progress: "progressbar",
  search: "search",
  summary: "summary",
  svg: "img",
  table: "table",
  textarea: "textbox",
  ul: "list",
  video: "video",
};

const ofInputs: Record<string, string> = {
  button: "button",
  checkbox: "checkbox",
  color: "color",
  date: "date",
  "datetime-local": "datetime",
  file: "file",
  hidden: "generic",
  image: "button",
  month: "month",
  number: "spinbutton",
  radio: "radio",
  range: "slider",
  reset: "button",
  search: "searchbox",
  submit: "button",
  time: "time",
  week: "week",
};

/** The roles of elements that a user acts on. */
export const interactive = new Set(
  (
    "button checkbox color combobox date datetime file link listbox menuitem menuitemcheckbox menuitemradio month " +
    "option radio searchbox slider spinbutton summary switch tab textbox time treeitem week clickable"
  ).split(" "),
);

/** The roles of further elements that have an ID, by which a tool can ask for what they hold. */
export const places = new Set(
  (
    "alert alertdialog banner canvas complementary contentinfo dialog form heading iframe main menu navigation region " +
    "search tabpanel"
  ).split(" "),
);

/** The roles whose name is what they hold. */
export const namedByContent = new Set(
  (
    "button caption checkbox heading link menuitem menuitemcheckbox menuitemradio option radio summary switch tab " +
    "tooltip treeitem"
  ).split(" "),
);

/** Elements that hold other content than their place says. */
const sections = "article, aside, main, nav, section";

/** Returns the role of the element. */
export function roleOf(element: Element): string {
  for (const role of (element.getAttribute("role") ?? "").toLowerCase().split(/\s+/)) {
    if (!known.has(role)) continue;
    if (role === "none" || role === "presentation" || role === "directory") return "generic";
    return role === "image" ? "img" : role;
  }
  return ofElement(element);
}

function ofElement(element: Element): string {
  const { localName } = element;
  switch (localName) {
    case "a":
    case "area":
      return element.hasAttribute("href") || element.hasAttributeNS("http://www.w3.org/1999/xlink", "href")
        ? "link"
        : "generic";
    case "input":
      return element.hasAttribute("list") && /^(text|search|email|tel|url)$/.test((element as HTMLInputElement).type)
        ? "combobox"
        : (ofInputs[(element as HTMLInputElement).type] ?? "textbox");
    case "select":
      return (element as HTMLSelectElement).multiple || (element as HTMLSelectElement).size > 1
        ? "listbox"
        : "combobox";
    case "img":
      return element.getAttribute("alt") === "" ? "generic" : "img";
    case "header":
    case "footer":
      if (nearest(element, sections)) return "generic";
      return localName === "header" ? "banner" : "contentinfo";
    case "section":
    case "form":
      if (!hasName(element)) return "generic";
      return localName === "form" ? "form" : "region";
    case "tr":
      return isLayout(element) ? "generic" : "row";
    case "td":
    case "th":
      return cellRole(element);
  }
  if (localName === "svg" && element.parentElement?.closest("svg")) return "generic";
  const role = ofTags[localName];
  if (role) return role;
  return isEditingHost(element) ? "textbox" : "generic";
}

function hasName(element: Element): boolean {
  return ["aria-label", "aria-labelledby", "title"].some((name) => element.getAttribute(name)?.trim());
}

/** Reports whether the table around only lays out what it holds. */
function isLayout(element: Element): boolean {
  return /^(none|presentation)$/.test(element.closest("table")?.getAttribute("role") ?? "");
}

function cellRole(element: Element): string {
  if (isLayout(element)) return "generic";
  if (element.localName === "td") return "cell";
  const scope = element.getAttribute("scope");
  if (scope === "row" || scope === "rowgroup") return "rowheader";
  const beside = [...(element.parentElement?.children ?? [])].some((e) => e.localName === "td");
  return beside && scope !== "col" && scope !== "colgroup" ? "rowheader" : "columnheader";
}

/** Reports whether the element takes text by contenteditable. */
export function isEditingHost(element: Element): boolean {
  const value = element.getAttribute("contenteditable");
  return value !== null && value.toLowerCase() !== "false" && (element as HTMLElement).isContentEditable;
}

/** Reports whether a handler does nothing. React gives such handlers to its roots. */
function isEmpty(handler: unknown): boolean {
  return /^(function\s*[\w$]*\s*)?\(\w*\)\s*(=>)?\s*\{\s*\}$/.test(Function.prototype.toString.call(handler));
}

/** Reports whether a script listens for clicks on the element, or its style says that a click does something. */
export function isClickable(element: Element, pointerAbove: boolean): boolean {
  const html = element as HTMLElement;
  if (typeof html.onclick === "function" && !isEmpty(html.onclick)) return true;
  for (const key of Object.keys(element)) {
    // React's properties, Svelte's and Solid's delegated handlers, and Preact's handlers
    const value = (element as unknown as Record<string, unknown>)[key] as Record<string, unknown> | null | undefined;
    if (key.startsWith("__reactProps$") || key.startsWith("__reactEventHandlers$")) {
      if (typeof value?.onClick === "function") return true;
    } else if ((key === "__click" || key === "$$click") && value) return true;
    else if ((key === "l" || key === "_listeners") && typeof value === "object" && value) {
      if (Object.keys(value).some((name) => /^click/i.test(name) && value[name])) return true;
    }
  }
  for (const key of Object.getOwnPropertySymbols(element)) {
    const value = (element as unknown as Record<symbol, unknown>)[key] as Record<string, unknown> | null | undefined;
    if (key.description === "_vei" && value?.onClick) return true; // Vue
    if (key.description === "events" && value?.click) return true; // Svelte
  }
  return !pointerAbove && getComputedStyle(element).cursor === "pointer";
}
