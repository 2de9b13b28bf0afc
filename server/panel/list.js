// A list of any length that has only the rows in view as elements. It is a listbox: one tab stop, arrows move in it.
import { h } from "./dom.js";

const beyond = 6; // rows that are ready above and below the view
let rowIDs = 0;

export class List {
  items = [];
  index = -1; // of the row that the keyboard is at
  #rows = new Map(); // key -> { el, item, version }
  #at = new Map(); // key -> index
  #height = 1;

  /**
   * key names an item, and row makes its element, which is made again when item.version changed. open is called for the
   * item that is chosen: by a click or Enter, or with moved true when the keyboard came to its row.
   */
  constructor({ label, key, row, open }) {
    this.key = key;
    this.row = row;
    this.open = open;
    this.space = h("div", { class: "space", role: "presentation" });
    this.element = h("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": label }, this.space);
    this.element.addEventListener("scroll", () => this.#draw(), { passive: true });
    this.element.addEventListener("click", (event) => this.#click(event));
    new ResizeObserver(() => this.#measure()).observe(this.element);
  }

  /** Shows other items. What is in view stays in view when items come before it. */
  set(items) {
    const top = this.element.scrollTop;
    const first = top > 0 ? Math.floor(top / this.#height) : -1;
    const seen = this.items[first] && this.key(this.items[first]);
    const current = this.items[this.index] && this.key(this.items[this.index]);
    this.items = items;
    this.#at.clear();
    items.forEach((item, i) => this.#at.set(this.key(item), i));
    this.index = this.#at.get(current) ?? -1;
    this.space.style.height = `${items.length * this.#height}px`;
    const moved = this.#at.get(seen);
    if (moved !== undefined && moved !== first) this.element.scrollTop = top + (moved - first) * this.#height;
    this.#draw();
  }

  /** Marks the item with the key as chosen. reveal scrolls to it. */
  choose(key, reveal) {
    this.chosen = key;
    const at = this.#at.get(key);
    if (at !== undefined) this.index = at;
    if (at !== undefined && reveal) this.#reveal();
    this.#draw();
  }

  /** Moves by rows; ±Infinity moves to an end. */
  move(by) {
    if (this.items.length === 0) return;
    const from = this.index < 0 ? (by > 0 ? -1 : 0) : this.index;
    this.index = Math.max(0, Math.min(this.items.length - 1, from + by));
    this.#reveal();
    this.#draw();
    this.open(this.items[this.index], true);
  }

  page() {
    return Math.max(1, Math.floor(this.element.clientHeight / this.#height) - 1);
  }

  enter() {
    if (this.items[this.index]) this.open(this.items[this.index], false);
  }

  #click(event) {
    const row = event.target.closest("[role=option]");
    if (!row || event.target.closest("a, button")) return;
    this.index = Number(row.dataset.index);
    this.#draw();
    this.enter();
  }

  /** The height of rows is the style's: rows are higher where the window is narrow. */
  #measure() {
    const height = parseFloat(getComputedStyle(this.element).getPropertyValue("--row"));
    if (height && height !== this.#height) {
      const first = this.element.scrollTop / this.#height;
      this.#height = height;
      this.space.style.height = `${this.items.length * height}px`;
      this.element.scrollTop = first * height;
      this.#clear();
    }
    this.#draw();
  }

  #reveal() {
    const top = this.index * this.#height;
    const view = this.element;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + this.#height > view.scrollTop + view.clientHeight)
      view.scrollTop = top + this.#height - view.clientHeight;
  }

  #clear() {
    for (const { el } of this.#rows.values()) el.remove();
    this.#rows.clear();
  }

  #draw() {
    const view = this.element.clientHeight;
    if (view === 0) return; // not shown
    const top = this.element.scrollTop;
    const from = Math.max(0, Math.floor(top / this.#height) - beyond);
    const to = Math.min(this.items.length, Math.ceil((top + view) / this.#height) + beyond);
    const keep = new Set();
    for (let i = from; i < to; i++) keep.add(this.key(this.items[i]));
    for (const [key, { el }] of this.#rows)
      if (!keep.has(key)) {
        el.remove();
        this.#rows.delete(key);
      }
    for (let i = from; i < to; i++) this.#place(i);
    const row = this.#rows.get(this.items[this.index] && this.key(this.items[this.index]));
    if (row) this.element.setAttribute("aria-activedescendant", row.el.id);
    else this.element.removeAttribute("aria-activedescendant");
  }

  #place(i) {
    const item = this.items[i];
    const key = this.key(item);
    let row = this.#rows.get(key);
    if (!row || row.item !== item || row.version !== item.version) {
      const el = this.row(item);
      el.setAttribute("role", "option");
      el.classList.add("row");
      el.id = `row${++rowIDs}`;
      if (row) row.el.replaceWith(el);
      else this.space.append(el);
      row = { el, item, version: item.version };
      this.#rows.set(key, row);
    }
    const { el } = row;
    if (el.dataset.index !== String(i)) {
      el.dataset.index = i;
      el.style.transform = `translateY(${i * this.#height}px)`;
      el.setAttribute("aria-posinset", i + 1);
    }
    if (row.size !== this.items.length) el.setAttribute("aria-setsize", (row.size = this.items.length));
    el.setAttribute("aria-selected", key === this.chosen);
    el.classList.toggle("at", i === this.index);
  }
}
