// Presses keys: the events, and what a browser does after them.

import { HotError } from "../socket/request.ts";
import { focused, quote, windowOf } from "./dom.ts";
import { changeEvent, command, inputEvent, setValue, takesText } from "./fill.ts";
import { focus, focusNext } from "./focus.ts";
import { isDisabled, isSecret, title } from "./names.ts";
import { click } from "./pointer.ts";
import { isEditingHost } from "./roles.ts";

interface Key {
  key: string;
  code: string;
  keyCode: number;
}

const codes: Record<string, [code: string, keyCode: number]> = {
  Enter: ["Enter", 13],
  Tab: ["Tab", 9],
  Escape: ["Escape", 27],
  Backspace: ["Backspace", 8],
  Delete: ["Delete", 46],
  " ": ["Space", 32],
  ArrowLeft: ["ArrowLeft", 37],
  ArrowUp: ["ArrowUp", 38],
  ArrowRight: ["ArrowRight", 39],
  ArrowDown: ["ArrowDown", 40],
  Home: ["Home", 36],
  End: ["End", 35],
  PageUp: ["PageUp", 33],
  PageDown: ["PageDown", 34],
  Insert: ["Insert", 45],
  Shift: ["ShiftLeft", 16],
  Control: ["ControlLeft", 17],
  Alt: ["AltLeft", 18],
  Meta: ["MetaLeft", 91],
};

const otherNames: Record<string, string> = {
  space: " ",
  esc: "Escape",
  return: "Enter",
  up: "ArrowUp",
  down: "ArrowDown",
  left: "ArrowLeft",
  right: "ArrowRight",
  del: "Delete",
  ctrl: "Control",
  cmd: "Meta",
  command: "Meta",
  option: "Alt",
};

const modifiers = ["Control", "Shift", "Alt", "Meta"] as const;

/** Fields into which keys wrote, and that have not told of a change yet. */
const written = new WeakSet<Element>();

/** Presses a key, or a combination such as Control+a. Returns what was done. */
export function press(at: Element, keys: string): string {
  const parts = keys === "+" ? ["+"] : keys.endsWith("++") ? [...keys.slice(0, -2).split("+"), "+"] : keys.split("+");
  const names = parts.map((p) => (p === " " ? p : p.trim()));
  const key = keyOf(names.at(-1)!);
  const held = names.slice(0, -1).map((name) => keyOf(name));
  for (const { key: name } of held)
    if (!(modifiers as readonly string[]).includes(name))
      throw new HotError(
        "bad_args",
        `${quote(keys)}: ${quote(name)} is no key to hold; those are ${modifiers.join(", ")}`,
        "value",
      );
  const where = at === at.ownerDocument.body ? "" : ` in ${title(at)}`;
  if (where && at !== focused()) {
    focus(at);
    caretToEnd(at);
  }
  const press = new Press(key, new Set(held.map((h) => h.key)));
  held.forEach((h, i) => press.event("keydown", target(at), h, new Set(held.slice(0, i + 1).map((k) => k.key))));
  const done = press.run(target(at));
  [...held]
    .reverse()
    .forEach((h, i) =>
      press.event("keyup", target(at), h, new Set(held.slice(0, held.length - 1 - i).map((k) => k.key))),
    );
  return `pressed ${quote(keys).slice(1, -1)}${where}${done ? `: ${done}` : ""}`;
}

function caretToEnd(field: Element): void {
  if (isEditingHost(field)) {
    const selection = windowOf(field).document.getSelection();
    selection?.selectAllChildren(field);
    selection?.collapseToEnd();
  } else if (takesText(field) && (field as HTMLInputElement).selectionStart !== null) {
    const { length } = (field as HTMLInputElement).value;
    (field as HTMLInputElement).setSelectionRange(length, length);
  }
}

/** Keys go to what has the focus, which a key may move. */
function target(at: Element): Element {
  return focused() ?? (at.isConnected ? at : document.body);
}

function keyOf(name: string): Key {
  const known =
    otherNames[name.toLowerCase()] ?? Object.keys(codes).find((k) => k.toLowerCase() === name.toLowerCase());
  if (known) return { key: known, code: codes[known]![0], keyCode: codes[known]![1] };
  const fn = /^f([1-9]|1\d|2[0-4])$/i.exec(name);
  if (fn) return { key: `F${fn[1]}`, code: `F${fn[1]}`, keyCode: 111 + Number(fn[1]) };
  if ([...name].length !== 1)
    throw new HotError(
      "bad_args",
      `${quote(name)} is no key: such as Enter, Tab, ArrowDown, a; texts are filled in by fill`,
      "value",
    );
  const upper = name.toUpperCase();
  if (/^[A-Z]$/.test(upper)) return { key: name, code: `Key${upper}`, keyCode: upper.charCodeAt(0) };
  if (/^\d$/.test(name)) return { key: name, code: `Digit${name}`, keyCode: name.charCodeAt(0) };
  return { key: name, code: "", keyCode: 0 };
}

