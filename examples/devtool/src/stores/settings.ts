import { createStore } from "../lib/store";

export const settings = createStore({ currency: "€" });

export function toggleCurrency(): void {
  settings.update((all) => ({ ...all, currency: all.currency === "€" ? "$" : "€" }));
}
