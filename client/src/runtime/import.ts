import { evaluate } from "./evaluate-code.ts";

type Import = (url: string, options: unknown) => Promise<unknown>;

let withOptions: Import | undefined;

/** Lets the browser load a module. */
export function importURL(url: string, options?: unknown): Promise<unknown> {
  if (options === undefined) return import(/* @vite-ignore */ url);
  // Older browsers cannot parse import() with two arguments, and would not run this script.
  withOptions ??= evaluate("(url, options) => import(url, options)") as Import;
  return withOptions(url, options);
}
