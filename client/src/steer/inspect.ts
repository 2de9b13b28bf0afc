// Describes one element.

import { HotError } from "../socket/request.ts";
import { componentOf, type Position } from "./component.ts";
import { cut, frameOffset, isElement, roots } from "./dom.ts";
import { isSecret, nameOf, secret } from "./names.ts";
import { plain } from "./props.ts";
import type { Choice, Refs } from "./refs.ts";
import { roleOf } from "./roles.ts";
import { round, whyHidden } from "./visible.ts";

export interface InspectArgs extends Choice {
  styles?: string[];
}

export interface Inspected {
  ref: string;
  role?: string;
  name?: string;
  html: string;
  box: [number, number, number, number];
  visible: boolean;
  hidden?: string;
  styles: Record<string, string>;
  component?: string;
  props?: unknown;
  owners?: string[];
  /** `file:line:column`, or the file alone. */
  source?: string;
  /** A place in compiled code, which the server can map. */
  sourcePosition?: Position;
}

const maxHTML = 2000;
const maxStyles = 50;

const usual = [
  "display",
  "position",
  "visibility",
  "opacity",
  "color",
  "background-color",
  "font-size",
  "margin",
  "padding",
  "z-index",
  "pointer-events",
  "overflow",
];

export function inspect(args: InspectArgs, refs: Refs): Inspected {
  const element = refs.find(args);
  if (!element) throw new HotError("bad_args", "say which element: ref or selector");
  const role = roleOf(element);
  const box = element.getBoundingClientRect();
  const offset = frameOffset(element);
  const hidden = whyHidden(element)?.text;
  const answer: Inspected = {
    ref: refs.of(element),
    role: role === "generic" ? undefined : role,
    name: nameOf(element, role) || undefined,
    html: htmlOf(element),
    box: [round(box.x + offset.x), round(box.y + offset.y), round(box.width), round(box.height)],
    visible: !hidden,
    hidden,
    styles: {},
  };
  const computed = getComputedStyle(element);
  for (const name of [...usual, ...(args.styles ?? []).slice(0, maxStyles)])
    answer.styles[name] = cut(computed.getPropertyValue(name), 300);
  const component = componentOf(element);
  if (component) {
    answer.component = component.name;
    answer.owners = component.owners.length > 0 ? component.owners : undefined;
    answer.source = component.source;
    answer.sourcePosition = component.position;
    if (component.props !== undefined) answer.props = plain(component.props, secrets());
  }
  refs.save();
  return answer;
}

/** Returns the passwords that the page's fields hold. */
function secrets(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const root of roots(document))
    for (const input of root.querySelectorAll("input")) if (isSecret(input) && input.value) found.add(input.value);
  return found;
}

/** Returns the beginning of the element's HTML, with passwords hidden. */
function htmlOf(element: Element): string {
  // Copies belong to a document that runs nothing: no custom element is made, no image is loaded.
  const still = document.implementation.createHTMLDocument();
  let text = "";
  const write = (node: Node): void => {
    if (text.length > maxHTML) return;
    if (!isElement(node)) {
      still.body.replaceChildren();
      if (node.nodeType === 3 || node.nodeType === 8) still.body.append(still.importNode(node));
      text += cut(still.body.innerHTML, maxHTML);
      return;
    }
    const own = still.importNode(node, false);
    if (isSecret(node) && own.hasAttribute("value")) own.setAttribute("value", secret);
    for (const { name, value } of [...own.attributes]) if (value.length > 300) own.setAttribute(name, cut(value, 300)); // such as an image in a data: URL
    const html = own.outerHTML;
    const end = `</${node.localName}>`;
    if (!html.endsWith(end)) {
      text += html;
      return;
    }
    text += html.slice(0, -end.length);
    for (const child of node.childNodes) write(child);
    text += end;
  };
  write(element);
  return cut(text, maxHTML);
}
