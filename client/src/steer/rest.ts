// Waits until the page has come to rest.

import type { PageHost } from "./steer.ts";

/** The longest wait for frames, in milliseconds. A page that nobody sees has none. */
const longestFrames = 500;
const longestRest = 1000;

/** Waits for two frames; in a hidden page, for as many milliseconds. */
function frames(hidden: number): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
    setTimeout(resolve, document.hidden ? hidden : longestFrames);
  });
}

/** Watches the page from before an act: a click may make the page leave at once. */
export class Rest {
  private changed = false;
  private leaves = false;
  private leave: () => void = () => {};
  private readonly leaving = new Promise<void>((resolve) => {
    this.leave = () => {
      this.leaves = true;
      resolve();
    };
  });
  private readonly observer = new MutationObserver(() => (this.changed = true));

  constructor(private readonly page: PageHost) {
    addEventListener("beforeunload", this.leave);
    this.observer.observe(document, { childList: true, characterData: true, subtree: true });
  }

  /**
   * Waits until two frames have passed without a change of the page's elements or texts, for a second at most. Resolves
   * with true when the page leaves.
   */
  async come(): Promise<boolean> {
    const until = performance.now() + longestRest;
    await Promise.race([this.page.idle(), this.leaving, new Promise((resolve) => setTimeout(resolve, longestRest))]);
    do {
      this.changed = false;
      await Promise.race([frames(100), this.leaving]);
    } while (this.changed && !this.leaves && performance.now() < until);
    return this.leaves;
  }

  stop(): void {
    removeEventListener("beforeunload", this.leave);
    this.observer.disconnect();
  }
}
