import "./style.css";
import logo from "./logo.svg";
import { name, version } from "./about.json";
import { counter } from "./counter";
import { panel } from "./panel";

const app = document.querySelector<HTMLElement>("#app")!;
app.innerHTML = `
  <header>
    <img src="${logo}" alt="" width="56" height="56">
    <h1>Hello, devserver</h1>
    <p>Change <code>src/counter.ts</code> or <code>src/style.css</code> and save: this page changes, and the count stays.</p>
  </header>
  <section id="counter" aria-label="Counter"></section>
  <section id="panel" aria-label="Events"></section>
  <footer>${name} ${version} · <a href="/about.html">About</a></footer>
`;
counter(app.querySelector("#counter")!);
panel(app.querySelector("#panel")!);

// This module can draw the page again at any time. So a change of the modules that it imports never reloads the page.
import.meta.hot?.accept();
