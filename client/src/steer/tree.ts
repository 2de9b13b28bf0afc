// Makes the tree of a snapshot: an item for each line. Elements that only lay out others have none.

import { cut, focused, frameDocument, hint, inside, isElement, isText, markName, quote } from "./dom.ts";
import { contentOf, isInline, nameOf, seen, silent, statesOf, valueOf } from "./names.ts";
import type { Refs } from "./refs.ts";
import { interactive, isClickable, isEditingHost, namedByContent, places, roleOf } from "./roles.ts";

/** A line of a snapshot, and those below it. */
export interface Item {
  /** Names the node while it lives. */
  key: number;
  role: string;
  /** What is told, without the ID. */
  line: string;
  items: Item[];
  /** A user can act on it, or on what its line tells. */
  acts?: boolean;
  /** Its line has the element's ID. */
  hasRef?: boolean;
  /** The text itself, of a text. */
  text?: string;
  /** The element, or that around a text. Items that are kept for later have none. */
  element?: Element;
}

export interface Tree {
  items: Item[];
  /** How many elements were not read. */
  unread: number;
}

/** A snapshot reads at most this many elements, so that no page makes it slow. */
const maxElements = 20_000;
const maxDepth = 400;
const maxText = 300;
const maxOptions = 12;
/** A row with longer cells is no line. */
const maxCell = 3;
/** A row ends behind the first cell that makes it longer. */
const maxRow = 1000;

/** Roles that say something only with a name. */
const needName = new Set(
  "application blockquote caption definition document figure group img math note paragraph rowgroup separator term".split(
    " ",
  ),
);

/** Roles whose line has the text, where they hold nothing else. */
const saysText = new Set("alert cell clickable focusable gridcell listitem log status timer".split(" "));

/** Elements that show nothing of what they hold. */
const closed = new Set("audio canvas embed input math meter progress select textarea video".split(" "));

const keys = new WeakMap<Node, number>();
let lastKey = 0;

function keyOf(node: Node): number {
  let key = keys.get(node);
  if (key === undefined) keys.set(node, (key = ++lastKey));
  return key;
}

/** Makes the tree of the element and all that is in it. */
export function treeOf(root: Element, refs: Refs): Tree {
  const walk = new Walk(refs);
  const items: Item[] = [];
  walk.visit(root, items, false, 0);
  return { items, unread: walk.unread };
}

/** Returns the line of an item, with the ID. */
export function lineOf(item: Item, refs: Refs): string {
  return item.hasRef && item.element ? `${item.line} #${refs.of(item.element)}` : item.line;
}

class Walk {
  unread = 0;
  private count = 0;
  /** The next text begins a line. */
  private broken = true;
  /** The name of an element around has the texts. */
  private told = 0;
  private readonly focus = focused();

  constructor(private readonly refs: Refs) {}

  /** Adds the items of an element. `pointer` says that the style of those above it shows that a click does something. */
  visit(element: Element, into: Item[], pointer: boolean, depth: number): void {
    const { localName } = element;
    if (silent.has(localName) || localName === markName) return;
    if (this.count >= maxElements || depth > maxDepth) {
      this.unread += 1 + element.querySelectorAll("*").length;
      return;
    }
    this.count++;
    const sight = seen(element);
    if (sight === "nothing") return;
    const block = !isInline(element);
    if (block) this.broken = true;
    if (sight === "inside") this.children(element, into, pointer, depth, false);
    else this.visible(element, into, pointer, depth);
    if (block) this.broken = true;
  }

  private visible(element: Element, into: Item[], pointer: boolean, depth: number): void {
    const { localName } = element;
    if (localName === "label") {
      const control = (element as HTMLLabelElement).control;
      if (control) return this.label(element, control, into, pointer, depth);
    }
    let role = roleOf(element);
    if (role === "row") return this.row(element, into, pointer, depth);
    const clicks = !interactive.has(role) && isClickable(element, pointer);
    const focusable = !clicks && !interactive.has(role) && isFocusable(element);
    if (role === "generic") {
      if (clicks) role = "clickable";
      else if (focusable) role = "focusable";
      else if (closed.has(localName)) return;
      else if (isTold(element)) return void into.push(...withoutTexts(this.within(element, pointer, depth)));
      else return this.children(element, into, pointer, depth);
    }
    const acts = clicks || focusable || interactive.has(role);
    const open = !closed.has(localName) && role !== "textbox" && role !== "searchbox";
    // Of a drawing only what users act on is told.
    const told = (namedByContent.has(role) && role !== "treeitem") || role === "img" ? 1 : 0;
    this.told += told;
    const items = open ? this.within(element, pointer || acts, depth) : [];
    this.told -= told;
    this.add(element, role, items, acts, into);
  }

