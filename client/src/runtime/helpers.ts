// The helpers that esbuild's output uses. The server leaves them out of the modules' code, since they would be the
// same text in each; they must behave as esbuild's do for CommonJS output.

type Namespace = Record<PropertyKey, unknown>;

const __create = Object.create;
const __defProp = Object.defineProperty;
const __getOwnPropDesc = Object.getOwnPropertyDescriptor;
const __getOwnPropNames = Object.getOwnPropertyNames;
const __getProtoOf = Object.getPrototypeOf;
const __hasOwnProp = Object.prototype.hasOwnProperty;

/** The exports objects of modules that are ES modules in source, unlike packages that merely set `__esModule`. */
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

// A wrapper is made once per exports object: esbuild makes one per import, which costs memory and breaks `===`
// between the namespaces that two modules see.
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

/** What `import` of a module gives, with Babel's reading of `__esModule`. */
function __toESM(mod: unknown): object {
  return isObject(mod) && mod["__esModule"] ? mod : wrap(mod);
}

/** What `import` gives where Node's reading rules: the default export of CommonJS is module.exports, always. */
function __toESMNode(mod: unknown): object {
  return isObject(mod) && esModules.has(mod) ? mod : wrap(mod);
}

/**
 * Makes a module's exports object from its getters. Other than esbuild's it returns the same object instead of a copy
 * with getters that call getters: one call less for each use of an import.
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
  __create, __defProp, __getOwnPropDesc, __getOwnPropNames, __getProtoOf, __hasOwnProp,
  __export, __copyProps, __reExport, __toESM, __toESMNode, __toCommonJS,
};

export { __copyProps as copyProps, __toESM as toNamespace };
