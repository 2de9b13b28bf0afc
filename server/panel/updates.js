// The history of edits: what each changed, how long each stage took, and what each page did with it.
import { ask } from "./api.js";
import { ago, count, empty, h, millis, pathName } from "./dom.js";
import { errorCard } from "./errors.js";
import { choice, listView, fileOf, openButton, searchField } from "./listview.js";
import { live } from "./live.js";
import { href } from "./router.js";

let search = "";
let wanted = ""; // the kind of outcome, "" for all

/** Returns what became of an edit: kind for its colour, and a text. */
export function outcome({ edit, reports }) {
  const did = (kind) => reports.filter((r) => r.kind === kind).length;
  const pages = (n) => (n === 1 ? "1 page" : `${n} pages`);
  if (edit.broken?.length) return { kind: "error", word: "error", text: "does not compile" };
  if (did("failed")) return { kind: "error", word: "failed", text: `failed in ${pages(did("failed"))}` };
  if (did("reloaded")) return { kind: "reload", word: "reload", text: `${pages(did("reloaded"))} reloaded` };
  if (edit.why === "restart") return { kind: "restart", word: "restart", text: "the server was restarted" };
  if (edit.why === "plugins") return { kind: "restart", word: "plugins", text: "plugins were built again" };
  if (edit.why === "same") return { kind: "idle", word: "same", text: "compiles to the same code" };
  if (edit.why === "unused") return { kind: "idle", word: "unused", text: "no module imports it" };
  if (edit.why === "reload") return { kind: "reload", word: "reload", text: "pages were reloaded" };
  if (did("updated")) return { kind: "hot", word: "hot", text: `${pages(did("updated"))} updated` };
  if (reports.length > 0) return { kind: "idle", word: "nothing", text: "no open page runs it" };
  if (edit.seq) return { kind: "idle", word: "sent", text: "no page has taken it" };
  return { kind: "idle", word: "nothing", text: "no module changed" };
}

export const updates = listView({
  name: "updates",
  title: "Updates",
  letter: "u",
  kinds: ["edit", "report", "reload", "plugins", "note", "act", "errors", "status"],
  unit: "record",
  all: () => live.timeline,
  gone: "This record is not kept any more, or the search leaves it out.",
  hint: "Choose an edit to see what it changed and what each page did with it.",
  tools(view) {
    view.search = searchField("Search files and modules", (text) => {
      search = text.toLowerCase();
      view.filtered();
    });
    const what = choice(
      "What",
      [
        ["", "all"],
        ["reload", "reloads"],
        ["error", "errors"],
      ],
      (kind) => {
        wanted = kind;
        view.filtered();
      },
    );
    return [view.search, what];
  },
  items() {
    const fits = (entry) =>
      (wanted === "" || kindOf(entry) === wanted) && (search === "" || textOf(entry).includes(search));
    const list = live.timeline.filter(fits).reverse();
    updates.list.element.style.setProperty("--longest", longest(list));
    return list;
  },
  key: (entry) => entry.cursor,
  row: (entry) => (entry.edit ? editRow(entry) : noteRow(entry)),
  detail: (entry) => (entry.edit ? editDetail(entry) : noteDetail(entry)),
  none: () =>
    live.timeline.length > 0
      ? empty("search", "Nothing found", "No edit fits. Change the search or the choice to see more.")
      : empty(
          "updates",
          "No edits yet",
          "Save a file of the project. Its edit shows here with its modules, the time of each stage, and what each page did.",
        ),
  file: (entry) => entry.edit && toChange(entry),
});

const kindOf = (entry) => (entry.edit ? outcome(entry) : noteText(entry)).kind;

function textOf(entry) {
  const { edit, reload, plugins, note, act } = entry;
  if (edit) return [...edit.files.map((f) => f.path), ...(edit.modules ?? [])].join("\n").toLowerCase();
  return (reload?.reason ?? plugins?.names?.join() ?? note?.text ?? act?.text ?? "").toLowerCase();
}

