import assert from "node:assert/strict";
import { test } from "node:test";
import { plan, type Decision, type RegistryView } from "./plan.ts";

interface Case {
  name: string;
  /** "main>a a>b": main imports a, a imports b. */
  graph: string;
  /** "a main:b": a accepts itself, main accepts its import b. */
  accept?: string;
  /** "b:x,y": b accepts updates of its exports x and y. */
  acceptExports?: string;
  /** "b:x,y": what b exports. */
  exports?: string;
  /** "a>b:x": a takes x from b; not listed = everything. */
  uses?: string;
  /** Modules that never ran here. */
  cold?: string;
  failed?: string;
  /** "main>lazy": main's import() of lazy failed. */
  refused?: string;
  fixed?: string;
  change?: string;
  deleted?: string;
  firstInvalidatedBy?: string;
  /** "a", "b via main", "a circular", or "reload: ..." or "nothing". */
  want: string;
  rerun?: string;
}

// One line a case.
// prettier-ignore
const cases: Case[] = [
  { name: "self-accepting", graph: "main>a", accept: "a", change: "a", want: "a", rerun: "a" },
  { name: "dead end reloads", graph: "main>a a>b", change: "b", want: "reload: no boundary for b: b → a → main" },
  { name: "an entry without accept reloads", graph: "main>a", change: "main", want: "reload: no boundary for main" },
  { name: "self-accepting entry", graph: "main>a", accept: "main", change: "main", want: "main" },
  { name: "importer takes it", graph: "main>a a>b", accept: "a", change: "b", want: "a", rerun: "b a" },
  { name: "accepted dependency", graph: "main>a", accept: "main:a", change: "a", want: "a via main", rerun: "a" },
  { name: "accepted dependency, deeper change", graph: "main>a a>b", accept: "main:a", change: "b", want: "a via main", rerun: "b a" },
  { name: "accepting another dependency does not help", graph: "main>a main>b", accept: "main:b", change: "a", want: "reload: no boundary for a: a → main" },
  { name: "one of two importers does not accept", graph: "main>a main>b a>c b>c", accept: "a", change: "c", want: "reload: no boundary for c: c → b → main" },
  { name: "both importers accept", graph: "main>a main>b a>c b>c", accept: "a b", change: "c", want: "a, b", rerun: "c a b" },
  { name: "two changes, one boundary", graph: "main>a a>b a>c", accept: "a", change: "b c", want: "a" },
  { name: "two dependencies of one owner", graph: "main>a main>b", accept: "main:a main:b", change: "a b", want: "a via main, b via main" },
  { name: "one dead end decides for all", graph: "main>a main>b", accept: "a", change: "a b", want: "reload: no boundary for b: b → main" },
  { name: "stops at the first boundary", graph: "main>a a>b b>c", accept: "a b", change: "c", want: "b", rerun: "c b" },
  { name: "a module that never ran is ignored", graph: "main>a main>b", cold: "b", change: "b", want: "nothing" },
  { name: "an unknown module is ignored", graph: "main>a", change: "x", want: "nothing" },
  { name: "a cold importer has no say", graph: "main>a lazy>a", cold: "lazy", accept: "main:a", change: "a", want: "a via main" },
  { name: "cycle without boundary is a dead end", graph: "main>a a>b b>a", change: "b", want: "reload: no boundary for b: b → a → main" },
  { name: "cycle below a boundary is harmless", graph: "main>x x>a a>b b>a", accept: "x", change: "b", want: "x" },
  { name: "boundary inside its cycle", graph: "main>a a>b b>c c>a", accept: "a", change: "c", want: "a circular" },
  { name: "a cycle that loops among importers only", graph: "main>p p>a a>q q>p a>c", accept: "a", change: "c", want: "a circular" },
  { name: "self-accepting module of a cycle", graph: "main>a a>b b>a", accept: "a", change: "a", want: "a circular" },
  { name: "a module that imports itself is not circular", graph: "main>a a>a", accept: "a", change: "a", want: "a" },
  { name: "a cycle off the way is not circular", graph: "main>a a>b a>p p>q q>p", accept: "a", change: "b", want: "a" },

  { name: "acceptExports covers what importers take", graph: "main>a", acceptExports: "a:x", exports: "a:x,y", uses: "main>a:x", change: "a", want: "a" },
  { name: "acceptExports leaves out what an importer takes", graph: "main>a", acceptExports: "a:x", exports: "a:x,y", uses: "main>a:x,y", change: "a", want: "reload: no boundary for a: a → main" },
  { name: "import * takes everything", graph: "main>a", acceptExports: "a:x", exports: "a:x,y", change: "a", want: "reload: no boundary for a: a → main" },
  { name: "all exports accepted counts as self-accepting", graph: "main>a", acceptExports: "a:x,y", exports: "a:x,y", change: "a", want: "a" },
  { name: "import for side effects takes nothing", graph: "main>a", acceptExports: "a:", exports: "a:x", uses: "main>a:", change: "a", want: "a" },
  { name: "acceptExports and an importer that takes the rest", graph: "main>p p>a", accept: "p", acceptExports: "a:x", exports: "a:x,y", uses: "p>a:y", change: "a", want: "a, p", rerun: "a p" },
  { name: "nobody takes exports of an entry", graph: "main>a", acceptExports: "main:x", exports: "main:x,y", change: "main", want: "main", rerun: "main" },
  { name: "an entry that accepts exports takes what lies below", graph: "main>a", acceptExports: "main:", exports: "main:y", change: "a", want: "main", rerun: "a main" },
  { name: "an entry that another module imports is no exception", graph: "main>a other>main", acceptExports: "main:x", exports: "main:x,y", uses: "other>main:y", change: "main", want: "reload: no boundary for main: main → other" },
  { name: "an entry that failed reloads", graph: "main>a", acceptExports: "main:x", exports: "main:x,y", failed: "main", change: "a", want: "reload: main failed when it ran" },
  { name: "no exports and acceptExports of none", graph: "main>a", acceptExports: "a:", exports: "a:", change: "a", want: "a" },

  { name: "what failed cannot take its own update", graph: "main>a", accept: "a", failed: "a main", change: "a", want: "reload: a failed when it ran" },
  { name: "a failed import that its importer survived", graph: "main>lazy", accept: "main:lazy", failed: "lazy", change: "lazy", want: "lazy via main" },

  { name: "deleted and still imported: the page keeps running", graph: "main>a a>b", deleted: "b", want: "nothing" },
  { name: "deleted, and its importer changed", graph: "main>a a>b", accept: "a", change: "a", deleted: "b", want: "a" },
  { name: "a deleted entry reloads", graph: "main>a", deleted: "main", want: "reload: main was deleted" },
  { name: "deleted and never ran", graph: "main>a", cold: "a", deleted: "a", want: "nothing" },

  { name: "the fix of a failed import() is an update of its importer", graph: "main>a", accept: "a", refused: "a>lazy", fixed: "lazy", want: "a", rerun: "a" },
  { name: "the fix goes up to a boundary", graph: "main>a a>routes", accept: "a", refused: "routes>lazy", fixed: "lazy", want: "a", rerun: "routes a" },
  { name: "an importer that accepts the module takes its fix", graph: "main>a", accept: "main:lazy", refused: "main>lazy", fixed: "lazy", want: "lazy via main", rerun: "" },
  { name: "the fix has no boundary", graph: "main>a", refused: "a>lazy", fixed: "lazy", want: "reload: lazy is fixed, and its import() had failed" },
  { name: "two importers tried, one has no boundary", graph: "main>a main>b", accept: "a", refused: "a>lazy b>lazy", fixed: "lazy", want: "reload: lazy is fixed, and its import() had failed" },
  { name: "several fixes at once", graph: "main>a main>b", accept: "a b", refused: "a>x b>y a>y", fixed: "x y", want: "a, b", rerun: "a b" },
  { name: "a fix and a change below the same boundary", graph: "main>a a>b", accept: "a", refused: "a>lazy", change: "b lazy", fixed: "lazy", want: "a", rerun: "b a" },
  { name: "nobody holds the failed import()", graph: "main>a", fixed: "lazy", want: "nothing" },
  { name: "a failed import() of a module that did not become fixed", graph: "main>a", refused: "a>lazy", change: "lazy", want: "nothing" },

  { name: "invalidate asks the importers", graph: "main>p p>a", accept: "p a", change: "p", firstInvalidatedBy: "a", want: "p (by a)" },
  { name: "invalidate without a taker", graph: "main>p p>a", accept: "a", change: "p", firstInvalidatedBy: "a", want: "reload: no importer accepts a: a → p → main" },
  { name: "invalidate in a cycle ends", graph: "main>a a>b b>a", accept: "a", change: "b", firstInvalidatedBy: "a", want: "reload: a imports itself through b → a" },
];

