// The page's user. The server finds it by the cookies with which the socket opens. When somebody signs in or out later,
// the page asks the server to look again. The browser sends the cookies, so HttpOnly cookies count, too.

import { hasDocument } from "./life.ts";
import type { Timers } from "./timers.ts";

/** The event by which the server says that an answer changes a cookie of this browser. */
export const reidentifyEvent = "devserver:reidentify";

/**
 * Milliseconds after the event at which the page asks. The event may arrive before the answer with the cookie, so the
 * page asks several times.
 */
const delays = [0, 200, 1000, 3000];

interface CookieStore {
  addEventListener(type: "change", listener: () => void, options: { signal: AbortSignal }): void;
}

export interface IdentityOptions {
  /** Sends the cookies to the server, which answers with the user. */
  ask(): Promise<string>;
  timers: Timers;
}

export class Identity {
  /** Set when the server knows users. */
  enabled = false;
  private current: Promise<string> | undefined;
  private next: Promise<string> | undefined;
  private timers: unknown[] = [];

  constructor(private readonly options: IdentityOptions) {}

  /** Asks now. A request under way may have older cookies, so one more follows it, for all callers that wait. */
  reidentify(): Promise<string> {
    if (!this.enabled) return Promise.resolve("");
    if (this.next) return this.next;
    if (!this.current) return this.start();
    this.next = this.current
      .catch(() => {})
      .then(() => {
        this.next = undefined;
        return this.start();
      });
    return this.next;
  }

  private start(): Promise<string> {
    const user = this.options.ask();
    this.current = user;
    const done = (): void => {
      if (this.current === user) this.current = undefined;
    };
    user.then(done, done);
    return user;
  }

  /** Asks, and ignores a failure: the page asks again at the next occasion. */
  readonly check = (): void => void this.reidentify().catch(() => {});

  /** Asks soon and several times: the server said that a cookie changes, or that it knows users from now on. */
  cookieChanges(): void {
    this.enabled = true; // a server that says so knows users
    const { timers } = this.options;
    this.timers.forEach((timer) => timers.clear(timer));
    this.timers = delays.map((ms) => timers.set(this.check, ms));
  }

  /** Watches for sign-ins that the page itself can notice, until the signal. */
  watch(signal: AbortSignal): void {
    signal.addEventListener("abort", () => this.stop());
    if (!hasDocument()) return;
    // It does not cover HttpOnly cookies, and not every browser has it.
    (globalThis as { cookieStore?: CookieStore }).cookieStore?.addEventListener("change", this.check, { signal });
    // The user may have signed in elsewhere meanwhile: in another tab, or in another program.
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.check(), {
      signal,
    });
    addEventListener("pageshow", (event) => event.persisted && this.check(), { signal });
  }

  private stop(): void {
    this.enabled = false;
    this.timers.forEach((timer) => this.options.timers.clear(timer));
    this.timers = [];
  }
}

/** Returns the address of the hub for requests about a session: the hub's own, by HTTP. */
export function sessionURL(hub: URL, session: string): URL {
  const url = new URL(hub);
  url.protocol = url.protocol.replace(/^ws/, "http");
  url.searchParams.set("session", session);
  return url;
}

/** Asks the hub at `url` for the user of a session. */
export async function askHub(url: URL, session: string, fetch = globalThis.fetch): Promise<string> {
  const response = await fetch(sessionURL(url, session), { method: "POST", credentials: "include", cache: "no-store" });
  if (!response.ok) throw new Error(`the server did not identify this page: ${response.status}`);
  return ((await response.json()) as { user: string }).user;
}