function editRow(entry) {
  const { edit } = entry;
  const { kind, word, text } = outcome(entry);
  const more = edit.files.length - 1 + (edit.more ?? 0);
  return h(
    "div",
    { class: "edit" },
    h("span", { class: `mark ${kind}` }, word),
    h("span", { class: "what" }, nameOf(edit), more > 0 && h("span", { class: "more" }, `+${count(more)}`)),
    h("span", { class: "did" }, text),
    stageBar(edit, entry.reports),
    h("span", { class: "took" }, millis(edit.took)),
    ago(entry.time),
  );
}

const nameOf = (edit) => pathName(edit.files[0]?.path ?? edit.modules?.[0] ?? "edit");

function noteRow(entry) {
  const { word, kind, text } = noteText(entry);
  return h(
    "div",
    { class: "edit note" },
    h("span", { class: `mark ${kind}` }, word),
    h("span", { class: "what", title: text }, text),
    ago(entry.time),
  );
}

function noteText({ kind, reload, plugins, note, act }) {
  if (kind === "reload") {
    return { word: "reload", kind: "reload", text: `Pages were reloaded: ${reload.reason}` };
  }
  if (kind === "plugins") {
    const names = plugins.names?.join(", ") || "none";
    if (plugins.error) return { word: "plugins", kind: "error", text: `Plugins do not run: ${plugins.error}` };
    return { word: "plugins", kind: "restart", text: `Plugins run: ${names}` };
  }
  if (kind === "act") return { word: "tool", kind: "idle", text: `${act.page}: ${act.text}` };
  return { word: "note", kind: "idle", text: note.text };
}

function noteDetail(entry) {
  const { word, kind, text } = noteText(entry);
  return h("div", { class: "doc" }, head(kind, word, word, entry), h("pre", { class: "text" }, text));
}

function head(kind, word, title, entry) {
  return h(
    "header",
    null,
    h("p", { class: "over" }, h("span", { class: `mark ${kind}` }, word), ago(entry.time)),
    h("h2", null, title),
  );
}

const stageNames = {
  compile: "compile",
  rest: "wait for the rest of the edit",
  crawl: "find new imports",
  plugins: "plugins",
  send: "send",
};

/** The stages of the server, then the slowest page. The bar is full at --longest milliseconds. */
function stageBar(edit, reports) {
  const bar = h("span", { class: "bar-of-stages", "aria-hidden": "true" });
  for (const { name, took } of [...(edit.stages ?? []), { name: "page", took: slowest(reports)?.took }]) {
    if (!took) continue;
    const part = h("span", { class: `stage stage-${name}` });
    part.style.setProperty("--took", took);
    bar.append(part);
  }
  return bar;
}

/** Returns the report of the page that took longest, undefined without a time. */
const slowest = (reports) => reports.reduce((a, b) => ((b.took || 0) > (a?.took || 0) ? b : a), undefined);

/** Returns where bars are full: at three times the usual edit, so that usual edits can be told apart. */
function longest(list) {
  const times = list
    .slice(0, 200)
    .flatMap(({ edit, reports }) => (edit ? edit.took + (slowest(reports)?.took ?? 0) : []));
  return 3 * times.sort((a, b) => a - b)[times.length >> 1] || 1;
}

function editDetail(entry) {
  const { edit, reports } = entry;
  const { kind, word, text } = outcome(entry);
  const title = h("h2", null, nameOf(edit));
  return h(
    "div",
    { class: "doc" },
    h(
      "header",
      null,
      h("p", { class: "over" }, h("span", { class: `mark ${kind}` }, word), text, ago(entry.time)),
      title,
      edit.seq > 0 && h("p", { class: "dim" }, `Update ${edit.seq}`),
    ),
    advice(entry),
    brokenErrors(edit),
    section("Pages", pageReports(reports)),
    section("Files", files(edit)),
    section("Time", stages(edit, reports)),
    moduleList("Modules", edit.modules),
    moduleList("New modules", edit.added),
    moduleList("Modules that are gone", edit.deleted),
    moduleList("Stylesheets", edit.styles),
    moduleList("Other files", edit.assets),
    edit.more > 0 && h("p", { class: "dim" }, `${count(edit.more)} more names are left out.`),
  );
}

