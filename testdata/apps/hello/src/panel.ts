// Two buttons that talk to devserver/main.go, over the socket that also carries the updates.
export function panel(host: Element): void {
  host.innerHTML = `
    <h2>Events</h2>
    <button id="send">Send my-custom-event</button>
    <button id="broadcast">Broadcast to all pages</button>
    <ol id="log" aria-live="polite"></ol>
  `;
  const log = (text: string): void => {
    const line = document.createElement("li");
    line.textContent = text;
    const list = host.querySelector("#log")!;
    list.prepend(line);
    while (list.children.length > 4) list.lastChild!.remove();
  };
  if (import.meta.hot) {
    const hot = import.meta.hot;
    // The answer reaches this page only.
    hot.on("custom-response", (data: { success: boolean }) => log(`Answer to this page: success is ${data.success}`));
    host.querySelector("#send")!.addEventListener("click", () => {
      hot.send("my-custom-event", { message: "Hello from the browser!" });
    });
    // The broadcast reaches every open page. Try it with two pages.
    hot.on("hello:all", (data: { text: string; pages: number }) => log(`To all ${data.pages} open: ${data.text}`));
    host.querySelector("#broadcast")!.addEventListener("click", () => {
      hot.send("hello:broadcast", { text: `hello at ${new Date().toLocaleTimeString()}` });
    });
  }
}
