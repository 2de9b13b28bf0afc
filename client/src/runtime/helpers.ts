// The helpers that esbuild's output uses. The server leaves them out of the modules' code: they would be the same text
// in each module.
//
// `module.exports` of an ES module is what `require` of CommonJS code gets: getters, and the mark __esModule. Imports of
// names read it, too. Only who uses the namespace as a value (`import * as`, `import()`) gets a real one.

type Namespace = Record<PropertyKey, unknown>;

const __create = Object.create;
const __defProp = Object.defineProperty;
const __getOwnPropDesc = Object.getOwnPropertyDescriptor;
const __getOwnPropNames = Object.getOwnPropertyNames;
const __getProtoOf = Object.getPrototypeOf;
const __hasOwnProp = Object.prototype.hasOwnProperty;

/**
 * The exports of modules whose source is an ES module, with their namespace when something has asked for it. Packages
 * that merely set `__esModule` are not among them.
 */
const esModules = new WeakMap<object, { names: object; namespace: object } | undefined>();

/** Exports that others got while their module runs, and what to do when it has run. */
const unfinished = new Map<unknown, (() => unknown)[]>();

function __export(target: object, all: Record<string, () => unknown>): void {
  for (const name in all) __defProp(target, name, { get: all[name], enumerable: true });
}

function __copyProps<T extends object>(to: T, from: unknown, except?: string, desc?: PropertyDescriptor): T {
  if ((from && typeof from === "object") || typeof from === "function") {
    for (const key of __getOwnPropNames(from)) {
      if (!__hasOwnProp.call(to, key) && key !== except) {
        __defProp(to, key, {
          get: () => (from as Namespace)[key],
          enumerable: !(desc = __getOwnPropDesc(from, key)) || !!desc.enumerable,
        });
      }
    }
  }
  return to;
}

/** Names that two `export *` give to different things: the module exports them as little as a missing name. */
const ambiguous = new WeakMap<object, Set<string>>();

/** `export *`. A property that came from a star is configurable, the module's own are not. */
function __reExport(target: Namespace, mod: unknown): void {
  if (!isESModule(mod)) return void __copyProps(target, mod, "default"); // the first star wins
  for (const key of exportNames(mod)) {
    if (key === "default" || ambiguous.get(target)?.has(key)) continue;
    const { get = () => mod[key] } = __getOwnPropDesc(mod, key)!;
    const known = __getOwnPropDesc(target, key);
    if (!known) __defProp(target, key, { get, enumerable: true, configurable: true });
    else if (known.configurable && known.get !== get) {
      try {
        if (Object.is(target[key], get())) continue; // as far as that shows, both lead to one variable
      } catch {
        continue; // not initialized yet
      }
      delete target[key];
      ambiguous.set(target, (ambiguous.get(target) ?? new Set()).add(key));
    }
  }
  unfinished.get(mod)?.push(() => __reExport(target, mod));
  const names = esModules.get(target)?.names;
  if (names && Object.isExtensible(names)) fill(names, target);
}

