// The page as a user has it: the flat tree, which passes through open shadow roots, slots, and frames of this origin.
// Elements of a frame belong to another window, so that nothing here asks `instanceof`.

/** The element of our own that shows what was done. Nothing else may see it. */
export const markName = "devserver-mark";

export function isElement(node: Node): node is Element {
  return node.nodeType === 1;
}

export function isText(node: Node): boolean {
  return node.nodeType === 3;
}

/** Returns the window that the element is in. */
export function windowOf(element: Element): Window & typeof globalThis {
  return element.ownerDocument.defaultView ?? window;
}

/** Returns the document of a frame; undefined for other elements, and for a frame of another origin. */
export function frameDocument(element: Element): Document | undefined {
  const { localName } = element;
  if (localName !== "iframe" && localName !== "frame" && localName !== "object") return undefined;
  try {
    return (element as HTMLIFrameElement).contentDocument ?? undefined;
  } catch {
    return undefined;
  }
}

/** Returns what the element shows inside. */
export function inside(element: Element): Iterable<Node> {
  if (element.shadowRoot) return element.shadowRoot.childNodes;
  if (element.localName === "slot") {
    const assigned = (element as HTMLSlotElement).assignedNodes();
    if (assigned.length > 0) return assigned;
  }
  if (element.localName === "details" && !(element as HTMLDetailsElement).open) {
    const summary = [...element.children].find((e) => e.localName === "summary");
    return summary ? [summary] : [];
  }
  const document = frameDocument(element);
  if (document) return document.body ? [document.body] : [];
  return element.childNodes;
}

/** Returns the element that shows this element inside; undefined for the root of the page. */
export function above(element: Element): Element | undefined {
  if (element.assignedSlot) return element.assignedSlot;
  const parent = element.parentNode;
  if (!parent) return undefined;
  if (isElement(parent)) return parent;
  if (parent.nodeType === 11) return (parent as ShadowRoot).host;
  return windowOf(element).frameElement ?? undefined;
}

/** Lists the element and those above it, the innermost first. */
export function* upwards(element: Element | undefined): Generator<Element> {
  for (let e = element; e; e = above(e)) yield e;
}

/** Reports whether the element is `outer`, or is shown inside it. */
export function isInside(element: Element, outer: Element): boolean {
  for (const e of upwards(element)) if (e === outer) return true;
  return false;
}

/** Returns the nearest of the element and those above it that the selector matches. */
export function nearest(element: Element, selector: string): Element | undefined {
  for (const e of upwards(element)) if (e.matches(selector)) return e;
  return undefined;
}

/**
 * Lists the labels of a field, in the order of the page. It does not read `field.labels`: a browser updates such a list
 * at each change of the page, so that the lists of a large page would make each change slow until they are collected.
 */
export function labelsOf(field: Element): HTMLLabelElement[] {
  const labels = new Set<HTMLLabelElement>();
  for (let around = field.closest("label"); around; around = around.parentElement?.closest("label") ?? null)
    labels.add(around);
  const id = field.getAttribute("id");
  if (id) for (const label of labelsFor(field.getRootNode() as ParentNode & Node).get(id) ?? []) labels.add(label);
  return [...labels]
    .filter((label) => label.control === field)
    .sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
}

/**
 * The labels of each tree by their `for`. A snapshot asks about all fields: looking through the page for each would take
 * the square of their number. They are forgotten as soon as the code that asked waits, since then the page may change.
 */
let labelsByFor = new Map<Node, Map<string, HTMLLabelElement[]>>();

function labelsFor(root: ParentNode & Node): Map<string, HTMLLabelElement[]> {
  let byFor = labelsByFor.get(root);
  if (!byFor) {
    if (labelsByFor.size === 0) queueMicrotask(() => (labelsByFor = new Map()));
    byFor = new Map();
    labelsByFor.set(root, byFor);
    for (const label of root.querySelectorAll<HTMLLabelElement>("label[for]")) {
      const same = byFor.get(label.htmlFor);
      if (same) same.push(label);
      else byFor.set(label.htmlFor, [label]);
    }
  }
  return byFor;
}

/** Lists the documents and open shadow roots below the root, the root first. */
export function* roots(root: Document | ShadowRoot): Generator<Document | ShadowRoot> {
  yield root;
  for (const element of root.querySelectorAll("*")) {
    const deeper = element.shadowRoot ?? frameDocument(element);
    if (deeper) yield* roots(deeper);
  }
}

/** Returns the element that has the focus; undefined when it is the body. */
export function focused(): Element | undefined {
  let active = document.activeElement;
  while (active) {
    const deeper: Element | null | undefined =
      active.shadowRoot?.activeElement ?? frameDocument(active)?.activeElement ?? undefined;
    if (!deeper) break;
    active = deeper;
  }
  return active && active.localName !== "body" && active.localName !== "html" ? active : undefined;
}

/** Returns the topmost element at a point of the element's own window. */
export function topmostAt(element: Element, x: number, y: number): Element | undefined {
  let hit = element.ownerDocument.elementFromPoint(x, y);
  while (hit?.shadowRoot) {
    const deeper: Element | null = hit.shadowRoot.elementFromPoint(x, y);
    if (!deeper || deeper === hit || !isInside(deeper, hit)) break;
    hit = deeper;
  }
  return hit ?? undefined;
}

/** Returns how far the element's window is from that of the page, in CSS pixels. */
export function frameOffset(element: Element): { x: number; y: number } {
  const offset = { x: 0, y: 0 };
  for (let frame = windowOf(element).frameElement; frame; frame = windowOf(frame).frameElement) {
    const box = frame.getBoundingClientRect();
    offset.x += box.x + frame.clientLeft;
    offset.y += box.y + frame.clientTop;
  }
  return offset;
}

/** Returns the element as a short tag, such as <div#id.class>. */
export function tag(element: Element): string {
  const classes = [...element.classList].slice(0, 3).map((c) => "." + c);
  const id = element.getAttribute("id"); // a form may have a field of the name "id"
  return `<${element.localName}${id ? "#" + id : ""}${classes.join("")}>`.slice(0, 80);
}

/** Returns the tag of a nameless element, or of what it holds, by which a person knows it: such as the class of an icon. */
export function hint(element: Element): string {
  const known = (e: Element): boolean => Boolean(e.getAttribute("id")) || e.classList.length > 0;
  return tag(known(element) ? element : ([...element.querySelectorAll("*")].slice(0, 5).find(known) ?? element));
}

/** Makes one line of a text, with each run of white space as one space. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Cuts a text that is longer than max characters, and shows where. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = /[\uD800-\uDBFF]/.test(text[max - 1]!) ? max - 1 : max; // not between the halves of a character
  return text.slice(0, end) + "…";
}

/** Quotes a text of the page, so that it cannot be taken for another part of a line. */
export function quote(text: string, max = 100): string {
  return `"${cut(oneLine(text.slice(0, 4 * max)), max).replace(/["\\]/g, "\\$&")}"`;
}
