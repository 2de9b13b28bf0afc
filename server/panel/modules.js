// The modules of the project: a search, and around one module what imports it and what it imports.
import { ask } from "./api.js";
import { bytes, count, empty, h, pathName } from "./dom.js";
import { code } from "./code.js";
import { errorCard } from "./errors.js";
import { around } from "./graph.js";
import { choice, fileOf, listView, openButton, searchField } from "./listview.js";
import { alike, chain, pageLink } from "./updates.js";

let all = []; // of the server, in its order
let asking;
let again = false;
const filter = { text: "", of: "" };
let order = "id"; // or the number by which the largest come first

export const modules = listView({
  name: "modules",
  title: "Modules",
  letter: "m",
  kinds: ["modules"],
  unit: "module",
  all: () => all,
  hint: "Choose a module to see what imports it, what it imports, and how pages take its updates.",
  tools(view) {
    view.search = searchField("Search modules", (text) => {
      filter.text = text.toLowerCase();
      view.filtered();
    });
    const of = choice(
      "Which",
      [
        ["", "all"],
        ["project", "project"],
        ["package", "packages"],
        ["broken", "broken"],
      ],
      (value) => {
        filter.of = value;
        view.filtered();
      },
    );
    return [view.search, of];
  },
  heads(view) {
    const titles = { id: "module", importers: "used by", imports: "imports", size: "size" };
    const sort = (by) => {
      order = by;
      Object.keys(titles).forEach((name, i) => buttons[i].setAttribute("aria-pressed", String(name === by)));
      view.filtered();
    };
    const buttons = Object.entries(titles).map(([by, text]) =>
      h(
        "button",
        { type: "button", class: "quiet", "aria-pressed": String(by === order), onclick: () => sort(by) },
        text,
      ),
    );
    return h("div", { class: "heads", role: "group", "aria-label": "Order" }, ...buttons);
  },
  items() {
    const words = filter.text.split(/\s+/);
    const found = all.filter((m) => isOf(m) && words.every((word) => m.lower.includes(word)));
    return order === "id" ? found : found.sort((a, b) => b[order] - a[order]);
  },
  key: (m) => m.name,
  row: (m) =>
    h(
      "div",
      { class: `module${m.broken ? " bad" : ""}` },
      pathName(m.name),
      m.broken && h("span", { class: "mark error" }, "broken"),
      h("span", { class: "edges from" }, h("i", null, "imported by "), count(m.importers)),
      h("span", { class: "edges to" }, h("i", null, "imports "), count(m.imports)),
      h("span", { class: "size" }, bytes(m.size)),
    ),
  detail: (m, name) => detail(name, m?.id ?? name),
  none: () =>
    all.length > 0
      ? empty("search", "Nothing found", "No module has this in its name.")
      : empty(
          "modules",
          "No modules yet",
          "Modules show here once a page has loaded them: open your app in a browser.",
        ),
  file: (m) => (m.package ? undefined : m.name),
});

function isOf(m) {
  if (filter.of === "") return true;
  return filter.of === "broken" ? m.broken : Boolean(m.package) === (filter.of === "package");
}

modules.enter = load;
const update = modules.update;
modules.update = (came) => {
  const mayChange = ["edit", "report", "errors", "plugins", "page", "state"].some((kind) => came.has(kind));
  if (mayChange && modules.element?.hidden === false) load();
  update(came);
};

function load() {
  again = asking !== undefined;
  asking ??= ask("modules")
    .then((answer) => {
      const before = new Map(all.map((m) => [m.id, m]));
      const more = answer.total !== all.length;
      all = answer.modules.map((m) => same(before.get(m.id), { ...m, name: fileOf(m.id), lower: m.id.toLowerCase() }));
      update(new Set(["modules"]));
      modules.again();
      if (more) setTimeout(load, 500); // a page loads them just now
    })
    .catch(() => {}) // the head of the panel tells of a lost connection
    .finally(() => {
      asking = undefined;
      if (again) load();
    });
}

/** Keeps an item that has not changed, so that its row stays. */
const same = (a, b) => (a && ["size", "importers", "imports", "broken"].every((name) => a[name] === b[name]) ? a : b);

