// Short IDs of elements, such as "e12".

import { HotError } from "../socket/request.ts";
import { roots } from "./dom.ts";

/** Keeps the newest number of the tab. A page that was loaded again must not take an ID of the page before it. */
const key = "devserver:refs";

/** Chooses an element. */
export interface Choice {
  ref?: string;
  selector?: string;
}

/** Gives elements their IDs. An element keeps its ID while it lives. */
export class Refs {
  private last = stored();
  private readonly ids = new WeakMap<Element, string>();
  private readonly elements = new Map<string, WeakRef<Element>>();
  private readonly gone = new FinalizationRegistry<string>((id) => this.elements.delete(id));

  /** Returns the ID of the element. */
  of(element: Element): string {
    let id = this.ids.get(element);
    if (!id) {
      id = `e${++this.last}`;
      this.ids.set(element, id);
      this.elements.set(id, new WeakRef(element));
      this.gone.register(element, id);
    }
    return id;
  }

  /** Returns a number that no other document of the tab has. */
  number(): number {
    return ++this.last;
  }

  /** Tells later documents of the tab which numbers are taken. */
  save(): void {
    try {
      sessionStorage.setItem(key, String(this.last));
    } catch {
      // a page without storage
    }
  }

  /** Returns the chosen element; undefined when nothing is chosen. Throws a HotError when there is no such element. */
  find({ ref, selector }: Choice): Element | undefined {
    const id = ref?.replace(/^#/, "") || (/^e\d+$/.test(selector ?? "") ? selector : "");
    if (id) {
      const element = this.elements.get(id)?.deref();
      if (!element?.isConnected)
        throw new HotError("no_element", `${id} is not in the page (any more): take a new snapshot`, "ref");
      return element;
    }
    if (!selector) return undefined;
    for (const root of roots(document)) {
      let found: Element | null;
      try {
        found = root.querySelector(selector);
      } catch {
        throw new HotError("bad_selector", `${JSON.stringify(selector)} is not a CSS selector`, "selector");
      }
      if (found) return found;
    }
    throw new HotError("no_element", `no element matches ${JSON.stringify(selector)}`, "selector");
  }
}

function stored(): number {
  try {
    return Number(sessionStorage.getItem(key)) || 0;
  } catch {
    return 0;
  }
}
