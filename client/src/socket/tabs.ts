// One socket for all tabs of a browser. A carrier owns it: a SharedWorker, or the tab that holds a lock where there are
// no SharedWorkers. The carrier only forwards frames. Each tab keeps a session of its own, which counts and resumes as
// over a socket of its own. So nothing is lost when the carrier ends, and the server can address each tab.
//
// On the shared socket (query `mux=1`) each text frame begins with the session and a space. The rest is one of:
//
//   {...}                        a frame of the session
//   +received=3&epoch=e&seq=7    from the page: the tab opens or resumes its session
//   -CODE reason                 the session is closed, by either side; from the page: the tab was closed

import { randomID } from "./connection.ts";
import { hasDocument } from "./life.ts";
import { silentCode, type Socket } from "./transport.ts";

/** From a tab to the carrier. */
type Up =
  | { op: "open"; session: string; url: string; query: string }
  | { op: "send"; session: string; text: string }
  | { op: "close"; session: string; code: number }
  /** The tab was closed, and the server knows. */
  | { op: "forget"; session: string };

/** From the carrier to the tab with this session; to all tabs without one. */
type Down =
  | { op: "open"; session: string }
  | { op: "frame"; session: string; text: string }
  | { op: "close"; session: string; code: number; reason: string }
  /** The server does not know shared sockets. */
  | { op: "unsupported"; session: string }
  | { op: "new-carrier"; session?: undefined }
  /** The carrier holds this lock as long as it lives. */
  | { op: "alive"; session?: undefined; lock: string };

export interface Port {
  post(message: Down): void;
}

interface Tab {
  port: Port;
  query: string;
  /** How many requests to open the session wait for the server's greeting. Frames before the last greeting are old. */
  greetings: number;
  /** How many frames the server had sent to any tab when this tab sent its last frame. */
  asked: number;
}

/** Owns the socket and forwards each frame to its tab. */
export class Carrier {
  private socket: Socket | undefined;
  private ready = false;
  private readonly tabs = new Map<string, Tab>();
  /** The sessions whose tabs are open. */
  private readonly watched = new Set<string>();
  /** How many frames the server has sent. */
  private frames = 0;

  /** `gone` resolves when the tab with that session is closed. */
  constructor(
    private readonly openSocket: (url: string) => Socket,
    private readonly gone: (session: string) => Promise<void>,
  ) {}

  receive(message: Up, port: Port): void {
    switch (message.op) {
      case "open":
        return this.open(message, port);
      case "send":
        return this.send(message);
      case "close":
        return this.end(message.session, message.code);
      case "forget":
        return void this.tabs.delete(message.session);
      default: {
        const never: never = message;
        void never;
      }
    }
  }

  private open({ session, url, query }: Extract<Up, { op: "open" }>, port: Port): void {
    const greetings = this.tabs.get(session)?.greetings ?? 0;
    this.tabs.set(session, { port, query, greetings, asked: this.frames });
    if (!this.watched.has(session)) {
      this.watched.add(session);
      void this.gone(session).then(() => {
        this.watched.delete(session);
        this.end(session, goneCode);
      });
    }
    if (this.ready) this.begin(session);
    else if (!this.socket) this.connect(url);
  }

  private begin(session: string): void {
    const tab = this.tabs.get(session)!;
    tab.greetings++;
    this.socket!.send(`${session} +${tab.query}`);
    tab.port.post({ op: "open", session });
  }

  private send({ session, text }: Extract<Up, { op: "send" }>): void {
    const tab = this.tabs.get(session);
    if (!tab || !this.ready) return;
    tab.asked = this.frames;
    this.socket!.send(`${session} ${text}`);
  }

  private end(session: string, code: number): void {
    const tab = this.tabs.get(session);
    if (!tab) return;
    this.tabs.delete(session);
    if (code === silentCode && tab.asked === this.frames) {
      // The socket has carried nothing for any tab since this tab asked.
      this.drop();
      return this.closeAll(code, "the server did not answer");
    }
    if (this.ready) this.socket!.send(`${session} -${code}`);
    if (this.tabs.size === 0) this.drop();
  }

  /** Ends the socket. */
  drop(): void {
    const socket = this.socket;
    this.socket = undefined;
    this.ready = false;
    socket?.close(1000);
  }

