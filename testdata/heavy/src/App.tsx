import { useState } from "react";
import { BrowserRouter, Link, Route, Routes } from "react-router";
import { Provider } from "react-redux";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Components } from "./Components";
import { Drawings } from "./Drawings";
import { States } from "./States";
import { Texts } from "./Texts";
import { store } from "./store";

const client = new QueryClient();

export function App() {
  const [n, setN] = useState(0);
  return (
    <Provider store={store}>
      <QueryClientProvider client={client}>
        <BrowserRouter>
          <button id="count" onClick={() => setN(n + 1)}>
            count {n}
          </button>
          <Link id="away" to="/away">
            away
          </Link>
          <Routes>
            <Route path="/away" element={<p id="route">away</p>} />
            <Route path="*" element={<p id="route">home</p>} />
          </Routes>
          <Components />
          <States />
          <Texts />
          <Drawings />
        </BrowserRouter>
      </QueryClientProvider>
    </Provider>
  );
}
