// Clicks an element.

import { focused, isInside, nearest, topmostAt, upwards, windowOf } from "./dom.ts";
import { focus } from "./focus.ts";
import { refuseToLeave } from "./leave.ts";
import { isDisabled } from "./names.ts";
import { viewOf } from "./visible.ts";

/** Clicks the middle of what is in view. Reports whether the element was still there for the click itself. */
export function click(element: Element): boolean {
  refuseToLeave(element);
  const view = viewOf(element);
  const box = element.getBoundingClientRect();
  const [x, y] = view
    ? [(view.left + view.right) / 2, (view.top + view.bottom) / 2]
    : [box.x + box.width / 2, box.y + box.height / 2];
  const hit = topmostAt(element, x, y);
  const target = hit && isInside(hit, element) ? hit : element;
  const events = new Pointer(target, x, y);
  events.pointer("pointerover");
  events.enter("pointerenter");
  events.mouse("mouseover");
  events.enter("mouseenter");
  events.pointer("pointermove");
  events.mouse("mousemove");
  // Mouse events do not follow a pointerdown that is taken.
  const compatible = events.pointer("pointerdown", 1);
  if (compatible && events.mouse("mousedown", 1)) focusAt(target);
  events.pointer("pointerup");
  if (compatible) events.mouse("mouseup");
  if (!target.isConnected) return false;
  events.click();
  return true;
}

/** Makes the events of a pointer at a point. */
class Pointer {
  private readonly view: Window & typeof globalThis;

  constructor(
    private readonly target: Element,
    private readonly x: number,
    private readonly y: number,
  ) {
    this.view = windowOf(target);
  }

  private init(buttons: number): PointerEventInit {
    return {
      bubbles: true,
      cancelable: true,
      composed: true,
      view: this.view,
      clientX: this.x,
      clientY: this.y,
      screenX: this.view.screenX + this.x,
      screenY: this.view.screenY + this.y,
      button: 0,
      buttons,
    };
  }

  pointer(type: string, buttons = 0): boolean {
    return this.target.dispatchEvent(
      new this.view.PointerEvent(type, {
        ...this.init(buttons),
        button: type === "pointerdown" || type === "pointerup" ? 0 : -1,
        pointerId: 1,
        pointerType: "mouse",
        isPrimary: true,
        pressure: buttons ? 0.5 : 0,
      }),
    );
  }

  mouse(type: string, buttons = 0): boolean {
    const pressed = type === "mousedown" || type === "mouseup";
    return this.target.dispatchEvent(
      new this.view.MouseEvent(type, { ...this.init(buttons), detail: pressed ? 1 : 0 }),
    );
  }

  /** Tells each element around that the pointer is in it, from the outside. */
  enter(type: "pointerenter" | "mouseenter"): void {
    const init = { ...this.init(0), bubbles: false, cancelable: false, composed: false };
    for (const element of [...upwards(this.target)].reverse()) {
      if (element.ownerDocument !== this.target.ownerDocument) continue;
      element.dispatchEvent(
        type === "mouseenter"
          ? new this.view.MouseEvent(type, init)
          : new this.view.PointerEvent(type, {
              ...init,
              button: -1,
              pointerId: 1,
              pointerType: "mouse",
              isPrimary: true,
            }),
      );
    }
  }

  /** The browser does for this event what it does for a user's. */
  click(): void {
    this.target.dispatchEvent(
      new this.view.PointerEvent("click", { ...this.init(0), detail: 1, pointerId: 1, pointerType: "mouse" }),
    );
  }
}

const focusable =
  "a[href], area[href], button, input, select, textarea, summary, iframe, [tabindex], [contenteditable]:not([contenteditable=false i])";

/** Gives the focus to what a user's mouse would give it to. */
function focusAt(target: Element): void {
  const element = nearest(target, focusable);
  if (element && !isDisabled(element)) focus(element);
  else if (!nearest(target, "label")) (focused() as HTMLElement | undefined)?.blur();
}
