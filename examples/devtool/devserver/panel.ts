// The panel. It is a module of the page like any other, and accepts its own updates: a save of this file replaces it.
import { modules } from "virtual:devtool/stores.js";

// What the app's stores have in common, see src/lib/store.ts. Nothing else in the app is known here.
interface Store {
  readonly value: unknown;
  subscribe(listener: () => void): () => void;
}
const isStore = (it: unknown): it is Store =>
  typeof it === "object" && it !== null && "subscribe" in it && "value" in it;

const style = `
  :host { all: initial; position: fixed; right: 1rem; bottom: 1rem; z-index: 9999; color-scheme: dark; }
  section { width: 16rem; max-height: 60vh; overflow: auto; padding: 0.75rem 1rem; border-radius: 14px;
    background: #171a21; color: #e6e9f2; font: 12px/1.5 ui-monospace, monospace; box-shadow: 0 8px 30px #0006; }
  header { display: flex; justify-content: space-between; color: #9aa4ba; }
  dt { margin-top: 0.5rem; color: #8ab0ff; }
  dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
  ol { margin: 0.5rem 0; padding: 0; list-style: none; color: #ffcf70; }
  button { margin: 0.5rem 0.25rem 0 0; padding: 0.2rem 0.6rem; border: 1px solid #3a4254; border-radius: 7px;
    background: none; color: inherit; font: inherit; cursor: pointer; }
`;

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = "",
  ...children: Node[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

const host = element("div");
host.id = "devtool";
const root = host.attachShadow({ mode: "open" });
const states = element("dl");
const slow = element("ol");
const renders = element("span");
const answer = element("dl");
const print = element("button", "Print state");
const ask = element("button", "Who uses them?");
root.append(
  element("style", style),
  element("section", "", element("header", "", element("b", "devtool"), renders), states, slow, print, ask, answer),
);
document.body.append(host);

const ends: (() => void)[] = [() => host.remove()];

// Stores: their state now, and after each change.
const stores: [name: string, store: Store][] = Object.entries(modules).flatMap(([file, exports]) =>
  Object.entries(exports).flatMap(([name, value]) =>
    isStore(value) ? [[`${file}.${name}`, value] as [string, Store]] : [],
  ),
);
for (const [name, store] of stores) {
  const shown = element("dd");
  const show = () => (shown.textContent = JSON.stringify(store.value));
  show();
  states.append(element("dt", name), shown);
  ends.push(store.subscribe(show));
}

// Renders: how often the app changed its elements. One batch of changes is one render.
let count = 0;
const observer = new MutationObserver(() => (renders.textContent = `${++count} renders`));
observer.observe(document.body, { childList: true, subtree: true, characterData: true }); // the shadow root is not in it
ends.push(() => observer.disconnect());

// Slow interactions: the browser measures them from the event to the next paint.
const slowest = new PerformanceObserver((list) => {
  for (const { name, duration, target } of list.getEntries() as PerformanceEventTiming[]) {
    if (name !== "click" && name !== "keydown") continue; // others come with them
    const at = target instanceof Element ? target.id || target.localName : "the page";
    slow.prepend(element("li", `${name} of ${at}: ${duration} ms`));
    while (slow.children.length > 3) slow.lastChild!.remove();
    import.meta.hot?.send("devtool:slow", { event: name, target: at, duration });
  }
});
slowest.observe({ type: "event", durationThreshold: 100 } as PerformanceObserverInit);
ends.push(() => slowest.disconnect());

print.onclick = () => import.meta.hot?.send("devtool:print", {});
ask.onclick = async () => {
  const users = (await import.meta.hot?.request("devtool:users")) ?? {};
  answer.replaceChildren(
    ...Object.entries(users).flatMap(([id, importers]) => [
      element("dt", id),
      element("dd", importers?.join("\n") || "no module"),
    ]),
  );
};

if (import.meta.hot) {
  import.meta.hot.handle("devtool:state", () => Object.fromEntries(stores.map(([name, store]) => [name, store.value])));
  import.meta.hot.dispose(() => ends.forEach((end) => end()));
  import.meta.hot.accept();
}
