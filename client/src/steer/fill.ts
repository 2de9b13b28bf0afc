// Sets the values of fields, so that frameworks hear of it.

import { HotError } from "../socket/request.ts";
import { oneLine, quote, windowOf } from "./dom.ts";
import { focus } from "./focus.ts";
import { isSecret, secret, title } from "./names.ts";
import { isEditingHost, roleOf } from "./roles.ts";

type Field = HTMLInputElement | HTMLTextAreaElement;

const cannot = (text: string): HotError => new HotError("not_actionable", text);

/** Examples of values, by the types of fields that take no other texts. */
const examples: Record<string, string> = {
  color: "#ff8800",
  date: "2026-01-31",
  "datetime-local": "2026-01-31T18:30",
  month: "2026-01",
  number: "12.5",
  range: "50",
  time: "18:30",
  week: "2026-W05",
};

/** Fields whose text has a caret. */
const typed = /^(text|search|url|tel|email|password)$/;

/** Reports whether keys write into the element. */
export function takesText(element: Element): boolean {
  if (element.localName === "textarea") return true;
  if (element.localName === "input") return typed.test((element as Field).type) || (element as Field).type === "number";
  return isEditingHost(element);
}

/** Sets the value of a field as its prototype does: React replaces the setter of the element, to know what it set. */
export function setValue(field: Field, value: string): void {
  const view = windowOf(field);
  const prototype =
    field.localName === "textarea" ? view.HTMLTextAreaElement.prototype : view.HTMLInputElement.prototype;
  Object.getOwnPropertyDescriptor(prototype, "value")!.set!.call(field, value);
}

/** Makes the event of a text that changes. Reports whether the page lets it happen. */
export function inputEvent(
  type: "beforeinput" | "input",
  field: Element,
  inputType: string,
  data: string | null,
): boolean {
  const view = windowOf(field);
  return field.dispatchEvent(
    new view.InputEvent(type, { bubbles: true, cancelable: type === "beforeinput", composed: true, inputType, data }),
  );
}

export function changeEvent(field: Element): void {
  field.dispatchEvent(new (windowOf(field).Event)("change", { bubbles: true }));
}

/** Fills in a field. The func that it returns says what was done, once the page has come to rest. */
export function fill(field: Element, value: string, click: () => void): (what: string) => string {
  if (field.localName === "select") {
    const text = select(field, value);
    return () => text;
  }
  const checked = checkedOf(field);
  if (checked !== undefined) return check(field, checked, value, click);
  if (field.localName === "input" || field.localName === "textarea") return fillField(field as Field, value);
  if (isEditingHost(field)) return edit(field as HTMLElement, value);
  const keys = ["slider", "spinbutton"].includes(roleOf(field)) ? ": press its keys, such as ArrowUp" : "";
  throw cannot(`${title(field)} takes no text${keys}`);
}

function fillField(field: Field, value: string): (what: string) => string {
  const { type } = field;
  const what = title(field);
  if (type === "file") throw new HotError("refused", `${what}: only users choose files`);
  if (/^(button|submit|reset|image|hidden)$/.test(type)) throw cannot(`${what} takes no text`);
  if (field.readOnly) throw cannot(`${what} is read-only`);
  if (field.maxLength >= 0 && value.length > field.maxLength)
    throw new HotError("bad_args", `${what} takes at most ${field.maxLength} characters`, "value");
  focus(field);
  const before = field.value;
  const example = examples[type];
  if (!example) {
    field.select();
    if (!inputEvent("beforeinput", field, "insertText", value)) return (what) => result(what, field, value);
  }
  setValue(field, value);
  const taken = field.value;
  if (example && !takes(type, value, taken)) {
    setValue(field, before);
    const bounds =
      type === "range"
        ? `, from ${(field as HTMLInputElement).min || 0} to ${(field as HTMLInputElement).max || 100}`
        : "";
    throw new HotError("bad_args", `${what} does not take ${quote(value)}: such as ${example}${bounds}`, "value");
  }
  inputEvent("input", field, "insertText", example ? null : value);
  changeEvent(field);
  return (what) => result(what, field, taken);
}

/** Reports whether a field whose values have a form took the value. */
function takes(type: string, value: string, taken: string): boolean {
  if (type === "color") return taken.toLowerCase() === value.toLowerCase();
  if (type === "range") return Number(taken) === Number(value);
  return taken !== "" || value === "";
}

