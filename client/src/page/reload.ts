// Reloads the page, and says why before and after the reload, since a reload may clear the console. With askReload the
// page only asks, and keeps running what it has.

import type { Logger } from "../socket/logger.ts";

const key = "devserver:reload";
/** Reasons within this time make one reload, in milliseconds. */
const debounce = 20;
/** The same reload this often, each within `repeatWithin` milliseconds, is an endless loop. */
const maxRepeats = 5;
const repeatWithin = 10_000;

/** The last reload, which sessionStorage keeps. */
interface Record {
  reason: string;
  seq: number;
  time: number;
  repeats: number;
  /** The ID that the page had, if it had connected. */
  page?: string;
  explained?: boolean;
}

/** Why this page was loaded again. */
export type Cause = Pick<Record, "reason" | "page">;

export class Reloader {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly reasons = new Set<string>();
  /** Set when this page comes from a reload of this class. */
  cause: Cause | undefined;
  /** Why this page is about to reload. */
  reloading: string | undefined;

  /** With `ask` it does not reload the page. It calls `ask` with all reasons since the page was loaded. */
  constructor(
    private readonly log: Logger,
    /** Returns the ID of this page. */
    private readonly page: () => string | undefined,
    private readonly ask?: (reasons: readonly string[], reload: () => void) => void,
  ) {}

  /** Reports whether the page leaves its reloads to its user. */
  get asks(): boolean {
    return this.ask !== undefined;
  }

  reload(reason: string, seq: number): void {
    this.reloading = reason;
    if (!this.ask) return this.now(reason, seq);
    this.reasons.delete(reason); // the newest comes last
    this.reasons.add(reason);
    this.log.warn(`[devserver] reload the page to get the update: ${reason}`);
    this.ask([...this.reasons], () => this.now([...this.reasons].join("; "), seq));
  }

  private now(reason: string, seq: number): void {
    const last = read();
    const again =
      last !== undefined && last.reason === reason && last.seq === seq && Date.now() - last.time < repeatWithin;
    const repeats = again ? last.repeats + 1 : 0;
    if (repeats > maxRepeats) {
      this.reloading = undefined;
      this.log.error(`[devserver] stopped reloading, since each reload leads to the next: ${reason}`);
      return;
    }
    this.log.log(`[devserver] page reload: ${reason}`);
    const page = this.page();
    write({ reason, seq, time: Date.now(), repeats, ...(page === undefined ? {} : { page }) });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => location.reload(), debounce);
  }

  /** Says in the new page why it was reloaded, once. */
  explain(): void {
    const last = read();
    if (last && !last.explained && Date.now() - last.time < 60_000) {
      this.cause = last;
      this.log.log(`[devserver] page was reloaded: ${last.reason}`);
      write({ ...last, explained: true });
    }
  }
}

// Storage may be forbidden, as in sandboxed frames, or full. The page then reloads without a record.

function read(): Record | undefined {
  try {
    return (JSON.parse(sessionStorage.getItem(key) ?? "null") as Record) ?? undefined;
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
