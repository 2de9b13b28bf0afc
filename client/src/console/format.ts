// Formats values as text: readable, of limited length, and without running the app's code where that is possible.

const maxDepth = 3;
const maxEntries = 50;
/** The longest line, in characters. */
const maxText = 2000;

/** Formats the arguments of console.log as a console does, with %s and other directives. */
export function formatArguments(args: readonly unknown[]): string {
  const out = new Text();
  let next = 0;
  if (typeof args[0] === "string" && args[0].includes("%")) {
    next = 1;
    out.add(
      args[0].slice(0, maxText).replace(/%([sdifoOc%])/g, (whole, kind: string) => {
        if (kind === "%") return "%";
        return next < args.length ? substituted(kind, args[next++]) : whole;
      }),
    );
  }
  for (; next < args.length && !out.full; next++) {
    if (next > 0) out.add(" ");
    out.add(textOf(args[next]));
  }
  return out.toString();
}

/** Formats one value as formatArguments does. */
export function formatValue(value: unknown): string {
  return formatArguments(["%s", value]);
}

function substituted(kind: string, value: unknown): string {
  switch (kind) {
    case "c":
      return ""; // CSS
    case "d":
    case "i":
    case "f": {
      if (typeof value === "bigint") return `${value}`;
      const n = typeof value === "object" || typeof value === "symbol" ? NaN : Number(value);
      return String(kind === "f" ? n : Math.trunc(n));
    }
    case "s":
      return textOf(value);
    default: {
      const out = new Text();
      write(out, value, 0, []);
      return out.toString();
    }
  }
}

/** Returns strings as they are, and formats other values. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  const out = new Text();
  write(out, value, 0, []);
  return out.toString();
}

/** Text that stops growing at the longest line. */
class Text {
  private text = "";

  get full(): boolean {
    return this.text.length > maxText;
  }

  add(s: string): void {
    if (!this.full) this.text += s.length > maxText ? s.slice(0, maxText + 1) : s;
  }

  toString(): string {
    return this.full ? this.text.slice(0, maxText) + "…" : this.text;
  }
}

/** Writes a value. `above` has the objects that contain it. */
function write(out: Text, value: unknown, depth: number, above: readonly object[]): void {
  if (out.full) return;
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return out.add(primitive(value));
  try {
    if (above.includes(value)) out.add("[Circular]");
    else writeObject(out, value, depth, [...above, value]);
  } catch {
    out.add("[unreadable]"); // a proxy that throws, or a window of another origin
  }
}

function primitive(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.slice(0, maxText + 1));
    case "bigint":
      return `${value}n`;
    default:
      return Object.is(value, -0) ? "-0" : String(value);
  }
}

function writeObject(out: Text, value: object, depth: number, above: readonly object[]): void {
  if (typeof value === "function")
    return out.add(
      `[${/^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "function"} ${value.name || "(anonymous)"}]`,
    );
  if (value instanceof Error) return writeError(out, value, depth, above);
  if (value instanceof Date) return out.add(Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString());
  if (value instanceof RegExp) return out.add(String(value));
  if (typeof Node !== "undefined" && value instanceof Node) return out.add(node(value));
  const name = className(value);
  if (depth >= maxDepth) return out.add(Array.isArray(value) ? `[Array(${value.length})]` : `[${name || "Object"}]`);
  const child = (v: unknown): void => write(out, v, depth + 1, above);
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    const items = value as unknown as ArrayLike<unknown>;
    return list(
      out,
      name === "Array" ? "[" : `${name}(${items.length}) [`,
      "]",
      items.length,
      indices(items.length),
      (i) => child(items[i]),
    );
  }
  if (value instanceof Map) {
    return list(out, `Map(${value.size}) {`, "}", value.size, value, ([key, v]) => {
      child(key);
      out.add(" => ");
      child(v);
    });
  }
  if (value instanceof Set) return list(out, `Set(${value.size}) {`, "}", value.size, value, child);
  const keys = Object.keys(value);
  list(out, name && name !== "Object" ? `${name} {` : "{", "}", keys.length, keys, (key) => {
    out.add(/^[\w$]+$/.test(key) ? `${key}: ` : `${JSON.stringify(key)}: `);
    const property = Object.getOwnPropertyDescriptor(value, key);
    if (property?.get)
      out.add("[Getter]"); // it is the app's code
    else child(property?.value);
  });
}

function* indices(n: number): Generator<number> {
  for (let i = 0; i < n; i++) yield i;
}

function list<T>(
  out: Text,
  open: string,
  close: string,
  size: number,
  items: Iterable<T>,
  one: (item: T) => void,
): void {
  out.add(open);
  let n = 0;
  for (const item of items) {
    if (n === maxEntries || out.full) break;
    out.add(n++ > 0 ? ", " : open === "[" || open.endsWith(" [") ? "" : " ");
    one(item);
  }
  if (size > n) out.add(`, … ${size - n} more`);
  out.add(close === "}" && n > 0 ? " }" : close);
}

function writeError(out: Text, error: Error, depth: number, above: readonly object[]): void {
  const { stack, name, message } = error;
  const title = message ? `${name}: ${message}` : String(name);
  if (typeof stack !== "string" || stack === "") out.add(title);
  else out.add(stack.includes(message) ? stack : `${title}\n${stack}`); // only Chromium's stacks begin with the message
  if (error.cause !== undefined && depth < maxDepth) {
    out.add("\ncaused by: ");
    write(out, error.cause, depth + 1, above);
  }
}

function node(value: Node): string {
  if (!(value instanceof Element))
    return value.nodeType === Node.TEXT_NODE
      ? `#text ${JSON.stringify(value.nodeValue?.slice(0, 100))}`
      : value.nodeName;
  const classes = [...value.classList]
    .slice(0, 5)
    .map((c) => `.${c}`)
    .join("");
  return `<${value.localName}${value.id ? `#${value.id}` : ""}${classes}>`;
}

function className(value: object): string {
  const made = (Object.getPrototypeOf(value) as object | null)?.constructor as { name?: unknown } | undefined;
  return typeof made?.name === "string" ? made.name : "";
}
