// Handles one message at a time: the next message waits until an update is applied. While the update waits for code of
// the app, such as the promise of a listener, events are handed out all the same: the code may wait for an event.

export type Task = () => void | Promise<void>;

interface Entry {
  run: Task;
  /** Nothing waits for an event, so that it may be handed out while a task waits. */
  event: boolean;
}

export class Queue {
  private readonly entries: Entry[] = [];
  private running: Promise<void> | undefined;
  /** How many promises of the app the running task waits for. */
  private waiting = 0;
  private handing = false;
  /** Events that wait until no promise of the app is waited for. */
  private putOff: Entry[] = [];

  constructor(private readonly failed: (error: unknown) => void) {}

  push(run: Task): void {
    this.entries.push({ run, event: false });
    this.start();
  }

  /** Queues an event. It comes after all that was queued before, except updates that wait for code of the app. */
  pushEvent(run: () => void): void {
    this.entries.push({ run, event: true });
    this.start();
    void this.handOut();
  }

  /** Reports whether a task waits for code of the app. What comes now may find modules half replaced. */
  get waits(): boolean {
    return this.waiting > 0;
  }

  /** Queues an event ahead of those that wait, for when nothing waits for code of the app. */
  pushLater(run: () => void): void {
    this.putOff.push({ run, event: true });
    if (!this.waits) this.resume();
  }

  private resume(): void {
    if (this.putOff.length === 0) return;
    this.entries.unshift(...this.putOff);
    this.putOff = [];
    this.start();
  }

  /** Puts a task ahead of those that wait. The task that runs queues its consequences in this way. */
  pushFront(run: Task): void {
    this.entries.unshift({ run, event: false });
    this.start();
  }

  /** Waits, in a task, for code of the app. Events are handed out meanwhile, up to the next task. */
  readonly meanwhile = async <T>(promise: Promise<T>): Promise<T> => {
    this.waiting++;
    void this.handOut();
    try {
      return await promise;
    } finally {
      this.waiting--;
      if (!this.waits) this.resume();
    }
  };

  /** Resolves when no task is left. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private start(): void {
    this.running ??= this.drain().finally(() => {
      this.running = undefined;
    });
  }

  private async drain(): Promise<void> {
    await Promise.resolve(); // tasks never run inside push
    for (let entry = this.entries.shift(); entry; entry = this.entries.shift()) {
      try {
        await entry.run();
      } catch (error) {
        this.failed(error);
      }
    }
  }

  /** Hands out events, one at a time, as long as the task waits. */
  private async handOut(): Promise<void> {
    if (this.handing) return;
    this.handing = true;
    while (this.waiting > 0 && this.entries[0]?.event) {
      try {
        void this.entries.shift()!.run();
      } catch (error) {
        this.failed(error);
      }
      await turn(); // the task may have waited for this event, and then goes on before the next one
    }
    this.handing = false;
  }
}

/** Resolves when all promises that can settle have settled. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel(); // timers wait up to a second in a tab in the background
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
