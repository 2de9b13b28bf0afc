import * as me from "./self.js";

export let value = 1;

export function raise() {
  value++; // importers see the new value: bindings are live
}

export function seenByItself() {
  return me.value;
}
