/** Adds a query to a relative or root-relative URL, before the query that it has; others stay as they are. */
export function injectQuery(url: string, query: string): string {
  if (url[0] !== "." && url[0] !== "/") return url;
  const pathname = url.replace(/[?#].*$/, "");
  const { search, hash } = new URL(url, "http://example.invalid");
  return `${pathname}?${query}${search ? "&" + search.slice(1) : ""}${hash}`;
}

/** A URL's path as text; one that is no valid UTF-8 stays as it is. */
export function decodePath(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
