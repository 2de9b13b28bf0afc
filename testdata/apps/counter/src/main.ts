// The smallest module that takes its own updates and keeps its state.
import { text } from "./text";

const button = document.querySelector<HTMLButtonElement>("#count")!;
let count: number = import.meta.hot?.data.count ?? 0;

function show(): void {
  button.textContent = text(count);
  if (import.meta.hot) import.meta.hot.data.count = count;
}

button.onclick = () => {
  count++;
  show();
};
show();

import.meta.hot?.accept();
