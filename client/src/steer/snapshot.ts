// Snapshots: the tree of the page as text, or what differs from an earlier tree.

import { differences } from "./differences.ts";
import { cut } from "./dom.ts";
import { fit } from "./fit.ts";
import type { Choice, Refs } from "./refs.ts";
import { treeOf, type Item } from "./tree.ts";

export interface SnapshotArgs extends Choice {
  since?: string;
  max?: number;
}

export interface Snapshot {
  id: string;
  url: string;
  title: string;
  text: string;
  left?: number;
  unchanged?: boolean;
  whole?: boolean;
}

const defaultMax = 8000;
const longest = 100_000;
/** How many earlier trees are kept for `since`. */
const kept = 6;

interface Kept {
  selector: string;
  items: Item[];
}

export class Snapshots {
  private readonly earlier = new Map<string, Kept>();

  constructor(private readonly refs: Refs) {}

  take(args: SnapshotArgs): Snapshot {
    const root = this.refs.find({ selector: args.selector }) ?? document.body ?? document.documentElement;
    const selector = args.selector ?? "";
    const { items, unread } = treeOf(root, this.refs);
    const answer: Snapshot = { id: "", url: location.href, title: cut(document.title, 300), text: "" };
    const max = Math.min(args.max || defaultMax, longest);
    const before = args.since ? this.earlier.get(args.since) : undefined;
    let left: number;
    if (before?.selector === selector) {
      ({ text: answer.text, left } = differences(before.items, items, max, this.refs));
      if (answer.text === "") answer.unchanged = true;
    } else {
      ({ text: answer.text, left } = fit(items, max, this.refs));
      answer.text ||= "(nothing is visible)";
      if (args.since) answer.whole = true;
      left += unread;
    }
    if (left > 0) answer.left = left;
    answer.id = `s${this.refs.number()}`;
    this.keep(answer.id, { selector, items });
    this.refs.save();
    return answer;
  }

  private keep(id: string, snapshot: Kept): void {
    forget(snapshot.items);
    this.earlier.set(id, snapshot);
    for (const old of this.earlier.keys()) {
      if (this.earlier.size <= kept) break;
      this.earlier.delete(old);
    }
  }
}

/** Lets go of elements, which may leave the page. */
function forget(items: Item[]): void {
  for (const item of items) {
    item.element = undefined;
    item.text = undefined;
    forget(item.items);
  }
}
