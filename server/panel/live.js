// Follows what happens: one request at a time waits for new records, and none while the tab is hidden. Views read what
// is kept here, and are told by kind what came.
import { VerbError, ask, loadWithNewKey } from "./api.js";

const waitFor = 25_000; // milliseconds that the server holds a request without news
const gather = 100; // milliseconds between two requests
const most = 20_000; // more records than the server's log holds

/** How many of each list are kept: as many as the server keeps. */
const bounds = { timeline: 1500, console: 3000, events: 3000 };

/** What is known, the oldest first. */
export const live = {
  state: "connecting", // "open", "lost" or "nokey"
  status: undefined, // the newest answer of the verb status
  /** Edits and what else changed the project. An edit has the reports of pages. */
  timeline: [],
  console: [],
  events: [],
  errors: [], // of the project, as the newest record has them
  uncaught: new Map(), // how many errors each open page has not caught
  paused: false,
  lost: false, // whether the log of the server had lost records before the first one here
};

const edits = new Map(); // number of the update -> its entry of the timeline
const early = []; // reports of pages that were quicker than the server, which records an edit once it is sent
let newest = 0; // number of the newest update
const listeners = new Set();
let cursor = 0;

/** Calls listener with the kinds of records that came, after each answer. */
export function onNews(listener) {
  listeners.add(listener);
}

function tell(came) {
  for (const listener of listeners) listener(came);
}

function forget() {
  cursor = newest = 0;
  edits.clear();
  early.length = 0;
  Object.assign(live, { timeline: [], console: [], events: [], errors: [], uncaught: new Map(), lost: false });
}

const take = {
  edit(record) {
    const entry = { ...record, reports: [], version: 0 };
    live.timeline.push(entry);
    if (!record.edit.seq) return;
    newest = record.edit.seq;
    edits.set(newest, entry);
    for (const report of early.splice(0)) take.report(report);
  },
  report(record) {
    const entry = edits.get(record.report.seq);
    if (!entry && record.report.seq > newest) early.push(record);
    if (!entry) return; // the log has lost the edit
    entry.reports.push({ ...record.report, time: record.time });
    entry.version++;
  },
  reload: push("timeline"),
  plugins: push("timeline"),
  note: push("timeline"),
  act: push("timeline"),
  event: push("events"),
  page({ page }) {
    if (page.what === "closed") live.uncaught.delete(page.page); // what else there is of pages, the verb status tells
  },
  errors({ errors }) {
    live.errors = errors.list ?? [];
    for (const entry of live.timeline) if (entry.edit?.broken) entry.version++; // it shows its errors, while they last
  },
  console(record) {
    const last = live.console.at(-1);
    if (last && repeats(last.console, record.console)) live.console.pop(); // the record counts the lines before it
    live.console.push(record);
    const { page } = record.console;
    if (isUncaught(record.console)) live.uncaught.set(page, (live.uncaught.get(page) ?? 0) + 1);
  },
};

export const isUncaught = ({ level }) => level === "uncaught" || level === "rejection";

function push(list) {
  return (record) => live[list].push(record);
}

function repeats(a, b) {
  return b.count > 1 && a.page === b.page && a.level === b.level && a.at === b.at && a.text === b.text;
}

function trim() {
  for (const [list, bound] of Object.entries(bounds)) {
    if (live[list].length > bound) live[list].splice(0, live[list].length - bound);
  }
  const first = live.timeline[0]?.cursor ?? 0;
  for (const [seq, entry] of edits) {
    if (entry.cursor >= first) break; // a Map keeps the order
    edits.delete(seq);
  }
}

/** Asks who is there. Calls during a request lead to one more request. */
export function refreshStatus() {
  again = asking !== undefined;
  asking ??= ask("status")
    .then((status) => {
      Object.assign(live, { status, paused: status.paused });
      tell(new Set(["status"]));
    })
    .catch(() => {}) // follow tells of a lost connection
    .finally(() => {
      asking = undefined;
      if (again) refreshStatus();
    });
  return asking;
}

let asking;
let again = false;

function setState(state) {
  if (live.state === state) return;
  live.state = state;
  tell(new Set(["state"]));
}

/** Follows the log as long as the panel is open. */
export async function follow() {
  let failed = 0;
  for (;;) {
    await shown();
    const stop = new AbortController();
    const hide = () => document.hidden && stop.abort();
    document.addEventListener("visibilitychange", hide);
    try {
      const wait = live.state === "open" ? waitFor : 0; // the first answer after a break comes at once
      const answer = await ask("history", { since: cursor, limit: most, wait }, stop.signal);
      failed = 0;
      if (answer.cursor < cursor) {
        forget(); // another log: the server was started again
        continue;
      }
      receive(answer);
      if (wait > 0) await sleep(gather); // a burst comes in few answers
    } catch (error) {
      if (error.name === "AbortError") continue;
      if (!(error instanceof VerbError)) throw error;
      if (error.code === "key") {
        if (loadWithNewKey()) return;
        setState("nokey");
        await newKey();
        forget();
      } else {
        setState("lost");
        await sleep(Math.min(250 * 2 ** failed++, 4000));
      }
    } finally {
      document.removeEventListener("visibilitychange", hide);
    }
  }
}

function receive({ records, cursor: at, lost }) {
  const came = new Set();
  if (cursor === 0) live.lost = Boolean(lost);
  cursor = at;
  for (const record of records) {
    take[record.kind]?.(record);
    came.add(record.kind);
  }
  trim();
  if (live.state !== "open" || came.has("page") || came.has("note")) void refreshStatus();
  setState("open");
  if (came.size > 0) tell(came);
}

function shown() {
  if (!document.hidden) return undefined;
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function newKey() {
  return new Promise((resolve) => addEventListener("key", resolve, { once: true }));
}