class Press {
  constructor(
    private readonly key: Key,
    private readonly held: ReadonlySet<string>,
  ) {}

  /** Makes the event of a key. Reports whether the page lets the browser do the rest. */
  event(type: string, target: Element, key = this.key, held = this.held): boolean {
    const code = type === "keypress" ? (key.key === "Enter" ? 13 : (key.key.codePointAt(0) ?? 0)) : key.keyCode;
    const view = windowOf(target);
    const init = {
      key: key.key,
      code: key.code,
      keyCode: code,
      which: code,
      charCode: type === "keypress" ? code : 0,
      bubbles: true,
      cancelable: true,
      composed: true,
      view,
      ctrlKey: held.has("Control"),
      shiftKey: held.has("Shift"),
      altKey: held.has("Alt"),
      metaKey: held.has("Meta"),
    };
    return target.dispatchEvent(new view.KeyboardEvent(type, init));
  }

  /** Presses and releases the key. Returns what came of it. */
  run(at: Element): string {
    const { key } = this.key;
    const commands = this.held.has("Control") || this.held.has("Meta") || this.held.has("Alt");
    let done: string;
    if (!this.event("keydown", at)) done = "the page handled the key";
    else if (commands) done = this.command(at);
    else if ([...key].length === 1 || key === "Enter") {
      if (this.event("keypress", at)) done = key === "Enter" ? this.enter(at) : this.character(at);
      else done = "the page handled the key";
    } else done = this.other(at);
    const now = target(at);
    if (this.event("keyup", now) && key === " " && !commands && now === at && isPressed(at)) click(at);
    return done;
  }

  private command(at: Element): string {
    if (this.key.key.toLowerCase() !== "a" || this.held.has("Alt")) return "";
    if (isEditingHost(at)) windowOf(at).document.execCommand("selectAll");
    else if (takesText(at)) (at as HTMLInputElement).select();
    return "";
  }

  private enter(at: Element): string {
    const { localName } = at;
    if (localName === "textarea" || isEditingHost(at)) return this.write(at, "\n");
    if (localName === "input" && !/^(button|submit|reset|image|file|color)$/.test((at as HTMLInputElement).type)) {
      changed(at);
      return submit(at as HTMLInputElement);
    }
    if (/^(button|summary|a|area|input)$/.test(localName)) click(at);
    return "";
  }

  private character(at: Element): string {
    return takesText(at) ? this.write(at, this.key.key) : "";
  }

  private other(at: Element): string {
    switch (this.key.key) {
      case "Tab": {
        changed(at);
        const next = focusNext(focused(), this.held.has("Shift"));
        return next ? `the focus is on ${title(next)}` : "nothing takes the focus";
      }
      case "Escape":
        return escape();
      case "Backspace":
      case "Delete":
        return takesText(at) ? this.erase(at, this.key.key === "Backspace") : "";
      default:
        return /^(Arrow|Home$|End$)/.test(this.key.key) ? this.move(at) : "";
    }
  }

  /** Writes a text where the caret is. */
  private write(at: Element, text: string): string {
    if (isEditingHost(at)) {
      command(at, text === "\n" ? "insertParagraph" : "insertText", text);
      return "";
    }
    return this.replace(at as HTMLInputElement, text === "\n" ? "insertLineBreak" : "insertText", text, (from, to) => [
      from,
      to,
    ]);
  }

  private erase(at: Element, backwards: boolean): string {
    if (isEditingHost(at)) {
      command(at, backwards ? "delete" : "forwardDelete");
      return "";
    }
    const type = backwards ? "deleteContentBackward" : "deleteContentForward";
    return this.replace(at as HTMLInputElement, type, "", (from, to, length) => {
      if (from !== to) return [from, to];
      return backwards ? [Math.max(0, from - 1), from] : [from, Math.min(length, from + 1)];
    });
  }

  private replace(
    field: HTMLInputElement,
    type: string,
    text: string,
    range: (from: number, to: number, length: number) => [number, number],
  ): string {
    if (field.readOnly) return "the field is read-only";
    const { value } = field;
    const end = value.length;
    // Fields of numbers have no caret that scripts see: it is at the end.
    const [from, to] = range(field.selectionStart ?? end, field.selectionEnd ?? end, end);
    const next = value.slice(0, from) + text + value.slice(to);
    if (text && field.maxLength >= 0 && next.length > field.maxLength) return "the field takes no more characters";
    if (next === value && !text) return "";
    if (!inputEvent("beforeinput", field, type, text || null)) return "the page handled the text";
    setValue(field, next);
    if (field.selectionStart !== null) field.setSelectionRange(from + text.length, from + text.length);
    written.add(field);
    inputEvent("input", field, type, text || null);
    return isSecret(field) ? "" : `the field has ${quote(field.value)}`;
  }