  /** Returns the items of what is in an element. */
  private within(element: Element, pointer: boolean, depth: number): Item[] {
    const items: Item[] = [];
    this.broken = true;
    this.children(element, items, pointer, depth);
    this.broken = true;
    return items;
  }

  private children(element: Element, into: Item[], pointer: boolean, depth: number, texts = true): void {
    for (const node of inside(element)) {
      if (isElement(node)) this.visit(node, into, pointer, depth + 1);
      else if (texts && isText(node)) this.text(node, element, into);
    }
  }

  private text(node: Node, element: Element, into: Item[]): void {
    if (this.told > 0) return;
    const text = node.nodeValue ?? "";
    const last = into.at(-1);
    if (!this.broken && last?.text !== undefined) {
      if (last.text.length > maxText) return;
      last.text += text;
      last.line = quote(last.text, maxText);
    } else if (/\S/.test(text)) {
      into.push({ key: keyOf(node), role: "text", line: quote(text, maxText), text, items: [], element });
      this.broken = false;
    }
  }

  private add(element: Element, role: string, items: Item[], acts: boolean, into: Item[]): void {
    let name = nameOf(element, role, "all");
    if (needName.has(role) && !acts && (!name || element.localName === "details")) return void into.push(...items);
    if (saysText.has(role)) {
      if (items.every((i) => i.text !== undefined)) {
        name ||= contentOf(element);
        items = [];
      }
    } else if (element.localName === "select") items = options(element as HTMLSelectElement);
    else if (role === "treeitem") {
      const own = items.filter((i) => i.text !== undefined);
      if (items.some((i) => i.items.length > 0 || i.role === role) && !element.hasAttribute("aria-label"))
        name = own.map((i) => i.text).join(" "); // the items below have names of their own
      items = items.filter((i) => i.text === undefined);
    } else if (namedByContent.has(role)) items = withoutTexts(items);
    let line = role;
    if (role === "heading")
      line += ` ${element.getAttribute("aria-level") ?? /^h(\d)$/.exec(element.localName)?.[1] ?? 2}`;
    if (name) line += ` ${quote(name, saysText.has(role) ? maxText : 100)}`;
    else if (acts && items.length === 0) line += ` ${hint(element)}`;
    line += this.details(element, role);
    into.push({ key: keyOf(element), role, line, items, element, acts, hasRef: acts || places.has(role) });
  }

  private details(element: Element, role: string): string {
    let text = "";
    const value = valueOf(element, role);
    if (value !== undefined) text += ` = ${quote(value)}`;
    if (role === "link") text += whereTo(element);
    if (role === "canvas") text += ` ${(element as HTMLCanvasElement).width}x${(element as HTMLCanvasElement).height}`;
    if (role === "iframe" && !frameDocument(element)) text += " (of another origin)";
    const states = statesOf(element, role, this.focus);
    return states.length > 0 ? `${text} [${states.join(", ")}]` : text;
  }

  /** A label whose field shows is told with the field. Otherwise the label stands for the field: users click it. */
  private label(label: Element, control: Element, into: Item[], pointer: boolean, depth: number): void {
    const all = this.within(label, pointer, depth);
    const items = withoutTexts(all);
    if (seen(control) === "all") {
      const other = control.hasAttribute("aria-label") || control.hasAttribute("aria-labelledby");
      return void into.push(...(other ? all : items));
    }
    const role = roleOf(control);
    const line = `${role} ${quote(contentOf(label))}${this.details(control, role)}`;
    into.push({ key: keyOf(label), role, line, items, element: label, acts: true, hasRef: true });
  }

