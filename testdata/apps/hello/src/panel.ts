// Two buttons that talk to devserver/main.go over the socket that also carries the updates.
export function panel(host: Element): void {
  host.innerHTML = `
    <button id="send">Send my-custom-event</button>
    <button id="broadcast">Broadcast to all pages</button>
    <ol id="log" aria-live="polite"></ol>
  `;
  const log = (text: string): void => {
    const line = document.createElement("li");
    line.textContent = text;
    host.querySelector("#log")!.prepend(line);
  };
  if (import.meta.hot) {
    const hot = import.meta.hot;
    host.querySelector("#send")!.addEventListener("click", () => hot.send("my-custom-event", { message: "Hello from the browser!" }));
    host.querySelector("#broadcast")!.addEventListener("click", () => hot.send("hello:broadcast", { text: `Hello from ${navigator.userAgent.split(" ").pop()}` }));
    hot.on("custom-response", (data: { success: boolean }) => log(`answer to this page: success is ${data.success}`));
    hot.on("hello:all", (data: { text: string }) => log(`to all pages: ${data.text}`));
  }
}
