// Handles one message at a time: the next message waits until an update is applied, with all promises of its listeners.

export type Task = () => void | Promise<void>;

export class Queue {
  private readonly tasks: Task[] = [];
  private running: Promise<void> | undefined;

  constructor(private readonly failed: (error: unknown) => void) {}

  push(task: Task): void {
    this.tasks.push(task);
    this.start();
  }

  /** Puts a task ahead of those that wait. The task that runs queues its consequences in this way. */
  pushFront(task: Task): void {
    this.tasks.unshift(task);
    this.start();
  }

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
    for (let task = this.tasks.shift(); task; task = this.tasks.shift()) {
      try {
        await task();
      } catch (error) {
        this.failed(error);
      }
    }
  }
}
