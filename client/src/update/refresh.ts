// Fast refresh for React and Preact: components keep their state over edits. The compiler adds a call to the end of
// each module with components. The call names them and their hooks.

import type { HotState } from "../hot/hot.ts";
import type { Components } from "../hot/meta.ts";
import type { Instance } from "../runtime/registry.ts";
import type { Logger } from "../socket/logger.ts";
import { shortenRefresh } from "./fibers.ts";

/** A framework's runtime of fast refresh. */
interface Runtime {
  register(type: unknown, id: string): void;
  sign(type: unknown, key: string, forceReset: boolean, customHooks: () => unknown[]): void;
  isComponent(value: unknown): boolean;
  /** Renders the components that were registered again. */
  perform(): void;
}

interface ReactRuntime {
  injectIntoGlobalHook(global: unknown): void;
  register(type: unknown, id: string): void;
  setSignature?(type: unknown, key: string, forceReset?: boolean, customHooks?: () => unknown[]): void;
  performReactRefresh?(): unknown;
  isLikelyComponentType?(type: unknown): boolean;
  // The copy inside @vitejs/plugin-react exports these two instead of the three above.
  createSignatureFunctionForTransform?(): (
    type: unknown,
    key: string,
    forceReset?: boolean,
    customHooks?: () => unknown[],
  ) => void;
  validateRefreshBoundaryAndEnqueueUpdate?(id: string, before: object, now: object): unknown;
}

/**
 * An export that never changes. The plugin's copy renders when it compares exports, so it compares this with itself.
 */
const unchanged = { unchanged: true };

function react(runtime: ReactRuntime): Runtime {
  runtime.injectIntoGlobalHook(globalThis);
  shortenRefresh();
  return {
    register: (type, id) => runtime.register(type, id),
    // The custom hooks are read when they are compared: in a cycle they are not defined yet.
    sign(type, key, forceReset, customHooks) {
      if (runtime.setSignature) runtime.setSignature(type, key, forceReset, customHooks);
      else runtime.createSignatureFunctionForTransform?.()(type, key, forceReset, customHooks);
    },
    isComponent: (value) =>
      runtime.isLikelyComponentType ? runtime.isLikelyComponentType(value) : isReactComponent(value),
    perform() {
      if (runtime.performReactRefresh) runtime.performReactRefresh();
      else runtime.validateRefreshBoundaryAndEnqueueUpdate?.("devserver", unchanged, unchanged);
    },
  };
}

/**
 * Reports whether a value may be a component: a class of React, a function with a capitalised name, memo, forwardRef.
 */
function isReactComponent(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    const kind = (value as { $$typeof?: unknown }).$$typeof;
    return kind === Symbol.for("react.memo") || kind === Symbol.for("react.forward_ref");
  }
  if (typeof value !== "function") return false;
  const prototype = value.prototype as { isReactComponent?: unknown } | undefined;
  if (prototype?.isReactComponent) return true;
  if (prototype && Object.getOwnPropertyNames(prototype).some((name) => name !== "constructor")) return false;
  return /^[A-Z]/.test(value.name || ((value as { displayName?: string }).displayName ?? ""));
}

/** The global variable of @prefresh/core. */
interface Prefresh {
  getSignature(type: unknown): { key?: string; forceReset?: boolean } | undefined;
  register(type: unknown, id: string): void;
  getPendingUpdates(): [unknown, unknown][];
  flush(): void;
  replaceComponent(before: unknown, now: unknown, reset: boolean): void;
  sign(type: unknown, key: string, forceReset: boolean, customHooks: () => unknown[], status: string): void;
  computeKey(signature: object): string;
}

function preact(prefresh: Prefresh): Runtime {
  return {
    register: (type, id) => prefresh.register(type, id),
    sign: (type, key, forceReset, customHooks) => prefresh.sign(type, key, forceReset, customHooks, "begin"),
    isComponent: isPreactComponent,
    perform() {
      const pending = [...prefresh.getPendingUpdates()];
      prefresh.flush();
      for (const [before, now] of pending) {
        const a = prefresh.getSignature(before) ?? {};
        const b = prefresh.getSignature(now) ?? {};
        const reset = a.key !== b.key || prefresh.computeKey(a) !== prefresh.computeKey(b) || !!b.forceReset;
        prefresh.replaceComponent(before, now, reset);
      }
    },
  };
}

function isPreactComponent(value: unknown): boolean {
  if (typeof value !== "function") return false;
  const prototype = value.prototype as { isReactComponent?: unknown; render?: unknown } | undefined;
  if (prototype?.isReactComponent || prototype?.render) return true;
  const name = value.name || (value as { displayName?: string }).displayName;
  return typeof name === "string" && /^[^a-z_$0-9]/.test(name);
}

