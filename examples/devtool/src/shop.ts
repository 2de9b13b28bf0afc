import { add, cart } from "./stores/cart";
import { settings, toggleCurrency } from "./stores/settings";

const prices: Record<string, number> = { Apple: 1, Pear: 2, Quince: 4 };

/** Draws the shop, and draws it again when a store changes. The returned function ends that. */
export function shop(host: HTMLElement): () => void {
  const draw = () => {
    const total = cart.value.reduce((sum, item) => sum + item.count * prices[item.name], 0);
    host.innerHTML = `
      <h1>Shop</h1>
      <ul>${Object.entries(prices)
        .map(
          ([name, price]) => `<li>${name} <button data-add="${name}">${settings.value.currency}${price}</button></li>`,
        )
        .join("")}</ul>
      <p>In the cart: <b id="total">${settings.value.currency}${total}</b></p>
      <button id="currency">Change the currency</button>
      <button id="sort">Sort slowly</button>
    `;
  };
  const onClick = (event: Event) => {
    const button = (event.target as Element).closest("button");
    if (button?.dataset.add) add(button.dataset.add);
    else if (button?.id === "currency") toggleCurrency();
    else if (button?.id === "sort") sortSlowly();
  };
  const ends = [cart.subscribe(draw), settings.subscribe(draw)];
  host.addEventListener("click", onClick);
  draw();
  return () => {
    ends.forEach((end) => end());
    host.removeEventListener("click", onClick);
  };
}

/** Keeps the page busy for a while, as a mistake in an app does. */
function sortSlowly(): void {
  const until = performance.now() + 200;
  const list = Array.from({ length: 10_000 }, Math.random);
  while (performance.now() < until) list.sort(() => Math.random() - 0.5);
}
