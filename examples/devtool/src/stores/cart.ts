import { createStore } from "../lib/store";

export interface Item {
  name: string;
  count: number;
}

export const cart = createStore<Item[]>([]);

export function add(name: string): void {
  cart.update((items) =>
    items.some((item) => item.name === name)
      ? items.map((item) => (item.name === name ? { ...item, count: item.count + 1 } : item))
      : [...items, { name, count: 1 }],
  );
}
