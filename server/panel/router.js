// The address after # says what the panel shows: #updates, #updates/123, #modules/src/App.tsx.

/** Returns the view and the item that the address names. */
export function place() {
  const [view, ...rest] = location.hash.slice(1).split("/");
  return { view, item: decode(rest.join("/")) };
}

export function href(view, item = "") {
  return `#${view}${item === "" ? "" : `/${encode(String(item))}`}`;
}

/** Shows another place. With replace the browser's Back does not return to this one. */
export function go(view, item = "", replace = false) {
  const to = href(view, item);
  if (to === location.hash) return;
  history[replace ? "replaceState" : "pushState"](history.state, "", to); // with the key, see api.js
  dispatchEvent(new Event("place"));
}

/** Calls show at each new place. */
export function onPlace(show) {
  addEventListener("place", show);
  addEventListener("hashchange", show);
}

function encode(item) {
  return encodeURIComponent(item).replaceAll("%2F", "/").replaceAll("%40", "@").replaceAll("%3A", ":");
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
