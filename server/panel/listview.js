// A view with a list and, beside it, what is chosen in it. On a narrow window what is chosen covers the list.
import { ask } from "./api.js";
import { count, h, icon, plural, setOptions, toast } from "./dom.js";
import { List } from "./list.js";
import { live } from "./live.js";
import { go, href } from "./router.js";

/**
 * Makes a view. It has:
 *
 * - name, title, letter (after g) and kinds: the records that change it;
 * - tools(view): the fields above the list, with view.search set when there is a search field;
 * - heads(view): what is above the columns of the list, if anything;
 * - items(): what the list shows; key(item), row(item), label and rowClass of its rows;
 * - detail(item, key): the element beside the list. Without gone, the item may be undefined;
 * - all(): everything that the filter chooses from, which has a length, and unit: the word for each;
 * - gone: the text for an item that the list does not have;
 * - none(): what shows without a list, hint: what shows beside a list without a choice;
 * - file(item): the place that the key o opens, or a promise of it.
 */
export function listView(view) {
  let list, side, blank, foot;
  let chosen = "";
  let dirty = true;
  let shown; // the item beside the list, with its version

  const find = () => view.list.items.find((item) => String(view.key(item)) === chosen);

  function showSide(force) {
    const item = find();
    view.element.classList.toggle("chosen", chosen !== "");
    if (!force && shown && shown.item === item && shown.version === item?.version && shown.chosen === chosen) return;
    shown = { item, version: item?.version, chosen };
    const back = h("a", { class: "back", href: href(view.name) }, icon("back"), view.title);
    side.replaceChildren(back, sideContent(item));
  }

  function sideContent(item) {
    if (chosen === "") return h("p", { class: "hint" }, view.hint);
    if (item || !view.gone) return view.detail(item, chosen);
    return h("p", { class: "hint" }, live.state === "connecting" ? "Waiting for the server…" : view.gone);
  }

  function render() {
    dirty = false;
    const items = view.items();
    const all = view.all().length;
    list.set(items);
    foot.textContent =
      items.length === all ? plural(all, view.unit) : `${count(items.length)} of ${plural(all, view.unit)}`;
    if (live.lost && view.gone) foot.textContent += "; older ones may be gone";
    const none = items.length === 0;
    list.element.hidden = none;
    blank.hidden = !none;
    if (none) blank.replaceChildren(view.none());
    const before = list.chosen;
    const now = find() && view.key(find());
    list.choose(now, before === undefined); // what an address names may come late
  }

  Object.assign(view, {
    create() {
      list = view.list = new List({
        label: view.title,
        key: view.key,
        row: view.row,
        open(item, moved) {
          if (moved && narrow.matches) return; // the list would be covered at the first step
          go(view.name, view.key(item), moved || chosen !== "");
        },
      });
      list.element.classList.add(`list-${view.name}`);
      blank = h("div", { class: "blank" });
      foot = h("p", { class: "foot", role: "status" });
      side = h("article", { class: "side", "aria-label": `${view.title}: what is chosen` });
      const bar = h("div", { class: "bar" }, ...view.tools(view));
      return h(
        "section",
        { class: `view view-${view.name}`, "aria-label": view.title },
        h("div", { class: "master" }, bar, view.heads?.(view), list.element, blank, foot),
        side,
      );
    },
    show(item) {
      const moved = chosen !== item;
      chosen = item;
      if (dirty) render();
      if (moved) side.scrollTop = 0;
      list.choose(find() && view.key(find()), true);
      showSide(moved);
    },
    update(came) {
      if (!view.kinds.some((kind) => came.has(kind))) return;
      dirty = true;
      if (view.element.hidden) return;
      render();
      showSide(false);
    },
    /** Shows the list again, where it is. */
    render,
    /** Shows the list from its top, after a change of its filter or its order. */
    filtered() {
      list.element.scrollTop = 0;
      render();
    },
    again: () => showSide(true),
    back() {
      if (chosen !== "") go(view.name);
    },
    keys: {
      ...view.keys,
      o() {
        const place = find() && view.file?.(find());
        if (place) void Promise.resolve(place).then(openPlace);
        return Boolean(place);
      },
    },
  });
  return view;
}

export const narrow = matchMedia("(max-width: 760px)");

/** A search field that calls changed with its text. */
export function searchField(placeholder, changed) {
  return h("input", {
    type: "search",
    placeholder,
    "aria-label": placeholder,
    autocomplete: "off",
    spellcheck: "false",
    oninput: (event) => changed(event.target.value.trim()),
  });
}

/** A choice of one page. offer lists the pages that there are; what was chosen stays chosen. */
export function pageChoice(changed) {
  const select = h("select", { class: "short", "aria-label": "Page", onchange: () => changed(select.value) });
  const offer = (ids) => {
    const list = [...new Set([...ids, select.value])].filter(Boolean);
    setOptions(select, [["", "all pages"], ...list.map((id) => [id, id])]);
  };
  return { select, offer };
}

/** A row of choices of which one holds. */
export function choice(label, options, changed) {
  const buttons = options.map(([value, text]) =>
    h("button", { type: "button", "aria-pressed": String(value === options[0][0]), onclick: () => pick(value) }, text),
  );
  function pick(value) {
    options.forEach(([v], i) => buttons[i].setAttribute("aria-pressed", v === value));
    changed(value);
  }
  return h("div", { class: "choice", role: "group", "aria-label": label }, ...buttons);
}

/** Opens a place such as "src/App.tsx:12:3" in the developer's editor. */
export async function openPlace(place) {
  try {
    await ask("open", { place });
    toast(`Opened ${place}`);
  } catch (error) {
    toast(error.message, true);
  }
}

/** A button that opens a place. */
export function openButton(place, text = place) {
  return h(
    "button",
    { type: "button", class: "open", title: `Open ${place} in the editor`, onclick: () => void openPlace(place) },
    icon("open"),
    h("span", null, text),
  );
}

/** The name of a module as files have it: IDs in pages begin with a slash. */
export const fileOf = (id) => id.replace(/^\/(?!@fs\/)/, "");
