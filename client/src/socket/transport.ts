// The socket: one per page, which comes back by itself. Both sides count the frames of a session, so that after a lost
// connection each sends what the other has not had: nothing is lost, nothing comes twice, order is kept.

import type { Logger } from "./logger.ts";
import { isReliable, type ConnectedPayload, type ReliablePagePayload, type ReplyPayload, type ServerMessage, type ServerPayload } from "./payload.ts";
import { HotError, type RequestOptions } from "./request.ts";

/** The part of WebSocket that is used. */
export interface Socket {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: unknown) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
}

export interface TransportOptions {
  /** Opens a socket with these query parameters. Throws where the address makes no sense. */
  open(query: Record<string, string>): Socket;
  /** Asks the server for a new token; false = it cannot be reached. Only tried after a connection has failed. */
  renew?(): Promise<boolean>;
  log: Logger;
  /** The first frame of each session. */
  hello(): ReliablePagePayload;
  /** Everything but replies and what keeps the session. Called in order, as frames arrive. */
  receive(payload: ServerMessage): void;
  opened?(socket: Socket): void;
  /** An open connection was lost. */
  lost?(socket: Socket, reason: string): void;
  session: string;
  seq(): number;
  random?: () => number;
  /** Bounds of what waits for the server. */
  maxFrames?: number;
  maxBytes?: number;
  /** The server ends a connection that carries a message longer than this. */
  maxMessage?: number;
  timers?: Timers;
}

