// Reloading the page, never without saying why: before, and again after it, since the console may be cleared.

import type { Logger } from "./hot.ts";

const key = "devserver:reload";
/** Several reasons of one moment make one reload. */
const debounce = 20;
/** The same reload this often within a short time is a loop, which must end. */
const maxRepeats = 5;
const repeatWithin = 10_000;

interface Record { reason: string; seq: number; time: number; repeats: number }

export class Reloader {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly log: Logger) {}

  reload(reason: string, seq: number): void {
    const last = read();
    const again = last !== undefined && last.reason === reason && last.seq === seq && Date.now() - last.time < repeatWithin;
    const repeats = again ? last.repeats + 1 : 0;
    if (repeats > maxRepeats) {
      this.log.error(`[devserver] not reloading the page any more, since the reason does not go away: ${reason}`);
      return;
    }
    this.log.log(`[devserver] page reload: ${reason}`);
    write({ reason, seq, time: Date.now(), repeats });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => location.reload(), debounce);
  }

  /** Says after the reload why there was one. */
  explain(): void {
    const last = read();
    if (last && !(last as { told?: boolean }).told && Date.now() - last.time < 60_000) {
      this.log.log(`[devserver] page was reloaded: ${last.reason}`);
      write({ ...last, told: true } as Record);
    }
  }
}

// Storage may be forbidden (sandboxed frames) or full; the reload then goes without.

function read(): Record | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null") as Record ?? undefined;
  } catch {
    return undefined;
  }
}

function write(record: Record): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(record));
  } catch {
    // see above
  }
}
