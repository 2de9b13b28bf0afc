// Who the page is. The server takes the user from cookies when the socket opens; when somebody signs in or out later,
// the page asks it to look again. It need not see the cookies itself: the browser sends them, HttpOnly or not.

/** The server has seen that an answer changes a cookie of this browser. */
export const reidentifyEvent = "devserver:reidentify";

/**
 * That message may be here before the answer with the cookie is. So the page asks a few times, until the answer must
 * have been taken in.
 */
const delays = [0, 200, 1000, 3000];

interface CookieStore { addEventListener(type: "change", listener: () => void): void }

export interface IdentityOptions {
  /** Shows the cookies to the server, which answers with the user. */
  ask(): Promise<string>;
  set?: (fn: () => void, ms: number) => unknown;
  clear?: (timer: unknown) => void;
}

export class Identity {
  /** Whether the server knows users at all. */
  enabled = false;
  private current: Promise<string> | undefined;
  private next: Promise<string> | undefined;
  private timers: unknown[] = [];

  constructor(private readonly options: IdentityOptions) {}

  /** Asks now. A question that is under way may carry older cookies, so one more is asked behind it, for all who wait. */
  reidentify(): Promise<string> {
    if (!this.enabled) return Promise.resolve("");
    if (this.next) return this.next;
    if (!this.current) return this.start();
    this.next = this.current.catch(() => {}).then(() => {
      this.next = undefined;
      return this.start();
    });
    return this.next;
  }

  private start(): Promise<string> {
    const asked = this.options.ask();
    this.current = asked;
    const done = (): void => {
      if (this.current === asked) this.current = undefined;
    };
    asked.then(done, done);
    return asked;
  }

  /** Asks, and does without an answer: the next occasion brings it. */
  readonly check = (): void => void this.reidentify().catch(() => {});

  /** A cookie is about to change, or the server has begun to know users. */
  prompted(): void {
    this.enabled = true; // whoever asks knows users
    const { set = setTimeout, clear = (timer) => clearTimeout(timer as number) } = this.options;
    this.timers.forEach(clear);
    this.timers = delays.map((ms) => set(this.check, ms));
  }

  /** Watches for what the page itself can see. */
  watch(): void {
    // Says nothing of HttpOnly cookies, and not every browser has it.
    (globalThis as { cookieStore?: CookieStore }).cookieStore?.addEventListener("change", this.check);
    // Another tab may have signed in, or another program.
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.check());
    addEventListener("pageshow", (event) => event.persisted && this.check());
  }
}

/** Asks the hub at that address for the user of a session. */
export async function askHub(url: URL, session: string): Promise<string> {
  url.protocol = url.protocol.replace(/^ws/, "http");
  url.searchParams.set("session", session);
  const response = await fetch(url, { method: "POST", credentials: "include", cache: "no-store" });
  if (!response.ok) throw new Error(`the server did not identify this page: ${response.status}`);
  return ((await response.json()) as { user: string }).user;
}
