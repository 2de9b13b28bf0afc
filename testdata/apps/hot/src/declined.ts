// decline() does nothing any more: what counts is that nobody accepts, so an edit reloads the page.
import { show } from "./log";

show("declined", "1");
import.meta.hot!.decline();
