// Small panels in the corner of the page. Notifications of the server disappear after a while; they are for apps that
// do not show them themselves. The question whether to reload stays.

import { hasDocument } from "../socket/life.ts";
import { element } from "./element.ts";

export interface Toast {
  title: string;
  description?: string;
  type?: string;
}

const css = `
:host { all: initial; position: fixed; right: 16px; bottom: 16px; z-index: 2147483646; display: flex; flex-direction: column; gap: 8px; max-width: min(360px, calc(100vw - 32px)); color-scheme: light dark; pointer-events: none; }
.toast { pointer-events: auto; display: flex; gap: 12px; align-items: flex-start; padding: 10px 12px; border-radius: 8px; border: 1px solid light-dark(#d8dce2, #343942); border-left: 4px solid var(--tone);
  background: light-dark(#fff, #1b1e24); color: light-dark(#1d2026, #e6e8ec); font: 14px/1.4 system-ui, sans-serif; box-shadow: 0 6px 20px #0004; overflow-wrap: anywhere; }
.text { flex: 1; } .title { font-weight: 600; } .description { margin-top: 2px; white-space: pre-wrap; color: light-dark(#5d6470, #9aa2af); }
button { border: 0; background: none; color: inherit; font: inherit; line-height: 1; padding: 2px 4px; cursor: pointer; opacity: .6; } button:hover, button:focus-visible { opacity: 1; }
button.action { margin-top: 8px; padding: 6px 12px; border: 1px solid var(--tone); border-radius: 6px; opacity: 1; } button.action:hover, button.action:focus-visible { background: color-mix(in srgb, var(--tone) 16%, transparent); }
.info { --tone: light-dark(#0b5cc4, #7ab7ff); } .success { --tone: #2f9e5b; } .warning { --tone: #c98a08; } .error { --tone: light-dark(#c62f2f, #ff7b72); }
`;

/** How long a toast stays, in milliseconds. */
const duration = 6000;
const maxToasts = 5;
const maxReasons = 3;
let list: ShadowRoot | undefined;

/** Shows a toast. It stays while the pointer is over it. */
export function showToast(toast: Toast): void {
  if (!hasDocument()) return;
  const root = host();
  const { panel } = panelOf(toast);
  let timer = setTimeout(() => panel.remove(), duration);
  panel.addEventListener("pointerenter", () => clearTimeout(timer));
  panel.addEventListener("pointerleave", () => (timer = setTimeout(() => panel.remove(), duration)));
  root.append(panel);
  const toasts = root.querySelectorAll(".toast:not(.question)");
  if (toasts.length > maxToasts) toasts[0]!.remove();
}

/** Asks to reload the page, with the reasons, newest last. A page has one such panel. */
export function askToReload(reasons: readonly string[], reload: () => void): void {
  if (!hasDocument()) return;
  const root = host();
  root.querySelector(".question")?.remove();
  const left = reasons.length - maxReasons;
  const description = [...(left > 0 ? [`${left} earlier reasons, and`] : []), ...reasons.slice(-maxReasons)].join("\n");
  const { panel, text } = panelOf({ title: "Reload this page to get the update", description, type: "warning" });
  panel.classList.add("question");
  const button = element("button", "action", "Reload");
  button.addEventListener("click", reload);
  text.append(button);
  root.append(panel);
}

function panelOf(toast: Toast): { panel: HTMLElement; text: HTMLElement } {
  const type = ["success", "warning", "error"].includes(toast.type ?? "") ? toast.type! : "info";
  const panel = element("div", `toast ${type}`);
  panel.setAttribute("role", type === "error" ? "alert" : "status");
  const text = element("div", "text");
  text.append(element("div", "title", toast.title));
  if (toast.description) text.append(element("div", "description", toast.description));
  const close = element("button", "", "✕");
  close.setAttribute("aria-label", "Dismiss");
  close.addEventListener("click", () => panel.remove());
  panel.append(text, close);
  return { panel, text };
}

function host(): ShadowRoot {
  if (list?.host.isConnected) return list;
  const at = document.createElement("devserver-toasts");
  list = at.attachShadow({ mode: "open" });
  list.append(element("style", "", css));
  (document.body ?? document.documentElement).append(at);
  return list;
}
