// Which files this page has asked the server for, by the browser's own record of requests. So the page knows of
// stylesheets that are in no element, and of scripts that could not be loaded.

import type { PathOf } from "../ui/sheets.ts";

const code = /\.(css|p(ost)?css|s[ac]ss|less|styl(us)?|[cm]?[jt]sx?)$/;

export class Requested {
  /** What asked for each path: "link", "css", "script", "fetch" and so on. */
  private readonly by = new Map<string, Set<string>>();
  private observer: PerformanceObserver | undefined;

  constructor(private readonly path: PathOf) {}

  /** Begins to take note of requests, those of the past included. Calls `more` after each note. */
  watch(more: () => void): void {
    this.observer = new PerformanceObserver((list) => {
      this.note(list.getEntries());
      more();
    });
    this.observer.observe({ type: "resource", buffered: true });
  }

  private note(entries = this.observer?.takeRecords() ?? []): void {
    for (const { name, initiatorType } of entries as PerformanceResourceTiming[]) {
      const at = this.path(name);
      if (at !== undefined) this.by.set(at, (this.by.get(at) ?? new Set()).add(initiatorType));
    }
  }

  /** Returns what asked for the path. */
  of(path: string): ReadonlySet<string> {
    this.note();
    return this.by.get(path) ?? new Set();
  }

  /** Returns all paths. */
  paths(): Iterable<string> {
    this.note();
    return this.by.keys();
  }

  /** Returns the paths of scripts and stylesheets, and what asked for them. */
  code(): [string, ReadonlySet<string>][] {
    this.note();
    return [...this.by].filter(([path]) => code.test(path));
  }
}
