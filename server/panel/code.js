// Shows code with line numbers. Parts of it get their lines when they come into view, so that long code stays fluid.
import { h } from "./dom.js";

const part = 100; // lines
const lineHeight = 18; // pixels, as in the style

const token =
  /(\/\/.*$)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)|\b(import|export|from|const|let|var|function|return|if|else|for|while|class|extends|new|await|async|default|throw|try|catch|finally|typeof|of|in|this|null|true|false|undefined)\b|\b(\d[\d_.]*)\b/g;
const classes = ["comment", "string", "word", "number"];

export function code(text) {
  const lines = text.split("\n");
  const fill = (pre) => {
    if (pre.childElementCount === 0) pre.append(...lines.slice(pre.from, pre.from + part).map(line));
  };
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) fill(target);
  });
  const box = h("div", { class: "code numbered", tabindex: "0", "aria-label": "Compiled code" });
  for (let from = 0; from < lines.length; from += part) {
    const pre = h("pre");
    pre.from = from;
    pre.style.minHeight = `${Math.min(part, lines.length - from) * lineHeight}px`;
    pre.style.counterReset = `line ${from}`;
    if (from === 0) fill(pre);
    else seen.observe(pre);
    box.append(pre);
  }
  return box;
}

function line(text) {
  const el = h("span", { class: "code-line" });
  let at = 0;
  if (text.length < 2000) {
    for (const match of text.matchAll(token)) {
      const kind = match.slice(1).findIndex((group) => group !== undefined);
      el.append(text.slice(at, match.index), h("span", { class: `code-${classes[kind]}` }, match[0]));
      at = match.index + match[0].length;
    }
  }
  el.append(`${text.slice(at)}\n`);
  return el;
}