for (const c of cases) {
  test(`plan: ${c.name}`, () => {
    const decision = plan(view(c), {
      changed: words(c.change),
      deleted: words(c.deleted),
      fixed: words(c.fixed),
      ...(c.firstInvalidatedBy ? { firstInvalidatedBy: c.firstInvalidatedBy } : {}),
    });
    assert.equal(show(decision), c.want);
    if (c.rerun !== undefined) assert.deepEqual(decision.kind === "update" && decision.rerun, words(c.rerun));
  });
}

test("plan: asks about nothing but the way up", () => {
  const asked = new Set<string>();
  const c = {
    graph: Array.from({ length: 1000 }, (_, i) => `main>m${i}`).join(" ") + " m1>x",
    accept: "m1",
    name: "",
    want: "",
  };
  const v = view(c);
  plan({ ...v, ran: (id) => (asked.add(id), v.ran(id)) }, { changed: ["x"] });
  assert.deepEqual([...asked], ["x", "m1"]);
});

test("a reload for want of a boundary has its chain", () => {
  const dead = { graph: "main>a a>b other>b", accept: "other", change: "b" } as Case;
  assert.deepEqual(plan(view(dead), { changed: ["b"] }), {
    kind: "reload",
    reason: "no boundary for b: b → a → main",
    chain: ["b", "a", "main"],
  });
});

