// What differs between two trees of a page, as text: "+" for a new line, "-" for one that is gone, "~" for one that
// changed or moved, and unmarked lines that say where.

import { bytesOf, type Fitted } from "./fit.ts";
import type { Refs } from "./refs.ts";
import { lineOf, type Item } from "./tree.ts";

/** Returns the differences, in at most max bytes; "" when there are none. */
export function differences(before: Item[], after: Item[], max: number, refs: Refs): Fitted {
  return new Differences(before, after, max, refs).text();
}

interface Line {
  mark: string;
  indent: string;
  item: Item;
  more?: string;
}

class Differences {
  private readonly old = new Map<number, Item>();
  private readonly now = new Set<number>();
  /** The key of the item around each item, before and after. */
  private readonly oldParents = new Map<number, number>();
  private readonly lines: string[] = [];
  private bytes = 0;
  private left = 0;
  /** Lines that say where, which are not printed yet. */
  private where: Line[] = [];

  constructor(
    private readonly before: Item[],
    private readonly after: Item[],
    private readonly max: number,
    private readonly refs: Refs,
  ) {
    const noteOld = (items: Item[], parent: number): void => {
      for (const item of items) {
        this.old.set(item.key, item);
        this.oldParents.set(item.key, parent);
        noteOld(item.items, item.key);
      }
    };
    const noteNow = (items: Item[]): void => {
      for (const item of items) {
        this.now.add(item.key);
        noteNow(item.items);
      }
    };
    noteOld(before, 0);
    noteNow(after);
  }

  text(): Fitted {
    this.compare(this.before, this.after, 0, "");
    return { text: this.lines.join("\n"), left: this.left };
  }

  private compare(before: Item[], after: Item[], parent: number, indent: string): void {
    const stayed = inOrder(
      before.map((i) => i.key),
      after.map((i) => i.key),
    );
    let next = 0; // what is gone comes before what followed it
    const gone = (until: number): void => {
      for (; next < until; next++) {
        const item = before[next]!;
        if (this.now.has(item.key)) continue;
        const below = this.gone(item.items);
        this.print({ mark: "-", indent, item, more: below > 0 ? ` (and ${below} below)` : "" });
      }
    };
    const places = new Map(before.map((item, i) => [item.key, i]));
    for (const item of after) {
      if (stayed.has(item.key)) gone(places.get(item.key)!);
      const old = this.old.get(item.key);
      if (!old) {
        this.added(item, indent);
        continue;
      }
      const moved = this.oldParents.get(item.key) !== parent || !stayed.has(item.key);
      const line: Line = { mark: "~", indent, item, more: moved ? " (moved)" : "" };
      const depth = this.where.length;
      if (moved || old.line !== item.line) this.print(line);
      else this.where.push({ ...line, mark: " " });
      this.compare(old.items, item.items, item.key, indent + "  ");
      this.where.length = Math.min(this.where.length, depth);
    }
    gone(before.length);
  }

  private added(item: Item, indent: string): void {
    const old = this.old.get(item.key);
    this.print({ mark: old ? "~" : "+", indent, item, more: old ? " (moved)" : "" });
    for (const child of item.items) this.added(child, indent + "  ");
  }

  private gone(items: Item[]): number {
    return items.reduce((sum, i) => sum + (this.now.has(i.key) ? 0 : 1) + this.gone(i.items), 0);
  }

  private print(line: Line): void {
    if (this.left > 0) {
      this.left++;
      return;
    }
    const lines = [...this.where, line].map(
      (l) => l.mark + " " + l.indent + lineOf(l.item, this.refs) + (l.more ?? ""),
    );
    const bytes = lines.reduce((sum, l) => sum + bytesOf(l) + 1, 0);
    if (this.bytes + bytes > this.max - 40) {
      this.left++;
      this.lines.push("… more differences");
      return;
    }
    this.bytes += bytes;
    this.lines.push(...lines);
    this.where = [];
  }
}

/** Returns keys of both lists that are in the same order in both: as many as possible. */
export function inOrder(before: number[], after: number[]): Set<number> {
  const places = new Map(before.map((key, i) => [key, i]));
  const common = after.filter((key) => places.has(key));
  // The longest increasing subsequence of their places: ends[n] is the index of the smallest end of one of n+1 keys.
  const ends: number[] = [];
  const previous: number[] = [];
  common.forEach((key, i) => {
    const place = places.get(key)!;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (places.get(common[ends[middle]!]!)! < place) low = middle + 1;
      else high = middle;
    }
    previous[i] = low > 0 ? ends[low - 1]! : -1;
    ends[low] = i;
  });
  const kept = new Set<number>();
  for (let i = ends.at(-1) ?? -1; i >= 0; i = previous[i]!) kept.add(common[i]!);
  return kept;
}
