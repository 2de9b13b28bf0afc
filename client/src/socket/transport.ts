// The page's socket, which reconnects by itself. Both sides count the frames of a session. After a lost connection each
// side sends the frames that the other has not received: none is lost, none arrives twice, and they stay in order.

import { errorReply } from "./answers.ts";
import type { Logger } from "./logger.ts";
import { Outbox, type Frame } from "./outbox.ts";
import {
  isReliable,
  lostEvent,
  type ConnectedPayload,
  type LostData,
  type ReliablePagePayload,
  type ReplyPayload,
  type RequestPayload,
  type ServerMessage,
  type ServerPayload,
} from "./payload.ts";
import { HotError, type RequestOptions } from "./request.ts";
import { Silence } from "./silence.ts";
import { realTimers, type Timers } from "./timers.ts";

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
  /** Calls renew before the first connection, too. */
  renewFirst?: boolean;
  log: Logger;
  /** The first frame of each session. */
  hello(): ReliablePagePayload;
  /** Called with each message, except replies, cancels and acks, in order, as they arrive. */
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
  /** The longest message, in bytes, until the server says it. The server closes a connection with a longer message. */
  maxMessage?: number;
  timers?: Timers;
}

/** What is received is confirmed after this many frames, characters or milliseconds, whichever comes first. */
const ackEvery = 64;
const ackEachLength = 256 << 10;
const ackWithin = 1000;
const firstDelay = 200;
const maxDelay = 5000;
/** How long a connection must last to count as a success, in milliseconds, unless it brings more of a session. */
const lasts = 5000;
/** How long renew may take, in milliseconds. */
const renewWithin = 10_000;
const defaultTimeout = 30_000;

