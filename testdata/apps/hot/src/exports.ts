// acceptExports: user.ts imports only "shown", so an edit stops here. An import of "secret" would pass it on.
import { log, show } from "./log";

export const shown = "shown 1";
export const secret = "secret 1";

show("exports", shown);
import.meta.hot!.acceptExports(["shown"], (now: typeof import("./exports") | undefined) =>
  log(`exports ${now?.shown}`),
);
