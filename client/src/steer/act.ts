// Does what a user would do: with the events that a browser makes, in their order. Scripts cannot make trusted events:
// what needs them is refused with the reason.

import { HotError } from "../socket/request.ts";
import { above, focused, labelsOf, nearest, quote, tag, upwards } from "./dom.ts";
import { checkedOf, fill, select } from "./fill.ts";
import { focus } from "./focus.ts";
import { press } from "./keys.ts";
import { refuseToLeave, withinOrigin } from "./leave.ts";
import { mark } from "./mark.ts";
import { isDisabled, title } from "./names.ts";
import { click } from "./pointer.ts";
import type { Choice, Refs } from "./refs.ts";
import { Rest } from "./rest.ts";
import { interactive, isClickable, roleOf } from "./roles.ts";
import type { PageHost } from "./steer.ts";
import { byPlace, byStyle, covered, round, viewOf } from "./visible.ts";

export interface ActArgs extends Choice {
  do: string;
  value?: string;
}

export interface Acted {
  /** What was done. */
  text: string;
  url: string;
}

export class Actor {
  constructor(private readonly refs: Refs) {}

  async act(args: ActArgs, page: PageHost): Promise<Acted> {
    const value = args.value ?? "";
    if (args.do === "navigate") return navigate(value);
    const rest = new Rest(page);
    try {
      if (args.do === "fill") {
        // A user enters a field before typing: what it opens has opened by then, and knows the value from before.
        await patiently(() => withinOrigin(() => enter(needed(this.refs.find(args), args.do))));
        await new Promise((resolve) => setTimeout(resolve));
      }
      const done = await patiently(() => withinOrigin(() => this.start(args.do, this.refs.find(args), value)));
      const leaves = await rest.come();
      const text = typeof done === "function" ? done() : done;
      return { text: leaves ? `${text}; the page leaves for another` : text, url: location.href };
    } finally {
      rest.stop();
    }
  }

  /** Acts, and returns what was done: a func when that shows once the page has come to rest. */
  private start(what: string, element: Element | undefined, value: string): string | (() => string) {
    switch (what) {
      case "click":
        return clickAndTell(needed(element, what));
      case "fill":
        return fillAndTell(needed(element, what), value);
      case "select": {
        const { field } = usable(needed(element, what));
        mark(`select in ${title(field)}`, field);
        return select(field, value);
      }
      case "press": {
        if (!value) throw new HotError("bad_args", 'value has no key: "Enter", "Control+a", "x"', "value");
        if (element) usable(element);
        const at = element ?? focused() ?? document.body;
        mark(`press ${value}`, element);
        return press(at, value);
      }
      case "scroll":
        return scroll(element, value);
      default:
        throw new HotError(
          "bad_args",
          `do is ${JSON.stringify(what)}: it can be click, fill, select, press, scroll or navigate`,
          "do",
        );
    }
  }
}

/** How long an act waits while the page animates, and how long after that: a dialog that closes leaves the page then. */
const patience = { animation: 1000, after: 100 };

/** Acts, once more and again while the page animates: what closes covers other elements for as long. */
async function patiently<T>(act: () => T): Promise<T> {
  const until = performance.now() + patience.animation;
  for (let last = -Infinity; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    try {
      return act();
    } catch (error) {
      const now = performance.now();
      if (document.getAnimations().some((a) => a.playState === "running")) last = now;
      if (!(error instanceof HotError && error.code === "not_actionable") || now > until || now > last + patience.after)
        throw error;
    }
  }
}

function needed(element: Element | undefined, what: string): Element {
  if (!element) throw new HotError("bad_args", `say which element to ${what}: ref or selector`, "ref");
  return element;
}

const cannot = (text: string): HotError => new HotError("not_actionable", text);

/**
 * Scrolls to the element and returns its field, which is the element itself or that of a label. `target` is what a user
 * sees of it: a field that is not shown has a label. Throws a HotError when a user could not use it.
 */
function usable(element: Element, byPointer = false): { field: Element; target: Element } {
  const field = (element.localName === "label" && (element as HTMLLabelElement).control) || element;
  if (isDisabled(field)) throw cannot(`${title(field)} is disabled`);
  if (nearest(field, "[inert]")) throw cannot(`${title(field)} is inert`);
  const reason = unusable(element, byPointer);
  if (!reason) return { field, target: element };
  for (const target of labelsOf(field))
    if (target !== element && !unusable(target, byPointer)) return { field, target };
  for (const around of widgetsOf(field)) if (!unusable(around, byPointer)) return { field, target: around };
  throw cannot(`${title(field)} ${reason}`);
}

