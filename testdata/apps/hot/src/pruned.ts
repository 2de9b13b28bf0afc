import { log } from "./log";

const hot = import.meta.hot!;
hot.data.runs = (hot.data.runs ?? 0) + 1;
log(`pruned runs ${hot.data.runs}`);
hot.dispose(() => log("pruned dispose"));
hot.prune(() => log("pruned prune"));
