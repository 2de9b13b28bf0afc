// What this page answers when a tool asks: what it shows, which errors it has, how it would take an update. All other
// verbs are in a script of their own (steer), which the first of them loads.

import type { ModuleID } from "../runtime/definitions.ts";
import { hasDocument } from "../socket/life.ts";
import type { ErrorInfo } from "../socket/payload.ts";
import { ownPrefix, type Handled } from "../socket/answers.ts";
import { HotError } from "../socket/request.ts";
import type { Decision } from "../update/plan.ts";
import type { Cause, Reloader } from "./reload.ts";
import type { Uncaught, UncaughtErrors } from "./uncaught.ts";

/** The answer of "page". */
export interface PageAnswer {
  title: string;
  url: string;
  visible: boolean;
  focused: boolean;
  /** The number of the newest update that the page has. */
  seq: number;
  /** The number of the newest update that changed what runs in the page. Errors before it may be fixed. */
  changed: number;
  /** The errors of the project that concern the page. */
  errors: ErrorInfo[];
  /** The error of the module that failed last when it ran here. */
  failure?: ErrorInfo;
  uncaught: readonly Uncaught[];
  /** Set when this page comes from a reload by the client. */
  cause?: Cause;
  /** Why the page is about to reload. */
  reloading?: string;
  /** Set when the page leaves the reload to its user. */
  asksToReload?: true;
  handles: readonly Handled[];
  /** Tells whether code of the page listens for the event that the request names. */
  listens?: boolean;
}

/** The answer of "module". */
export interface ModuleAnswer {
  runs: boolean;
  self: boolean;
  deps: ModuleID[];
  exports: string[];
  decision: Decision;
}

/** The page, as far as its answers need it. */
export interface AnswerHost {
  readonly uncaught: UncaughtErrors;
  seq(): number;
  changed(): number;
  errors(): Pick<PageAnswer, "errors" | "failure">;
  readonly reloader: Pick<Reloader, "cause" | "reloading" | "asks">;
  handles(): readonly Handled[];
  /** Reports whether code of the page listens for an event. */
  listensFor(event: string): boolean;
  /** Resolves when no update is being applied. */
  idle(): Promise<void>;
  /** When the newest update was applied, by performance.now(): 0 before the first. */
  applied(): number;
  module(id: ModuleID): ModuleAnswer;
  /** Begins to send the console to the server. */
  record(): Promise<void>;
  /** Evaluates code as a script of its own. */
  evaluate(code: string): unknown;
  /** Loads the script with the other verbs. */
  loadSteer(): Promise<Steer>;
}

/** The exports of the script with the other verbs, see steer/steer.ts. */
export interface Steer {
  answer(verb: string, args: unknown, page: Pick<AnswerHost, "idle" | "evaluate">): Promise<unknown>;
}

/** Answers a request of a tool. */
export async function answer(event: string, args: unknown, host: AnswerHost): Promise<unknown> {
  const verb = event.slice(ownPrefix.length);
  switch (verb) {
    case "page": {
      const { settle: first, event } = (args ?? {}) as { settle?: boolean; event?: string };
      if (first) await settle(host);
      return { ...pageAnswer(host), ...(event === undefined ? {} : { listens: host.listensFor(event) }) };
    }
    case "module":
      return host.module((args as { id: ModuleID }).id);
    case "record":
      return host.record();
  }
  if (!hasDocument()) throw new HotError("unknown_event", "a worker has nothing to look at");
  return (await host.loadSteer()).answer(verb, args, host);
}

function pageAnswer(host: AnswerHost): PageAnswer {
  const { cause, reloading, asks } = host.reloader;
  return {
    title: document.title,
    url: location.href,
    visible: document.visibilityState === "visible",
    focused: document.hasFocus(),
    seq: host.seq(),
    changed: host.changed(),
    ...host.errors(),
    uncaught: host.uncaught.all(),
    ...(cause ? { cause: { reason: cause.reason, ...(cause.page ? { page: cause.page } : {}) } } : {}),
    ...(reloading === undefined ? {} : { reloading }),
    ...(reloading !== undefined && asks ? { asksToReload: true } : {}),
    handles: host.handles(),
  };
}

/** How long the parts of settling may take, in milliseconds: a page that never comes to rest is told as it is. */
const longest = { start: 3000, frames: 100 };

/**
 * How long after an update a page may render for it, in milliseconds: the fast refresh of @vitejs/plugin-react does so
 * in a timer of 16. Timers come in the order of their times, however busy the page is.
 */
const renderTime = 50;

/** Waits until the page has started, has applied its updates and has drawn: what they throw has been thrown then. */
async function settle(host: AnswerHost): Promise<void> {
  if (document.readyState === "loading") {
    await within(longest.start, (done) => document.addEventListener("DOMContentLoaded", () => done(), { once: true }));
  }
  await host.idle();
  const left = host.applied() + renderTime - performance.now();
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  await within(longest.frames, (done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
}

/** Waits until the func is done, at most so many milliseconds: browsers draw no frames of hidden pages. */
function within(time: number, begin: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, time);
    begin(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
