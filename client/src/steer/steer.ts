// Answers what tools ask of a page. The page loads this script at the first such request.

import { HotError } from "../socket/request.ts";
import { Actor, type ActArgs } from "./act.ts";
import { evaluate } from "./evaluate.ts";
import { inspect, type InspectArgs } from "./inspect.ts";
import { Refs } from "./refs.ts";
import { Snapshots, type SnapshotArgs } from "./snapshot.ts";

/** What a page gives. */
export interface PageHost {
  /** Resolves when no update is left to be applied. */
  idle(): Promise<void>;
  /** Evaluates code as a script of its own. Throws where the page's policy forbids that. */
  evaluate(code: string): unknown;
}

const refs = new Refs();
const snapshots = new Snapshots(refs);
const actor = new Actor(refs);

/** Answers a verb. Errors are HotErrors. */
export async function answer(verb: string, args: unknown, page: PageHost): Promise<unknown> {
  switch (verb) {
    case "snapshot":
      return snapshots.take(checked<SnapshotArgs>(args));
    case "inspect":
      return inspect(checked<InspectArgs>(args), refs);
    case "act":
      return actor.act(checked<ActArgs>(args), page);
    case "evaluate":
      return evaluate(checked<{ expression: string }>(args).expression, page);
    default:
      throw new HotError("unknown_event", `pages do not answer ${JSON.stringify(verb)}`);
  }
}

const types: Record<string, string> = {
  do: "string",
  expression: "string",
  max: "number",
  ref: "string",
  selector: "string",
  since: "string",
  styles: "list",
  value: "string",
};

/** Returns the arguments. Throws a HotError when one has the wrong type. */
function checked<T>(args: unknown): T {
  for (const [name, value] of Object.entries(args ?? {})) {
    const type = types[name];
    if (type && value !== undefined && (Array.isArray(value) ? "list" : typeof value) !== type)
      throw new HotError("bad_args", `${name} must be a ${type}`, name);
  }
  return (args ?? {}) as T;
}
