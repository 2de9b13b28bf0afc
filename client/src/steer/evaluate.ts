// Evaluates an expression of a tool.

import { formatValue } from "../console/format.ts";
import { HotError } from "../socket/request.ts";
import { cut } from "./dom.ts";
import type { PageHost } from "./steer.ts";

export interface Evaluated {
  value?: unknown;
  text?: string;
  error?: string;
}

/** The longest answer, in characters. */
const longest = 100_000;
const maxDepth = 50;

/** Evaluates an expression, or statements, and awaits the value. */
export async function evaluate(expression: string, page: PageHost): Promise<Evaluated> {
  if (!expression?.trim()) throw new HotError("bad_args", "expression is empty", "expression");
  let value: unknown;
  try {
    value = await run(expression, page);
  } catch (error) {
    if (error instanceof HotError) throw error;
    return { error: cut(formatValue(error), longest) };
  }
  if (!isJSON(value, [])) return { text: cut(formatValue(value), longest) };
  const text = JSON.stringify(value);
  if (text.length <= longest) return { value };
  return { text: `${cut(text, longest)} (${text.length} characters)` };
}

function run(code: string, page: PageHost): unknown {
  const compile = (text: string): (() => unknown) | undefined => {
    try {
      return page.evaluate(text) as () => unknown;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw new HotError(
        "refused",
        `the page's Content-Security-Policy or Trusted Types forbid to evaluate code: ${(error as Error)?.message}`,
      );
    }
  };
  const expression = compile(`(async () => (${code}\n))`);
  if (expression) return expression();
  // Statements have the value of the last, as in a console, unless they await or return something.
  const script = !/\breturn\b/.test(code) && compile(`(() => {${code}\n})`);
  if (script) return page.evaluate(code);
  const body = compile(`(async () => {${code}\n})`);
  if (body) return body();
  return page.evaluate(code); // throws the SyntaxError
}

/** Reports whether JSON tells all of the value. */
function isJSON(value: unknown, above: object[]): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (above.includes(value) || above.length > maxDepth) return false;
  const inner = [...above, value];
  if (Array.isArray(value)) return value.every((v) => isJSON(v, inner));
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype && Object.getPrototypeOf(prototype) !== null) return false; // of a class
  if (prototype && prototype.constructor?.name !== "Object") return false;
  return Object.values(value).every((v) => v === undefined || isJSON(v, inner));
}
