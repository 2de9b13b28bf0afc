// The panel that shows an error over the page. It sets everything as text: messages contain code, and code contains
// markup.

import { hasDocument } from "../socket/life.ts";
import type { ErrorInfo } from "../socket/payload.ts";
import { element, withoutColours } from "./element.ts";

export const overlayName = "vite-error-overlay";

const css = `
:host { all: initial; position: fixed; inset: 0; z-index: 2147483647; color-scheme: light dark;
  --back: light-dark(#fff, #16181d); --text: light-dark(#1d2026, #e6e8ec); --dim: light-dark(#5d6470, #9aa2af);
  --line: light-dark(#d8dce2, #343942); --code: light-dark(#f4f5f7, #0f1114); --bad: light-dark(#c62f2f, #ff7b72); --link: light-dark(#0b5cc4, #7ab7ff); }
.shade { position: fixed; inset: 0; overflow: auto; background: light-dark(#00000059, #000000a6); padding: 4vh 16px; box-sizing: border-box; }
.panel { max-width: 900px; margin: 0 auto; background: var(--back); color: var(--text); border: 1px solid var(--line); border-top: 4px solid var(--bad);
  border-radius: 8px; padding: 20px 24px 16px; box-shadow: 0 12px 40px #0006; font: 14px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-variant-ligatures: none; outline: none; }
.head { display: flex; gap: 16px; align-items: flex-start; }
.message { flex: 1; margin: 0; font-size: 16px; font-weight: 600; color: var(--bad); white-space: pre-wrap; overflow-wrap: anywhere; }
.plugin { color: var(--dim); font-weight: 400; }
.file { display: inline-block; margin: 10px 0 0; padding: 0; border: 0; background: none; font: inherit; color: var(--link); text-align: left; overflow-wrap: anywhere; }
button.file { cursor: pointer; text-decoration: underline; text-underline-offset: 3px; }
pre { margin: 12px 0 0; padding: 12px; overflow: auto; background: var(--code); border: 1px solid var(--line); border-radius: 6px; font: inherit; line-height: 1.45; tab-size: 2; }
pre .hit { color: var(--bad); }
.hint { margin: 12px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin-top: 12px; color: var(--dim); } summary { cursor: pointer; }
.tip { margin: 14px 0 0; padding-top: 10px; border-top: 1px solid var(--line); color: var(--dim); font-size: 12px; }
.close { border: 1px solid var(--line); border-radius: 6px; background: none; color: var(--dim); font: inherit; line-height: 1; padding: 5px 9px; cursor: pointer; }
.close:hover { color: var(--text); }
button:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
`;

export interface OverlayOptions {
  /** Opens `file:line:column` in the developer's editor. Without it, files are not links. */
  open?(position: string): void;
}

/** Lets this module load where there is no DOM, as in workers. */
const Base = globalThis.HTMLElement ?? class {};

/** The custom element. Third-party code uses it, too: `new ErrorOverlay(error)`. */
export class ErrorOverlay extends Base {
  static options: OverlayOptions = {};
  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" || event.code === "Escape") this.close();
  };

  constructor(error: ErrorInfo, _links = true) {
    super();
    const root = this.attachShadow({ mode: "open" });
    const style = element("style", "", css);
    root.append(style, this.render(error));
  }

  /**
   * Escape closes the overlay, wherever the focus is. The panel takes the focus, so that a keyboard reaches its links.
   */
  connectedCallback(): void {
    document.addEventListener("keydown", this.onKey);
    if (this.shadowRoot?.querySelector("style")?.sheet === null) adopt(this.shadowRoot);
    this.shadowRoot?.querySelector<HTMLElement>(".panel")?.focus({ preventScroll: true });
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.onKey);
  }

  close(): void {
    this.remove();
  }

  private render(error: ErrorInfo): HTMLElement {
    const shade = element("div", "shade");
    const panel = element("div", "panel");
    panel.setAttribute("role", "alertdialog");
    panel.setAttribute("aria-modal", "false");
    panel.setAttribute("aria-label", "Error");
    panel.tabIndex = -1;
    shade.addEventListener("click", (event) => {
      if (event.target === shade) this.close();
    });
    panel.append(this.head(error));
    const place = placeOf(error);
    if (place) panel.append(fileLink(place, error.file ? withPosition(error.file, error) : place));
    if (error.frame?.trim()) panel.append(frame(error.frame));
    if (error.hint) panel.append(element("p", "hint", error.hint));
    if (error.stack?.trim()) panel.append(stack(error.stack));
    panel.append(
      element("p", "tip", "Click outside or press Esc to close. It closes by itself when the error is fixed."),
    );
    shade.append(panel);
    return shade;
  }

  private head(error: ErrorInfo): HTMLElement {
    const head = element("div", "head");
    const message = element("p", "message");
    message.setAttribute("part", "message");
    if (error.plugin) message.append(element("span", "plugin", `[${error.plugin}] `));
    message.append(withoutColours(error.message || "Unknown error"));
    const close = element("button", "close", "✕") as HTMLButtonElement;
    close.type = "button";
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => this.close());
    head.append(message, close);
    return head;
  }
}

function placeOf(error: ErrorInfo): string | undefined {
  const file = error.loc?.file ?? error.id ?? error.file;
  return file && withPosition(file, error);
}

function withPosition(file: string, error: ErrorInfo): string {
  return error.loc?.line ? `${file}:${error.loc.line}:${error.loc.column}` : file;
}

function fileLink(label: string, position: string): HTMLElement {
  const { open } = ErrorOverlay.options;
  if (!open) return element("div", "file", label);
  const link = element("button", "file", label) as HTMLButtonElement;
  link.type = "button";
  link.title = "Open in the editor";
  link.addEventListener("click", () => open(position));
  return link;
}

/** Makes a code frame that highlights the line with the error. */
function frame(text: string): HTMLElement {
  const pre = element("pre");
  for (const line of text.replace(/^\n+|\n+$/g, "").split("\n")) {
    pre.append(element("span", /^\s*>|^\s*\|?\s*\^+\s*$|\|\s*\^/.test(line) ? "hit" : "", line || " "), "\n");
  }
  return pre;
}

function stack(text: string): HTMLElement {
  const details = element("details");
  details.append(element("summary", "", "Stack"), element("pre", "", text));
  return details;
}

/** Styles the panel by a constructed sheet, which works where a Content-Security-Policy forbids style elements. */
function adopt(root: ShadowRoot): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
  } catch {
    // The text is readable without styles.
  }
}

/** Shows the error instead of the last one. Returns false where it cannot. */
export function showOverlay(error: ErrorInfo): boolean {
  if (!hasDocument() || !globalThis.customElements) return false;
  defineOverlay();
  closeOverlay();
  const Overlay = (customElements.get(overlayName) ?? ErrorOverlay) as typeof ErrorOverlay;
  try {
    (document.body ?? document.documentElement).append(new Overlay(error));
    return true;
  } catch {
    return false; // other code defined an element of this name
  }
}

export function closeOverlay(): void {
  if (!hasDocument()) return;
  for (const element of document.querySelectorAll<ErrorOverlay>(overlayName)) element.remove();
}

/** Defines the custom element, so that third-party code can make it. */
export function defineOverlay(): void {
  if (globalThis.customElements && !customElements.get(overlayName)) customElements.define(overlayName, ErrorOverlay);
}
