import { log } from "./log";
import { inner } from "./inner";

export const value = `dep 1 with ${inner}`;

import.meta.hot!.dispose(() => log(`dispose ${value}`));
