// The server's side of a session, for tests: it counts frames, keeps them and sends them again.

import type { Timers } from "../src/socket/timers.ts";
import type { Socket } from "../src/socket/transport.ts";

export class FakeSocket implements Socket {
  readyState = 0;
  onopen: ((event: unknown) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  readonly toServer: string[] = [];
  readonly toPage: string[] = [];

  constructor(readonly query: Record<string, string>) {}

  send(text: string): void {
    if (this.readyState === 1) this.toServer.push(text);
  }

  close(code = 1000, reason = ""): void {
    this.cut(code, reason);
  }

  /** Ends the connection. Frames on their way are lost. */
  cut(code = 1006, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

interface Session {
  received: number;
  confirmed: number;
  kept: string[];
}

export class FakeServer {
  readonly sessions = new Map<string, Session>();
  readonly got: { type: string; event?: string; data?: unknown; id?: number; channel?: string }[] = [];
  socket: FakeSocket | undefined;
  session: Session | undefined;
  opened = 0;
  epoch = "e1";
  /** More of the next greetings. */
  greeting: object = {};
  /** What the server says of frames that wait for their handlers. */
  waiting: { waiting?: number; waitingBytes?: number } = {};
  /** Set when the server answers no pings: the connection carries nothing. */
  silent = false;
  pings = 0;

  readonly open = (query: Record<string, string>): Socket => {
    this.opened++;
    this.socket = new FakeSocket(query);
    return this.socket;
  };

  /** Accepts the connection that the page opened. */
  accept(): void {
    const socket = this.socket!;
    socket.readyState = 1;
    const key = socket.query["session"]!;
    let session = this.sessions.get(key);
    const resumed = session !== undefined;
    if (!session) this.sessions.set(key, (session = { received: 0, confirmed: 0, kept: [] }));
    this.session = session;
    const had = Number(socket.query["received"]);
    if (resumed) {
      session.kept.splice(0, had - session.confirmed);
      session.confirmed = had;
    }
    socket.toPage.push(
      JSON.stringify({
        type: "connected",
        epoch: this.epoch,
        resumed,
        received: session.received,
        seq: 0,
        ...this.greeting,
        ...this.waiting,
      }),
    );
    if (resumed) socket.toPage.push(...session.kept);
    else for (const f of session.kept) socket.toPage.push(f);
  }

  /** Sends a reliable frame, now or when the page reconnects. */
  send(payload: object): void {
    const text = JSON.stringify(payload);
    this.session!.kept.push(text);
    if (this.socket?.readyState === 1) this.socket.toPage.push(text);
  }

  /** Carries up to n frames in each direction; without n all of them, with their answers. */
  carry(n?: number): void {
    const socket = this.socket!;
    if (n === undefined) {
      while (socket.readyState === 1 && socket.toServer.length + socket.toPage.length > 0) this.carry(1);
      return;
    }
    for (let i = 0; i < n && socket.readyState === 1 && socket.toServer.length > 0; i++)
      this.take(socket.toServer.shift()!);
    for (let i = 0; i < n && socket.readyState === 1 && socket.toPage.length > 0; i++)
      socket.onmessage?.({ data: socket.toPage.shift()! });
  }

  private take(text: string): void {
    const frame = JSON.parse(text) as (typeof this.got)[number] & { n?: number };
    if (frame.type === "ping") {
      this.pings++;
      if (!this.silent) this.ack();
      return;
    }
    const session = this.session!;
    if (frame.type === "ack") {
      session.kept.splice(0, frame.n! - session.confirmed);
      session.confirmed = frame.n!;
      return;
    }
    session.received++;
    this.got.push(frame);
    if (session.received % 64 === 0) this.ack();
  }

  ack(): void {
    this.socket!.toPage.push(JSON.stringify({ type: "ack", n: this.session!.received, ...this.waiting }));
  }

  events(): unknown[] {
    return this.got.filter((f) => f.type === "custom").map((f) => f.data);
  }
}

/** Timers that run when a test lets time pass. */
export class FakeTimers implements Timers {
  private next = 1;
  private readonly waiting = new Map<number, { at: number; fn: () => void }>();
  now = 0;

  set(fn: () => void, ms: number): number {
    this.waiting.set(this.next, { at: this.now + ms, fn });
    return this.next++;
  }

  clear(timer: unknown): void {
    this.waiting.delete(timer as number);
  }

  get delays(): number[] {
    return [...this.waiting.values()].map((t) => t.at - this.now).sort((a, b) => a - b);
  }

  /** Runs the timer that is due next, long after its time: the computer slept. */
  late(): void {
    const [id, { at, fn }] = [...this.waiting].sort((a, b) => a[1].at - b[1].at)[0]!;
    this.waiting.delete(id);
    this.now = at + 3_600_000;
    fn();
  }

  /** Lets time pass, promises included. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      await new Promise((r) => setImmediate(r));
      const due = [...this.waiting].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.waiting.delete(due[0]);
      this.now = Math.max(this.now, due[1].at);
      due[1].fn();
    }
    this.now = end;
  }
}
