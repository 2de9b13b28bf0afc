import "./style.css";
import logo from "./logo.svg";
import { counter } from "./counter";
import { panel } from "./panel";

const app = document.querySelector<HTMLElement>("#app")!;
app.innerHTML = `
  <img class="logo" src="${logo}" alt="" width="72" height="72">
  <h1>Hello, devserver</h1>
  <section id="counter"></section>
  <section id="panel"></section>
  <p class="hint">Edit <code>src/counter.ts</code> or <code>src/style.css</code> and watch this page. <a href="/about.html">About</a></p>
`;
counter(document.querySelector("#counter")!);
panel(document.querySelector("#panel")!);
