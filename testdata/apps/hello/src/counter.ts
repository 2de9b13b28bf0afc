// A counter that keeps its value while this file is edited: the value lives in import.meta.hot.data, and the module
// accepts its own updates.
const label = "Count";

interface State {
  count: number;
  host?: Element;
}
const state: State = (import.meta.hot?.data.state as State | undefined) ?? { count: 0 };

function render(): void {
  const button = document.createElement("button");
  button.id = "count";
  button.textContent = `${label}: ${state.count}`;
  button.onclick = () => {
    state.count++;
    render();
  };
  state.host?.replaceChildren(button);
}

export function counter(host: Element): void {
  state.host = host;
  render();
}

if (import.meta.hot) {
  import.meta.hot.data.state = state;
  import.meta.hot.accept(() => {});
  if (state.host) render(); // this is an update: the page is there already
}
