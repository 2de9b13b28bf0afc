// acceptExports: user.ts takes only "shown", so an edit stops here; other.ts would take "secret" as well.
import { log, show } from "./log";

export const shown = "shown 1";
export const secret = "secret 1";

show("exports", shown);
import.meta.hot!.acceptExports(["shown"], (now: typeof import("./exports") | undefined) =>
  log(`exports ${now?.shown}`),
);
