// Asks the server. The key that opens its verbs is in the panel's HTML for a browser on this machine. Elsewhere the key
// comes with the link that the terminal prints. It stays in the state of the tab's history, which each document has for
// itself. In the storage, a page of the app that is opened in this tab could read it.

import { released } from "./press.js";

let key = readKey() || takeKey() || (history.state?.key ?? "");

/** What a verb refused, with its code; or "key" for a wrong key and "lost" for a server that does not answer. */
export class VerbError extends Error {
  constructor({ code, message, path }) {
    super(path ? `${message} (at ${path})` : message);
    this.code = code;
  }
}

/**
 * Returns the answer of a verb, after the click that goes on when the answer comes. Throws a VerbError, or an AbortError
 * when the signal says so.
 */
export async function ask(verb, args = {}, signal) {
  let response, body;
  if (byWorker()) throw new VerbError({ code: "key", message: "a service worker of the app would see the key" });
  try {
    response = await fetch(`do/${verb}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Devserver-Token": key },
      body: JSON.stringify(args),
      cache: "no-store",
      signal,
    });
    if (response.status === 403) throw new VerbError({ code: "key", message: "the server does not know this key" });
    body = await response.json();
    await released();
  } catch (error) {
    if (error.name === "AbortError" || error instanceof VerbError) throw error;
    throw new VerbError({ code: "lost", message: "the server does not answer" });
  }
  if (body.error) throw new VerbError(body.error);
  return body.answer;
}

/** Reports whether a service worker of the app sees what the panel sends. It may come while the panel is open. */
export const byWorker = () => Boolean(navigator.serviceWorker?.controller);

/**
 * Loads the panel again, for the key of a server that was started again: only a document gets the key. Returns false when
 * that was tried with this key already, or when the key did not come with the document.
 */
export function loadWithNewKey() {
  const failed = "devserver-failed-key";
  try {
    if (byWorker() || readKey() !== key || sessionStorage.getItem(failed) === key) return false;
    sessionStorage.setItem(failed, key);
  } catch {
    return false; // without storage nothing would end a loop
  }
  location.reload();
  return true;
}

// A link with a key may be opened in a tab that has the panel already. This listener is the first of all.
addEventListener("hashchange", () => {
  const found = takeKey();
  if (!found) return keepKey(); // a link has made a new place in the history
  key = found;
  dispatchEvent(new Event("key"));
});

/** Keeps the key over a reload, for a document that did not come with the key. */
function keepKey() {
  if (key && key !== readKey()) history.replaceState({ key }, "");
}

function readKey() {
  return document.querySelector('meta[name="devserver-key"]').content;
}

/** The key leaves the address: an address is copied, shown to others and kept in the history. */
function takeKey() {
  const found = /^#key=([^&]+)/.exec(location.hash)?.[1];
  if (!found) return "";
  history.replaceState({ key: found }, "", location.pathname + location.search);
  return found;
}
