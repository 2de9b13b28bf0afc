import type { ModuleID } from "./definitions.ts";

/** Returns the URL of a module, below base on the server at `origin`. */
export function moduleURL(id: ModuleID, base: string, origin: string): string {
  const at = id.indexOf("?");
  const path = at < 0 ? id : id.slice(0, at);
  const query = at < 0 ? "" : id.slice(at);
  const escaped = encodeURI(path).replace(/%25/g, "%").replace(/#/g, "%23"); // the ID has escaped % and ? itself
  return origin + base.slice(0, -1) + (path.startsWith("/") ? escaped : "/@id/" + escaped) + query;
}

/** Reports whether a specifier is an address, and not a name. */
export function isAddress(specifier: string): boolean {
  return /^([\w+.-]+:|\.{0,2}\/)/.test(specifier);
}

/** Adds a query to a relative or root-relative URL, before the query that it has. Other URLs stay as they are. */
export function injectQuery(url: string, query: string): string {
  if (url[0] !== "." && url[0] !== "/") return url;
  const pathname = url.replace(/[?#].*$/, "");
  const { search, hash } = new URL(url, "http://example.invalid");
  return `${pathname}?${query}${search ? "&" + search.slice(1) : ""}${hash}`;
}

/** Decodes a URL's path as in the ID of its file, where % and ? stay escaped. A path that is not valid UTF-8 stays as it is. */
export function decodePath(path: string): string {
  try {
    return decodeURIComponent(path).replace(/[%?]/g, encodeURIComponent);
  } catch {
    return path;
  }
}
