// The names that the option "define" gives values, as global variables: code may read them in ways that no compiler can
// replace, as in window.NAME, in eval, or in a script that is no module.

/** Functions that compute the values, by names, which may be joined by dots. */
export type Expressions = Record<string, () => unknown>;

const ofEnv = "import.meta.env.";

/** Makes the global variables, and the variables of import.meta.env that are expressions. */
export function defineGlobals(expressions: Expressions, env: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(expressions)) {
    const variable = name.startsWith(ofEnv);
    const path = (variable ? name.slice(ofEnv.length) : name).split(".");
    const last = path.pop()!;
    try {
      let at = (variable ? env : globalThis) as Record<string, unknown>;
      for (const part of path) at = (at[part] ||= {}) as Record<string, unknown>;
      at[last] = value();
    } catch (error) {
      console.warn(`[devserver] the option define: ${name} has no value: ${String(error)}`);
    }
  }
}
