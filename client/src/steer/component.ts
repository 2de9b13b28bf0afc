// Which component rendered an element, as the frameworks tell it in development.

import { upwards } from "./dom.ts";

/** A component, as far as its framework tells. */
export interface Component {
  name: string;
  props?: unknown;
  /** The components that rendered it, the nearest first. */
  owners: string[];
  /** `file:line:column`, or the file alone. */
  source?: string;
  /** A place in compiled code. */
  position?: Position;
}

export interface Position {
  url: string;
  line: number;
  column: number;
}

const maxOwners = 12;

type Loose = Record<string, unknown>;

/** Returns the component that rendered the element; undefined when no known framework did. */
export function componentOf(element: Element): Component | undefined {
  for (const e of upwards(element)) {
    const own = e as unknown as Loose;
    const fiber = Object.keys(e).find((k) => k.startsWith("__reactFiber$") || k.startsWith("__reactInternalInstance$"));
    if (fiber) return ofReact(own[fiber] as Fiber);
    if (own.__vueParentComponent) return ofVue(own.__vueParentComponent as VueInstance);
    if (own.__svelte_meta) return ofSvelte(own.__svelte_meta);
    const preact = own.__k ? preactPath(own.__k as VNode, element) : undefined;
    if (preact) return ofPreact(preact);
    if (e.localName.includes("-") && customElements.get(e.localName)) return ofCustomElement(e);
  }
  return undefined;
}

// ---- React 16 to 19

interface Fiber {
  type: unknown;
  return: Fiber | null;
  memoizedProps: unknown;
  /** A component of a server has only a name. */
  _debugOwner?: (Partial<Fiber> & { name?: string; owner?: Fiber["_debugOwner"] }) | null;
  _debugSource?: { fileName: string; lineNumber: number; columnNumber?: number } | null;
  _debugStack?: { stack?: string } | string | null;
}

function ofReact(host: Fiber): Component | undefined {
  let fiber: Fiber | null | undefined =
    host._debugOwner?.return !== undefined ? (host._debugOwner as Fiber | null) : host.return;
  while (fiber && !reactName(fiber)) fiber = fiber.return;
  if (!fiber) return undefined;
  const owners: string[] = [];
  let owner: Fiber["_debugOwner"] = fiber._debugOwner !== undefined ? fiber._debugOwner : fiber.return;
  for (
    ;
    owner && owners.length < maxOwners;
    owner = owner._debugOwner ?? owner.owner ?? (owner._debugOwner === null ? null : owner.return)
  ) {
    const name = owner.name ?? reactName(owner as Fiber);
    if (name) owners.push(name);
  }
  const component: Component = { name: reactName(fiber)!, props: fiber.memoizedProps, owners };
  const source = host._debugSource;
  if (source)
    component.source = `${source.fileName}:${source.lineNumber}${source.columnNumber ? ":" + source.columnNumber : ""}`;
  const stack = typeof host._debugStack === "string" ? host._debugStack : host._debugStack?.stack;
  if (stack) component.position = callSite(stack);
  return component;
}

/** Returns the name of a fiber's component; undefined for elements and for React's own components. */
function reactName(fiber: Fiber): string | undefined {
  let type = fiber.type as (Loose & { name?: string }) | null;
  if (type && typeof type === "object") type = (type.type ?? type.render ?? null) as typeof type; // memo, forwardRef
  if (type && typeof type === "object") type = (type.render ?? null) as typeof type;
  const outer = (fiber.type as Loose | null)?.displayName as string | undefined;
  if (typeof type !== "function") return undefined;
  return (
    outer || (type as Loose as { displayName?: string }).displayName || (type as { name?: string }).name || "Anonymous"
  );
}

/** Returns the place of the JSX: React notes the stack of the function that makes elements. */
export function callSite(stack: string): Position | undefined {
  let made = false; // the frames of React come first
  for (const line of stack.split("\n").slice(0, 12)) {
    const frame = /(?:at (?:(.*?) \()?|^(.*?)@)((?:https?|file):\/\/.*?):(\d+):(\d+)\)?$/.exec(line.trim());
    if (!frame) continue;
    const name = frame[1] ?? frame[2] ?? "";
    if (/\b(jsxs?|jsxDEV|jsxsDEV|createElement|jsxProd\w*|jsxWithValidation\w*)$|react[-_]stack/.test(name)) {
      made = true;
      continue;
    }
    if (!made && /\/(react|preact)[^/]*jsx|jsx-(dev-)?runtime/.test(frame[3]!)) continue;
    return { url: frame[3]!, line: Number(frame[4]), column: Number(frame[5]) };
  }
  return undefined;
}