function words(text = ""): string[] {
  return text.split(" ").filter(Boolean);
}

/** "a:x,y b:" -> {a: [x, y], b: []} */
function lists(text = ""): Map<string, string[]> {
  return new Map(
    words(text).map((w) => {
      const [key, names] = w.split(":") as [string, string];
      return [key, names.split(",").filter(Boolean)];
    }),
  );
}

function view(c: Case): RegistryView {
  const importers = new Map<string, Set<string>>();
  const all = new Set<string>();
  const cold = new Set(words(c.cold));
  for (const edge of words(c.graph)) {
    const [from, to] = edge.split(">") as [string, string];
    all.add(from).add(to);
    if (cold.has(from)) continue;
    if (!importers.has(to)) importers.set(to, new Set());
    importers.get(to)!.add(from);
  }
  const accept = new Set(words(c.accept));
  const names = lists(c.acceptExports);
  const exports = lists(c.exports);
  const uses = lists(c.uses);
  const failed = new Set(words(c.failed));
  return {
    ran: (id) => all.has(id) && !cold.has(id),
    failed: (id) => failed.has(id),
    importers: (id) => importers.get(id) ?? [],
    selfAccepting: (id) => accept.has(id),
    acceptedExports: (id) => (names.has(id) ? new Set(names.get(id)) : undefined),
    exports: (id) => exports.get(id) ?? [],
    acceptsDep: (importer, dep) => accept.has(`${importer}:${dep}`),
    uses: (importer, dep) => uses.get(`${importer}>${dep}`),
    refusedTo: (id) =>
      words(c.refused)
        .map((edge) => edge.split(">") as [string, string])
        .filter(([, to]) => to === id)
        .map(([from]) => from),
  };
}

function show(d: Decision): string {
  if (d.kind === "nothing") return "nothing";
  if (d.kind === "reload") return `reload: ${d.reason}`;
  return d.boundaries
    .map(
      (b) =>
        (b.path === b.acceptedPath ? b.path : `${b.acceptedPath} via ${b.path}`) +
        (b.circular ? " circular" : "") +
        (b.firstInvalidatedBy ? ` (by ${b.firstInvalidatedBy})` : ""),
    )
    .join(", ");
}
