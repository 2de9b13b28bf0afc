// Finds the components that an update changes in a React page. React's own search (scheduleRefresh) calls itself for
// every fiber of the page and looks up the family of each, before anything renders. With thousands of components that
// is most of an edit's time. Here one loop finds the same fibers, and they render at once. What only React's search can
// do follows after the paint.

/** React's interface for developer tools, as far as this file uses it. */
interface Renderer {
  scheduleRefresh?: ScheduleRefresh;
  setRefreshHandler?: (familyOf: FamilyOf | null) => void;
  scheduleUpdate?: (fiber: Fiber) => void;
}

type ScheduleRefresh = (root: { current: Fiber }, update: RefreshUpdate) => void;
type Family = object;
type FamilyOf = (type: unknown) => Family | undefined;

interface RefreshUpdate {
  updatedFamilies: Set<Family>;
  staleFamilies: Set<Family>;
}

interface Fiber {
  tag: number;
  type: unknown;
  child: Fiber | null;
  sibling: Fiber | null;
}

interface Hook {
  inject(renderer: Renderer): unknown;
  renderers?: Map<unknown, Renderer>;
}

// Tags of fibers. They are the same since React 17.
const classComponent = 1;
const forwardRef = 11;

/** Speeds up the refresh of all renderers of the page, present and future. Call it after injectIntoGlobalHook. */
export function shortenRefresh(): void {
  const hook = (globalThis as { __REACT_DEVTOOLS_GLOBAL_HOOK__?: Hook }).__REACT_DEVTOOLS_GLOBAL_HOOK__;
  if (typeof hook?.inject !== "function") return;
  hook.renderers?.forEach(shorten);
  const inject = hook.inject;
  hook.inject = function (this: unknown, renderer: Renderer): unknown {
    shorten(renderer);
    return inject.call(this, renderer);
  };
}

function shorten(renderer: Renderer): void {
  const { scheduleRefresh, setRefreshHandler, scheduleUpdate } = renderer;
  if (!scheduleRefresh || !setRefreshHandler || !scheduleUpdate) return; // before React 17
  let familyOf: FamilyOf | null = null;
  // Without a handler, React does not note which error boundaries show an error. React's runtime sets its handler at the
  // first update, which is too late for a boundary that has caught an error of the page's first rendering.
  setRefreshHandler(() => undefined);
  renderer.setRefreshHandler = (handler) => {
    familyOf = handler;
    setRefreshHandler(handler);
  };
  renderer.scheduleRefresh = (root, update) => {
    const found =
      familyOf && update.staleFamilies.size === 0 ? find(root.current, familyOf, update.updatedFamilies) : undefined;
    if (!found) return scheduleRefresh(root, update);
    found.fibers.forEach(scheduleUpdate);
    // Any update mounts error boundaries again that show an error. Only React knows which boundaries do.
    if (found.boundaries)
      afterPaint(() => scheduleRefresh(root, { updatedFamilies: new Set(), staleFamilies: new Set() }));
  };
}

/** Returns the fibers of updated components; undefined when React must mount one of them again. */
export function find(
  root: Fiber,
  familyOf: FamilyOf,
  updated: Set<Family>,
): { fibers: Fiber[]; boundaries: boolean } | undefined {
  const fibers: Fiber[] = [];
  let boundaries = false;
  const todo: Fiber[] = [root];
  for (let fiber = todo.pop(); fiber; fiber = todo.pop()) {
    if (fiber.sibling) todo.push(fiber.sibling);
    if (fiber.child) todo.push(fiber.child);
    const type = fiber.tag === forwardRef ? (fiber.type as { render: unknown }).render : fiber.type;
    if (typeof type !== "function") continue;
    boundaries ||= fiber.tag === classComponent && isBoundary(type);
    const family = familyOf(type);
    if (!family || !updated.has(family)) continue;
    if (fiber.tag === classComponent) return undefined;
    fibers.push(fiber);
  }
  return { fibers, boundaries };
}

function isBoundary(type: {
  getDerivedStateFromError?: unknown;
  prototype?: { componentDidCatch?: unknown };
}): boolean {
  return typeof type.getDerivedStateFromError === "function" || typeof type.prototype?.componentDidCatch === "function";
}

function afterPaint(fn: () => void): void {
  let called = false;
  const once = (): void => {
    if (!called) fn();
    called = true;
  };
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, 100); // a hidden page has no frames
}