const section = (title, ...content) => content.some(Boolean) && h("section", null, h("h3", null, title), ...content);

/** The place to change: where a broken module is wrong, else the module that could accept the edit, else the file. */
function toChange({ edit, reports }) {
  const error = live.errors.find((e) => edit.broken?.includes(e.module));
  if (error?.loc) return `${error.loc.file || error.file}:${error.loc.line}:${error.loc.column}`;
  const chain = reports.find((r) => r.chain?.length)?.chain.map(fileOf);
  if (!chain) return edit.files[0]?.path;
  return chain.length > 1 ? importPlace(chain[1], chain[0]) : chain[0];
}

/** Says how the next edit of this kind could spare the page its reload. */
function advice({ reports }) {
  const chain = reports.find((r) => r.kind === "reloaded" && r.chain?.length)?.chain.map(fileOf);
  if (!chain) return undefined;
  const [changed, importer] = chain;
  const at = importer ?? changed;
  const code = importer
    ? `import.meta.hot?.accept(${JSON.stringify(relative(importer, changed))}, (module) => { … })`
    : "import.meta.hot?.accept((module) => { … })";
  const open = h("p", { class: "line" }, openButton(at));
  if (importer) void importPlace(importer, changed).then((place) => open.replaceChildren(openButton(place)));
  return h(
    "aside",
    { class: "advice" },
    h("h3", null, "To keep the page next time"),
    h("p", null, "Accept the change in ", h("b", null, at), ", which ", importer ? "imports it:" : "changed:"),
    h("pre", { class: "code" }, code),
    h("p", { class: "dim" }, "A module that exports only components is accepted by React or Vue itself."),
    open,
  );
}

/** Returns the place where a module imports another; without a line when the server does not know the line. */
async function importPlace(importer, imported) {
  try {
    const { imports, lines } = await ask("module", { module: importer });
    const line = lines?.[imports.find((id) => fileOf(id) === imported)];
    return line ? `${importer}:${line}` : importer;
  } catch {
    return importer; // the module is gone, or the connection: the file may still open
  }
}

/** Returns the specifier by which a module imports another. */
function relative(from, to) {
  const a = from.split("/").slice(0, -1);
  const b = to.split("/");
  while (a.length > 0 && b.length > 1 && a[0] === b[0]) {
    a.shift();
    b.shift();
  }
  return `${a.length > 0 ? "../".repeat(a.length) : "./"}${b.join("/").replace(/\.(tsx?|jsx)$/, "")}`;
}

function brokenErrors(edit) {
  if (!edit.broken?.length) return undefined;
  const known = live.errors.filter((e) => edit.broken.includes(e.module));
  if (known.length > 0) return section("Errors", ...known.map((e) => errorCard(fromInfo(e))));
  return h(
    "aside",
    { class: "advice wrong" },
    h("p", null, "Did not compile: ", h("b", null, edit.broken.join(", ")), ". The error was fixed since."),
  );
}

/** An error of the log in the form of the verb errors. */
function fromInfo(e) {
  const place = e.loc ? { file: e.loc.file ?? e.file, line: e.loc.line, column: e.loc.column } : { file: e.file };
  return {
    ...place,
    text: e.message,
    frame: e.frame,
    hint: e.hint,
    plugin: e.plugin,
    module: e.module,
    kind: "compile",
  };
}

const results = {
  updated: ["hot", "hot", "updated without a reload"],
  reloaded: ["reload", "reload", "reloaded"],
  failed: ["error", "failed", "failed: the page runs the code from before"],
  nothing: ["idle", "nothing", "does not run what changed"],
};

function pageReports(reports) {
  if (reports.length === 0) return h("p", { class: "dim" }, "No page has told what it did.");
  const groups = alike(reports, (r) => [r.kind, r.paths, r.reason]);
  return h("ul", { class: "reports" }, ...groups.map((group) => report(group)));
}

