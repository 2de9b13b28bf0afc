/** A value that tells its listeners when it changes. */
export interface Store<T> {
  readonly value: T;
  update(change: (value: T) => T): void;
  /** Listens until the returned function is called. */
  subscribe(listener: () => void): () => void;
}

export function createStore<T>(value: T): Store<T> {
  const listeners = new Set<() => void>();
  return {
    get value() {
      return value;
    },
    update(change) {
      value = change(value);
      listeners.forEach((listener) => listener());
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
