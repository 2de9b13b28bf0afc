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
    await Promise.resolve(); // tasks never run inside push
    for (let task = this.tasks.shift(); task; task = this.tasks.shift()) {
      try {
        await task();
      } catch (error) {
        this.failed(error);
      }
    }
  }
}
