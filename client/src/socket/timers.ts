/** Timers that tests replace. */
export interface Timers {
  set(fn: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

/** The longest time that browsers can wait. They end a longer timer at once. */
const longest = 2 ** 31 - 1;

interface LongTimer {
  id?: ReturnType<typeof setTimeout>;
}

/** The browser's timers, for any time: a long time is several timers. */
export const realTimers: Timers = {
  set(fn, ms) {
    const timer: LongTimer = {};
    const wait = (left: number): void => {
      timer.id = setTimeout(left > longest ? () => wait(left - longest) : fn, Math.min(left, longest));
    };
    wait(ms);
    return timer;
  },
  clear: (timer) => clearTimeout((timer as LongTimer | undefined)?.id),
};
