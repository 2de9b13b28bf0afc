import "./style.css";

const list = document.querySelector("#log")!;

function show(text: string): void {
  const line = document.createElement("li");
  line.textContent = text;
  list.prepend(line);
  while (list.children.length > 5) list.lastChild!.remove();
}

/** Calls a function at each click, until this module runs again. */
function onClick(id: string, fn: () => void): void {
  const button = document.querySelector(id)!;
  button.addEventListener("click", fn);
  import.meta.hot?.dispose(() => button.removeEventListener("click", fn));
}

if (import.meta.hot) {
  const hot = import.meta.hot;
  hot.on("custom-response", (data: { success: boolean }) => show(`Answer to this page: success is ${data.success}`));
  hot.on("hello:all", (data: { text: string; pages: number }) => show(`To all ${data.pages} open: ${data.text}`));
  onClick("#send", () => hot.send("my-custom-event", { message: "Hello from the browser!" }));
  onClick("#broadcast", () => hot.send("hello:broadcast", { text: `hello at ${new Date().toLocaleTimeString()}` }));
  hot.accept(); // the lines stay when this file is saved
}
