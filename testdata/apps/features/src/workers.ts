import { show } from "./show";
import Named from "./worker.ts?worker";
import Inline from "./worker.ts?worker&inline";
import Shared from "./shared.ts?sharedworker";

function ask(name: string, port: Worker | MessagePort): void {
  port.onmessage = ({ data }) => show(name, data);
  port.postMessage(20);
}

ask("worker", new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }));
ask("?worker", new Named());
ask("?worker&inline", new Inline());
ask("?sharedworker", new Shared().port);
