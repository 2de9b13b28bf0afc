// on, off, send and request, and the built-in events.
import { log } from "./log";

const hot = import.meta.hot!;
for (const name of [
  "vite:beforeUpdate",
  "vite:afterUpdate",
  "vite:beforeFullReload",
  "vite:beforePrune",
  "vite:invalidate",
  "vite:error",
  "vite:ws:connect",
  "vite:ws:disconnect",
]) {
  hot.on(name, () => log(name));
}
hot.on("hot:throws", () => {
  throw new Error("a listener that throws must not stop the next one");
});
hot.on("hot:throws", () => log("hot:throws arrived"));

const once = (data: unknown): void => {
  hot.off("hot:answer", once);
  log(`hot:answer once ${JSON.stringify(data)}`);
};
hot.on("hot:answer", once);
hot.on("hot:answer", (data: unknown) => log(`hot:answer ${JSON.stringify(data)}`));

document.querySelector<HTMLButtonElement>("#send")!.onclick = () => hot.send("hot:say", { text: "hello" });
document.querySelector<HTMLButtonElement>("#request")!.onclick = async () => {
  try {
    log(`request ${JSON.stringify(await hot.request("hot:add", { a: 1, b: 2 }))}`);
  } catch (error) {
    log(`request failed: ${(error as Error).message}`);
  }
};
hot.accept();
