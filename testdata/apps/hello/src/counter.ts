// A counter that keeps its value over edits of this file. The value is in import.meta.hot.data, which the next version
// of the module gets.
const label = "Count";

interface State {
  count: number;
  host?: Element;
}
const state: State = import.meta.hot?.data.state ?? { count: 0 };

export function counter(host: Element): void {
  state.host = host;
  const button = document.createElement("button");
  button.id = "count";
  button.textContent = `${label}: ${state.count}`;
  button.onclick = () => {
    state.count++;
    button.textContent = `${label}: ${state.count}`;
  };
  host.replaceChildren(button);
}

if (import.meta.hot) {
  import.meta.hot.data.state = state;
  import.meta.hot.accept();
  if (state.host) counter(state.host); // this is a new version, and the page already has a counter
}
