// Moves the focus. A page in the background hears nothing of that from the browser, so that it gets the events here.

import { focused, inside, isElement, windowOf } from "./dom.ts";
import { isDisabled, seen } from "./names.ts";

/** Gives the element the focus. */
export function focus(element: Element): void {
  const before = focused();
  if (before === element) return;
  let heard = false;
  const listen = (): void => void (heard = true);
  element.addEventListener("focus", listen, { once: true, capture: true });
  (element as HTMLElement).focus({ preventScroll: true });
  element.removeEventListener("focus", listen, { capture: true });
  if (heard || focused() !== element) return;
  const tell = (target: Element, type: string, bubbles: boolean, relatedTarget: Element | null): void => {
    target.dispatchEvent(new (windowOf(target).FocusEvent)(type, { bubbles, composed: true, relatedTarget }));
  };
  if (before) {
    tell(before, "blur", false, element);
    tell(before, "focusout", true, element);
  }
  tell(element, "focus", false, before ?? null);
  tell(element, "focusin", true, before ?? null);
}

/** Moves the focus as the Tab key does. Returns the element that has it then. */
export function focusNext(from: Element | undefined, backwards: boolean): Element | undefined {
  const list: HTMLElement[] = [];
  const visit = (element: Element): void => {
    const sight = seen(element);
    if (sight === "nothing") return;
    const html = element as HTMLElement;
    if (sight === "all" && html.tabIndex >= 0 && !isDisabled(element) && isStop(html)) list.push(html);
    for (const node of inside(element)) if (isElement(node)) visit(node);
  };
  // The content of the topmost modal dialog, where there is one, is all that takes the focus.
  const modal = [...document.querySelectorAll("dialog:modal")].at(-1);
  visit(modal ?? document.body);
  const order = (e: HTMLElement): number => (e.tabIndex > 0 ? e.tabIndex : Number.MAX_SAFE_INTEGER);
  list.sort((a, b) => order(a) - order(b));
  if (list.length === 0) return undefined;
  const at = from ? list.indexOf(from as HTMLElement) : -1;
  const step = backwards ? (at <= 0 ? list.length - 1 : at - 1) : (at + 1) % list.length;
  focus(list[step]!);
  return list[step];
}

/** Reports whether the Tab key stops at the element: of a group of radio buttons it stops at the chosen. */
function isStop(element: HTMLElement): boolean {
  if (element.localName === "body" || element.localName === "iframe") return false;
  const { type, name, checked, form } = element as HTMLInputElement;
  if (element.localName !== "input" || type !== "radio" || checked || !name) return true;
  const root = element.getRootNode() as Document;
  return ![...root.querySelectorAll<HTMLInputElement>("input[type=radio]:checked")].some(
    (r) => r.name === name && r.form === form,
  );
}
