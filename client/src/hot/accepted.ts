import type { ModuleID } from "../runtime/definitions.ts";

/** Finds the import that a specifier of hot.accept means: as written, as a URL path, or with another extension. */
export function resolveAccepted(
  owner: ModuleID,
  specifier: string,
  deps: Record<string, ModuleID>,
  base: string,
): ModuleID | undefined {
  const exact = deps[specifier];
  if (typeof exact === "string") return exact;
  let path: string;
  if (specifier.startsWith("/"))
    path = base !== "/" && specifier.startsWith(base) ? specifier.slice(base.length - 1) : specifier;
  else if (specifier.startsWith(".")) path = new URL(specifier, "http://x" + owner).pathname;
  else return undefined;
  const ids = Object.values(deps);
  return ids.find((id) => id === path) ?? ids.find((id) => withoutExtension(id) === withoutExtension(path));
}

function withoutExtension(id: string): string {
  return id.replace(/(\/index)?\.[cm]?[jt]sx?$/, "");
}
