// The page's socket, which reconnects by itself. Both sides count the frames of a session. After a lost connection each
// side sends the frames that the other has not received: none is lost, none arrives twice, and they stay in order.

import type { Logger } from "./logger.ts";
import {
  isReliable,
  type ConnectedPayload,
  type ReliablePagePayload,
  type ReplyPayload,
  type ServerMessage,
  type ServerPayload,
} from "./payload.ts";
import { HotError, type RequestOptions } from "./request.ts";

/** The part of WebSocket that this client uses. */
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
  /** Opens a socket with these query parameters. Throws where no socket is possible. */
  open(query: Record<string, string>): Socket;
  /** Gets a new token; false when the server cannot be reached. Called only after a connection failed. */
  renew?(): Promise<boolean>;
  log: Logger;
  /** The first frame of each session. */
  hello(): ReliablePagePayload;
  /** Called with each message, except replies and acks, in order, as they arrive. */
  receive(payload: ServerMessage): void;
  opened?(socket: Socket): void;
  /** Called when an open connection was lost. */
  lost?(socket: Socket, reason: string): void;
  session: string;
  seq(): number;
  random?: () => number;
  /** Limits of the frames that wait for the server. */
  maxFrames?: number;
  maxBytes?: number;
  /** The longest message, in bytes. The server closes a connection with a longer message. */
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

/** A frame without effect. */
const noop = '{"type":"cancel","id":0}';

interface Frame {
  text: string;
  /** The ID of a request, which is rejected when its frame is lost. */
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
  /** Set while the browser keeps the page after the user left it. */
  private away = false;
  /** Set when the last connection ended because the user left the page: everything that was written has arrived. */
  private left = false;
  /** The frames that the server has not confirmed. */
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

  /** Connects now. Does nothing while the page is connected or connecting. */
  connect(epoch?: string): void {
    if (epoch !== undefined) this.epoch = epoch;
    if (this.closed || this.socket) return;
    this.timers.clear(this.retry);
    this.retry = undefined;
    let socket: Socket;
    try {
      socket = this.options.open({
        session: this.options.session,
        received: String(this.received),
        epoch: this.epoch,
        seq: String(this.options.seq()),
      });
    } catch (error) {
      this.closed = true; // trying again would not help
      this.options.log.warn(
        "[devserver] no connection to the server is possible from here, so this page does not update itself.",
        error,
      );
      this.rejectAll("connection_lost", "there is no connection to the server");
      return;
    }
    this.socket = socket;
    socket.onmessage = ({ data }) => this.message(socket, data);
    socket.onclose = ({ code, reason }) => this.lostSocket(socket, code, reason);
    socket.onerror = () => {}; // a close event follows
  }

  /** Connects without delay: the computer woke up, the network is back, or the tab came to the front. */
  wake(): void {
    this.away = false;
    if (this.ready) this.socket!.send('{"type":"ping"}'); // reveals a connection that was lost during sleep
    if (this.socket || this.closed || this.connections + this.failures === 0) return;
    this.failures = Math.min(this.failures, 1);
    this.connect();
  }