/** Says what the field has: the page may have changed it. */
function result(what: string, field: Field, value: string): string {
  const shown = (text: string): string => (isSecret(field) ? quote(secret) : quote(text));
  if (field.value === value || !field.isConnected) return `filled ${what} with ${shown(value)}`;
  return isSecret(field)
    ? `filled ${what}; the page changed the value`
    : `filled ${what} with ${shown(value)}; the page made it ${shown(field.value)}`;
}

/** Replaces the text of an element with contenteditable, by the browser's own command: editors know its events. */
function edit(element: HTMLElement, value: string): (what: string) => string {
  focus(element);
  const { document } = windowOf(element);
  const selection = document.getSelection();
  selection?.selectAllChildren(element);
  command(element, value === "" ? "delete" : "insertText", value);
  return (what) => {
    const text = oneLine(element.innerText);
    if (text === oneLine(value)) return `filled ${what} with ${quote(value)}`;
    return `filled ${what} with ${quote(value)}; the page made it ${quote(text)}`;
  };
}

/** The types of the events of commands. */
const inputTypes = {
  insertText: "insertText",
  insertParagraph: "insertParagraph",
  delete: "deleteContentBackward",
  forwardDelete: "deleteContentForward",
};

/** Edits the text of an element with contenteditable. Editors that have a model of the text listen to beforeinput. */
export function command(element: Element, name: keyof typeof inputTypes, text = ""): void {
  if (!inputEvent("beforeinput", element, inputTypes[name], name === "insertText" ? text : null)) return;
  windowOf(element).document.execCommand(name, false, text);
}

// ---- Boxes to check

/** Returns whether a box is checked; undefined for other elements. */
export function checkedOf(field: Element): boolean | undefined {
  if (field.localName === "input") {
    const { type, checked } = field as HTMLInputElement;
    return type === "checkbox" || type === "radio" ? checked : undefined;
  }
  return /^(checkbox|radio|switch|menuitemcheckbox|menuitemradio)$/.test(field.getAttribute("role") ?? "")
    ? field.getAttribute("aria-checked") === "true"
    : undefined;
}

function check(field: Element, checked: boolean, value: string, click: () => void): (what: string) => string {
  if (value !== "true" && value !== "false")
    throw new HotError("bad_args", `${title(field)} takes true or false`, "value");
  const want = value === "true";
  const word = want ? "checked" : "unchecked";
  if (checked === want) return (what) => `${what} was ${word} already`;
  if (!want && ((field as HTMLInputElement).type === "radio" || field.getAttribute("role") === "radio"))
    throw cannot(`${title(field)} is unchecked by checking another of its group`);
  click();
  return (what) =>
    checkedOf(field) === want || !field.isConnected
      ? `${word} ${what}`
      : `clicked ${what}; it is not ${word} all the same`;
}

// ---- Select

/** Chooses options of a select by their values or texts; value may be a JSON list of them. */
export function select(field: Element, value: string): string {
  if (field.localName !== "select") throw cannot(`${title(field)} is no <select>: click it, and then the option`);
  const list = field as HTMLSelectElement;
  const options = [...list.options];
  let wanted = [value];
  if (value.startsWith("[") && !options.some((o) => o.value === value)) {
    try {
      const parsed = JSON.parse(value) as unknown;
      if (Array.isArray(parsed)) wanted = parsed.map(String);
    } catch {
      // a text that begins like a list
    }
  }
  if (wanted.length !== 1 && !list.multiple) throw new HotError("bad_args", `${title(list)} takes one option`, "value");
  const chosen = wanted.map((text) => {
    const option =
      options.find((o) => o.value === text) ??
      options.find((o) => o.label === text || oneLine(o.text) === oneLine(text)) ??
      options.find((o) => oneLine(o.text).toLowerCase() === oneLine(text).toLowerCase());
    if (!option) {
      const first = options.slice(0, 10).map((o) => quote(o.label || o.value, 40));
      const more = options.length > 10 ? `, and ${options.length - 10} more` : "";
      throw new HotError(
        "bad_args",
        `${title(list)} has no option ${quote(text)}, but ${first.join(", ")}${more}`,
        "value",
      );
    }
    if (option.matches(":disabled")) throw cannot(`option ${quote(option.label)} is disabled`);
    return option;
  });
  focus(list);
  for (const option of options) {
    const want = chosen.includes(option);
    if (option.selected !== want && (list.multiple || want)) option.selected = want;
  }
  inputEvent("input", list, "", null);
  changeEvent(list);
  return `selected ${chosen.map((o) => quote(o.label || o.value)).join(", ") || "nothing"} in ${title(list)}`;
}
