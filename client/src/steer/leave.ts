// Keeps the page in its origin: a tool must not lead its user elsewhere.

import { HotError } from "../socket/request.ts";
import { cut, nearest } from "./dom.ts";
import { title } from "./names.ts";

/** Throws a HotError when a click on the element leads to another origin. Reports whether it opens a tab. */
export function refuseToLeave(element: Element): boolean {
  const link = nearest(element, "a, area") as HTMLAnchorElement | SVGAElement | undefined;
  if (!link?.href) return false;
  const url = elsewhere(typeof link.href === "string" ? link.href : link.href.baseVal); // of SVG
  if (url) throw new HotError("refused", `${title(link)} leads to another origin: ${url}`);
  const target = link.getAttribute("target") ?? "";
  return target !== "" && !/^_(self|parent|top)$/i.test(target);
}

/** Acts. Throws a HotError when that would send a form to another origin, which then is not sent. */
export function withinOrigin<T>(act: () => T): T {
  let refused: HotError | undefined;
  const guard = (event: SubmitEvent): void => {
    if (event.defaultPrevented) return; // the app sends it
    const form = event.target as HTMLFormElement;
    const action = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action");
    const url = elsewhere(action ?? "");
    if (!url) return;
    event.preventDefault();
    refused = new HotError("refused", `the form is sent to another origin: ${url}`);
  };
  addEventListener("submit", guard);
  try {
    const done = act();
    if (refused) throw refused;
    return done;
  } finally {
    removeEventListener("submit", guard);
  }
}

/** Returns the URL when it is of another origin; undefined otherwise, and for scripts. */
function elsewhere(href: string): string | undefined {
  try {
    const url = new URL(href, document.baseURI);
    return url.protocol === "javascript:" || url.origin === location.origin ? undefined : cut(url.href, 200);
  } catch {
    return undefined;
  }
}