function isObject(value: unknown): value is Namespace {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** Reports whether these are the exports of an ES module. */
export function isESModule(exports: unknown): exports is Namespace {
  return esModules.has(exports as object);
}

/** Returns the sorted names of an ES module's exports. */
function exportNames(exports: object): string[] {
  return __getOwnPropNames(exports)
    .filter((name) => name !== "__esModule")
    .sort();
}

/** Returns the namespace of an ES module, as ECMA-262 describes it (10.4.6). */
function namespaceOf(exports: Namespace): object {
  const known = esModules.get(exports);
  if (known) return known.namespace;
  const names = __defProp(__create(null) as object, Symbol.toStringTag, { value: "Module" });
  const value = (key: PropertyKey) =>
    typeof key === "string" && __hasOwnProp.call(names, key) ? exports[key] : undefined;
  const namespace = new Proxy(names, {
    get: (_, key) => (typeof key === "string" ? value(key) : (Reflect.get(names, key) as unknown)),
    // Code tells exports from getters that something else has put there, such as the refresh of components.
    getOwnPropertyDescriptor(_, key) {
      const desc = __getOwnPropDesc(names, key);
      if (desc?.writable) desc.value = value(key);
      return desc;
    },
    set: () => false,
    defineProperty: () => false,
  });
  esModules.set(exports, { names, namespace });
  fill(names, exports);
  const waiting = unfinished.get(exports); // an `export *` may bring more names
  if (waiting) waiting.push(() => Object.preventExtensions(fill(names, exports)));
  else Object.preventExtensions(names);
  return namespace;
}

/** Adds the names of an ES module. Their values are read when something asks for them. */
function fill(names: object, exports: Namespace): object {
  for (const key of exportNames(exports)) {
    const { enumerable } = __getOwnPropDesc(exports, key)!;
    if (!__hasOwnProp.call(names, key))
      __defProp(names, key, { value: undefined, writable: true, enumerable: !!enumerable });
  }
  return names;
}

/** Notes that others get the exports while their module runs. */
export function giveUnfinished(exports: unknown): void {
  if (!unfinished.has(exports)) unfinished.set(exports, []);
}

/** Completes what was made of the exports while their module ran. */
export function finishExports(exports: unknown): void {
  const waiting = unfinished.get(exports);
  unfinished.delete(exports);
  waiting?.forEach((complete) => complete());
}

// Each exports object of CommonJS has one wrapper of each kind. esbuild makes one per import, which costs memory, and
// the namespaces that two modules get are not equal.
const namespaces = new WeakMap<object, object>();
const members = new WeakMap<object, object>();

/**
 * Returns what imports get of CommonJS exports: as `namespaces` a copy, as in Vite, and as `members` an object that also
 * has names that come later, and those of a Proxy. What the browser itself has loaded needs no wrapper.
 */
function wrap(mod: unknown, wrappers: WeakMap<object, object>): object {
  if (!isObject(mod)) return { default: mod };
  if (mod[Symbol.toStringTag] === "Module" && !__getProtoOf(mod)) return mod;
  let wrapper = wrappers.get(mod);
  if (!wrapper) {
    const isArray = Array.isArray(mod);
    const proto = wrappers === members ? mod : isArray ? Object.prototype : (__getProtoOf(mod) as object | null);
    wrapper = __create(proto, { default: { value: mod, enumerable: true } }) as object;
    if (wrappers === namespaces && !isArray) __copyProps(wrapper, mod);
    wrappers.set(mod, wrapper);
  }
  return wrapper;
}

// What `import` of a module gives. Names ending in ESM follow Babel's rule: __esModule means that the default export is
// `exports.default`. Names ending in MJS follow Node's rule: the default export of CommonJS is always module.exports.
// "to" is for importers that only read names, "as" for the namespace as a value. The compiler puts one name in the place
// of another, so they have equal lengths.

function __toESM(mod: unknown): object {
  return isObject(mod) && mod["__esModule"] ? mod : wrap(mod, members);
}

function __toMJS(mod: unknown): object {
  return isESModule(mod) ? mod : wrap(mod, members);
}

function __asESM(mod: unknown): object {
  return isObject(mod) && mod["__esModule"] && !isESModule(mod) ? mod : __asMJS(mod);
}

function __asMJS(mod: unknown): object {
  return isESModule(mod) ? namespaceOf(mod) : wrap(mod, namespaces);
}

/**
 * Makes a module's exports object from its getters. esbuild's returns a copy with getters that call getters; this
 * returns the same object, which saves a call for each use of an import.
 */
function __toCommonJS<T extends object>(mod: T): T {
  esModules.set(mod, undefined);
  return __defProp(mod, "__esModule", { value: true });
}

export const helpers = {
  __create,
  __defProp,
  __getOwnPropDesc,
  __getOwnPropNames,
  __getProtoOf,
  __hasOwnProp,
  __export,
  __copyProps,
  __reExport,
  __toESM,
  __toMJS,
  __asESM,
  __asMJS,
  __toCommonJS,
  /** The `this` of an ES module that a worker may run as a script. */
  $ths: undefined,
};

export { __copyProps as copyProps, __toCommonJS as toCommonJS, __asESM as toNamespace, __asMJS as toNodeNamespace };
