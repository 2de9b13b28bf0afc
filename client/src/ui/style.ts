// The page's stylesheets that modules import. sheets.ts has the other stylesheets.

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

function insert(id: string, css: string): HTMLStyleElement {
  const element = document.createElement("style");
  element.setAttribute("type", "text/css");
  element.setAttribute(attribute, id);
  element.textContent = css; // before the element is in the page, where a policy would refuse it while it is empty
  const follows = last?.isConnected;
  if (!follows) lookForNonce();
  if (nonce) element.setAttribute("nonce", nonce);
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
