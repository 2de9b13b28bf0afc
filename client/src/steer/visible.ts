// Says why users do not see an element.

import {
  above,
  cut,
  frameDocument,
  frameOffset,
  isInside,
  labelsOf,
  nearest,
  tag,
  topmostAt,
  upwards,
  windowOf,
} from "./dom.ts";

/** A reason why users do not see an element. */
export interface Hidden {
  /** "style" (nothing shows it), "faint" (clicks reach it), "place" (scrolling may show it), or "covered". */
  kind: "style" | "faint" | "place" | "covered";
  text: string;
}

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Returns why users do not see the element now; undefined when they see it. */
export function whyHidden(element: Element): Hidden | undefined {
  return byStyle(element) ?? byPlace(element) ?? covered(element);
}

/** Returns the style that hides the element. */
export function byStyle(element: Element): Hidden | undefined {
  const style = (text: string): Hidden => ({ kind: "style", text });
  if (!element.isConnected) return style("not in the page");
  const chain = [...upwards(element)].reverse();
  for (const e of chain) {
    const computed = getComputedStyle(e);
    if (computed.display === "none") {
      if (e.localName === "dialog" && !(e as HTMLDialogElement).open) return style(`in a closed ${tag(e)}`);
      return style(`display: none ${where(e, element)}${rule(e, "display", "none")}`);
    }
  }
  const { visibility } = getComputedStyle(element);
  if (visibility !== "visible") {
    const from = chain.find((e) => getComputedStyle(e).visibility === visibility) ?? element;
    return style(`visibility: ${visibility} ${where(from, element)}${rule(from, "visibility", visibility)}`);
  }
  if (!element.checkVisibility() && getComputedStyle(element).display !== "contents") {
    const details = nearest(element, "details:not([open])");
    return style(details ? `in a closed ${tag(details)}` : "in an element whose content is not rendered");
  }
  const { width, height } = element.getBoundingClientRect();
  if ((width === 0 || height === 0) && !showsOutside(element))
    return style(`it has no size: ${round(width)} × ${round(height)} px`);
  const faint = chain.find((e) => Number(getComputedStyle(e).opacity) === 0);
  return faint && { kind: "faint", text: `opacity: 0 ${where(faint, element)}${rule(faint, "opacity", "0")}` };
}

/** Reports whether elements inside have a size, though the element has none. */
function showsOutside(element: Element): boolean {
  return [...element.querySelectorAll("*")].slice(0, 50).some((e) => {
    const { width, height } = e.getBoundingClientRect();
    return width > 0 && height > 0;
  });
}

/** Returns what of the element is in view, in its own window. */
export function viewOf(element: Element): Box | undefined {
  let box: Box = boxOf(element);
  const { innerWidth, innerHeight } = windowOf(element);
  for (const around of clippers(element)) box = common(box, around.getBoundingClientRect());
  box = common(box, { left: 0, top: 0, right: innerWidth, bottom: innerHeight });
  return isEmpty(box) ? undefined : box;
}

/** Returns how the place of the element keeps it out of view. */
export function byPlace(element: Element): Hidden | undefined {
  const place = (text: string): Hidden => ({ kind: "place", text });
  let box: Box = boxOf(element);
  for (const around of clippers(element)) {
    const next = common(box, around.getBoundingClientRect());
    if (isEmpty(next)) {
      const { overflowX, overflowY } = getComputedStyle(around);
      return /auto|scroll/.test(overflowX + overflowY)
        ? place(`scrolled out of ${tag(around)}`)
        : {
            kind: "style",
            text: `clipped by overflow: ${overflowX} of ${tag(around)}${rule(around, "overflow", overflowX)}`,
          };
    }
    box = next;
  }
  const view = windowOf(element);
  if (!isEmpty(common(box, { left: 0, top: 0, right: view.innerWidth, bottom: view.innerHeight }))) return undefined;
  const at = `${round(box.left)}, ${round(box.top)}`;
  if (box.right + view.scrollX <= 0 || box.bottom + view.scrollY <= 0)
    return { kind: "style", text: `off screen at ${at}: scrolling does not reach it` };
  const side =
    box.top >= view.innerHeight
      ? "below"
      : box.bottom <= 0
        ? "above"
        : box.left >= view.innerWidth
          ? "right of"
          : "left of";
  return place(`${side} the part of the page that is in view: scroll to see it`);
}