let shown = {}; // the module beside the list, and the server's answer as text

/** Asks for the module, and fills in what the server says. What is shown stays until that differs. */
function detail(name, id) {
  if (shown.name !== name) shown = { name, doc: h("div", { class: "doc" }, title(name, [])) };
  const { doc } = shown;
  const fill = (text, ...children) => {
    if (shown.doc !== doc || shown.text === text) return;
    shown.text = text;
    const open = doc.querySelector(".compiled")?.open;
    doc.replaceChildren(...children.filter(Boolean));
    if (open) doc.querySelector(".compiled").open = true;
  };
  ask("module", { module: id }).then(
    (module) => fill(JSON.stringify(module), ...content(module)),
    (error) => fill(error.message, title(name, []), h("p", { class: "bad" }, error.message)),
  );
  return doc;
}

const title = (id, facts) => h("header", null, h("h2", null, pathName(id)), h("p", { class: "facts dim" }, ...facts));

function content(m) {
  const facts = [bytes(m.size), `imported by ${count(m.importers.length)}`, `imports ${count(m.imports.length)}`];
  return [
    title(
      fileOf(m.id),
      facts.map((fact) => h("span", null, fact)),
    ),
    m.file && h("p", { class: "line" }, openButton(m.file)),
    m.error && errorCard(m.error),
    around(m),
    m.unresolved?.length > 0 && list("Imports that lead nowhere", m.unresolved),
    m.accepts?.length > 0 &&
      h(
        "section",
        null,
        h("h3", null, "An edit of it, in each page"),
        h("ul", { class: "reports" }, ...alike(m.accepts, (a) => ({ ...a, page: "" })).map(accepts)),
      ),
    m.reload && lastReload(m.reload),
    m.plugins?.length > 0 &&
      h(
        "section",
        null,
        h("h3", null, "Plugins that changed it"),
        h("ol", { class: "chips" }, ...m.plugins.map((name) => h("li", null, name))),
      ),
    m.inputs?.length > 0 && list("Made from", m.inputs),
    compiled(m),
  ];
}

const list = (heading, names) =>
  h(
    "section",
    null,
    h("h3", null, heading),
    h("ul", { class: "files" }, ...names.map((name) => h("li", null, pathName(name)))),
  );

function accepts(group) {
  const [a] = group;
  const how = takes(a);
  return h(
    "li",
    null,
    h(
      "p",
      { class: "line" },
      h("span", { class: `mark ${how.kind}` }, how.word),
      ...group.map((one) => pageLink(one.page)),
      how.text,
    ),
    a.exports?.length > 0 && h("p", { class: "dim" }, `accepts its exports ${a.exports.join(", ")}`),
    a.deps?.length > 0 && h("p", { class: "dim" }, `accepts its imports ${a.deps.join(", ")}`),
    a.reload && (a.chain?.length > 0 ? chain(a.chain.map(fileOf), a.reload) : h("p", null, a.reload)),
  );
}

function takes(a) {
  if (!a.runs) return { kind: "idle", word: "nothing", text: "does not run it" };
  if (a.reload) return { kind: "reload", word: "reload", text: "would reload" };
  if (a.self) return { kind: "hot", word: "hot", text: "the module takes it itself" };
  const by = a.boundaries ?? [];
  return { kind: "hot", word: "hot", text: by.length > 0 ? `taken by ${by.map(fileOf).join(", ")}` : "taken" };
}

function lastReload(r) {
  return h(
    "section",
    null,
    h("h3", null, "Why it reloaded a page last"),
    h("p", null, pageLink(r.page), " ", r.chain?.length > 0 ? "" : r.reason),
    r.chain?.length > 0 && chain(r.chain.map(fileOf), r.reason),
  );
}

/** The compiled code, which is asked for when it is opened. */
function compiled(m) {
  const details = h(
    "details",
    { class: "compiled" },
    h("summary", null, "Compiled code ", h("span", { class: "dim" }, bytes(m.size))),
  );
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    ask("module", { module: m.id, code: true }).then(
      (module) => details.append(code(module.code ?? "")),
      (error) => details.append(h("p", { class: "bad" }, error.message)),
    );
  });
  return details;
}
