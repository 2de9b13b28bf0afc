// The stylesheets of this page that no module imports: which of them an edit can swap, and which need a reload.

import { findSheets, swapLinks, type PathOf } from "../ui/sheets.ts";
import type { StylesDecision } from "../update/update.ts";
import type { Requested } from "./requested.ts";

export class Styles {
  constructor(
    private readonly path: PathOf,
    private readonly requested: Requested,
  ) {}

  /** Returns the paths that this page links. */
  linked(): string[] {
    return [...findSheets(this.path).links.keys()];
  }

  /** Returns the paths that this page uses. */
  used(): Set<string> {
    const { links, fixed } = findSheets(this.path);
    const used = new Set([...links.keys(), ...fixed.keys()]);
    for (const [path, by] of this.requested.all()) if (inCode(by)) used.add(path);
    return used;
  }

  /** Decides how this page takes edits of stylesheets. */
  decide(paths: readonly string[]): StylesDecision {
    const decision: StylesDecision = { swap: [], lost: [], reload: undefined };
    if (paths.length === 0) return decision;
    const { links, fixed } = findSheets(this.path);
    for (const path of paths) {
      const by = this.requested.of(path);
      if (fixed.has(path)) decision.reload ??= `${path} changed, and ${fixed.get(path)!}`;
      else if (links.has(path)) decision.swap.push(path);
      else if (inCode(by)) decision.reload ??= `${path} changed, and code of the page has loaded it`;
      else if (by.size > 0) decision.lost.push(path);
    }
    return decision;
  }

  /** Loads the links of these paths again. */
  swap(paths: readonly string[], timestamp: number): Promise<void> {
    const { links } = findSheets(this.path);
    return swapLinks(
      paths.flatMap((path) => links.get(path) ?? []),
      timestamp,
    );
  }
}

/** Reports whether something other than a link asked for a stylesheet. A link that is gone is in use no more. */
function inCode(by: ReadonlySet<string>): boolean {
  return [...by].some((initiator) => initiator !== "link");
}
