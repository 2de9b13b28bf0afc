// A page without DOM and socket, for tests: modules as the server sends them, updates of them, and a journal of what
// happened.

import { transformSync } from "esbuild";
import { resolveAccepted } from "../src/hot/accepted.ts";
import { Events } from "../src/hot/events.ts";
import { HotStore, type HotHost } from "../src/hot/hot.ts";
import { ModuleMeta, type MetaHost } from "../src/hot/meta.ts";
import { nothingStaged } from "../src/runtime/definitions.ts";
import { compileDefinitions } from "../src/runtime/evaluate-code.ts";
import { helpers } from "../src/runtime/helpers.ts";
import { Registry } from "../src/runtime/registry.ts";
import { moduleURL } from "../src/runtime/url.ts";
import { Answers } from "../src/socket/answers.ts";
import type { ErrorInfo, ReportPayload, UpdatePayload } from "../src/socket/payload.ts";
import { Queue } from "../src/update/queue.ts";
import { Refresh } from "../src/update/refresh.ts";
import { Updater, type StylesDecision, type UpdateHost } from "../src/update/update.ts";

/** Files by ID; a value of null deletes. */
export type Files = Record<string, string | null>;

/** Compiles a module as the server does, and returns its `$d(...)`. */
export function definition(id: string, code: string, rev: string, known: (id: string) => boolean): string {
  const isAsync = code.startsWith("async:");
  const out = isAsync
    ? code
        .slice(6)
        .replace(/^import \* as (\w+) from (".*?");?$/gm, "const $1 = __toESM(require($2));")
        .replace(/^import (".*?");?$/gm, "require($1);")
    : transformSync(code, { format: "cjs", target: "esnext", define: { "import.meta": "$meta$" } })
        .code.replace(/^var (__\w+) = .*\n(?:[ )}].*\n)*/gm, (text, name) => (name in helpers ? "" : text))
        .replace(/^(var (?!import_)\w+ = )__toESM\(/gm, "$1__asESM(");
  const deps: Record<string, string> = {};
  const dynamic: string[] = [];
  for (const [, kind, spec] of out.matchAll(/(require|import|accept)\("([^"]+)"\)/g)) {
    const to = spec!.startsWith(".") ? resolve(id, spec!, known) : spec!;
    deps[spec!] = to;
    if (kind === "import") dynamic.push(spec!);
  }
  const info = dynamic.length > 0 ? `,${JSON.stringify({ dynamic })}` : "";
  const body = out.replace(/\bimport\(/g, "$load$(");
  return `$d(${JSON.stringify(id)},${JSON.stringify(rev)},${JSON.stringify(deps)},${isAsync ? "async " : ""}function(module,exports,require,$load$,$meta$){\n${body}\n}${info});\n`;
}

function resolve(importer: string, spec: string, known: (id: string) => boolean): string {
  const path = new URL(spec, "http://x" + importer).pathname;
  return [path, path + ".js", path + ".ts", path + ".tsx"].find(known) ?? path;
}

export class World implements UpdateHost, HotHost, MetaHost {
  /** What happened, line by line. Modules write to it with `note(...)`. */
  readonly journal: string[] = [];
  readonly errors: unknown[] = [];
  readonly reports: Omit<ReportPayload, "type">[] = [];
  readonly sent: [string, unknown][] = [];
  readonly env = { MODE: "test" };
  readonly log = {
    debug: () => {},
    log: (...args: unknown[]) => void this.journal.push(args.join(" ").replace("[devserver] ", "")),
    warn: (...args: unknown[]) => void this.journal.push("warn: " + args.join(" ").replace("[devserver] ", "")),
    error: (...args: unknown[]) =>
      void (this.errors.push(args[1]), this.journal.push("error: " + String(args[0]).replace("[devserver] ", ""))),
  };
  readonly queue = new Queue((error) => this.log.error("queue", error));
  readonly events = new Events(this.log, this.queue.meanwhile);
  readonly answers = new Answers(this.log);
  readonly hot = new HotStore(this);
  readonly refresh = new Refresh(this.log);
  readonly registry: Registry = new Registry({
    loadPack: async (ids, have, exact) => this.pack(ids, have, exact),
    importURL: async (url) => {
      if (!/^[a-z]+:/.test(url)) throw new TypeError(`Failed to resolve module specifier '${url}'`);
      const id = decodeURI(url.replace(/^https?:\/\/localhost(:\d+)?/, ""));
      if (id !== url && !this.files.has(id)) throw new TypeError(`Failed to fetch dynamically imported module: ${url}`);
      if (this.files.has(id)) {
        this.define([id]);
        this.registry.enter(id);
      }
      return { url };
    },
    waits: () => false,
    url: (id) => this.url(id),
    meta: (instance) => new ModuleMeta(instance, this),
  });
  readonly updater = new Updater(this.registry, this.hot, this.events, this, (task) => this.queue.pushFront(task));
  /** The server's files; `broken` are those that do not compile. */
  readonly files = new Map<string, string>();
  readonly broken = new Set<string>();
  readonly packs: string[] = [];
  overlay: ErrorInfo | undefined;
  stop: string | undefined;
  private seq = 0;

  constructor(
    files: Files,
    private readonly options: { lazy?: string[] } = {},
  ) {
    for (const [id, code] of Object.entries(files)) this.files.set(id, code!);
    (globalThis as Record<string, unknown>)["note"] = (...args: unknown[]) =>
      void this.journal.push(args.map(String).join(" "));
    this.registry.afterRun = (instance) => this.refresh.afterRun(instance);
    this.define([...this.files.keys()].filter((id) => !options.lazy?.includes(id)));
  }

  private code(ids: string[]): string {
    return ids
      .map((id) => definition(id, this.files.get(id)!, hash(this.files.get(id)!), (x) => this.files.has(x)))
      .join("");
  }

  private define(ids: string[]): void {
    const here = ids.filter((id) => this.files.has(id) && !this.broken.has(id));
    compileDefinitions(this.code(here), this.registry.definitions)();
  }

  private pack(ids: string[], have: string[], exact: boolean): undefined {
    this.packs.push(`${ids.join(",")}${exact ? " exact" : ""} have ${have.join(",")}`);
    this.define(exact ? [...this.files.keys()] : [...ids, ...(this.options.lazy ?? [])]);
  }

  /** Runs an entry. */
  start(id: string): unknown {
    return this.registry.enter(id);
  }

  /** Saves files and applies the update that a server would send. */
  async update(files: Files, more: Partial<UpdatePayload> = {}): Promise<void> {
    const changed: string[] = [];
    const deleted: string[] = [];
    for (const [id, code] of Object.entries(files)) {
      if (code === null) {
        this.files.delete(id);
        deleted.push(id);
      } else {
        this.files.set(id, code);
        changed.push(id);
      }
    }
    const payload: UpdatePayload = {
      type: "update",
      seq: ++this.seq,
      timestamp: this.seq * 1000,
      changed,
      deleted,
      code: this.code(changed.filter((id) => !this.broken.has(id))),
      ...more,
    };
    this.queue.push(() => this.updater.apply(payload));
    await this.queue.idle();
  }

  exports(id: string): Record<string, unknown> {
    return this.registry.namespace(id) as Record<string, unknown>;
  }

  /** Returns the journal since the last call. */
  look(): string[] {
    return this.journal.splice(0);
  }

  // ---- UpdateHost

  async stage(update: UpdatePayload) {
    const { definitions } = this.registry;
    return update.code ? definitions.stage(compileDefinitions(update.code, definitions)) : nothingStaged();
  }

  needs(module: string): boolean {
    return this.registry.needed([]).has(module);
  }

  stopped(): string | undefined {
    return this.stop;
  }

  startsWorker(worker: string): boolean {
    return this.registry.importers.starts(worker);
  }

  decideStyles(paths: readonly string[]): StylesDecision {
    return { swap: [...paths], reload: undefined };
  }

  async swapStyles(): Promise<void> {}

  reload(reason: string): void {
    this.journal.push(`reload: ${reason}`);
  }

  isAt(path: string): boolean {
    return path === "/here.html";
  }

  showFailure(error: ErrorInfo): void {
    this.overlay = error;
  }

  clearErrors(): void {
    this.overlay = undefined;
  }

  report({ took: _, ...report }: Omit<ReportPayload, "type">): void {
    this.reports.push(report);
  }

  renderRefreshed(): void {
    this.refresh.perform();
  }

  async startWaiting(): Promise<void> {}

  sendInvalidate(data: unknown): void {
    this.sent.push(["vite:invalidate", data]);
  }

  // ---- HotHost and MetaHost

  send(event: string, data: unknown): void {
    this.sent.push([event, data]);
  }

  async request(): Promise<unknown> {
    return undefined;
  }

  resolve(owner: string, specifier: string): string | undefined {
    return resolveAccepted(owner, specifier, this.registry.instance(owner)?.definition.deps ?? {}, "/");
  }

  invalidate(owner: string, message: string | undefined): void {
    this.updater.invalidate(owner, message);
  }

  url(id: string): string {
    return moduleURL(id, "/", "http://localhost:5173");
  }
}

export function hash(text: string): string {
  let h = 0;
  for (let i = 0; i < text.length; i++) h = (h * 31 + text.charCodeAt(i)) | 0;
  return h.toString(36);
}
