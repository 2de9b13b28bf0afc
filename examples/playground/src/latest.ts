/**
 * Returns a function that takes values as fast as they come. It gives the newest to `work`, one at a time: values that
 * came meanwhile are left out, and the last value is never left out.
 */
export function latest<T>(work: (value: T) => Promise<void>): (value: T) => void {
  let waiting: { value: T } | undefined;
  let working = false;

  return async (value) => {
    waiting = { value };
    if (working) return;
    working = true;
    try {
      while (waiting) {
        const next: T = waiting.value;
        waiting = undefined;
        await work(next);
      }
    } finally {
      working = false;
    }
  };
}