/** The close code of a connection that carries nothing. The server keeps the session, as for any lost connection. */
export const silentCode = 4000;

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
  /** Set when the next connection needs renew first. */
  private stale: boolean;
  private readonly outbox: Outbox;
  private readonly silence: Silence;
  private maxMessage: number;
  private received = 0;
  private acked = 0;
  private unackedLength = 0;
  private epoch = "";
  /** The page's ID in the last greeting. */
  private client = "";
  private connections = 0;
  private failures = 0;
  private retry: unknown;
  private ackTimer: unknown;
  private lastsTimer: unknown;
  private readonly pending = new Map<number, Pending>();
  private nextRequest = 1;
  /** The server's requests that are not answered, by ID. */
  private readonly asked = new Map<number, { request: RequestPayload; abort: AbortController }>();
  private readonly channels = new Set<string>();
  private readonly timers: Timers;

  constructor(private readonly options: TransportOptions) {
    this.timers = options.timers ?? realTimers;
    this.stale = options.renewFirst ?? false;
    this.maxMessage = options.maxMessage ?? 1 << 20;
    this.outbox = new Outbox(options.maxFrames, options.maxBytes);
    this.silence = new Silence(
      this.timers,
      () => this.socket?.send('{"type":"ping"}'),
      () => this.giveUp(),
    );
  }

  get connected(): boolean {
    return this.ready;
  }

  // ---- Connection

  /** Connects as soon as renew has answered, where the first connection needs that. */
  start(): void {
    if (this.stale) void this.tryAgain();
    else this.connect();
  }

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
        // The session that the count belongs to. The greeting of a later session may not have arrived.
        ...(this.client && { client: this.client }),
        acks: "1", // this page sends acks often enough for the server to wait for them
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
    this.silence.opening();
  }

  /** Ends a connection that carries nothing. Its close event would come when the browser notices, too: much later. */
  private giveUp(): void {
    const socket = this.socket;
    if (!socket) return;
    this.lostSocket(socket, silentCode, "the server did not answer");
    socket.close(silentCode);
  }

  /** Connects without delay: the computer woke up, the network is back, or the tab came to the front. */
  wake(): void {
    this.away = false;
    if (this.ready) this.silence.askNow();
    if (this.socket || this.closed || this.connections + this.failures === 0) return;
    this.failures = Math.min(this.failures, 1);
    this.connect();
  }

  /**
   * Closes the socket: the user left the page. The browser may keep the page, even its socket, and show it again.
   * `sent` says that the server gets in another way what was still to be sent.
   */
  leave(sent = false): void {
    this.away = true;
    this.timers.clear(this.retry);
    this.retry = undefined;
    const socket = this.socket;
    if (sent) this.outbox.restart([]);
    if (!socket) return;
    this.left = true;
    this.lostSocket(socket, 1000, "the page was left");
    socket.close(1000);
  }

  /** Ends the connection for good. */
  close(): void {
    this.closed = true;
    this.timers.clear(this.retry);
    this.stopTimers();
    this.socket?.close(1000);
    this.rejectAll("connection_lost", "the connection was closed");
    this.forgetAsked("the connection was closed");
  }

  private stopTimers(): void {
    this.silence.stop();
    this.timers.clear(this.ackTimer);
    this.timers.clear(this.lastsTimer);
    this.ackTimer = undefined;
  }

  private lostSocket(socket: Socket, code: number, reason: string): void {
    if (this.socket !== socket) return;
    const wasOpen = this.ready;
    this.socket = undefined;
    this.ready = false;
    this.stopTimers();
    this.stale = !wasOpen;
    // A connection that did not last counts as failed, or a server that closes each one would get the next at once.
    const first = this.failures === 0;
    if (!wasOpen || !this.lasted) this.failures++;
    if (wasOpen) this.options.lost?.(socket, reason || `code ${code}`);
    if (this.closed || this.away) return;
    if (code === 1009) this.dropLongest();
    if (wasOpen && first && code !== 1008 && code !== 1013 && code !== 1009) this.retryIn(0);
    else this.retryIn(this.delay());
  }

  /** Drops the longest frame, which the server refuses to read: sent again, it would end the next connection, too. */
  private dropLongest(): void {
    const longest = this.outbox.dropLongest();
    if (!longest) return;
    this.options.log.error(
      `[devserver] a message of ${longest.text.length} characters is too long for the server; it was dropped: ${longest.text.slice(0, 80)}`,
    );
    if (longest.request !== undefined)
      this.pending.get(longest.request)?.reject(new HotError("too_big", "the request is too long for the server"));
    if (longest.answers !== undefined)
      this.sendReply({
        type: "reply",
        id: longest.answers,
        error: { code: "too_big", message: "the answer is too long for the server" },
      });
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
    if (this.stale && this.options.renew && (this.failures === 0 || this.failures % 4 !== 0)) {
      const reachable = await this.renew(this.options.renew);
      if (this.socket || this.closed || this.away) return;
      if (!reachable) {
        this.failures++;
        if (this.retry === undefined) this.retryIn(this.delay());
        return;
      }
    }
    this.connect();
  }

  /** Calls renew, which may be the app's code: it may throw, or never answer. */
  private async renew(renew: () => Promise<boolean>): Promise<boolean> {
    let timer: unknown;
    const late = new Promise<boolean>((resolve) => {
      timer = this.timers.set(() => {
        this.options.log.warn(`[devserver] no token came within ${renewWithin / 1000} s; trying again.`);
        resolve(false);
      }, renewWithin);
    });
    try {
      return await Promise.race([renew(), late]);
    } catch {
      return false;
    } finally {
      this.timers.clear(timer);
    }
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
    this.silence.hear();
    if (isReliable(payload)) this.count(String(data).length);
    switch (payload.type) {
      case "connected": {
        const before = this.epoch;
        const lost = this.greet(socket, payload);
        this.options.receive(payload);
        if (payload.lost) this.tellLost(payload.lost);
        if (lost.length > 0)
          this.tellOwnLost(lost, payload.epoch === before ? "its session ended" : "the server restarted");
        break;
      }
      case "ack":
        this.outbox.confirm(payload.n, payload);
        this.flush();
        break;
      case "reply":
        this.reply(payload);
        break;
      case "request":
        this.asked.set(payload.id, { request: payload, abort: new AbortController() });
        this.options.receive(payload);
        break;
      case "cancel":
        this.asked.get(payload.id)?.abort.abort(new HotError("aborted", "nobody waits for the answer"));
        this.asked.delete(payload.id);
        break;
      default:
        this.options.receive(payload);
    }
  }

  private count(length: number): void {
    if (this.resumed && !this.lasted) this.succeed(); // a network that cuts connections, and not a server that refuses
    this.received++;
    this.unackedLength += length;
    if (this.received - this.acked >= ackEvery || this.unackedLength >= ackEachLength) this.sendAck();
    else this.ackTimer ??= this.timers.set(() => this.sendAck(), ackWithin);
  }

  private sendAck(): void {
    this.timers.clear(this.ackTimer);
    this.ackTimer = undefined;
    if (!this.ready || this.acked === this.received) return;
    this.acked = this.received;
    this.unackedLength = 0;
    this.socket!.send(JSON.stringify({ type: "ack", n: this.received }));
  }

  /** The connection counts as a success: it has lasted, or it brought more of a session that went on. */
  private lasted = false;
  private resumed = false;

  private succeed(): void {
    this.lasted = true;
    this.failures = 0;
  }

  /** Takes the greeting, and returns the events that may not have arrived in the session before. */
  private greet(socket: Socket, payload: ConnectedPayload): Frame[] {
    this.ready = true;
    this.lasted = false;
    this.lastsTimer = this.timers.set(() => this.succeed(), lasts);
    const first = this.connections++ === 0;
    this.resumed = payload.resumed && !first;
    this.epoch = payload.epoch;
    this.client = payload.client;
    this.maxMessage = payload.maxMessage ?? this.maxMessage;
    let lost: Frame[] = [];
    // A session that continues at its first greeting was opened by a connection that this page closed before.
    if (this.resumed) this.outbox.confirm(payload.received, payload);
    else lost = this.newSession(first, payload);
    this.left = false;
    this.outbox.rewind();
    this.silence.watch();
    this.flush();
    this.options.opened?.(socket);
    return lost;
  }

  /**
   * Starts to count from zero. Frames that were written and not confirmed may have arrived. Sent again, they could run
   * an action twice, so they are dropped. Returns the events among them.
   */
  private newSession(first: boolean, payload: ConnectedPayload): Frame[] {
    this.received = this.acked = this.unackedLength = 0;
    const { written, waiting } = this.outbox.split();
    // The server has forgotten what it asked in the session before, and counts its requests from one again.
    const kept = (first ? [...written, ...waiting] : waiting).filter((f) => f.answers === undefined);
    this.forgetAsked("its session ended");
    const frames = [
      this.options.hello(),
      ...[...this.channels].map((channel) => ({ type: "subscribe" as const, channel })),
    ]
      .map((p): Frame => ({ type: p.type, text: JSON.stringify(p) }))
      .concat(kept.filter((f) => f.type !== "subscribe" && f.type !== "unsubscribe"));
    this.outbox.restart(frames);
    this.outbox.confirm(0, payload);
    const waitingRequests = new Set(kept.map((f) => f.request));
    for (const [id, p] of [...this.pending]) {
      if (!waitingRequests.has(id))
        p.reject(new HotError("connection_lost", "the server restarted before it answered"));
    }
    return first || this.left ? [] : written.filter((f) => f.type === "custom");
  }

  /** Tells the app and the developer of messages to this page that the server dropped. */
  private tellLost({ messages, reason }: LostData): void {
    const what =
      messages === 0
        ? "messages to this page may be"
        : `${count(messages)} to this page ${messages === 1 ? "was" : "were"}`;
    this.options.log.error(`[devserver] ${what} lost: ${reason}. Reload the page to get its data again.`);
    this.options.receive({ type: "custom", event: lostEvent, data: { messages, reason } });
  }

  /** Tells the app and the developer of messages of this page that may not have arrived. */
  private tellOwnLost(lost: Frame[], reason: string): void {
    this.options.log.error(
      `[devserver] ${count(lost.length)} of this page may be lost: ${reason} before the server confirmed:`,
      ...lost.slice(0, mostShown).map((f) => f.text),
    );
    this.options.receive({ type: "custom", event: lostEvent, data: { messages: lost.length, reason, sent: true } });
  }

  // ---- Sending

  /**
   * Sends a frame, or keeps it until the server takes it. Throws a HotError for an event without a name, for a message
   * that is too big, when too much waits already, and after close().
   */
  send(payload: ReliablePagePayload): void {
    if ("event" in payload) checkName(payload.event, "an event");
    if ("channel" in payload) checkName(payload.channel, "a channel");
    const text = JSON.stringify(payload);
    // A character takes 3 bytes at most: only long texts are measured.
    const bytes = text.length * 3 > this.maxMessage ? new TextEncoder().encode(text).length : 0;
    if (bytes > this.maxMessage) {
      throw new HotError(
        "too_big",
        `a message of ${bytes} bytes was not sent: it is more than the ${this.maxMessage} bytes that the server takes (MaxMessage of hmr.Options): ${text.slice(0, 80)}`,
      );
    }
    if (this.closed) throw new HotError("connection_lost", "there is no connection to the server");
    const frame: Frame = { type: payload.type, text };
    if (payload.type === "request") frame.request = payload.id;
    if (payload.type === "reply") frame.answers = payload.id;
    const ends =
      payload.type === "cancel" || payload.type === "unsubscribe" || (payload.type === "reply" && payload.error);
    this.outbox.add(frame, Boolean(ends));
    this.flush();
  }

  /** Writes what the server takes. */
  private flush(): void {
    while (this.ready) {
      const frame = this.outbox.take();
      if (!frame) return;
      this.socket!.send(frame.text);
    }
  }

  /** Returns the frames that the server has not confirmed, and how many of the session it has. */
  unconfirmed(): { confirmed: number; frames: string[] } {
    const { written, waiting } = this.outbox.split();
    return { confirmed: this.outbox.confirmed, frames: [...written, ...waiting].map((f) => f.text) };
  }

  /** Sends a request and resolves with the answer. Errors are HotErrors. */
  request(event: string, data: unknown, { timeout = defaultTimeout, signal }: RequestOptions = {}): Promise<unknown> {
    const id = this.nextRequest++;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal));
      if (typeof timeout !== "number" || !(timeout >= 0)) {
        return reject(new TypeError(`the timeout of a request is a number of milliseconds, not ${String(timeout)}`));
      }
      let timer: unknown;
      const cancel = (error: unknown): void => {
        this.pending.get(id)?.done();
        if (!this.closed && !this.outbox.takeBack(id)) this.send({ type: "cancel", id });
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
      if (timeout > 0 && timeout < Infinity)
        timer = this.timers.set(
          () => cancel(new HotError("timeout", `no answer to ${JSON.stringify(event)} within ${timeout} ms`)),
          timeout,
        );
    });
  }

  /** Answers skip the queue of messages: a listener in the queue may wait for one. */
  private reply({ id, data, error }: ReplyPayload): void {
    const pending = this.pending.get(id);
    if (error) pending?.reject(new HotError(error.code ?? "handler_error", error.message, error.path));
    else pending?.resolve(data);
  }

  /**
   * Answers a request of the server by what `run` returns. Nothing is run or sent when the server does not wait for the
   * answer any more.
   */
  async answer(request: RequestPayload, run: (signal: AbortSignal) => unknown): Promise<void> {
    const { id } = request;
    const asked = this.asked.get(id);
    if (asked?.request !== request) return; // cancelled while it waited, or of an earlier session
    let reply: ReplyPayload;
    try {
      reply = { type: "reply", id, data: await run(asked.abort.signal) };
    } catch (error) {
      reply = { type: "reply", id, error: errorReply(error) };
    }
    if (this.asked.get(id) !== asked) return;
    this.asked.delete(id);
    this.sendReply(reply);
  }

  /** Sends an answer, or the error that the answer cannot be sent. */
  private sendReply(reply: ReplyPayload): void {
    const { id, data } = reply;
    try {
      if (typeof data === "function" || typeof data === "symbol")
        throw new HotError("bad_answer", `the answer cannot be JSON: it is a ${typeof data}`);
      this.send(reply);
    } catch (error) {
      if (this.closed) return;
      const { code, message } = errorReply(error);
      const known = error instanceof HotError;
      const why = known ? message : `the answer cannot be JSON: ${message}`;
      this.send({ type: "reply", id, error: { code: known ? code : "bad_answer", message: why } });
    }
  }

  private forgetAsked(why: string): void {
    for (const { abort } of this.asked.values()) abort.abort(new HotError("aborted", why));
    this.asked.clear();
  }

  private rejectAll(code: string, message: string): void {
    for (const p of [...this.pending.values()]) p.reject(new HotError(code, message));
  }

  // ---- Channels

  /** Subscribes to a channel, now and in each later session. Throws as send does, but not after close(). */
  subscribe(channel: string): void {
    if (this.channels.has(channel)) return;
    if (!this.closed) this.send({ type: "subscribe", channel });
    this.channels.add(channel);
  }

  unsubscribe(channel: string): void {
    if (this.channels.delete(channel) && !this.closed) this.send({ type: "unsubscribe", channel });
  }
}

/** How many lost messages the console shows. */
const mostShown = 20;

function count(messages: number): string {
  return messages === 1 ? "1 message" : `${messages} messages`;
}

function checkName(name: unknown, what: string): void {
  if (typeof name !== "string" || name === "") throw new HotError("bad_event", `${what} needs a name`);
}

function abortError(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new HotError("aborted", "the request was cancelled");
}
