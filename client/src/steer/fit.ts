// Fits a tree into a number of bytes: the most useful lines first.

import { frameOffset } from "./dom.ts";
import type { Refs } from "./refs.ts";
import { lineOf, type Item } from "./tree.ts";

export interface Fitted {
  text: string;
  /** How many items were left out. */
  left: number;
}

const encoder = new TextEncoder();

export function bytesOf(text: string): number {
  return /^[\x00-\x7f]*$/.test(text) ? text.length : encoder.encode(text).length;
}

/** Returns the text of the items, in at most max bytes. */
export function fit(items: Item[], max: number, refs: Refs): Fitted {
  const whole = new Printer(refs, undefined, max).print(items);
  if (whole !== undefined) return { text: whole, left: 0 };

  const order = ranked(items);
  // The longest beginning of the list whose text fits.
  let [low, high] = [0, Math.min(order.length, max)];
  let best = "";
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const text = new Printer(refs, chosen(order, middle), max).print(items);
    if (text === undefined) high = middle - 1;
    else [low, best] = [middle, text];
  }
  const shown = chosen(order, low);
  return { text: best, left: order.length - shown.size };
}

interface Ranked {
  item: Item;
  above: Ranked | undefined;
  rank: number;
}

/** Returns the first n items, and those above them. */
function chosen(order: Ranked[], n: number): Set<Item> {
  const set = new Set<Item>();
  for (const first of order.slice(0, n))
    for (let r: Ranked | undefined = first; r && !set.has(r.item); r = r.above) set.add(r.item);
  return set;
}

/** Lists all items, the most useful first. */
function ranked(items: Item[]): Ranked[] {
  const list: Ranked[] = [];
  const modal = hasModal(items);
  const visit = (items: Item[], above: Ranked | undefined, behind: boolean, base: number): void => {
    const total = new Map<string, number>();
    const kindOf = (item: Item): string => (item.acts ? "+" : "-") + item.role;
    for (const item of items) total.set(kindOf(item), (total.get(kindOf(item)) ?? 0) + 1);
    const met = new Map<string, number>();
    for (const item of items) {
      const kind = kindOf(item);
      const before = met.get(kind) ?? 0;
      met.set(kind, before + 1);
      const after = total.get(kind)! - before - 1;
      // The first of many that are alike, and the last two, stand for the others.
      const repeated = base + (before < 8 || after < 2 ? 0 : before < 24 ? 3 : 6);
      const back = behind && !/^(alert)?dialog$/.test(item.role);
      const r: Ranked = { item, above, rank: rankOf(item) + repeated + (back ? 8 : 0) };
      list.push(r);
      visit(item.items, r, back, repeated);
    }
  };
  visit(items, undefined, modal, 0);
  return list.sort((a, b) => a.rank - b.rank); // a stable sort: as in the page
}

function hasModal(items: Item[]): boolean {
  return items.some((i) => (/^(alert)?dialog$/.test(i.role) && /\bmodal\b/.test(i.line)) || hasModal(i.items));
}

function rankOf(item: Item): number {
  if (/^(alert|alertdialog|dialog|status)$/.test(item.role) || /\[[^"]*\b(focused|invalid)\b/.test(item.line)) return 0;
  const useful = item.acts || item.hasRef;
  return (useful ? 1 : 2) + (item.element && !isInView(item.element) ? 3 : 0);
}

function isInView(element: Element): boolean {
  const box = element.getBoundingClientRect();
  const { x, y } = element.ownerDocument === document ? { x: 0, y: 0 } : frameOffset(element);
  return box.bottom + y > 0 && box.top + y < innerHeight && box.right + x > 0 && box.left + x < innerWidth;
}

/** Prints items with their places, and says what it leaves out. */
class Printer {
  private readonly lines: string[] = [];
  private bytes = 0;

  constructor(
    private readonly refs: Refs,
    private readonly shown: Set<Item> | undefined,
    private readonly max: number,
  ) {}

  /** Returns the text; undefined when it is longer than max. */
  print(items: Item[]): string | undefined {
    return this.all(items, "") ? this.lines.join("\n") : undefined;
  }

  private all(items: Item[], indent: string): boolean {
    let missing: Item[] = [];
    for (const item of items) {
      if (this.shown && !this.shown.has(item)) {
        missing.push(item);
        continue;
      }
      if (!this.missing(missing, indent) || !this.add(indent + lineOf(item, this.refs))) return false;
      missing = [];
      if (!this.all(item.items, indent + "  ")) return false;
    }
    return this.missing(missing, indent);
  }

  private missing(items: Item[], indent: string): boolean {
    if (items.length === 0) return true;
    if (items.length <= 3) return this.add(`${indent}…`); // a number would be as long as many of them
    const roles = new Set(items.map((i) => i.role));
    return this.add(
      `${indent}… ${items.length.toLocaleString("en")} more${roles.size === 1 ? " " + items[0]!.role : ""}`,
    );
  }

  private add(line: string): boolean {
    this.bytes += bytesOf(line) + (this.lines.length > 0 ? 1 : 0);
    this.lines.push(line);
    return this.bytes <= this.max;
  }
}
