// Reads positions in stacks: Chromium's ("at f (url:1:2)"), and those of Firefox and Safari ("f@url:1:2").

/** URL, line and column. Lines and columns count from 1. */
export type Position = [url: string, line: number, column: number];

const frame = /(?:^|[\s(@])((?:[a-z][\w+.-]*:\/)?\/[^\s()]*):(\d+):(\d+)\)?$/;

/** Returns the innermost position of a stack. */
export function firstPosition(stack: string | undefined): Position | undefined {
  return positions(stack).next().value ?? undefined;
}

/** Returns the caller of the script that made the stack: the first frame of another script. */
export function callSite(stack: string | undefined): Position | undefined {
  let own: string | undefined;
  for (const position of positions(stack)) {
    own ??= position[0];
    if (position[0] !== own) return position;
  }
  return undefined;
}

function* positions(stack: string | undefined): Generator<Position, undefined> {
  if (typeof stack !== "string") return;
  for (const line of stack.split("\n")) {
    const found = frame.exec(line);
    if (found) yield [found[1]!, Number(found[2]), Number(found[3])];
  }
}

/** Removes the origin from URLs of the page's own server. */
export function pageLocal(url: string): string {
  const origin = (globalThis as { location?: Location }).location?.origin;
  return origin && url.startsWith(origin + "/") ? url.slice(origin.length) : url;
}
