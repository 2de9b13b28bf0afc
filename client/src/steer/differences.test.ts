import assert from "node:assert/strict";
import test from "node:test";
import { differences, inOrder } from "./differences.ts";
import { fit } from "./fit.ts";
import { Refs } from "./refs.ts";
import type { Item } from "./tree.ts";

const refs = new Refs();

/** Makes items of an indented text. The number in front of each line is its key. */
function tree(text: string): Item[] {
  const items: Item[] = [];
  const open: { depth: number; items: Item[] }[] = [{ depth: -1, items }];
  for (const line of text.split("\n").filter((l) => l.trim())) {
    const [, spaces, key, told] = /^( *)(\d+) (.*)$/.exec(line)!;
    while (open.at(-1)!.depth >= spaces!.length) open.pop();
    const item: Item = { key: Number(key), role: told!.split(" ")[0]!, line: told!, items: [] };
    open.at(-1)!.items.push(item);
    open.push({ depth: spaces!.length, items: item.items });
  }
  return items;
}

const page = `
1 main
  2 list
    3 listitem "A"
    4 listitem "B"
    5 listitem "C"
  6 button "Buy"
`;

const cases: Record<string, [after: string, want: string]> = {
  "nothing changed": [page, ""],
  "a line changed": [page.replace('"Buy"', '"Buy" [disabled]'), '  main\n~   button "Buy" [disabled]'],
  "a line is new": [
    page.replace("  6", "    7 listitem\n      8 link\n  6"),
    "  main\n    list\n+     listitem\n+       link",
  ],
  "a line is gone": [page.replace('    4 listitem "B"\n', ""), '  main\n    list\n-     listitem "B"'],
  "a whole part is gone": [`1 main\n  6 button "Buy"`, "  main\n-   list (and 3 below)"],
  "one line moved": [
    page.replace('    3 listitem "A"\n', "").replace("  6", '    3 listitem "A"\n  6'),
    '  main\n    list\n~     listitem "A" (moved)',
  ],
  "a line has another place": [
    page.replace('    4 listitem "B"\n', "").replace("  6", '  4 listitem "B"\n  6'),
    '  main\n~   listitem "B" (moved)',
  ],
  "something comes around lines": [
    `1 main\n  9 form\n    6 button "Buy"\n  2 list\n    3 listitem "A"\n    4 listitem "B"\n    5 listitem "C"`,
    '  main\n+   form\n~     button "Buy" (moved)',
  ],
  "two places": [
    page.replace('"A"', '"a"').replace('"Buy"', '"Sell"'),
    '  main\n    list\n~     listitem "a"\n~   button "Sell"',
  ],
};

for (const [name, [after, want]] of Object.entries(cases))
  test(`differences: ${name}`, () => {
    assert.deepEqual(differences(tree(page), tree(after), 8000, refs), { text: want, left: 0 });
  });

test("differences: the text has a bound, and says how many lines are left", () => {
  const many = (from: number): Item[] =>
    tree(Array.from({ length: 100 }, (_, i) => `${from + i} listitem "text ${i}"`).join("\n"));
  const { text, left } = differences(many(1), many(1000), 500, refs);
  assert.ok(text.length <= 500, `${text.length} bytes`);
  assert.equal(text.split("\n").length - 1 + left, 200);
  assert.match(text, /\n… more differences$/);
});

test("inOrder keeps as many as possible", () => {
  assert.deepEqual([...inOrder([1, 2, 3, 4, 5], [5, 1, 2, 9, 3, 4])], [4, 3, 2, 1]);
});

test("fit: everything is told when it fits", () => {
  assert.deepEqual(fit(tree(page), 8000, refs), { text: page.trim().replace(/\d /g, ""), left: 0 });
});

test("fit: the first and last of a long list stand for the others, and what follows is told", () => {
  const items = tree(
    `1 list\n${Array.from({ length: 5000 }, (_, i) => `  ${i + 10} listitem "Item ${i}"`).join("\n")}\n2 dialog\n  3 button "OK"`,
  );
  const { text, left } = fit(items, 1000, refs);
  assert.ok(text.length <= 1000, `${text.length} bytes`);
  const shown = text.match(/listitem "/g)!.length;
  assert.equal(left, 5000 - shown);
  assert.match(
    text,
    new RegExp(
      `\n  … ${(5000 - shown).toLocaleString("en")} more listitem\n(  listitem "Item 499[89]"\n){2}dialog\n  button "OK"$`,
    ),
  );
});

test("fit: bytes count, not characters", () => {
  const items = tree(Array.from({ length: 100 }, (_, i) => `${i + 1} listitem "ééééééééé €"`).join("\n"));
  const { text } = fit(items, 500, refs);
  assert.ok(Buffer.byteLength(text) <= 500, `${Buffer.byteLength(text)} bytes`);
  assert.ok(Buffer.byteLength(text) > 400, `${Buffer.byteLength(text)} bytes`);
});
