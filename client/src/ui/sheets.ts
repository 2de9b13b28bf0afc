// The page's stylesheets that no module imports: the browser loads them for links, for imports of stylesheets, and for
// code of the app. Only links can be swapped.

import { connectionKey } from "../socket/connection.ts";
import { hasDocument } from "../socket/life.ts";

/** Returns the path of a URL without base, host and query; undefined for URLs of other servers. */
export type PathOf = (url: string) => string | undefined;

export interface Sheets {
  /** The links of each path. */
  links: Map<string, HTMLLinkElement[]>;
  /** The paths that cannot be swapped, each with the reason. */
  fixed: Map<string, string>;
}

/** Returns the stylesheets of the page, of its open shadow roots, and of its frames that have no client of their own. */
export function findSheets(path: PathOf): Sheets {
  const found: Sheets = { links: new Map(), fixed: new Map() };
  if (!hasDocument()) return found;
  for (const tree of trees(document)) {
    for (const link of tree.querySelectorAll<HTMLLinkElement>("link")) {
      const at = link.relList.contains("stylesheet") && link.href ? path(link.href) : undefined;
      if (at === undefined || outdated.has(link)) continue;
      found.links.set(at, [...(found.links.get(at) ?? []), link]);
      if (link.integrity) found.fixed.set(at, "its <link> has an integrity");
    }
    for (const sheet of tree.styleSheets) {
      for (const url of importedBy(sheet)) {
        const at = path(url);
        const by = sheet.href ? (path(sheet.href) ?? sheet.href) : "a <style>";
        if (at !== undefined) found.fixed.set(at, `${by} imports it`);
      }
    }
  }
  return found;
}

function* trees(tree: Document | ShadowRoot): Iterable<Document | ShadowRoot> {
  yield tree;
  for (const element of tree.querySelectorAll("*")) {
    const inner = element.shadowRoot ?? documentOf(element);
    if (inner) yield* trees(inner);
  }
}

/** Returns the document of a frame, unless it has another origin or a client of its own. */
function documentOf(element: Element): Document | undefined {
  if (element.localName !== "iframe" && element.localName !== "frame") return undefined;
  const frame = element as HTMLIFrameElement;
  try {
    const own = (frame.contentWindow as { [connectionKey]?: unknown } | null)?.[connectionKey];
    return own === undefined ? (frame.contentDocument ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the URLs that a stylesheet imports, at any depth. */
function* importedBy(sheet: CSSStyleSheet): Iterable<string> {
  let rules: Iterable<CSSRule>;
  try {
    rules = sheet.cssRules;
  } catch {
    return; // a stylesheet of another origin
  }
  for (const rule of rules) {
    if (!("styleSheet" in rule)) continue;
    const { styleSheet } = rule as CSSImportRule;
    if (styleSheet?.href) yield styleSheet.href;
    if (styleSheet) yield* importedBy(styleSheet);
  }
}

/**
 * Loads linked stylesheets again. A clone of each link is inserted behind it, and the link is removed when the clone
 * has loaded, so the page is never without styles.
 */
export async function swapLinks(links: readonly HTMLLinkElement[], timestamp: number): Promise<void> {
  await Promise.all(links.map((link) => swap(link, timestamp)));
}

/** The addresses of links that modules have taken over: the module's updates change the style. */
export const takenOver = new Set<string>();

/** Links whose clone is loading. */
export const outdated = new WeakSet<HTMLLinkElement>();

function swap(link: HTMLLinkElement, timestamp: number): Promise<void> {
  const url = new URL(link.href);
  url.searchParams.set("t", String(timestamp));
  if (link.disabled) {
    link.href = url.href; // the browser loads it once the link is enabled
    return Promise.resolve();
  }
  outdated.add(link);
  const clone = link.cloneNode() as HTMLLinkElement;
  clone.href = url.href;
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      if (clone.sheet && link.sheet) clone.sheet.disabled = link.sheet.disabled;
      if (!link.isConnected) clone.remove(); // code removed the link meanwhile
      link.remove();
      resolve();
    };
    const timer = setTimeout(done, 5000); // a stylesheet that neither loads nor fails
    clone.addEventListener("load", done, { once: true });
    clone.addEventListener("error", done, { once: true });
    link.after(clone);
  });
}