/** Lists the elements around that clip the element, the innermost first. */
function* clippers(element: Element): Generator<Element> {
  let position = getComputedStyle(element).position;
  for (let e = above(element); e && e.ownerDocument === element.ownerDocument; e = above(e)) {
    if (e === e.ownerDocument.documentElement || e === e.ownerDocument.body) return; // their overflow is that of the window
    if (position === "fixed") return;
    const style = getComputedStyle(e);
    if (position === "absolute" && style.position === "static" && style.transform === "none") continue;
    if (style.display !== "contents" && style.overflowX + style.overflowY !== "visiblevisible") yield e;
    position = style.position;
  }
}

/** Returns the element that covers the centre of what is in view. */
export function covered(element: Element): Hidden | undefined {
  const view = viewOf(element);
  if (!view || getComputedStyle(element).pointerEvents === "none") return undefined;
  const [x, y] = [(view.left + view.right) / 2, (view.top + view.bottom) / 2];
  const hit = topmostAt(element, x, y);
  if (hit && !isPart(hit, element))
    return { kind: "covered", text: `covered by ${tag(outside(hit, element))} at its centre` };
  const frame = windowOf(element).frameElement;
  if (!frame) return undefined;
  const offset = frameOffset(element);
  const outer = frameOffset(frame);
  const over = topmostAt(frame, x + offset.x - outer.x, y + offset.y - outer.y);
  if (over && over !== frame && !isInside(over, frame)) return { kind: "covered", text: `covered by ${tag(over)}` };
  return undefined;
}

/** Returns the element as it is known where the other element is: shadow roots hide what is in them. */
function outside(hit: Element, element: Element): Element {
  let root = hit.getRootNode();
  while (root.nodeType === 11 && !isInside(element, (root as ShadowRoot).host)) {
    hit = (root as ShadowRoot).host;
    root = hit.getRootNode();
  }
  return hit;
}

/** Reports whether a click on the hit element is a click on the element. */
function isPart(hit: Element, element: Element): boolean {
  if (isInside(hit, element) || frameDocument(element)?.contains(hit)) return true;
  // Inline texts have gaps, through which an element around shows.
  if (
    isInside(element, hit) &&
    getComputedStyle(element).display.startsWith("inline") &&
    element.getClientRects().length > 1
  )
    return true;
  if (element.localName === "option" && isInside(element, hit)) return true;
  for (const label of labelsOf(element)) if (isInside(hit, label)) return true;
  return false;
}

function boxOf(element: Element): Box {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  if (right > left && bottom > top) return { left, top, right, bottom };
  // An element without a box of its own shows what is in it.
  const range = element.ownerDocument.createRange();
  range.selectNodeContents(element);
  return range.getBoundingClientRect();
}

function common(a: Box, b: Box): Box {
  return {
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
  };
}

function isEmpty(box: Box): boolean {
  return box.right - box.left < 1 || box.bottom - box.top < 1;
}

export function round(n: number): number {
  return Math.round(n * 10) / 10;
}

function where(from: Element, element: Element): string {
  return from === element ? "on it" : `on ${tag(from)}`;
}

/** Says which rule sets a property to a value, when a stylesheet that can be read has it. */
function rule(element: Element, property: string, value: string): string {
  const own = (element as HTMLElement).style;
  if (own?.getPropertyValue(property) === value) return " (its style attribute)";
  if (property === "display" && element.hasAttribute("hidden")) return " (its attribute hidden)";
  const root = element.getRootNode() as Document | ShadowRoot;
  let found = "";
  for (const sheet of [...(root.styleSheets ?? []), ...(root.adoptedStyleSheets ?? [])]) {
    const visit = (rules: CSSRuleList): void => {
      for (const r of rules) {
        const { selectorText, style, cssRules, media } = r as CSSStyleRule & CSSMediaRule;
        if (media && !matchMedia(media.mediaText).matches) continue;
        if (style && selectorText && style.getPropertyValue(property) === value && matches(element, selectorText))
          found = ` (${cut(selectorText, 100)} in ${sheetName(sheet)})`;
        if (cssRules) visit(cssRules);
      }
    };
    try {
      if (!sheet.disabled) visit(sheet.cssRules);
    } catch {
      // a stylesheet of another origin
    }
  }
  return found;
}

function matches(element: Element, selector: string): boolean {
  try {
    return element.matches(selector);
  } catch {
    return false;
  }
}

function sheetName(sheet: CSSStyleSheet): string {
  const owner = sheet.ownerNode as Element | null;
  const id = owner?.getAttribute?.("data-vite-dev-id");
  if (id) return id;
  if (!sheet.href) return owner ? tag(owner) : "a constructed stylesheet";
  const url = new URL(sheet.href);
  return url.origin === location.origin ? url.pathname : sheet.href;
}