  /** Moves the caret, the choice or the number. */
  private move(at: Element): string {
    const { key } = this.key;
    const forwards = key === "ArrowRight" || key === "ArrowDown" || key === "End";
    const ends = key === "Home" || key === "End";
    const field = at as HTMLInputElement;
    if (at.localName === "select") {
      const list = at as HTMLSelectElement;
      const options = [...list.options].filter((o) => !o.matches(":disabled") && !o.hidden);
      const index = options.indexOf(list.selectedOptions[0]!);
      const next = ends ? (forwards ? options.at(-1) : options[0]) : options[index + (forwards ? 1 : -1)];
      if (!next || next.selected || list.multiple) return "";
      next.selected = true;
      inputEvent("input", list, "", null);
      changeEvent(list);
      return `selected ${quote(next.label)}`;
    }
    if (at.localName !== "input" && at.localName !== "textarea") return "";
    if (field.type === "radio") {
      const root = at.getRootNode() as Document;
      const group = [...root.querySelectorAll<HTMLInputElement>("input[type=radio]")].filter(
        (r) => r.name === field.name && r.form === field.form && !isDisabled(r),
      );
      const next = group[(group.indexOf(field) + (forwards ? 1 : -1) + group.length) % group.length];
      if (!next || next === field || ends) return "";
      focus(next);
      click(next);
      return `chose ${title(next)}`;
    }
    if (/^(number|range|date|time|month|week|datetime-local)$/.test(field.type)) {
      if (field.readOnly || (field.type !== "range" && !/^Arrow(Up|Down)$/.test(key))) return "";
      const before = field.value;
      if (ends) setValue(field, forwards ? field.max || "100" : field.min || "0");
      else {
        // React must not see this as its own change.
        const copy = field.cloneNode() as HTMLInputElement;
        copy.value = before;
        if (key === "ArrowUp" || key === "ArrowRight") copy.stepUp();
        else copy.stepDown();
        setValue(field, copy.value);
      }
      if (field.value === before) return "";
      inputEvent("input", field, "", null);
      changeEvent(field);
      return `the field has ${quote(field.value)}`;
    }
    if (field.selectionStart === null) return "";
    const { length } = field.value;
    const caret = ends
      ? forwards
        ? length
        : 0
      : key === "ArrowLeft"
        ? Math.max(0, field.selectionStart - 1)
        : key === "ArrowRight"
          ? Math.min(length, (field.selectionEnd ?? 0) + 1)
          : undefined;
    if (caret !== undefined) field.setSelectionRange(caret, caret);
    return "";
  }
}

/** Tells of a change that keys made, as a browser does when the field is left or its form is sent. */
function changed(field: Element): void {
  if (written.delete(field)) changeEvent(field);
}

/** Reports whether the Space key clicks the element. */
function isPressed(element: Element): boolean {
  if (element.localName === "input")
    return /^(button|submit|reset|image|checkbox|radio)$/.test((element as HTMLInputElement).type);
  return element.localName === "button" || element.localName === "summary";
}

/** Sends the form of a field as the Enter key does: by its default button, or because no other field takes text. */
function submit(field: HTMLInputElement): string {
  const { form } = field;
  if (!form) return "";
  const button = ([...form.elements] as HTMLInputElement[]).find(
    (e) => e.type === "submit" || (e.localName === "input" && e.type === "image"),
  );
  if (button) {
    if (button.disabled) return "the form's button is disabled";
    button.click();
    return `clicked ${title(button)}`;
  }
  const texts = [...form.elements].filter((e) => e.localName === "input" && takesText(e));
  if (texts.length > 1) return "the form has no button to submit it";
  form.requestSubmit();
  return "submitted the form";
}

/** Closes the topmost popover or dialog. */
function escape(): string {
  const popover = all(":popover-open")
    .filter((e) => e.popover === "auto")
    .at(-1);
  if (popover) {
    popover.hidePopover();
    return "closed the popover";
  }
  const dialog = all("dialog:modal").at(-1) as HTMLDialogElement | undefined;
  if (!dialog) return "";
  if (!dialog.dispatchEvent(new Event("cancel", { cancelable: true }))) return "the page keeps the dialog open";
  const what = title(dialog);
  dialog.close();
  return `closed ${what}`;
}

/** Returns the elements that a selector matches; none where the browser does not know the selector. */
function all(selector: string): HTMLElement[] {
  try {
    return [...document.querySelectorAll<HTMLElement>(selector)];
  } catch {
    return [];
  }
}
