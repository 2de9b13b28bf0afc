// The files of this page that no module imports, mostly stylesheets: which of them an edit can swap, and which need a
// reload.

import { hasDocument } from "../socket/life.ts";
import { findSheets, swapLinks, takenOver, type PathOf } from "../ui/sheets.ts";
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
    for (const [path, by] of this.requested.code()) if (inCode(by)) used.add(path);
    return used;
  }

  /** Decides how this page takes edits of stylesheets and other files. A folder stands for all that it held. */
  decide(css: readonly string[], files: readonly string[]): StylesDecision {
    const decision: StylesDecision = { swap: [], reload: undefined };
    if (css.length + files.length === 0) return decision;
    const { links, fixed } = findSheets(this.path);
    const changed = new Set([...css, ...files]);
    const known = new Set([...links.keys(), ...fixed.keys(), ...this.requested.paths(), ...this.icons()]);
    for (const path of known) {
      const what = changeOf(path, changed);
      if (what === undefined) continue;
      if (links.has(path) && !fixed.has(path)) decision.swap.push(path);
      else if (fixed.has(path) || inCode(this.requested.of(path)) || !this.isTaken(path))
        decision.reload ??= `${what}, and ${fixed.get(path) ?? this.reasonOf(path, css)}`;
    }
    return decision;
  }

  /** Returns why an edit of a file without a link reloads the page. */
  private reasonOf(path: string, css: readonly string[]): string {
    if (!css.includes(path)) return "this page has loaded it";
    if (inCode(this.requested.of(path))) return "code of the page has loaded it";
    return "no <link> of it can be found any more (it is in a closed shadow root, or code has removed it)";
  }

  /** Loads the links of these paths again. */
  swap(paths: readonly string[], timestamp: number): Promise<void> {
    const { links } = findSheets(this.path);
    return swapLinks(
      paths.flatMap((path) => links.get(path) ?? []),
      timestamp,
    );
  }

  /** Returns the paths of the page's icons, which are not in the browser's record. */
  private icons(): string[] {
    if (!hasDocument()) return [];
    const icons = [...document.querySelectorAll<HTMLLinkElement>('link[rel~="icon" i][href]')];
    return icons.map((icon) => this.path(icon.href)).filter((path) => path !== undefined);
  }

  /** Reports whether a module has taken over the links of a stylesheet. */
  private isTaken(path: string): boolean {
    return [...takenOver].some((href) => this.path(href) === path);
  }
}

/** Says what happened to a path, or to a folder that it is in; undefined for nothing. */
function changeOf(path: string, changed: ReadonlySet<string>): string | undefined {
  if (changed.has(path)) return `${path} changed`;
  for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/")))
    if (changed.has(at)) return `${path} was removed with ${at}`;
  return changed.has("/") ? "the public folder was removed" : undefined;
}

/** Reports whether something other than a link asked for a stylesheet. */
function inCode(by: ReadonlySet<string>): boolean {
  return [...by].some((initiator) => initiator !== "link");
}
