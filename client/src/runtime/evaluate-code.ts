// Evaluates the code of updates that come over the socket.

import type { Definitions } from "./definitions.ts";
import { helpers } from "./helpers.ts";

interface TrustedTypes {
  createPolicy(name: string, rules: { createScript(text: string): string }): { createScript(text: string): string };
}

let policy: { createScript(text: string): string } | undefined;

/** Under `require-trusted-types-for 'script'` only a policy's text may be evaluated. */
function trusted(text: string): string {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (types && !policy) {
    try {
      policy = types.createPolicy("devserver", { createScript: (t) => t });
    } catch {
      return text; // the page allows no policy of this name; eval then throws
    }
  }
  return policy ? policy.createScript(text) : text;
}

/** Evaluates code as a script of its own. */
export function evaluate(code: string): unknown {
  const indirect = globalThis.eval;
  return indirect(trusted(code));
}

/**
 * Returns a function that makes the code's definitions. Throws an EvalError where the page's Content-Security-Policy
 * forbids eval. Indirect eval keeps line numbers, which `new Function` does not.
 */
export function compileDefinitions(code: string, definitions: Definitions): () => void {
  const names = Object.keys(helpers);
  const run = evaluate(`(function($d,$deps,${names.join(",")}){${code}\n})`) as (...args: unknown[]) => void;
  return () => run(definitions.define, definitions.deps, ...Object.values(helpers));
}
