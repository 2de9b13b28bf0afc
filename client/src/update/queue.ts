// One message at a time: an update is applied to its end, promises of listeners included, before the next message is
// looked at.

export type Task = () => void | Promise<void>;

export class Queue {
  private readonly tasks: Task[] = [];
  private running: Promise<void> | undefined;

  constructor(private readonly failed: (error: unknown) => void) {}

  push(task: Task): void {
    this.tasks.push(task);
    this.start();
  }

  /** Puts a task before all that wait, such as the consequences of the one that runs. */
  pushFront(task: Task): void {
    this.tasks.unshift(task);
    this.start();
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private start(): void {
    this.running ??= this.drain().finally(() => {
      this.running = undefined;
    });
  }

  private async drain(): Promise<void> {
    await undefined; // tasks never run inside push
    for (let task = this.tasks.shift(); task; task = this.tasks.shift()) {
      try {
        await task();
      } catch (error) {
        this.failed(error);
      }
    }
  }
}

/**
 * Waits for all promises, at most `limit` ms, and tells of those that fail or do not end. One listener that never
 * settles must not stop every later update.
 */
export async function settle(promises: unknown[], what: string, log: { error(...args: unknown[]): void; warn(...args: unknown[]): void }, limit = 10_000): Promise<void> {
  const waiting = promises.filter((p) => typeof (p as PromiseLike<unknown> | null | undefined)?.then === "function");
  if (waiting.length === 0) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => (timer = setTimeout(resolve, limit, "late")));
  const done = Promise.all(waiting.map((p) => Promise.resolve(p).catch((error: unknown) => log.error(`[devserver] ${what} failed:`, error))));
  if ((await Promise.race([done, late])) === "late") log.warn(`[devserver] ${what} takes longer than ${limit / 1000} s; going on without it`);
  clearTimeout(timer);
}