/**
 * Lists the elements around a field that take clicks for it alone, the innermost first: libraries draw a widget, and cover
 * or hide the field in it.
 */
function* widgetsOf(field: Element): Generator<Element> {
  for (const around of upwards(above(field))) {
    if (around === field.ownerDocument.body) return;
    const others = [...around.querySelectorAll("*")].filter((e) => e !== field);
    if (others.some((e) => interactive.has(roleOf(e)))) return;
    if (isClickable(around, false)) yield around;
  }
}

/** Scrolls to an element. Returns why a user cannot use it all the same. */
function unusable(element: Element, byPointer: boolean): string | undefined {
  const style = byStyle(element);
  if (style?.kind === "style") return `is hidden: ${style.text}`;
  if (!viewOf(element) || covered(element))
    element.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
  const place = byPlace(element);
  if (place) return `is hidden: ${place.text}`;
  if (!byPointer) return undefined;
  if (getComputedStyle(element).pointerEvents === "none") return "takes no clicks: pointer-events: none";
  const cover = covered(element);
  return cover && `is ${cover.text}`;
}

// ---- Click

function clickAndTell(element: Element): string {
  const { localName } = element;
  const what = title(element);
  if (localName === "option") throw cannot(`${what}: an option is chosen by select, with its <select>`);
  if (localName === "select") throw cannot(`${what}: its list opens for users only; use select`);
  if (localName === "input" && (element as HTMLInputElement).type === "file")
    throw new HotError("refused", `${what}: the browser opens the dialog for files for users only`);
  const { field, target } = usable(element, true);
  const name = title(field);
  const newTab = refuseToLeave(target);
  mark(`click ${name}`, target);
  const by = target !== field && target.localName !== "label" ? ` by ${tag(target)} around it` : "";
  const state = click(target) ? by : " (the page took it away before the click)";
  return `clicked ${name}${state}${newTab ? "; the browser may have kept its new tab from opening" : ""}`;
}

// ---- Fill

/** Gives the focus to a field that is about to be filled in. */
function enter(element: Element): void {
  const { field } = usable(element);
  if (field.matches("input, textarea") && checkedOf(field) === undefined) focus(field);
}

function fillAndTell(element: Element, value: string): () => string {
  const { field, target } = usable(element);
  const what = title(field);
  const done = fill(field, value, () => click(usable(element, true).target));
  mark(`fill ${what}`, target);
  return () => done(what);
}

// ---- Scroll

function scroll(element: Element | undefined, value: string): string {
  if (!value) {
    if (!element)
      throw new HotError("bad_args", "say what to scroll to (ref or selector), or by how many pixels (value)");
    if (byStyle(element)?.kind === "style") throw cannot(`${title(element)} is hidden: ${byStyle(element)!.text}`);
    element.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
    mark(`scroll to ${title(element)}`, element);
    return `scrolled to ${title(element) || tag(element)}`;
  }
  const by = Number(value);
  if (!Number.isFinite(by)) throw new HotError("bad_args", `${quote(value)} is no number of pixels`, "value");
  const page = document.scrollingElement ?? document.documentElement;
  let scrolled: Element = page;
  for (let e = element; e; e = above(e)) {
    if (e.scrollHeight > e.clientHeight && /auto|scroll/.test(getComputedStyle(e).overflowY)) {
      scrolled = e;
      break;
    }
  }
  const before = scrolled.scrollTop;
  scrolled.scrollBy({ top: by, behavior: "instant" });
  mark(`scroll by ${by} px`, scrolled === page ? undefined : scrolled);
  const end = scrolled.scrollTop + scrolled.clientHeight >= scrolled.scrollHeight - 1 ? ", the end" : "";
  return (
    `scrolled ${scrolled === page ? "the page" : tag(scrolled)} by ${round(scrolled.scrollTop - before)} px, ` +
    `to ${round(scrolled.scrollTop)} of ${scrolled.scrollHeight - scrolled.clientHeight}${end}`
  );
}

// ---- Navigate

function navigate(value: string): Acted {
  if (!value) throw new HotError("bad_args", "value has no path to navigate to", "value");
  let url: URL;
  try {
    url = new URL(value, location.href);
  } catch {
    throw new HotError("bad_args", `${quote(value, 200)} is no path or URL`, "value");
  }
  if (!/^https?:$/.test(url.protocol) || url.origin !== location.origin)
    throw new HotError("refused", `${quote(url.href, 200)} is not of this page's origin, ${location.origin}`, "value");
  mark(`go to ${url.pathname}`);
  setTimeout(() => location.assign(url.href), 20); // the answer leaves before the page does
  return { text: `navigates to ${url.pathname}${url.search}${url.hash}`, url: url.href };
}
