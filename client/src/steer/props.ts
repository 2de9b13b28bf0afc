// Makes JSON of values that may hold anything: bounded, without cycles, and without running getters.

import { formatValue } from "../console/format.ts";
import { cut } from "./dom.ts";
import { secret } from "./names.ts";

const maxDepth = 4;
const maxEntries = 40;
const maxString = 300;
/** About how many characters the JSON may have. */
const maxLength = 6000;

/** Returns a value that JSON can hold. Secrets are not told. */
export function plain(value: unknown, secrets: ReadonlySet<string>): unknown {
  let length = 0;
  const visit = (value: unknown, above: object[]): unknown => {
    length += 8;
    switch (typeof value) {
      case "string":
        length += Math.min(value.length, maxString);
        return cut(withoutSecrets(value, secrets), maxString);
      case "boolean":
        return value;
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "function":
        return `ƒ ${value.name || "anonymous"}`;
      case "object":
        return value === null ? null : objectOf(value, above);
      default:
        return String(value); // undefined, a bigint or a symbol
    }
  };
  const objectOf = (value: object, above: object[]): unknown => {
    if (above.includes(value)) return "[cycle]";
    const element = reactElement(value);
    if (element) return element;
    if (above.length >= maxDepth) return Array.isArray(value) ? `[${value.length} items]` : "{…}";
    const inner = [...above, value];
    if (Array.isArray(value)) {
      const list: unknown[] = [];
      for (const item of value.slice(0, maxEntries)) {
        if (length > maxLength) break;
        list.push(visit(item, inner));
      }
      if (list.length < value.length) list.push(`… ${value.length - list.length} more`);
      return list;
    }
    if (!isPlain(value)) return cut(withoutSecrets(formatValue(value), secrets), maxString);
    const result: Record<string, unknown> = {};
    const names = Object.keys(value);
    let told = 0;
    for (const name of names.slice(0, maxEntries)) {
      if (length > maxLength) break;
      const property = Object.getOwnPropertyDescriptor(value, name);
      length += name.length;
      Object.defineProperty(result, name, {
        value: property?.get ? "[getter]" : visit(property?.value, inner),
        enumerable: true,
      });
      told++;
    }
    if (told < names.length) result["…"] = `${names.length - told} more`;
    return result;
  };
  try {
    return visit(value, []);
  } catch {
    return "[unreadable]"; // a proxy that throws
  }
}

/** A shorter secret is looked for as a whole text only: it may be in any text by chance. */
const minSecret = 4;

function withoutSecrets(text: string, secrets: ReadonlySet<string>): string {
  if (secrets.has(text)) return secret;
  for (const s of secrets) if (s.length >= minSecret) text = text.replaceAll(s, secret);
  return text;
}

/** Returns an element of React or Preact as a tag. */
function reactElement(value: object): string | undefined {
  const { $$typeof, type, constructor } = value as { $$typeof?: unknown; type?: unknown; constructor?: unknown };
  const isElement = typeof $$typeof === "symbol" || (constructor === undefined && "__k" in value && "type" in value);
  if (!isElement || type === undefined) return undefined;
  if (typeof type === "string") return `<${type}>`;
  const { displayName, name } = (type ?? {}) as { displayName?: string; name?: string };
  return `<${displayName || name || "…"}>`;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return !prototype || Object.getPrototypeOf(prototype) === null;
}
