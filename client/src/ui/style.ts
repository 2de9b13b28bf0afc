// Stylesheets of the page: those that modules import, and those that the page links.

const attribute = "data-vite-dev-id";

interface Sheet {
  element: HTMLStyleElement;
  /** Used where a Content-Security-Policy keeps the element from having an effect. */
  constructed: CSSStyleSheet | undefined;
}

const sheets = new Map<string, Sheet>();
/** Styles of one burst of modules stand in the order in which the modules ran, wherever other elements get in between. */
let last: Element | undefined;

/**
 * What a Content-Security-Policy lets styles in by, as of the last look: at the first style of a burst, and when a style
 * was refused. A look goes through the whole document, so one for each style would take longer with each.
 */
let nonce = "";

function lookForNonce(): string {
  const meta = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]");
  return (nonce = meta?.nonce || meta?.getAttribute("content") || "");
}

/** Adds a stylesheet, or changes the one with this ID in its place. */
export function updateStyle(id: string, css: string): void {
  if (typeof document === "undefined") return; // a worker
  const sheet = sheets.get(id);
  if (sheet?.constructed) return void sheet.constructed.replaceSync(css);
  let element = sheet?.element ?? find(id);
  const same = element?.textContent === css;
  if (!element) element = insert(id, css);
  else if (!same) element.textContent = css;
  sheets.set(id, { element, constructed: same || takes(element) ? undefined : construct(css) });
}

/** Whether the element's text has an effect. A policy refuses it without the nonce, which the page may have got by now. */
function takes(element: HTMLStyleElement): boolean {
  const refused = (): boolean => element.isConnected && !element.sheet;
  if (refused() && element.nonce !== lookForNonce()) {
    element.nonce = nonce;
    element.textContent += ""; // has the browser look at it again
  }
  return !refused();
}

/** Removes the stylesheet; unknown IDs are ignored. */
export function removeStyle(id: string): void {
  const sheet = sheets.get(id);
  if (!sheet) return;
  sheets.delete(id);
  sheet.element.remove();
  if (last === sheet.element) last = undefined;
  if (sheet.constructed) document.adoptedStyleSheets = document.adoptedStyleSheets.filter((s) => s !== sheet.constructed);
}

/** Styles that were in the page before any module ran; looked for once, since a large page has thousands of ours. */
let given: Map<string, HTMLStyleElement> | undefined;

function find(id: string): HTMLStyleElement | undefined {
  given ??= new Map([...document.querySelectorAll<HTMLStyleElement>(`style[${attribute}]`)].map((e) => [e.getAttribute(attribute)!, e]));
  const element = given.get(id);
  return element?.isConnected ? element : undefined;
}

function insert(id: string, css: string): HTMLStyleElement {
  const element = document.createElement("style");
  element.setAttribute("type", "text/css");
  element.setAttribute(attribute, id);
  element.textContent = css; // before it is in the page: a policy would refuse an empty one first
  const follows = last?.isConnected;
  if (!follows) lookForNonce();
  if (nonce) element.setAttribute("nonce", nonce);
  if (follows) last!.after(element);
  else {
    (document.head ?? document.documentElement).append(element);
    setTimeout(() => (last = undefined)); // what comes later belongs at the end again
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

/**
 * Loads linked stylesheets anew. Each link is cloned behind itself and goes when the clone has loaded, so that the page
 * is never unstyled. Returns the paths that the page links; `path` strips base, host and query off a URL.
 */
export async function swapLinks(paths: readonly string[], timestamp: number, path: (url: string) => string | undefined): Promise<string[]> {
  if (paths.length === 0 || typeof document === "undefined") return [];
  const wanted = new Set(paths);
  const found = new Set<string>();
  const loading: Promise<void>[] = [];
  for (const link of document.querySelectorAll<HTMLLinkElement>("link")) {
    if (!link.relList.contains("stylesheet") || outdated.has(link)) continue;
    const at = path(link.href);
    if (at === undefined || !wanted.has(at)) continue;
    found.add(at);
    loading.push(swap(link, timestamp));
  }
  await Promise.all(loading);
  return [...found];
}

/** Links whose successor is loading. */
const outdated = new WeakSet<HTMLLinkElement>();

function swap(link: HTMLLinkElement, timestamp: number): Promise<void> {
  outdated.add(link);
  const url = new URL(link.href);
  url.searchParams.set("t", String(timestamp));
  const clone = link.cloneNode() as HTMLLinkElement;
  clone.href = url.href;
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      link.remove();
      resolve();
    };
    const timer = setTimeout(done, 5000); // a stylesheet that neither loads nor fails
    clone.addEventListener("load", done, { once: true });
    clone.addEventListener("error", done, { once: true });
    link.after(clone);
  });
}

/** The paths of all linked stylesheets. */
export function linkedStyles(path: (url: string) => string | undefined): string[] {
  if (typeof document === "undefined") return [];
  const paths = new Set<string>();
  for (const link of document.querySelectorAll<HTMLLinkElement>("link")) {
    const at = link.relList.contains("stylesheet") && link.href ? path(link.href) : undefined;
    if (at !== undefined) paths.add(at);
  }
  return [...paths];
}
