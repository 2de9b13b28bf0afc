// Shows for a moment what a tool did, so that the user of the page understands it.

import { cut, frameOffset, markName } from "./dom.ts";

/** How long a mark stays, in milliseconds. */
const duration = 1500;

const outline =
  "position:fixed;box-sizing:border-box;border:2px solid #d6336c;border-radius:4px;pointer-events:none;" +
  "box-shadow:0 0 0 2px #fff8";
const label =
  "position:fixed;max-width:min(360px,90vw);padding:2px 6px;border-radius:4px;background:#d6336c;color:#fff;" +
  "font:12px/1.4 system-ui,sans-serif;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;pointer-events:none";

let shown: Element | undefined;

/** Marks an element, or the corner of the page. */
export function mark(text: string, element?: Element): void {
  shown?.remove();
  const host = document.createElement(markName);
  host.setAttribute("aria-hidden", "true");
  host.style.cssText =
    "all:initial;position:fixed;inset:0;width:auto;height:auto;margin:0;padding:0;border:0;background:none;" +
    "overflow:visible;pointer-events:none;z-index:2147483647";
  const root = host.attachShadow({ mode: "closed" });
  let [x, y] = [8, 8];
  if (element?.isConnected) {
    const box = element.getBoundingClientRect();
    const offset = frameOffset(element);
    const frame = made(outline);
    frame.style.left = `${box.x + offset.x - 3}px`;
    frame.style.top = `${box.y + offset.y - 3}px`;
    frame.style.width = `${box.width + 6}px`;
    frame.style.height = `${box.height + 6}px`;
    root.append(frame);
    const below = box.bottom + offset.y + 6;
    [x, y] = [Math.max(4, box.x + offset.x - 3), below + 24 < innerHeight ? below : Math.max(4, box.y + offset.y - 28)];
  }
  const note = made(label);
  note.textContent = cut(text, 100);
  note.style.left = `${x}px`;
  note.style.top = `${y}px`;
  root.append(note);
  document.documentElement.append(host);
  try {
    host.popover = "manual"; // above dialogs
    host.showPopover();
  } catch {
    // an older browser
  }
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches)
    host.animate([{ opacity: 1 }, { opacity: 1, offset: 0.7 }, { opacity: 0 }], duration);
  shown = host;
  setTimeout(() => host.remove(), duration);
}

function made(style: string): HTMLElement {
  const element = document.createElement("div");
  element.style.cssText = style; // a policy for styles does not apply to it
  return element;
}
