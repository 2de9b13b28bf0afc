// Draws what is around a module: importers at the left, imports at the right, and lines between them.
import { count, h, pathName } from "./dom.js";
import { fileOf } from "./listview.js";
import { href } from "./router.js";

const most = 9; // neighbours that show at first
const step = 30; // pixels from one to the next, as in the style
const gap = 36; // pixels that the lines cross

export function around(module) {
  const draw = (shown) => {
    const left = side("before", "Imported by", module.importers, shown.left, () =>
      redraw({ ...shown, left: Infinity }),
    );
    const right = side("after", "Imports", module.imports, shown.right, () => redraw({ ...shown, right: Infinity }));
    const height = Math.max(left.rows, right.rows, 1) * step;
    return [
      left.title,
      left.element,
      lines(left.none ? 0 : left.rows, height, false),
      h("div", { class: "self" }, pathName(fileOf(module.id))),
      lines(right.none ? 0 : right.rows, height, true),
      right.title,
      right.element,
    ];
  };
  const graph = h("section", { class: "around", "aria-label": "Importers and imports" });
  const redraw = (shown) => graph.replaceChildren(...draw(shown));
  redraw({ left: most, right: most });
  return graph;
}

function side(where, title, ids, shown, all) {
  const names = ids.slice(0, shown);
  const left = ids.length - names.length;
  const items = names.map((id) => h("li", null, h("a", { href: href("modules", fileOf(id)) }, pathName(fileOf(id)))));
  if (left > 0)
    items.push(h("li", null, h("button", { type: "button", class: "quiet", onclick: all }, `${count(left)} more`)));
  if (items.length === 0) items.push(h("li", { class: "dim" }, "nothing"));
  return {
    title: h("h3", { class: where }, title, " ", h("span", { class: "dim" }, count(ids.length))),
    element: h("ul", { class: `neighbours ${where}` }, ...items),
    rows: items.length,
    none: ids.length === 0,
  };
}

/** Curves from each row of a side to the middle. */
function lines(rows, height, right) {
  const svg = svgElement("svg", {
    class: "lines",
    viewBox: `0 0 ${gap} ${height}`,
    width: gap,
    height,
    "aria-hidden": true,
  });
  const middle = height / 2;
  const top = (height - rows * step) / 2;
  for (let i = 0; i < rows; i++) {
    const y = top + (i + 0.5) * step;
    const [from, to] = right ? [middle, y] : [y, middle];
    svg.append(svgElement("path", { d: `M0 ${from} C${gap / 2} ${from} ${gap / 2} ${to} ${gap} ${to}` }));
  }
  return svg;
}

function svgElement(tag, attributes) {
  const el = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  return el;
}
