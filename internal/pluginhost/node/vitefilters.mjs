// The filters of plugins' hooks, as data that devserver can test itself. What cannot be written so lets more through.

/** Returns a regular expression in Go's syntax, undefined for one that Go does not have. */
function goPattern(re) {
  if (re.flags.includes("y")) return undefined;
  let inClass = false;
  let out = "";
  for (let i = 0; i < re.source.length; i++) {
    const c = re.source[i];
    const rest = re.source.slice(i);
    if (c === "\\") {
      const next = re.source[i + 1];
      const code = /^\\u\{([\da-fA-F]+)\}/.exec(rest) ?? /^\\u([\da-fA-F]{4})/.exec(rest);
      if (code) {
        out += `\\x{${code[1]}}`;
        i += code[0].length - 1;
        continue;
      }
      if (/[1-9a-zA-Z]/.test(next) && !/[dDsSwWbBtnrfvx]/.test(next)) return undefined;
      if (next === "b" && inClass) return undefined; // a backspace
      out += next === "0" ? "\\x00" : c + next;
      i++;
      continue;
    }
    if (inClass) {
      if (c === "]") inClass = false;
      else if (c === "[" || rest.startsWith("&&") || rest.startsWith("--")) {
        out += "\\" + c;
        continue;
      }
    } else if (c === "[") {
      if (/^\[\^?\]/.test(rest)) return undefined; // an empty class
      inClass = true;
    } else if (/^\(\?<?[=!]/.test(rest)) return undefined;
    else if (c === "{" && Number(/^\{\d*,?(\d+)\}/.exec(rest)?.[1]) > 1000) return undefined;
    out += c;
  }
  const flags = [..."ims"].filter((f) => re.flags.includes(f)).join("");
  return flags ? `(?${flags})${out}` : out;
}

const literal = (s) => s.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

const listed = (v) => (v === undefined || v === null ? [] : [v].flat());

/** Returns the matchers of one part of a filter as {include, exclude} of regular expressions, undefined for "any". */
function part(given, expression) {
  if (given === undefined || given === null) return undefined;
  const { include, exclude } =
    typeof given === "object" && !Array.isArray(given) && !(given instanceof RegExp)
      ? given
      : { include: given, exclude: undefined };
  const included = listed(include).map(expression);
  const excluded = listed(exclude).map(expression).filter(Boolean); // without one, more comes through
  const any = included.length === 0 || included.includes(undefined);
  return any && excluded.length === 0 ? undefined : { include: any ? [] : included, exclude: excluded };
}

const idExpression = (m) => (m instanceof RegExp ? m : undefined); // texts are globs, relative to the working directory
const codeExpression = (m) => (m instanceof RegExp ? m : new RegExp(literal(String(m))));

function passes(matchers, text) {
  if (!matchers) return true;
  const has = (list) =>
    list.some((re) => {
      re.lastIndex = 0; // of an expression with the flag g
      return re.test(text);
    });
  return !has(matchers.exclude) && (matchers.include.length === 0 || has(matchers.include));
}

function written(matchers) {
  if (!matchers) return undefined;
  const include = matchers.include.map(goPattern);
  const out = {
    include: include.includes(undefined) ? [] : include,
    exclude: matchers.exclude.map(goPattern).filter((p) => p !== undefined),
  };
  return out.include.length + out.exclude.length ? out : undefined;
}

/** Returns whether a plugin has a hook at all. */
export const has = (plugin, hook) => {
  const h = plugin[hook];
  return typeof h === "function" || typeof h?.handler === "function" || typeof h?.transform === "function";
};

/**
 * Returns the filter of a hook: `data` for devserver, null without the hook, and `test` for a module. What the hook gets
 * may be made by others, `made`: then nobody knows by the source what it gets, and only the ID counts.
 */
export function filterOf(plugin, hook, made = false) {
  if (!has(plugin, hook)) return { data: null, test: () => false };
  const given = plugin[hook].filter;
  if (!given || Array.isArray(given)) return { data: { all: true }, test: () => true }; // a list is Rolldown's own form
  const id = part(hook === "resolveId" && typeof given.id === "string" ? undefined : given.id, idExpression);
  const bySource = hook === "transform" && !made;
  const code = bySource ? part(given.code, codeExpression) : undefined;
  const { include, exclude } =
    bySource && given.moduleType && !Array.isArray(given.moduleType) && typeof given.moduleType === "object"
      ? given.moduleType
      : { include: bySource ? given.moduleType : undefined };
  const types = exclude ? [] : listed(include).map(String);
  const data = { id: written(id), code: written(code), moduleType: types.length ? types : undefined };
  return {
    data: data.id || data.code || data.moduleType ? data : { all: true },
    test: (of, text, type) =>
      passes(id, of) &&
      (text === undefined || passes(code, text)) &&
      (type === undefined || types.length === 0 || types.includes(type)),
  };
}

/** Returns the filter for the imports that an alias is for, as data. */
export const aliasFilter = (find) =>
  filterOf(
    { load: { handler() {}, filter: { id: find instanceof RegExp ? find : new RegExp(`^${literal(find)}(/|$)`) } } },
    "load",
  ).data;

/** Returns those of the plugins that have a hook, in the order in which Vite calls it. */
export function sorted(plugins, hook) {
  const rank = (p) => ({ pre: 0, post: 2 })[p[hook].order] ?? 1;
  return plugins.filter((p) => p[hook]).sort((a, b) => rank(a) - rank(b));
}
