// The frames of a page that the server has not confirmed, in order. The page writes no more of them than the server
// takes; the others wait here.

import { HotError } from "./request.ts";

export interface Frame {
  type: string;
  text: string;
  /** The ID of a request, which is rejected when its frame is lost. */
  request?: number;
  /** The ID of the server's request that the frame answers. */
  answers?: number;
}

/** How many of a page's frames the server has received and not handled yet. */
export interface Waiting {
  waiting?: number;
  waitingBytes?: number;
}

/** Bounds of the frames that are written and not handled, and of those that are written and not confirmed. */
const mostOpen = 65_536;
const mostOpenBytes = 16 << 20;
const mostUnconfirmedBytes = 1 << 20;

/** A frame without effect. */
const noop = '{"type":"cancel","id":0}';

export class Outbox {
  private frames: Frame[] = [];
  // Indices of frames. The frames before head are confirmed, and leave the list now and then: taken out at once, they
  // would move all others each time.
  private head = 0;
  /** The next frame to write on this connection. */
  private next = 0;
  /** The end of what was written in this session, on any connection. */
  private reached = 0;
  private bytes = 0;
  private unconfirmedBytes = 0;
  private atServer: Required<Waiting> = { waiting: 0, waitingBytes: 0 };
  /** How many frames of the session the server has confirmed. */
  confirmed = 0;

  constructor(
    private readonly mostFrames = 1_000_000,
    private readonly mostBytes = 128 << 20,
  ) {}

  get length(): number {
    return this.frames.length - this.head;
  }

  /** Adds a frame. Throws a HotError when too much waits, unless the frame ends what an earlier frame began. */
  add(frame: Frame, ends: boolean): void {
    if (!ends && (this.length >= this.mostFrames || this.bytes + frame.text.length > this.mostBytes)) {
      throw new HotError(
        "queue_full",
        `${this.length} messages wait for the server already, with ${this.bytes} of ${this.mostBytes} characters; this one was not sent`,
      );
    }
    this.frames.push(frame);
    this.bytes += frame.text.length;
  }

  /** Takes back a request that was not written, and reports whether it did. */
  takeBack(request: number): boolean {
    for (let i = this.reached; i < this.frames.length; i++) {
      if (this.frames[i]!.request === request) {
        this.replace(i);
        return true;
      }
    }
    return false;
  }

  /** Puts a frame without effect in the place of a frame, since both sides count frames. */
  private replace(at: number): void {
    this.bytes -= this.frames[at]!.text.length - noop.length;
    this.frames[at] = { type: "cancel", text: noop };
  }

  /** Returns the next frame to write; undefined when there is none, or when the server has enough to do. */
  take(): Frame | undefined {
    const { waiting, waitingBytes } = this.atServer;
    const frame = this.frames[this.next];
    if (
      !frame ||
      this.next - this.head + waiting >= mostOpen ||
      this.unconfirmedBytes + waitingBytes >= mostOpenBytes ||
      this.unconfirmedBytes >= mostUnconfirmedBytes
    )
      return undefined;
    this.next++;
    this.reached = Math.max(this.reached, this.next);
    this.unconfirmedBytes += frame.text.length;
    return frame;
  }

  /** Drops the first n frames of the session, which the server has. */
  confirm(n: number, { waiting = 0, waitingBytes = 0 }: Waiting): void {
    this.atServer = { waiting, waitingBytes };
    const count = Math.min(n - this.confirmed, this.length);
    if (count <= 0) return;
    this.confirmed += count;
    for (const end = this.head + count; this.head < end; this.head++) {
      const { length } = this.frames[this.head]!.text;
      this.bytes -= length;
      if (this.head < this.next) this.unconfirmedBytes -= length;
    }
    this.next = Math.max(this.next, this.head);
    if (this.head >= 1024 && this.head * 2 >= this.frames.length) this.compact();
  }

  private compact(): void {
    this.frames = this.frames.slice(this.head);
    this.next -= this.head;
    this.reached -= this.head;
    this.head = 0;
  }

  /** Begins to write again on a new connection of the session. */
  rewind(): void {
    this.next = this.head;
    this.unconfirmedBytes = 0;
  }

  /** Returns the frames that are not confirmed, and those of them that were written. */
  split(): { written: Frame[]; waiting: Frame[] } {
    const reached = Math.max(this.reached, this.head);
    return { written: this.frames.slice(this.head, reached), waiting: this.frames.slice(reached) };
  }

  /** Begins a new session with these frames. */
  restart(frames: Frame[]): void {
    this.frames = frames;
    this.head = this.next = this.reached = this.confirmed = this.unconfirmedBytes = 0;
    this.bytes = frames.reduce((n, f) => n + f.text.length, 0);
  }

  /**
   * Takes out the longest frame of those that were written and returns it: the server refuses to read it. An empty
   * frame takes its place, since both sides count frames.
   */
  dropLongest(): Frame | undefined {
    let at = this.head;
    for (let i = at; i < this.reached; i++) if (this.frames[i]!.text.length > this.frames[at]!.text.length) at = i;
    if (at >= this.reached) return undefined;
    const longest = this.frames[at]!;
    this.replace(at);
    return longest;
  }
}
