// Names, values and states of elements, by the rules for accessible names.

import { cut, hint, inside, isElement, isText, labelsOf, oneLine, tag } from "./dom.ts";
import { isEditingHost, namedByContent, roleOf } from "./roles.ts";

/** Stands for a password, however long it is. */
export const secret = "••••";

/** Reports whether the element holds a password, also while the page shows what was typed. */
export function isSecret(element: Element): boolean {
  if (element.localName !== "input") return false;
  return (
    (element as HTMLInputElement).type === "password" ||
    /\b(current|new)-password\b/.test(element.getAttribute("autocomplete") ?? "")
  );
}

/** Elements that show nothing. */
export const silent = new Set(
  (
    "script style template noscript head meta link title base datalist param source track colgroup col " +
    "defs symbol clipPath mask pattern marker desc metadata"
  ).split(" "),
);

/** Names may be long: a name is made of at most this many characters. */
const longest = 400;

/** Returns the name of the element; "" when it has none. */
export function nameOf(element: Element, role = roleOf(element), sight = seen(element)): string {
  return cut(oneLine(new Naming(sight).of(element, role)), longest);
}

/** Returns the text that the element shows, as a name has it. */
export function contentOf(element: Element): string {
  const sight = seen(element);
  return cut(oneLine(new Naming(sight).content(element)), longest);
}

class Naming {
  /** Elements that the name already has: labels may refer to each other in a circle. */
  private readonly seen = new Set<Element>();
  private length = 0;
  /** The element is hidden, and so is all that it holds: its name is what it would show. */
  private readonly hidden: boolean;

  constructor(private readonly sight: Sight) {
    this.hidden = sight === "nothing";
  }

  of(element: Element, role: string): string {
    return (
      this.labelledBy(element) ||
      element.getAttribute("aria-label")?.trim() ||
      this.native(element) ||
      (namedByContent.has(role) ? this.content(element, this.sight) : "") ||
      element.getAttribute("title")?.trim() ||
      element.getAttribute("placeholder")?.trim() ||
      element.getAttribute("aria-placeholder")?.trim() ||
      ""
    );
  }

  private labelledBy(element: Element): string {
    const ids = element.getAttribute("aria-labelledby")?.trim();
    if (!ids) return "";
    const root = element.getRootNode() as Document | ShadowRoot;
    const texts: string[] = [];
    for (const id of ids.split(/\s+/)) {
      const label = root.getElementById?.(id);
      if (label && !this.seen.has(label)) {
        this.seen.add(label);
        const content = seen(label) === "all" ? this.content(label) : (label.textContent ?? ""); // also what is hidden
        texts.push(label.getAttribute("aria-label")?.trim() || this.native(label) || content);
      }
    }
    return texts.join(" ").trim();
  }

  /** Returns the name that HTML gives. */
  private native(element: Element): string {
    switch (element.localName) {
      case "img":
      case "area":
        return element.getAttribute("alt")?.trim() ?? "";
      case "input": {
        const input = element as HTMLInputElement;
        if (input.type === "image") return input.alt.trim() || "Submit";
        if (/^(button|submit|reset)$/.test(input.type))
          return input.value.trim() || { submit: "Submit", reset: "Reset" }[input.type] || "";
        return this.labels(element);
      }
      case "select":
      case "textarea":
      case "meter":
      case "progress":
      case "output":
        return this.labels(element);
      case "button":
        return this.labels(element);
      case "fieldset":
        return this.child(element, "legend");
      case "table":
        return this.child(element, "caption");
      case "figure":
        return this.child(element, "figcaption");
      case "optgroup":
        return element.getAttribute("label")?.trim() ?? "";
      case "option":
        return (element as HTMLOptionElement).label.trim();
      case "details":
        return this.child(element, "summary");
      default:
        if (element.namespaceURI === "http://www.w3.org/2000/svg")
          return [...element.children].find((e) => e.localName === "title")?.textContent?.trim() ?? "";
        return element.localName.includes("-") ? this.labels(element) : ""; // custom elements of forms
    }
  }

  private labels(element: Element): string {
    const texts: string[] = [];
    for (const label of labelsOf(element)) {
      if (this.seen.has(label)) continue;
      this.seen.add(label).add(element); // the value of the element itself is no part of its label
      texts.push(this.content(label));
    }
    return texts.join(" ").trim();
  }

  private child(element: Element, localName: string): string {
    for (const child of element.children) if (child.localName === localName) return this.content(child);
    return "";
  }

  /** Returns what the element shows as text. */
  content(element: Element, sight = seen(element)): string {
    this.seen.add(element);
    const own = this.hidden || sight === "all";
    let text = "";
    for (const node of inside(element)) {
      if (this.length > longest) break;
      if (isText(node)) {
        if (!own) continue;
        const value = node.nodeValue?.slice(0, 4 * longest) ?? "";
        text += value;
        this.length += value.length;
      } else if (isElement(node) && !this.seen.has(node)) {
        const part = this.part(node);
        text += isInline(node) ? part : ` ${part} `;
      }
    }
    return oneLine(text);
  }

  /** Returns what an element adds to the name of those above it. */
  private part(element: Element): string {
    if (silent.has(element.localName)) return "";
    const sight = this.hidden ? "all" : seen(element);
    if (sight === "nothing") return "";
    const label = element.getAttribute("aria-label")?.trim();
    if (label) return label;
    const role = roleOf(element);
    if (/^(textbox|searchbox|spinbutton|slider|combobox|listbox|progressbar|meter)$/.test(role))
      return valueOf(element, role) ?? "";
    return this.native(element) || this.content(element, sight) || element.getAttribute("title")?.trim() || "";
  }
}

