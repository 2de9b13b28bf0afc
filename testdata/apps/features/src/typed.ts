const seen: string[] = [];
function noted(_target: object, key: string): void {
  seen.push(key);
}

enum Level {
  Low = 1,
  High,
}

export class Typed {
  @noted size = Level.High;
  get name(): string {
    return `decorated ${seen.join()} ${this.size satisfies number}`;
  }
}
