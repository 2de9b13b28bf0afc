// The page's stylesheets that modules import. sheets.ts has the other stylesheets.

import { hasDocument } from "../socket/life.ts";
import { outdated, takenOver, type PathOf } from "./sheets.ts";

const attribute = "data-vite-dev-id";

interface Sheet {
  element: HTMLStyleElement;
  /** Set where a Content-Security-Policy disables the element. */
  constructed: CSSStyleSheet | undefined;
}

const sheets = new Map<string, Sheet>();
/**
 * The last style of a burst of modules. The next follows it, so that styles are in the order in which the modules ran.
 */
let last: Element | undefined;

/**
 * The nonce by which a Content-Security-Policy allows styles. It is read at the first style of a burst, and when a
 * style was refused. Reading it searches the whole document, so it is not read for each style.
 */
let nonce = "";

function lookForNonce(): string {
  const meta = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]");
  return (nonce = meta?.nonce || meta?.getAttribute("content") || "");
}

/** Adds a stylesheet, or changes the text of the stylesheet with this ID. */
export function updateStyle(id: string, css: string, path?: PathOf): void {
  if (!hasDocument()) return; // a worker
  const sheet = sheets.get(id);
  if (sheet?.constructed) return void sheet.constructed.replaceSync(css);
  const link = sheet ? undefined : givenLink(id, path);
  if (link === "shows it") return;
  let element = sheet?.element ?? find(id);
  const same = element?.textContent === css;
  if (!element) element = insert(id, css, link);
  else if (!same) element.textContent = css;
  sheets.set(id, { element, constructed: same || takes(element) ? undefined : construct(css) });
}

/**
 * Reports whether the element's text has an effect. A policy refuses it without the nonce, which may be new in the
 * page.
 */
function takes(element: HTMLStyleElement): boolean {
  const refused = (): boolean => element.isConnected && !element.sheet;
  if (refused() && element.nonce !== lookForNonce()) {
    element.nonce = nonce;
    element.textContent += ""; // the browser then checks it again
  }
  return !refused();
}

/** Removes a stylesheet. It ignores unknown IDs. */
export function removeStyle(id: string): void {
  for (const link of linksOf(id)) link.remove();
  links.delete(id);
  const sheet = sheets.get(id);
  if (!sheet) return;
  sheets.delete(id);
  sheet.element.remove();
  if (last === sheet.element) last = undefined;
  if (sheet.constructed)
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((s) => s !== sheet.constructed);
}

/**
 * The styles that the page had before any module ran. They are collected once: a large page has thousands of styles.
 */
let given: Map<string, HTMLStyleElement> | undefined;

function find(id: string): HTMLStyleElement | undefined {
  given ??= new Map(
    [...document.querySelectorAll<HTMLStyleElement>(`style[${attribute}]`)].map((e) => [e.getAttribute(attribute)!, e]),
  );
  const element = given.get(id);
  return element?.isConnected ? element : undefined;
}

/** The links that a server rendered for modules: the attribute's value, by the ID of the module that took the link. */
const links = new Map<string, string>();
let givenLinks: HTMLLinkElement[] | undefined;

/**
 * Reports that a server-rendered link shows the module's stylesheet, as at the module's first run, and when an update
 * loads the link again. Otherwise it returns the link whose place the style takes: another server has its file.
 */
function givenLink(id: string, path?: PathOf): HTMLLinkElement | "shows it" | undefined {
  if (!links.has(id)) {
    // Vite's own IDs are paths on disk, so the link's address counts, too.
    givenLinks ??= markedLinks();
    const link = givenLinks.find((l) => l.isConnected && (l.getAttribute(attribute) === id || path?.(l.href) === id));
    if (!link) return undefined;
    links.set(id, link.getAttribute(attribute)!);
    takenOver.add(link.href);
    return "shows it";
  }
  const now = linksOf(id);
  return now.some((link) => outdated.has(link)) ? "shows it" : now[0];
}

/** The links of a module as they are now: an update replaces links by clones. */
function linksOf(id: string): HTMLLinkElement[] {
  const value = links.get(id);
  return value === undefined ? [] : markedLinks().filter((link) => link.getAttribute(attribute) === value);
}

function markedLinks(): HTMLLinkElement[] {
  return [...document.querySelectorAll<HTMLLinkElement>(`link[rel=stylesheet][${attribute}]`)];
}

function insert(id: string, css: string, instead?: Element): HTMLStyleElement {
  const element = document.createElement("style");
  element.setAttribute("type", "text/css");
  element.setAttribute(attribute, id);
  element.textContent = css; // before the element is in the page, where a policy would refuse it while it is empty
  const follows = last?.isConnected;
  if (!follows) lookForNonce();
  if (nonce) element.setAttribute("nonce", nonce);
  if (instead) {
    instead.replaceWith(element);
    return element;
  }
  if (follows) last!.after(element);
  else {
    (document.head ?? document.documentElement).append(element);
    setTimeout(() => (last = undefined)); // later styles belong at the end of the head
  }
  last = element;
  return element;
}

function construct(css: string): CSSStyleSheet | undefined {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    return sheet;
  } catch {
    return undefined;
  }
}