  private connect(url: string): void {
    let socket: Socket;
    try {
      socket = this.openSocket(url);
    } catch {
      return this.closeAll(1006, "");
    }
    this.socket = socket;
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.ready = true;
      for (const session of this.tabs.keys()) this.begin(session);
    };
    socket.onmessage = ({ data }) => this.socket === socket && this.deliver(String(data));
    socket.onclose = ({ code, reason }) => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      this.ready = false;
      this.closeAll(code, reason);
    };
    socket.onerror = () => {}; // a close event follows
  }

  private deliver(text: string): void {
    this.frames++;
    if (text.startsWith("{")) return this.refuse();
    const space = text.indexOf(" ");
    const session = text.slice(0, space);
    const rest = text.slice(space + 1);
    const tab = this.tabs.get(session);
    if (!tab) return;
    const end = /^-(\d+) ?(.*)$/s.exec(rest);
    if (!end) {
      if (tab.greetings > 0 && rest.startsWith('{"type":"connected"')) tab.greetings--;
      if (tab.greetings === 0) tab.port.post({ op: "frame", session, text: rest });
      return;
    }
    this.tabs.delete(session);
    tab.port.post({ op: "close", session, code: Number(end[1]), reason: end[2]! });
  }

  /** The server took the socket for a single page's. */
  private refuse(): void {
    const tabs = [...this.tabs];
    this.tabs.clear();
    this.drop();
    for (const [session, { port }] of tabs) port.post({ op: "unsupported", session });
  }

  private closeAll(code: number, reason: string): void {
    const tabs = [...this.tabs];
    this.tabs.clear();
    for (const [session, { port }] of tabs) port.post({ op: "close", session, code, reason });
  }
}

/** The close code of a tab that is gone. */
const goneCode = 1001;

/** Carries messages between a tab and the carrier. */
export interface Link {
  post(message: Up): void;
  /** Connects to the carrier again: the carrier may have ended unnoticed. */
  renew?(): void;
  /** The tab is open, and may become the carrier. */
  enter?(): void;
  /** The tab was left. The browser may keep it, and it carries nothing then. */
  exit?(): void;
  /** Set by the tab. */
  receive: (message: Down) => void;
}

