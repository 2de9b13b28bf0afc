import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorInfo } from "../socket/payload.ts";
import { Errors } from "./errors.ts";

function page(...needs: string[]) {
  const lines: string[] = [];
  const note = (...args: unknown[]): void => void lines.push(args.join(" "));
  const log = { debug: note, log: note, warn: note, error: note };
  const needed = new Set(needs);
  const errors = new Errors(log, false, () => (e) => e.module === undefined || needed.has(e.module));
  return { errors, needed, look: () => lines.splice(0) };
}

const broken = (module: string): ErrorInfo => ({ message: `${module} is broken`, module });

test("a page shows the first error that concerns it, and the next once that is fixed", () => {
  const { errors, look } = page("/b.js", "/c.js");
  assert.equal(errors.take([broken("/a.js"), broken("/b.js"), broken("/c.js")]), false);
  assert.deepEqual(look(), ["[devserver] /b.js is broken"]);
  assert.equal(errors.take([broken("/b.js"), broken("/c.js")]), false, "the error of another page is fixed");
  assert.deepEqual(look(), []);
  assert.equal(errors.take([broken("/c.js")]), true);
  assert.deepEqual(look(), ["[devserver] /c.js is broken"]);
  assert.equal(errors.take([]), true);
  errors.take([broken("/c.js")]);
  assert.deepEqual(look(), ["[devserver] /c.js is broken"], "an error that is back is news");
});

test("a page shows an error once it needs the module", async () => {
  const { errors, needed, look } = page();
  errors.take([broken("/lazy.js")]);
  assert.deepEqual(look(), []);
  needed.add("/lazy.js");
  errors.look();
  await new Promise((done) => setTimeout(done));
  assert.deepEqual(look(), ["[devserver] /lazy.js is broken"]);
});

test("the failure of a module stays until that module runs again", () => {
  const { errors, look } = page("/a.js");
  errors.fail({ message: "/m.js failed", id: "/m.js" });
  assert.deepEqual(look(), ["[devserver] /m.js failed"]);
  errors.clear(["/other.js"]);
  errors.take([broken("/a.js")]);
  errors.take([]);
  assert.deepEqual(look(), ["[devserver] /a.js is broken", "[devserver] /m.js failed"]);
  errors.clear(["/dep.js"], ["/dep.js", "/m.js"]);
  errors.take([broken("/a.js")]);
  assert.equal(errors.take([]), true);
  assert.deepEqual(look(), ["[devserver] /a.js is broken"]);
});
