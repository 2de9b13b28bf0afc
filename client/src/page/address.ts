// Where the server is: at the address of this script, with the project below base.

import type { ModuleID } from "../runtime/definitions.ts";
import { decodePath, moduleURL } from "../runtime/url.ts";
import { hasDocument } from "../socket/life.ts";
import type { PageFile } from "../socket/payload.ts";

/** The HTML file that this page was made from, as the server wrote it into the tag of our script. */
export function pageFile(): PageFile | undefined {
  if (!hasDocument()) return undefined; // a worker
  const script = document.querySelector<HTMLScriptElement>("script[data-devserver-page]");
  const { devserverPage: page, devserverRev: pageRev } = script?.dataset ?? {};
  return page === undefined ? undefined : { page, pageRev: pageRev ?? "" };
}

export class Address {
  constructor(
    /** Begins and ends with a slash. */
    readonly base: string,
    readonly script: URL,
  ) {}

  /** The absolute URL of a path on the server. */
  absolute(path: string): string {
    return new URL(path, this.script).href;
  }

  /** The URL of a module. */
  module(id: ModuleID): string {
    return moduleURL(id, this.base, this.script.origin);
  }

  /** The module that third-party code names by its URL path. */
  moduleAt(path: string): ModuleID {
    return path.startsWith(this.base) ? path.slice(this.base.length - 1) : path;
  }

  /** The path below base of a URL; undefined for URLs of other servers. */
  pathOf(url: string): string | undefined {
    const at = new URL(url, this.script);
    if (at.host !== this.script.host || !at.pathname.startsWith(this.base)) return undefined;
    return "/" + decodePath(at.pathname.slice(this.base.length));
  }

  /** Whether the page is at this path, or at this HTML file's URL. An app with one page has its file at every URL. */
  pageIsAt(wantedPath: string): boolean {
    if (wantedPath === "/index.html" || typeof location === "undefined") return true;
    const path = decodePath(location.pathname);
    const wanted = this.base + wantedPath.slice(1);
    return [path, path + "index.html", path + "/index.html", path + ".html"].includes(wanted);
  }
}
