// The messages of the socket: the twin of hmr/payload.go. Both are tested against the files of testdata/payload: Go
// writes those in server/, and the tests of the client those in page/.

export interface ErrorInfo {
  message: string;
  stack?: string;
  id?: string;
  frame?: string;
  plugin?: string;
  loc?: { file?: string; line: number; column: number };
  /** The absolute path, for the editor. */
  file?: string;
  hint?: string;
  /**
   * The module, script, stylesheet or page that could not be made. The error concerns the pages that need it, or that
   * start one of `workers`. Absent for an error that concerns all pages.
   */
  module?: string;
  /** The entries of workers that run the module. */
  workers?: string[];
}

export interface ConnectedPayload {
  type: "connected";
  client: string;
  epoch: string;
  /** Set when the session continues: the server still had it. */
  resumed: boolean;
  /** How many reliable frames of the session the server received. */
  received: number;
  /** The number of the newest update. */
  seq: number;
  /** Set when the server knows users. */
  identifies?: boolean;
  /** How many bytes a message of the page may have. */
  maxMessage?: number;
  /** What was lost with the session before: it waited for the page when the session ended. */
  lost?: LostData;
  /** As in AckPayload. */
  waiting?: number;
  waitingBytes?: number;
}

/** The event by which the app learns of lost messages. */
export const lostEvent = "devserver:lost";

/** The data of lostEvent. */
export interface LostData {
  messages: number;
  reason: string;
  /** Set when this page had sent the messages. They may have arrived. */
  sent?: true;
}

export interface UpdatePayload {
  type: "update";
  seq: number;
  timestamp: number;
  changed: string[] | null;
  deleted?: string[];
  /** Those of `changed` that run again even if their code is the same. */
  again?: string[];
  /** The paths of changed stylesheets that pages load by themselves, not by a module. */
  css?: string[];
  /** The paths of other files without a module that changed, and of folders of such files that were removed. */
  files?: string[];
  /** The entries of workers that run changed code, each with a module of it that changed. */
  workers?: Record<string, string>;
  code?: string;
  url?: string;
}

export interface FullReloadPayload {
  type: "full-reload";
  /** Counts reloads together with updates. */
  seq?: number;
  path?: string;
  /** Only pages that need this module or script reload. */
  module?: string;
  triggeredBy?: string;
  reason?: string;
}

/** All errors of the project, until the next message about errors. */
export interface ErrorPayload {
  type: "error";
  err: ErrorInfo;
  more?: ErrorInfo[];
}
/** The project has no error any more. */
export interface FixedPayload {
  type: "fixed";
}
export interface CustomPayload {
  type: "custom";
  event: string;
  data?: unknown;
  /** Set for a message that the channel keeps for pages that listen later. */
  retained?: true;
}
export interface ReplyPayload {
  type: "reply";
  id: number;
  data?: unknown;
  error?: { message: string; code?: string; path?: string };
}
/** The server gives up a request to this page. */
export interface CancelPayload {
  type: "cancel";
  id: number;
}
export interface NeedRevisionsPayload {
  type: "need-revisions";
}
export interface AckPayload {
  type: "ack";
  n: number;
  /** How many of the page's frames have arrived and are not handled, and their bytes; absent for none. */
  waiting?: number;
  waitingBytes?: number;
}

/** Everything that the server sends. */
export type ServerPayload =
  | ConnectedPayload
  | UpdatePayload
  | FullReloadPayload
  | ErrorPayload
  | FixedPayload
  | CustomPayload
  | ReplyPayload
  | RequestPayload
  | CancelPayload
  | NeedRevisionsPayload
  | AckPayload;

/** Everything that the server sends, except what the transport does by itself: it ends requests in either direction. */
export type ServerMessage = Exclude<ServerPayload, ReplyPayload | CancelPayload>;

export interface ReportPayload {
  type: "report";
  seq: number;
  kind: "updated" | "reloaded" | "nothing" | "failed";
  paths: string[];
  reason?: string;
  /** Leads from the changed module up to where no module accepts it. */
  chain?: string[];
  /** The milliseconds since the update came. */
  took?: number;
}

/** A request, in either direction. Each side counts its own. */
export interface RequestPayload {
  type: "request";
  id: number;
  event: string;
  data?: unknown;
}

/** The HTML file that a page was made from: its ID and its revision. */
export interface PageFile {
  page: string;
  pageRev: string;
}

/** The frames of a page that are counted, kept, and sent again after a lost connection. */
export type ReliablePagePayload =
  | ({
      type: "hello";
      url: string;
      /** The ID before the client reloaded the page. */ was?: string;
    } & Partial<PageFile>)
  | CustomPayload
  | RequestPayload
  | CancelPayload
  | ReplyPayload
  | ({ type: "revisions"; modules: Record<string, string>; css: string[] } & Partial<PageFile>)
  | ReportPayload
  | { type: "subscribe"; channel: string }
  | { type: "unsubscribe"; channel: string };

/** Everything that a page sends. */
export type PagePayload = ReliablePagePayload | { type: "ack"; n: number } | { type: "ping" };

/** Reports whether a frame of the server counts in its session. */
export function isReliable(payload: { type: string }): boolean {
  return payload.type !== "connected" && payload.type !== "ack";
}

/** An entry of `updates` in the payload of `vite:beforeUpdate` and `vite:afterUpdate`, in Vite's shape. */
export interface Update {
  type: "js-update" | "css-update";
  path: string;
  acceptedPath: string;
  timestamp: number;
  explicitImportRequired: boolean;
  isWithinCircularImport: boolean;
  firstInvalidatedBy?: string;
}