export interface Timers {
  set(fn: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

const realTimers: Timers = { set: (fn, ms) => setTimeout(fn, ms), clear: (timer) => clearTimeout(timer as number) };

const ackEvery = 64;
const ackWithin = 1000;
const firstDelay = 200;
const maxDelay = 5000;
const pingEvery = 30_000;
const defaultTimeout = 30_000;

/** A frame that does nothing. */
const noop = '{"type":"cancel","id":0}';

interface Frame {
  text: string;
  /** Set for requests, which must be rejected when the frame is lost. */
  request?: number;
  written: boolean;
}

interface Pending {
  resolve(data: unknown): void;
  reject(error: HotError): void;
  done(): void;
}

export class Transport {
  private socket: Socket | undefined;
  private ready = false;
  private closed = false;
  /** The page was left and may come back. */
  private away = false;
  /** The last connection ended because of that: what was written has arrived before. */
  private left = false;
  /** Frames that the server has not confirmed. */
  private held: Frame[] = [];
  private heldBytes = 0;
  private full = false;
  private received = 0;
  private acked = 0;
  private epoch = "";
  private connections = 0;
  private failures = 0;
  private retry: unknown;
  private ackTimer: unknown;
  private pingTimer: unknown;
  private readonly pending = new Map<number, Pending>();
  private nextRequest = 1;
  private readonly channels = new Set<string>();
  private readonly timers: Timers;

  constructor(private readonly options: TransportOptions) {
    this.timers = options.timers ?? realTimers;
  }

  get connected(): boolean {
    return this.ready;
  }

  // ---- Connection

  /** Opens the first connection, or the next one at once. Does nothing while one is open or being opened. */
  connect(epoch?: string): void {
    if (epoch !== undefined) this.epoch = epoch;
    if (this.closed || this.socket) return;
    this.timers.clear(this.retry);
    this.retry = undefined;
    let socket: Socket;
    try {
      socket = this.options.open({
        session: this.options.session, received: String(this.received), epoch: this.epoch, seq: String(this.options.seq()),
      });
    } catch (error) {
      this.closed = true; // the address will not make more sense later
      this.options.log.warn("[devserver] no connection to the server is possible from here, so this page does not update itself.", error);
      this.rejectAll("connection_lost", "there is no connection to the server");
      return;
    }
    this.socket = socket;
    socket.onmessage = ({ data }) => this.message(socket, data);
    socket.onclose = ({ code, reason }) => this.lostSocket(socket, code, reason);
    socket.onerror = () => {}; // a close event follows
  }

  /** The machine woke up, the network is back, or the tab came to the front: waiting makes no sense any more. */
  wake(): void {
    this.away = false;
    if (this.ready) this.socket!.send('{"type":"ping"}'); // shows a connection that died in its sleep
    if (this.socket || this.closed || this.connections + this.failures === 0) return;
    this.failures = Math.min(this.failures, 1);
    this.connect();
  }

  /** The page was left. The browser may keep it, open socket and all, and bring it back; until then nobody sees it. */
  leave(): void {
    this.away = true;
    this.timers.clear(this.retry);
    this.retry = undefined;
    const socket = this.socket;
    if (!socket) return;
    this.left = true;
    this.lostSocket(socket, 1000, "the page was left");
    socket.close(1000);
  }

  /** Ends the connection for good. */
  close(): void {
    this.closed = true;
    this.timers.clear(this.retry);
    this.timers.clear(this.ackTimer);
    this.timers.clear(this.pingTimer);
    this.socket?.close(1000);
    this.rejectAll("connection_lost", "the connection was closed");
  }

  private lostSocket(socket: Socket, code: number, reason: string): void {
    if (this.socket !== socket) return;
    const was = this.ready;
    this.socket = undefined;
    this.ready = false;
    this.timers.clear(this.ackTimer);
    this.timers.clear(this.pingTimer);
    this.ackTimer = undefined;
    if (was) {
      this.failures = 0;
      this.options.lost?.(socket, reason || `code ${code}`);
    } else this.failures++;
    if (this.closed || this.away) return;
    if (code === 1009) this.dropLongest();
    if (was && code !== 1008 && code !== 1013 && code !== 1009) this.later(0);
    else this.later(this.delay());
  }

  /** What the server refuses to read must not be sent again and again. */
  private dropLongest(): void {
    const longest = this.held.reduce<Frame | undefined>((a, b) => (a && a.text.length >= b.text.length ? a : b), undefined);
    if (!longest) return;
    // Its place in the count is kept, or the frames behind it would be taken for those before.
    this.heldBytes -= longest.text.length - noop.length;
    this.options.log.error(`[devserver] a message of ${longest.text.length} characters is more than the server takes; it was dropped: ${longest.text.slice(0, 80)}`);
    if (longest.request !== undefined) this.pending.get(longest.request)?.reject(new HotError("too_big", "the request is more than the server takes"));
    longest.text = noop;
  }

  /** Half of the wait is chance, so that pages do not come back all at once. */
  private delay(): number {
    const full = Math.min(maxDelay, firstDelay * 2 ** Math.min(this.failures, 10));
    return full / 2 + (full / 2) * (this.options.random ?? Math.random)();
  }

  private later(ms: number): void {
    this.timers.clear(this.retry);
    this.retry = this.timers.set(() => void this.again(), ms);
  }

  private async again(): Promise<void> {
    this.retry = undefined;
    // A server that was started anew has another token; asking for it also tells whether it is there at all, without
    // the noise of a failing socket. Now and then the socket is tried anyway: the answer may be kept from us.
    if (this.failures > 0 && this.options.renew && this.failures % 4 !== 0) {
      const there = await this.options.renew().catch(() => false);
      if (this.socket || this.closed) return;
      if (!there) {
        this.failures++;
        if (this.retry === undefined) this.later(this.delay());
        return;
      }
    }
    this.connect();
  }

  // ---- Receiving

  private message(socket: Socket, data: unknown): void {
    if (this.socket !== socket) return; // given up already; the next connection brings it again
    let payload: ServerPayload;
    try {
      payload = JSON.parse(String(data)) as ServerPayload;
    } catch {
      this.options.log.error("[devserver] the server sent a message that is not JSON");
      return;
    }
    if (isReliable(payload)) this.count();
    switch (payload.type) {
      case "connected":
        this.greet(socket, payload);
        this.options.receive(payload);
        break;
      case "ack":
        this.confirm(payload.n);
        break;
      case "reply":
        this.reply(payload);
        break;
      default:
        this.options.receive(payload);
    }
  }

  private count(): void {
    this.received++;
    if (this.received - this.acked >= ackEvery) this.sendAck();
    else this.ackTimer ??= this.timers.set(() => this.sendAck(), ackWithin);
  }

  private sendAck(): void {
    this.timers.clear(this.ackTimer);
    this.ackTimer = undefined;
    if (!this.ready || this.acked === this.received) return;
    this.acked = this.received;
    this.socket!.send(JSON.stringify({ type: "ack", n: this.received }));
  }

  private greet(socket: Socket, payload: ConnectedPayload): void {
    this.ready = true;
    this.failures = 0;
    const first = this.connections++ === 0;
    this.epoch = payload.epoch;
    // One that goes on at the first hello was opened by a connection that this page gave up before it was greeted.
    if (payload.resumed && !first) this.confirm(payload.received);
    else this.newSession(first);
    this.left = false;
    for (const frame of this.held) this.write(frame);
    this.full = false;
    this.pingTimer = this.timers.set(() => this.ping(), pingEvery);
    this.options.opened?.(socket);
  }

  /** The number of frames of this session that the server has confirmed. */
  private confirmed = 0;

  private confirm(n: number): void {
    const count = Math.min(n - this.confirmed, this.held.length);
    if (count <= 0) return;
    this.confirmed += count;
    for (const frame of this.held.splice(0, count)) this.heldBytes -= frame.text.length;
    this.full = false;
  }

  /**
   * Starts counting anew. Frames that an earlier connection has carried away without a confirmation may have arrived
   * or not: sending them again could run an action twice, so they are given up, and that is said.
   */
  private newSession(first: boolean): void {
    this.received = this.acked = this.confirmed = 0;
    const lost = first ? [] : this.held.filter((f) => f.written);
    const waiting = first ? this.held : this.held.filter((f) => !f.written);
    const hello: Frame = { text: JSON.stringify(this.options.hello()), written: false };
    const subscriptions = [...this.channels].map((channel): Frame => ({ text: JSON.stringify({ type: "subscribe", channel }), written: false }));
    this.held = [hello, ...subscriptions, ...waiting.filter((f) => !isSubscription(f))];
    this.heldBytes = this.held.reduce((n, f) => n + f.text.length, 0);
    const events = lost.filter((f) => f.request === undefined && f.text.startsWith('{"type":"custom"'));
    if (events.length > 0 && !this.left) {
      this.options.log.warn(`[devserver] the server was replaced while ${events.length} event(s) were on their way; they may not have arrived:`, ...events.map((f) => f.text));
    }
    const waitingRequests = new Set(waiting.map((f) => f.request));
    for (const [id, p] of [...this.pending]) {
      if (!waitingRequests.has(id)) p.reject(new HotError("connection_lost", "the server that had the request is gone"));
    }
  }

  private ping(): void {
    if (!this.ready) return;
    this.socket!.send('{"type":"ping"}');
    this.pingTimer = this.timers.set(() => this.ping(), pingEvery);
  }

  // ---- Sending

  /** Sends now, or holds the frame until there is a connection. Throws a HotError when too much is held already. */
  send(payload: ReliablePagePayload): void {
    const text = JSON.stringify(payload);
    const { maxFrames = 100_000, maxBytes = 8 << 20, maxMessage = 1 << 20 } = this.options;
    if (text.length > maxMessage || (text.length * 3 > maxMessage && new TextEncoder().encode(text).length > maxMessage)) {
      const error = new HotError("too_big", `a message of ${text.length} characters is more than the server takes (${maxMessage} bytes); it was not sent`);
      this.options.log.error(`[devserver] ${error.message}: ${text.slice(0, 80)}`);
      throw error;
    }
    if (this.closed) throw new HotError("connection_lost", "there is no connection to the server");
    if (this.held.length >= maxFrames || this.heldBytes + text.length > maxBytes) {
      const error = new HotError("queue_full", `${this.held.length} messages wait for the server already; this one was not sent`);
      if (!this.full) this.options.log.error(`[devserver] ${error.message}.`);
      this.full = true;
      throw error;
    }
    const frame: Frame = { text, written: false };
    if (payload.type === "request") frame.request = payload.id;
    this.held.push(frame);
    this.heldBytes += text.length;
    if (this.ready) this.write(frame);
  }

  private write(frame: Frame): void {
    frame.written = true;
    this.socket!.send(frame.text);
  }

  /** Asks the server; the promise is rejected with a HotError. */
  request(event: string, data: unknown, { timeout = defaultTimeout, signal }: RequestOptions = {}): Promise<unknown> {
    const id = this.nextRequest++;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal));
      let timer: unknown;
      const cancel = (error: unknown): void => {
        this.pending.get(id)?.done();
        this.tryToSend({ type: "cancel", id });
        reject(error);
      };
      const aborted = (): void => cancel(abortError(signal!));
      const done = (): void => {
        this.pending.delete(id);
        this.timers.clear(timer);
        signal?.removeEventListener("abort", aborted);
      };
      this.pending.set(id, {
        done,
        resolve: (value) => (done(), resolve(value)),
        reject: (error) => (done(), reject(error)),
      });
      try {
        this.send(data === undefined ? { type: "request", id, event } : { type: "request", id, event, data });
      } catch (error) {
        done();
        reject(error);
        return;
      }
      signal?.addEventListener("abort", aborted, { once: true });
      if (timeout > 0) timer = this.timers.set(() => cancel(new HotError("timeout", `no answer to ${JSON.stringify(event)} within ${timeout} ms`)), timeout);
    });
  }

  private tryToSend(payload: ReliablePagePayload): void {
    try {
      this.send(payload);
    } catch {
      // Nobody waits for it, and a full queue has been reported.
    }
  }

  /** Answers do not wait in the queue of messages: a listener may be waiting for one. */
  private reply({ id, data, error }: ReplyPayload): void {
    const pending = this.pending.get(id);
    if (error) pending?.reject(new HotError(error.code ?? "handler_error", error.message, error.path));
    else pending?.resolve(data);
  }

  private rejectAll(code: string, message: string): void {
    for (const p of [...this.pending.values()]) p.reject(new HotError(code, message));
  }

  // ---- Channels

  /** Asks for a channel's messages, now and in each later session. */
  subscribe(channel: string): void {
    if (this.channels.has(channel)) return;
    this.channels.add(channel);
    this.tryToSend({ type: "subscribe", channel });
  }

  unsubscribe(channel: string): void {
    if (this.channels.delete(channel)) this.tryToSend({ type: "unsubscribe", channel });
  }
}

function isSubscription(frame: Frame): boolean {
  return frame.text.startsWith('{"type":"subscribe"') || frame.text.startsWith('{"type":"unsubscribe"');
}

function abortError(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new HotError("aborted", "the request was cancelled");
}