/** Connects the framework's runtime with modules and their updates. */
export class Refresh {
  private runtime: Runtime | undefined;
  private readonly waiting = new Map<Instance, { hot: HotState; names: Components }>();
  private enqueued = false;

  constructor(private readonly log: Logger) {}

  /** Takes the exports of a module of the prelude, which may be a framework's runtime. */
  install(exports: unknown): void {
    const candidate = (exports ?? {}) as Partial<ReactRuntime> & { default?: Partial<ReactRuntime> };
    const runtime = [candidate, candidate.default].find(
      (c) => typeof (c?.performReactRefresh ?? c?.validateRefreshBoundaryAndEnqueueUpdate) === "function",
    );
    if (runtime) this.runtime = react(runtime as ReactRuntime);
    const prefresh = (globalThis as { __PREFRESH__?: Prefresh }).__PREFRESH__;
    if (!this.runtime && prefresh) this.runtime = preact(prefresh);
  }

  get installed(): boolean {
    return this.runtime !== undefined;
  }

  /** $meta$.refresh(...): the call at the end of a module with components or hooks. */
  module(instance: Instance, hot: HotState, names: Components): void {
    const runtime = this.runtime;
    if (!runtime) return;
    for (const [type, key, forceReset, customHooks] of names.signatures ?? []) {
      if (isType(type)) runtime.sign(type, key, forceReset || !!names.reset, customHooks ?? (() => []));
    }
    for (const [name, type] of Object.entries(names.components)) {
      if (!isType(type)) continue;
      if (names.reset && !names.signatures?.some(([signed]) => signed === type))
        runtime.sign(type, "reset", true, () => []);
      runtime.register(type, `${instance.id} ${name}`);
    }
    if (Object.keys(names.components).length > 0) this.waiting.set(instance, { hot, names });
  }

  /**
   * Called when a module's body has run: lets it take its own updates. It does so even where an export is no component:
   * only the next version shows whether that export changed, and then validate refuses the update.
   */
  afterRun(instance: Instance): void {
    const waiting = this.waiting.get(instance);
    if (!waiting || !this.runtime) return;
    this.waiting.delete(instance);
    const exports = values(instance);
    if (exports.size === 0) return; // a script that renders: running it again would render twice
    const { hot, names } = waiting;
    const registered = new Set(Object.values(names.components)); // most exports; isComponent is slow
    for (const [name, value] of exports) {
      if (!registered.has(value) && this.runtime.isComponent(value))
        this.runtime.register(value, `${instance.id} export ${name}`);
    }
    hot.accept((next: unknown) => {
      if (next === undefined) return;
      const message = this.validate(exports, entries(next), ignored(names.id));
      if (message !== undefined) hot.host.invalidate(hot.owner, message);
      else this.enqueued = true;
    }, undefined);
  }

  /** Returns why the importers have to take the update; undefined when they need not. */
  private validate(
    before: Map<string, unknown>,
    now: Map<string, unknown>,
    ignored: readonly string[],
  ): string | undefined {
    for (const name of ignored) {
      before.delete(name);
      now.delete(name);
    }
    for (const name of before.keys())
      if (!now.has(name)) return `Could not Fast Refresh ("${name}" export was removed)`;
    for (const name of now.keys()) if (!before.has(name)) return `Could not Fast Refresh (new export "${name}")`;
    for (const [name, value] of now) {
      if (this.runtime!.isComponent(value) || before.get(name) === value) continue;
      return `Could not Fast Refresh ("${name}" export is incompatible)`;
    }
    if (now.size === 0) return "Could not Fast Refresh (no exports but those that plugins update)";
    return undefined;
  }

  /** Renders once for all components of an update. */
  perform(): void {
    if (!this.enqueued || !this.runtime) return;
    this.enqueued = false;
    try {
      this.runtime.perform();
    } catch (error) {
      this.log.error("[devserver] a component failed to render after the update:", error);
    }
  }
}

/** What pages ask by this name is part of @vitejs/plugin-react: plugins of routers set it. */
declare global {
  var __getReactRefreshIgnoredExports: ((module: { id: string }) => readonly string[]) | undefined;
}

/** Returns the exports of a module that plugins update by themselves. */
const ignored = (id: string | undefined): readonly string[] =>
  id === undefined ? [] : (globalThis.__getReactRefreshIgnoredExports?.({ id }) ?? []);

function isType(value: unknown): boolean {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}

function values(instance: Instance): Map<string, unknown> {
  return entries(instance.module.exports);
}

/** Returns the exports by name. In a cycle an export may be in its dead zone: it reads as undefined. */
function entries(exports: unknown): Map<string, unknown> {
  const map = new Map<string, unknown>();
  if (!isType(exports)) return map;
  for (const name of Object.keys(exports as object)) {
    if (name === "__esModule") continue;
    try {
      map.set(name, (exports as Record<string, unknown>)[name]);
    } catch {
      map.set(name, undefined);
    }
  }
  return map;
}
