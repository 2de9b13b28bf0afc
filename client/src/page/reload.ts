// Reloading the page, never without saying why: before, and again after it, since the console may be cleared. Where the
// project wants it the page only asks, and goes on with what it has.

import type { Logger } from "../socket/logger.ts";

const key = "devserver:reload";
/** Several reasons of one moment make one reload. */
const debounce = 20;
/** The same reload this often within a short time is a loop, which must end. */
const maxRepeats = 5;
const repeatWithin = 10_000;

interface Record { reason: string; seq: number; time: number; repeats: number }

export class Reloader {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly reasons = new Set<string>();

  /** With `ask` it does not reload by itself, but calls that with all reasons since the page was loaded. */
  constructor(private readonly log: Logger, private readonly ask?: (reasons: readonly string[], reload: () => void) => void) {}

  reload(reason: string, seq: number): void {
    if (!this.ask) return this.now(reason, seq);
    this.reasons.delete(reason); // the newest is the last
    this.reasons.add(reason);
    this.log.warn(`[devserver] the page must be reloaded to be up to date: ${reason}`);
    this.ask([...this.reasons], () => this.now([...this.reasons].join("; "), seq));
  }

  private now(reason: string, seq: number): void {
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