  /** Closes the socket: the user left the page. The browser may keep the page, even its socket, and show it again. */
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
    const wasOpen = this.ready;
    this.socket = undefined;
    this.ready = false;
    this.timers.clear(this.ackTimer);
    this.timers.clear(this.pingTimer);
    this.ackTimer = undefined;
    if (wasOpen) {
      this.failures = 0;
      this.options.lost?.(socket, reason || `code ${code}`);
    } else this.failures++;
    if (this.closed || this.away) return;
    if (code === 1009) this.dropLongest();
    if (wasOpen && code !== 1008 && code !== 1013 && code !== 1009) this.retryIn(0);
    else this.retryIn(this.delay());
  }

  /** Drops the longest frame, which the server refuses to read: sent again, it would end the next connection, too. */
  private dropLongest(): void {
    const longest = this.held.reduce<Frame | undefined>(
      (a, b) => (a && a.text.length >= b.text.length ? a : b),
      undefined,
    );
    if (!longest) return;
    // An empty frame takes its place, since both sides count frames.
    this.heldBytes -= longest.text.length - noop.length;
    this.options.log.error(
      `[devserver] a message of ${longest.text.length} characters is too long for the server; it was dropped: ${longest.text.slice(0, 80)}`,
    );
    if (longest.request !== undefined)
      this.pending.get(longest.request)?.reject(new HotError("too_big", "the request is too long for the server"));
    longest.text = noop;
  }

  /** Half of the delay is random, so that pages do not reconnect all at once. */
  private delay(): number {
    const full = Math.min(maxDelay, firstDelay * 2 ** Math.min(this.failures, 10));
    return full / 2 + (full / 2) * (this.options.random ?? Math.random)();
  }

  private retryIn(ms: number): void {
    this.timers.clear(this.retry);
    this.retry = this.timers.set(() => void this.tryAgain(), ms);
  }

  private async tryAgain(): Promise<void> {
    this.retry = undefined;
    // A restarted server has another token. Asking for it also shows whether the server is there, without the console
    // errors of a failing socket. Each fourth time the socket is tried anyway: something may block the answer.
    if (this.failures > 0 && this.options.renew && this.failures % 4 !== 0) {
      const reachable = await this.options.renew().catch(() => false);
      if (this.socket || this.closed) return;
      if (!reachable) {
        this.failures++;
        if (this.retry === undefined) this.retryIn(this.delay());
        return;
      }
    }
    this.connect();
  }

  // ---- Receiving

  private message(socket: Socket, data: unknown): void {
    if (this.socket !== socket) return; // of an earlier connection; the next one brings it again
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
    // A session that continues at its first greeting was opened by a connection that this page closed before.
    if (payload.resumed && !first) this.confirm(payload.received);
    else this.newSession(first);
    this.left = false;
    for (const frame of this.held) this.write(frame);
    this.full = false;
    this.pingTimer = this.timers.set(() => this.ping(), pingEvery);
    this.options.opened?.(socket);
  }

  /** The number of this session's frames that the server confirmed. */
  private confirmed = 0;

  private confirm(n: number): void {
    const count = Math.min(n - this.confirmed, this.held.length);
    if (count <= 0) return;
    this.confirmed += count;
    for (const frame of this.held.splice(0, count)) this.heldBytes -= frame.text.length;
    this.full = false;
  }

  /**
   * Starts to count from zero. Frames that were written and not confirmed may have arrived. Sent again, they could run
   * an action twice, so they are dropped, and the console says so.
   */
  private newSession(first: boolean): void {
    this.received = this.acked = this.confirmed = 0;
    const lost = first ? [] : this.held.filter((f) => f.written);
    const waiting = first ? this.held : this.held.filter((f) => !f.written);
    const hello: Frame = { text: JSON.stringify(this.options.hello()), written: false };
    const subscriptions = [...this.channels].map((channel): Frame => ({
      text: JSON.stringify({ type: "subscribe", channel }),
      written: false,
    }));
    this.held = [hello, ...subscriptions, ...waiting.filter((f) => !isSubscription(f))];
    this.heldBytes = this.held.reduce((n, f) => n + f.text.length, 0);
    const events = lost.filter((f) => f.request === undefined && f.text.startsWith('{"type":"custom"'));
    if (events.length > 0 && !this.left) {
      this.options.log.warn(
        `[devserver] the server restarted while ${events.length} event(s) were on their way; they may not have arrived:`,
        ...events.map((f) => f.text),
      );
    }
    const waitingRequests = new Set(waiting.map((f) => f.request));
    for (const [id, p] of [...this.pending]) {
      if (!waitingRequests.has(id))
        p.reject(new HotError("connection_lost", "the server restarted before it answered"));
    }
  }

  private ping(): void {
    if (!this.ready) return;
    this.socket!.send('{"type":"ping"}');
    this.pingTimer = this.timers.set(() => this.ping(), pingEvery);
  }

  // ---- Sending

  /** Sends a frame, or keeps it until there is a connection. Throws a HotError when too much waits already. */
  send(payload: ReliablePagePayload): void {
    const text = JSON.stringify(payload);
    const { maxFrames = 100_000, maxBytes = 8 << 20, maxMessage = 1 << 20 } = this.options;
    if (
      text.length > maxMessage ||
      (text.length * 3 > maxMessage && new TextEncoder().encode(text).length > maxMessage)
    ) {
      const error = new HotError(
        "too_big",
        `a message of ${text.length} characters is more than the server accepts (${maxMessage} bytes); it was not sent`,
      );
      this.options.log.error(`[devserver] ${error.message}: ${text.slice(0, 80)}`);
      throw error;
    }
    if (this.closed) throw new HotError("connection_lost", "there is no connection to the server");
    if (this.held.length >= maxFrames || this.heldBytes + text.length > maxBytes) {
      const error = new HotError(
        "queue_full",
        `${this.held.length} messages wait for the server already; this one was not sent`,
      );
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

  /** Sends a request and resolves with the answer. Errors are HotErrors. */
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
      if (timeout > 0)
        timer = this.timers.set(
          () => cancel(new HotError("timeout", `no answer to ${JSON.stringify(event)} within ${timeout} ms`)),
          timeout,
        );
    });
  }

  private tryToSend(payload: ReliablePagePayload): void {
    try {
      this.send(payload);
    } catch {
      // No caller waits for it, and the console has the error.
    }
  }

  /** Answers skip the queue of messages: a listener in the queue may wait for one. */
  private reply({ id, data, error }: ReplyPayload): void {
    const pending = this.pending.get(id);
    if (error) pending?.reject(new HotError(error.code ?? "handler_error", error.message, error.path));
    else pending?.resolve(data);
  }

  private rejectAll(code: string, message: string): void {
    for (const p of [...this.pending.values()]) p.reject(new HotError(code, message));
  }

  // ---- Channels

  /** Subscribes to a channel, now and in each later session. */
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
