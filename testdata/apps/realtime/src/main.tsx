import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "devserver/client";
import { App } from "./App";

// In development the page has a connection, which also carries the updates. In production the page has to connect.
if (!import.meta.hot) connect({ url: "/live" });

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
