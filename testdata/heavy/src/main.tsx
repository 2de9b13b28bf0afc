import { createRoot } from "react-dom/client";
import { http, HttpResponse } from "msw";
import { setupWorker } from "msw/browser";
import { App } from "./App";

// Requests of the app are answered by msw, those for modules go to the server.
const worker = setupWorker(http.get("/api/greeting", () => HttpResponse.json({ text: "hello from msw" })));
await worker.start({ onUnhandledRequest: "bypass", quiet: true });
createRoot(document.getElementById("root")!).render(<App />);