/** A tab's replacement for a WebSocket. */
class TabSocket implements Socket {
  readyState = 0;
  onopen: ((event: unknown) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;

  constructor(
    private readonly link: Link,
    private readonly session: string,
  ) {}

  send(text: string): void {
    if (this.readyState === 1) this.link.post({ op: "send", session: this.session, text });
  }

  close(code = 1000, reason = ""): void {
    if (this.readyState === 3) return;
    this.link.post({ op: "close", session: this.session, code });
    if (code === silentCode) this.link.renew?.();
    this.ended(code, reason);
  }

  opened(): void {
    this.readyState = 1;
    this.onopen?.({});
  }

  ended(code: number, reason: string): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

/** Opens sockets over the carrier, as long as that is possible. */
export class SharedSockets {
  private current: TabSocket | undefined;
  /** False once the server or the browser has refused. */
  usable = true;

  constructor(
    private readonly link: Link,
    private readonly session: string,
    private readonly held: Promise<void>,
  ) {
    link.receive = (message) => this.receive(message);
  }

  open(url: string, query: string): Socket {
    const socket = new TabSocket(this.link, this.session);
    this.link.enter?.();
    this.current?.ended(1006, "");
    this.current = socket;
    // The carrier notices that a tab was closed by the tab's lock, so the tab needs the lock first.
    void this.held.then(
      () => this.current === socket && this.link.post({ op: "open", session: this.session, url, query }),
    );
    return socket;
  }

  /** Closes the session: the user leaves the page. A page that the browser shows again opens its session again. */
  leave(): void {
    this.current?.close(goneCode);
    this.link.exit?.();
  }

  /** Takes the tab from the carrier: the user has left the page, and the page tells the server itself. */
  forget(): void {
    this.link.post({ op: "forget", session: this.session });
    this.link.exit?.();
  }

  /** Gives the carrier up: the browser cannot start it, or the server refuses it. */
  fail(): void {
    this.usable = false;
    this.current?.ended(1006, "");
  }

  private receive(message: Down): void {
    if (message.op === "new-carrier") return this.current?.ended(1006, "the socket's tab or worker ended");
    if (message.op === "alive" || message.session !== this.session) return;
    const socket = this.current;
    switch (message.op) {
      case "open":
        return socket?.opened();
      case "frame":
        return socket?.onmessage?.({ data: message.text });
      case "close":
        return socket?.ended(message.code, message.reason);
      case "unsupported":
        return this.fail();
      default: {
        const never: never = message;
        void never;
      }
    }
  }
}

// ---- In the browser

const channelName = "devserver-tabs";
const carrierLock = "devserver-carrier";

function tabLock(session: string): string {
  return `devserver-tab-${session}`;
}

function hold(name: string): Promise<void> {
  return new Promise((resolve) => void navigator.locks.request(name, () => (resolve(), new Promise(() => {}))));
}

/** Resolves when nobody holds the lock. */
function released(name: string): Promise<void> {
  return navigator.locks.request(name, { mode: "shared" }, () => {}).then(() => {});
}

function newCarrier(): Carrier {
  return new Carrier(
    (url) => new WebSocket(url, "vite-hmr") as unknown as Socket,
    (session) => released(tabLock(session)),
  );
}

/** Connects this tab to the carrier. Returns undefined where the browser has no locks or no way to share. */
export function shareSockets(scriptURL: URL, session: string): SharedSockets | undefined {
  if (typeof navigator === "undefined" || !navigator.locks) return undefined; // pages of other machines without https
  try {
    const held = hold(tabLock(session));
    return typeof SharedWorker === "function"
      ? overWorker(scriptURL, session, held)
      : overChannel(scriptURL, session, held);
  } catch {
    return undefined; // a Content-Security-Policy may forbid workers
  }
}

function overWorker(scriptURL: URL, session: string, held: Promise<void>): SharedSockets {
  const url = new URL(scriptURL);
  url.search = "?tabs";
  let worker: SharedWorker;
  const link: Link = { post: (message) => worker.port.postMessage(message), renew: start, receive: () => {} };
  const shared = new SharedSockets(link, session, held);
  // A worker crashes together with the tab that started it. The same name then starts the next worker.
  function start(): void {
    const mine = new SharedWorker(url, { type: "module", name: channelName });
    worker = mine;
    mine.onerror = () => worker === mine && shared.fail();
    mine.port.onmessage = ({ data }) => {
      const message = data as Down;
      if (worker !== mine) return;
      if (message.op !== "alive") return link.receive(message);
      void released(message.lock).then(() => {
        if (worker !== mine) return;
        start();
        link.receive({ op: "new-carrier" });
      });
    };
  }
  start();
  return shared;
}

interface Addressed {
  to: "carrier" | "tabs";
  message: Up | Down;
}

function overChannel(scriptURL: URL, session: string, held: Promise<void>): SharedSockets {
  const name = `${channelName} ${scriptURL.pathname}`;
  const channel = new BroadcastChannel(name);
  let end: AbortController | undefined; // ends the turn as carrier, or the wait for it
  const link: Link = {
    post: (message) => channel.postMessage({ to: "carrier", message } satisfies Addressed),
    receive: () => {},
    enter() {
      if (end) return;
      end = new AbortController();
      const { signal } = end;
      const lock = navigator.locks.request(carrierLock + name, { signal }, () => carryOver(name, signal));
      lock.catch(() => {}); // the tab was left before its turn
    },
    exit() {
      end?.abort();
      end = undefined;
    },
  };
  const shared = new SharedSockets(link, session, held);
  channel.onmessage = ({ data }) =>
    (data as Addressed).to === "tabs" && link.receive((data as Addressed).message as Down);
  return shared;
}

/** Makes this tab the carrier until the signal. */
function carryOver(name: string, signal: AbortSignal): Promise<void> {
  const channel = new BroadcastChannel(name); // the tab's own channel object gets what this one posts
  const carrier = newCarrier();
  const post = (message: Down): void => channel.postMessage({ to: "tabs", message } satisfies Addressed);
  channel.onmessage = ({ data }) =>
    (data as Addressed).to === "carrier" && carrier.receive((data as Addressed).message as Up, { post });
  post({ op: "new-carrier" });
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      channel.close();
      carrier.drop();
      resolve();
    });
  });
}

/** Runs the carrier if this is the SharedWorker that shareSockets starts. */
export function carryIfWorker(): void {
  const scope = globalThis as unknown as {
    onconnect?: ((event: { ports: readonly MessagePort[] }) => void) | null;
    location?: Location;
  };
  if (!("onconnect" in scope) || hasDocument() || scope.location?.search !== "?tabs") return;
  const carrier = newCarrier();
  const lock = `${carrierLock}-${randomID()}`;
  const held = hold(lock);
  scope.onconnect = ({ ports: [port] }) => {
    const post = (message: Down): void => port!.postMessage(message);
    port!.onmessage = ({ data }) => carrier.receive(data as Up, { post });
    void held.then(() => post({ op: "alive", lock }));
  };
}