function report(group) {
  const [r] = group;
  const [kind, word, text] = results[r.kind] ?? ["idle", r.kind, r.kind];
  const url = group.length === 1 && live.status?.pages.find((p) => p.id === r.page)?.url;
  const took = Math.max(...group.map((one) => one.took || 0));
  return h(
    "li",
    null,
    h(
      "p",
      { class: "line" },
      h("span", { class: `mark ${kind}` }, word),
      ...group.map((one) => pageLink(one.page)),
      h("span", { class: "grow" }, url ? pathName(withoutOrigin(url)) : text),
      took > 0 && h("span", { class: "took" }, millis(took)),
    ),
    r.kind === "updated" && h("p", { class: "dim" }, "taken by ", ...between((r.paths ?? []).map(moduleLink))),
    r.reason && !r.chain?.length && h("p", { class: r.kind === "failed" ? "bad" : "" }, r.reason),
    r.chain?.length > 0 && chain(r.chain, r.reason),
  );
}

/** Groups what is said of pages, so that what many pages did shows once. */
export function alike(list, what) {
  return [...Map.groupBy(list, (one) => JSON.stringify(what(one))).values()];
}

export const pageLink = (id) => h("a", { href: href("pages", id), class: "id" }, id);

export const withoutOrigin = (url) => url.replace(/^[a-z]+:\/\/[^/]+/, "") || "/";

const between = (list) => list.flatMap((el, i) => (i === 0 ? [el] : [", ", el]));

const moduleLink = (id) => h("a", { href: href("modules", fileOf(id)), title: id }, fileOf(id));

/** The way from the changed module up to the module where nothing accepted it. */
export function chain(modules, reason) {
  return h(
    "ol",
    { class: "chain", "aria-label": "From the changed module to the reload" },
    ...modules.map((id, i) =>
      h(
        "li",
        null,
        h("span", { class: "step" }, i === 0 ? "changed" : "imported by"),
        h("a", { href: href("modules", fileOf(id)) }, pathName(fileOf(id))),
        openButton(fileOf(id), "open"),
      ),
    ),
    h("li", { class: "end", title: reason }, h("span", { class: "step" }, "so"), "no module accepts it: reload"),
  );
}

const fileKinds = { create: "created", update: "changed", delete: "removed" };

function files(edit) {
  return h(
    "ul",
    { class: "files" },
    ...edit.files
      .slice(0, 50)
      .map(({ kind, path }) =>
        h(
          "li",
          null,
          h("span", { class: `step ${kind}` }, fileKinds[kind] ?? kind),
          pathName(path),
          kind !== "delete" && openButton(path, "open"),
        ),
      ),
    edit.files.length > 50 && h("li", { class: "dim" }, `and ${count(edit.files.length - 50)} more`),
  );
}

function stages(edit, reports) {
  if (!edit.stages?.length) return undefined;
  const page = slowest(reports);
  const rows = edit.stages.map(({ name, took }) => [name, stageNames[name] ?? name, took]);
  if (page?.took) rows.push(["page", `page ${page.page}`, page.took]);
  const sum = rows.reduce((n, [, , took]) => n + took, 0);
  const bar = stageBar(edit, reports);
  bar.style.setProperty("--longest", sum);
  return [
    bar,
    h(
      "dl",
      { class: "legend" },
      ...rows.flatMap(([name, text, took]) => [
        h("dt", null, h("i", { class: `stage-${name}` }), text),
        h("dd", null, millis(took)),
      ]),
      h("dt", { class: "sum" }, "from the edit to the page"),
      h("dd", { class: "sum" }, millis(sum)),
    ),
  ];
}

function moduleList(title, ids) {
  if (!ids?.length) return undefined;
  const shown = ids.slice(0, 100);
  return section(
    ids.length === 1 ? title : `${title} (${count(ids.length)})`,
    h(
      "ul",
      { class: "files" },
      ...shown.map((id) => h("li", null, h("a", { href: href("modules", fileOf(id)) }, pathName(fileOf(id))))),
    ),
    ids.length > shown.length && h("p", { class: "dim" }, `and ${count(ids.length - shown.length)} more`),
  );
}
