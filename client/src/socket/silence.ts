// Notices a connection that is open and carries nothing: behind a proxy that hangs, over a radio that sleeps. A browser
// does not tell a page about the pings of the server, so the page sends pings of its own, which the server answers.

import type { Timers } from "./timers.ts";

/** Milliseconds without a frame after which the page asks for one. */
const askAfter = [15_000];
/**
 * How long the page waits for the answer, and for the greeting of a new connection. Each time has two timers. Sleep of
 * the computer ends the first timer late, and the second timer then gives the answer its time.
 */
const answerWithin = [7_500, 7_500];
const answerSoon = [2_500, 2_500];
const openWithin = [5_000, 5_000];

export class Silence {
  private heard = false;
  private timer: unknown;

  constructor(
    private readonly timers: Timers,
    private readonly ping: () => void,
    private readonly lost: () => void,
  ) {}

  /** Notes that a frame came. */
  hear(): void {
    this.heard = true;
  }

  /** Waits for the greeting of a socket that is being opened. */
  opening(): void {
    this.wait(openWithin, this.lost);
  }

  /** Watches an open connection. */
  watch(): void {
    this.wait(askAfter, () => this.ask(answerWithin));
  }

  /** Asks at once, and gives the answer little time: a connection may have been lost while the computer slept. */
  askNow(): void {
    this.ask(answerSoon);
  }

  stop(): void {
    this.timers.clear(this.timer);
  }

  private ask(within: readonly number[]): void {
    this.wait(within, this.lost);
    this.ping();
  }

  private wait([ms, ...rest]: readonly number[], then: () => void): void {
    this.stop();
    this.heard = false;
    this.timer = this.timers.set(() => {
      if (this.heard) this.watch();
      else if (rest.length > 0) this.wait(rest, then);
      else then();
    }, ms!);
  }
}
