import { defineConfig, type Plugin } from "vite";

// The page's events arrive at server.ws, as in Vite. What is printed here shows in devserver's terminal.
function customDevEvents(): Plugin {
  return {
    name: "custom-dev-events",
    configureServer(server) {
      server.ws.on("my-custom-event", (data: { message: string }, client) => {
        console.log("Received custom event:", data.message);
        client.send("custom-response", { success: true }); // this page only
      });
      server.ws.on("hello:broadcast", (data: { text: string }) => {
        server.ws.send("hello:all", { text: data.text, pages: server.ws.clients.size }); // all pages
      });
    },
  };
}

export default defineConfig({ plugins: [customDevEvents()] });