/** Reports whether the element stands in a line of text. Other elements begin and end lines. */
export function isInline(element: Element): boolean {
  if (element.localName === "br") return false;
  const { display } = getComputedStyle(element);
  return display === "inline" || display === "contents";
}

export type Sight = "all" | "inside" | "nothing";

/**
 * Returns what users see of the element: "all"; "inside" when it is not visible itself and elements in it may be; or
 * "nothing".
 */
export function seen(element: Element): Sight {
  if (element.getAttribute("aria-hidden") === "true" || element.hasAttribute("inert")) return "nothing";
  if (element.checkVisibility({ visibilityProperty: true })) return "all";
  const { display, visibility } = getComputedStyle(element);
  if (display === "contents") return visibility === "visible" ? "all" : "inside"; // it never has a box
  if (display === "none" || visibility === "visible") return "nothing"; // also in what is closed
  return element.checkVisibility() ? "inside" : "nothing";
}

/** Returns the value of the element as text; undefined for an element without a value, and for an empty value. */
export function valueOf(element: Element, role: string): string | undefined {
  if (isSecret(element)) return (element as HTMLInputElement).value ? secret : undefined;
  switch (element.localName) {
    case "input": {
      const input = element as HTMLInputElement;
      if (/^(button|submit|reset|image|checkbox|radio|hidden)$/.test(input.type)) return undefined;
      if (input.type === "file") return [...(input.files ?? [])].map((f) => f.name).join(", ") || undefined;
      return input.value || undefined;
    }
    case "textarea":
      return (element as HTMLTextAreaElement).value || undefined;
    case "select":
      return [...(element as HTMLSelectElement).selectedOptions].map((o) => oneLine(o.label)).join(", ") || undefined;
    case "progress":
    case "meter": {
      const { position, value, max } = element as HTMLProgressElement;
      if (position === -1) return undefined;
      return `${value}/${max}`;
    }
  }
  if (isEditingHost(element)) return oneLine(element.textContent ?? "") || undefined;
  if (/^(slider|spinbutton|progressbar|meter|scrollbar|separator)$/.test(role))
    return element.getAttribute("aria-valuetext") ?? element.getAttribute("aria-valuenow") ?? undefined;
  if (role === "textbox" || role === "searchbox" || role === "combobox")
    return oneLine(element.textContent ?? "") || undefined;
  return undefined;
}

/** Returns the states of the element that are not as usual. */
export function statesOf(element: Element, role: string, focus: Element | undefined): string[] {
  const states: string[] = [];
  const aria = (name: string): string | null => element.getAttribute("aria-" + name);
  const input = element as HTMLInputElement;
  if (isDisabled(element)) states.push("disabled");
  if (element === focus) states.push("focused");
  const isCheck = element.localName === "input" && (input.type === "checkbox" || input.type === "radio");
  if (isCheck && input.indeterminate) states.push("mixed");
  else if (isCheck ? input.checked : aria("checked") === "true") states.push("checked");
  else if (!isCheck && aria("checked") === "mixed") states.push("mixed");
  if (aria("pressed") === "true" || aria("pressed") === "mixed") states.push("pressed");
  if (element.localName === "option" ? (element as HTMLOptionElement).selected : aria("selected") === "true")
    states.push("selected");
  const expanded = expandedOf(element, role);
  if (expanded !== undefined) states.push(expanded ? "expanded" : "collapsed");
  const current = aria("current");
  if (current && current !== "false") states.push(current === "true" ? "current" : `current ${cut(current, 10)}`);
  if (role === "dialog" && (aria("modal") === "true" || element.matches(":modal"))) states.push("modal");
  if (element.matches(":required") || aria("required") === "true") states.push("required");
  if ("readOnly" in element ? input.readOnly : aria("readonly") === "true") states.push("readonly");
  if ((element as HTMLSelectElement).multiple && role === "listbox") states.push("multiple");
  if (aria("busy") === "true") states.push("busy");
  const sort = aria("sort");
  if (sort && sort !== "none") states.push(cut(sort, 10));
  if (isInvalid(element)) {
    const message = oneLine(input.validity && !input.validity.valid ? input.validationMessage : "");
    states.push(message ? `invalid: ${cut(message.replace(/[[\]]/g, ""), 80)}` : "invalid");
  }
  return states;
}

export function isDisabled(element: Element): boolean {
  return element.matches(":disabled") || element.closest("[aria-disabled]")?.getAttribute("aria-disabled") === "true";
}

function isInvalid(element: Element): boolean {
  const aria = element.getAttribute("aria-invalid");
  if (aria !== null) return aria !== "false" && aria !== "";
  try {
    return element.matches(":user-invalid") && element.localName !== "form" && element.localName !== "fieldset";
  } catch {
    return false; // an older browser
  }
}

function expandedOf(element: Element, role: string): boolean | undefined {
  const aria = element.getAttribute("aria-expanded");
  if (aria === "true" || aria === "false") return aria === "true";
  if (role !== "summary") return undefined;
  return (element.parentElement as HTMLDetailsElement | null)?.open ?? false;
}

/** Returns the element as texts say it: `button "Save"`, or `button <button.icon>` when it has no name. */
export function title(element: Element): string {
  const role = roleOf(element);
  const name = nameOf(element, role) || (role === "generic" ? contentOf(element) : "");
  const what = role === "generic" ? `<${element.localName}>` : role;
  return name
    ? `${what} "${cut(name, 60).replace(/["\\]/g, "\\$&")}"`
    : role === "generic"
      ? tag(element)
      : `${role} ${hint(element)}`;
}
