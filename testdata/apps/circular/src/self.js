import * as me from "./self.js";

export let value = 1;

export function raise() {
  value++; // importers see it: bindings are live
}

export function seenByItself() {
  return me.value;
}
