// The helpers that esbuild's output uses. The server leaves them out of the modules' code: they would be the same text
// in each module. They must behave as esbuild's own do for CommonJS output.

type Namespace = Record<PropertyKey, unknown>;

const __create = Object.create;
const __defProp = Object.defineProperty;
const __getOwnPropDesc = Object.getOwnPropertyDescriptor;
const __getOwnPropNames = Object.getOwnPropertyNames;
const __getProtoOf = Object.getPrototypeOf;
const __hasOwnProp = Object.prototype.hasOwnProperty;

/** The exports of modules whose source is an ES module. Packages that merely set `__esModule` are not among them. */
const esModules = new WeakSet<object>();

function __export(target: object, all: Record<string, () => unknown>): void {
  for (const name in all) __defProp(target, name, { get: all[name], enumerable: true, configurable: true });
}

function __copyProps<T extends object>(to: T, from: unknown, except?: string, desc?: PropertyDescriptor): T {
  if ((from && typeof from === "object") || typeof from === "function") {
    for (const key of __getOwnPropNames(from)) {
      if (!__hasOwnProp.call(to, key) && key !== except) {
        __defProp(to, key, {
          get: () => (from as Namespace)[key],
          enumerable: !(desc = __getOwnPropDesc(from, key)) || !!desc.enumerable,
          configurable: true,
        });
      }
    }
  }
  return to;
}

function __reExport(target: object, mod: unknown, second?: object): void {
  __copyProps(target, mod, "default");
  if (second && second !== target) __copyProps(second, mod, "default");
}

function isObject(value: unknown): value is Namespace {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

// Each exports object has one wrapper. esbuild makes one per import, which costs memory, and the namespaces that two
// modules get are not equal.
const wrappers = new WeakMap<object, object>();

function wrap(mod: unknown): object {
  if (!isObject(mod)) return { default: mod };
  let wrapper = wrappers.get(mod);
  if (!wrapper) {
    wrapper = __create(__getProtoOf(mod) as object | null) as object;
    __defProp(wrapper, "default", { value: mod, enumerable: true, configurable: true });
    __copyProps(wrapper, mod);
    wrappers.set(mod, wrapper);
  }
  return wrapper;
}

/** Returns what `import` of a module gives, where `__esModule` means what it does for Babel. */
function __toESM(mod: unknown): object {
  return isObject(mod) && mod["__esModule"] ? mod : wrap(mod);
}

/** Returns what `import` gives where Node's rule applies: the default export of CommonJS is always module.exports. */
function __toESMNode(mod: unknown): object {
  return isObject(mod) && esModules.has(mod) ? mod : wrap(mod);
}

/**
 * Makes a module's exports object from its getters. esbuild's returns a copy with getters that call getters; this
 * returns the same object, which saves a call for each use of an import.
 */
function __toCommonJS<T extends object>(mod: T): T {
  esModules.add(mod);
  return __defProp(mod, "__esModule", { value: true });
}

/** Marks exports that the server generated (styles, assets) as those of an ES module. */
export function markESModule(exports: unknown): void {
  if (isObject(exports) && exports["__esModule"]) esModules.add(exports);
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
  __toESMNode,
  __toCommonJS,
};

export { __copyProps as copyProps, __toESM as toNamespace };