// ---- Vue 3

interface VueInstance {
  type: { name?: string; __name?: string; __file?: string };
  props?: unknown;
  parent: VueInstance | null;
}

function ofVue(instance: VueInstance): Component {
  const owners: string[] = [];
  for (let i = instance.parent; i && owners.length < maxOwners; i = i.parent) owners.push(vueName(i));
  return { name: vueName(instance), props: instance.props, owners, source: instance.type.__file };
}

function vueName({ type }: VueInstance): string {
  return type.name || type.__name || baseName(type.__file) || "Anonymous";
}

function baseName(file?: string): string {
  return file?.replace(/^.*[/\\]/, "").replace(/\.\w+$/, "") ?? "";
}

// ---- Svelte

interface SvelteMeta {
  loc?: { file: string; line: number; column: number };
  parent?: SvelteParent | null;
}

interface SvelteParent {
  type?: string;
  file?: string;
  componentTag?: string;
  parent?: SvelteParent | null;
}

function ofSvelte({ loc, parent }: SvelteMeta): Component {
  const owners: string[] = [];
  for (let p = parent; p && owners.length < maxOwners; p = p.parent)
    if (p.type === "component" && p.file) owners.push(baseName(p.file));
  return {
    name: baseName(loc?.file) || "Anonymous",
    owners,
    source: loc && `${loc.file}:${loc.line}:${loc.column + 1}`,
  };
}

// ---- Preact

interface VNode {
  type: unknown;
  props?: unknown;
  /** The children, and the element. */
  __k?: (VNode | null)[] | null;
  __e?: Node | null;
  __source?: { fileName: string; lineNumber: number; columnNumber?: number };
}

/** Returns the nodes from the root to the node of the element, the nearest first. */
function preactPath(root: VNode, element: Element): VNode[] | undefined {
  const path: VNode[] = [];
  const visit = (node: VNode | null): boolean => {
    if (!node || typeof node !== "object") return false;
    if (typeof node.type === "string" && node.__e === element) {
      path.push(node);
      return true;
    }
    if (typeof node.type === "string" && node.__e && !node.__e.contains(element)) return false;
    for (const child of node.__k ?? []) {
      if (!visit(child)) continue;
      path.push(node);
      return true;
    }
    return false;
  };
  visit(root);
  return path.length > 0 ? path : undefined;
}

function ofPreact(path: VNode[]): Component | undefined {
  const components = path.filter((n) => typeof n.type === "function" && preactName(n) !== "Fragment");
  const nearest = components[0];
  if (!nearest) return undefined;
  const source = path[0]!.__source;
  return {
    name: preactName(nearest),
    props: nearest.props,
    owners: components.slice(1, 1 + maxOwners).map(preactName),
    source: source && `${source.fileName}:${source.lineNumber}${source.columnNumber ? ":" + source.columnNumber : ""}`,
  };
}

/** Names Preact's own Fragment, which is a function with a short name, too. */
function preactName({ type }: VNode): string {
  const fn = type as { displayName?: string; name?: string };
  const code = Function.prototype.toString.call(fn).replace(/[\s;]+/g, "");
  if (/^function\w+\((\w+)\)\{return\1\.children\}$/.test(code)) return "Fragment";
  return fn.displayName || fn.name || "Anonymous";
}

// ---- Custom elements

function ofCustomElement(element: Element): Component {
  const type = element.constructor as typeof HTMLElement & {
    elementProperties?: Map<PropertyKey, { state?: boolean }>; // of Lit
  };
  const names = type.elementProperties
    ? [...type.elementProperties].flatMap(([key, { state }]) => (typeof key === "string" && !state ? [key] : []))
    : Object.keys(element);
  const props: Loose = {};
  for (const name of names) {
    if (/^[_#$]/.test(name)) continue;
    props[name] = (element as unknown as Loose)[name];
  }
  return { name: `${type.name} <${element.localName}>`, props, owners: [] };
}
