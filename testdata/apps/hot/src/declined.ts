// decline() does nothing any more. An edit reloads the page because no module accepts the update.
import { show } from "./log";

show("declined", "1");
import.meta.hot!.decline();