  /** A row of short cells is one line. */
  private row(element: Element, into: Item[], pointer: boolean, depth: number): void {
    const clicks = isClickable(element, pointer);
    const cells: Item[] = [];
    for (const node of inside(element)) if (isElement(node)) this.cell(node, cells, pointer || clicks, depth + 1);
    const headers = cells.length > 0 && cells.every((c) => c.role === "columnheader");
    const short = cells.every((c) => c.items.length <= maxCell && c.items.every((i) => i.items.length === 0));
    const name = element.getAttribute("aria-label");
    let line = (headers ? "headers" : "row") + (name ? ` ${quote(name)}` : "") + this.details(element, "row");
    const acts = clicks || isFocusable(element);
    if (short) {
      if (acts) line += ` #${this.refs.of(element)}`;
      cells.forEach((cell, i) => {
        if (line.length > maxRow) return;
        const own = cell.line === cell.role && !cell.hasRef ? [] : [lineOf(cell, this.refs)];
        const texts = [...own, ...cell.items.map((item) => lineOf(item, this.refs))];
        line += `${i > 0 ? " |" : ""} ${texts.join(" ") || '""'}`;
        if (line.length > maxRow && i < cells.length - 1) line += ` | … ${cells.length - 1 - i} more`;
      });
    }
    for (const cell of short ? [] : cells)
      if (!cell.hasRef && cell.items.length === 1 && cell.items[0]!.text !== undefined) {
        cell.line += ` ${cell.items[0]!.line}`;
        cell.items = [];
      }
    into.push({
      key: keyOf(element),
      role: "row",
      line,
      items: short ? [] : cells,
      element,
      acts: acts || cells.some((c) => c.acts || c.items.some((i) => i.acts)),
      hasRef: acts && !short,
    });
  }

  private cell(element: Element, into: Item[], pointer: boolean, depth: number): void {
    this.count++;
    if (silent.has(element.localName) || seen(element) !== "all") return;
    const role = roleOf(element) === "generic" ? "cell" : roleOf(element);
    const acts = isClickable(element, pointer) || isFocusable(element);
    const items = this.within(element, pointer || acts, depth);
    const label = element.getAttribute("aria-label");
    const line = role + (label ? ` ${quote(label)}` : "") + this.details(element, role);
    into.push({ key: keyOf(element), role, line, items, element, acts, hasRef: acts });
  }
}

/** Returns the items below that have an ID of their own: the name of their element has the texts. */
function withoutTexts(items: Item[]): Item[] {
  return items.flatMap((i) => (i.text !== undefined ? [] : i.hasRef || i.role === "row" ? [i] : withoutTexts(i.items)));
}

/** Reports whether the name of the element around it has its text. */
function isTold(element: Element): boolean {
  const around = { legend: "fieldset", caption: "table", figcaption: "figure" }[element.localName];
  const parent = element.parentElement;
  if (!around || parent?.localName !== around) return false;
  return !parent.hasAttribute("aria-label") && !parent.hasAttribute("aria-labelledby");
}

function isFocusable(element: Element): boolean {
  const index = element.getAttribute("tabindex");
  return (index !== null && Number(index) >= 0) || isEditingHost(element);
}

function whereTo(element: Element): string {
  const { href: own } = element as HTMLAnchorElement | SVGAElement;
  const href = typeof own === "string" ? own : (own?.baseVal ?? ""); // of SVG
  if (!href) return "";
  try {
    const url = new URL(href, document.baseURI);
    const same = url.origin === location.origin;
    const here = same && url.pathname === location.pathname && url.search === location.search && url.hash;
    const text = here ? url.hash : same ? url.pathname + url.search + url.hash : url.href;
    return ` -> ${cut(text, 100).replace(/ /g, "%20")}`;
  } catch {
    return ` -> ${quote(href)}`;
  }
}

/** Tells the options of a select in one line: the selected, and then the first. */
function options(select: HTMLSelectElement): Item[] {
  const all = [...select.options].filter((o) => !o.hidden);
  if (all.length === 0) return [];
  const chosen = new Set([...all.filter((o) => o.selected).slice(0, maxOptions), ...all].slice(0, maxOptions));
  const texts = all
    .filter((o) => chosen.has(o))
    .map((o) => quote(o.label || o.value, 60) + (o.disabled ? " [disabled]" : ""));
  if (all.length > chosen.size) texts.push(`… ${all.length - chosen.size} more`);
  return [{ key: -keyOf(select), role: "options", line: `options ${texts.join(" | ")}`, items: [], element: select }];
}
