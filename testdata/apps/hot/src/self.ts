// accept(callback), data, two dispose callbacks, and a prune callback that must not run.
import { log, show } from "./log";

export const value = 1;

const hot = import.meta.hot!;
hot.data.runs = (hot.data.runs ?? 0) + 1;
show("self", `${value}, run ${hot.data.runs}`);

hot.accept((now: typeof import("./self") | undefined) => log(now ? `self ${value} -> ${now.value}` : "self failed"));
hot.dispose((data: Record<string, unknown>) => {
  data.from = value;
  log(`self dispose one ${value}`);
});
hot.dispose(() => log(`self dispose two ${value}`));
hot.prune(() => log("self pruned"));
