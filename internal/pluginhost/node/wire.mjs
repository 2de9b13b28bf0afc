// The protocol of internal/wire: frames of a 4-byte big-endian length and JSON, on stdin and stdout. Tools print to stderr.
import { isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { project } from "./packages.mjs";

const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr); // a tool that logs must not break the frames
console.log = console.info = console.debug = console.error;

/** Returns the place that a tool's error names. */
export function placeIn(e) {
  const { span } = e; // Sass
  if (e.loc?.line !== undefined && e.plugin) {
    // Vite counts lines of the whole file, while other fields may count those of a block. They know files that the
    // module's own imports, though.
    const named = span?.url?.protocol === "file:" ? fileURLToPath(span.url) : e.file;
    const own = [e.loc.file, e.id].find((f) => typeof f === "string" && isAbsolute(f)) ?? e.loc.file ?? e.id;
    const file = own?.replace(/\?.*/s, "");
    const imported = typeof named === "string" && isAbsolute(named) && named.replace(/\?.*/s, "") !== file;
    if (!imported) return { file, line: e.loc.line, column: e.loc.column };
  }
  if (span)
    return {
      file: span.url ? fileURLToPath(span.url) : undefined,
      line: span.start.line + 1,
      column: span.start.column,
    };
  const file = e.file ?? e.filename ?? e.input?.file ?? e.loc?.file ?? e.id;
  return { file, line: e.line ?? e.loc?.line, column: e.column ?? e.loc?.column };
}

/** Returns the place in the project's own files at which an error was thrown. */
function placeOf(e) {
  for (const [, file, line, column] of String(e.stack ?? "").matchAll(
    /^\s+at .*?\(?((?:file:\/\/)?\/[^():]+):(\d+):(\d+)\)?$/gm,
  )) {
    const at = file.startsWith("file:") ? fileURLToPath(file.replace(/\?.*/, "")) : file;
    if (at.startsWith(project) && !at.includes("node_modules"))
      return { file: at, line: Number(line), column: Number(column) - 1 };
  }
  return undefined;
}

/** Returns the first error of a bundler. Vite throws one for a configuration that does not parse. */
function ofBuild(e, message) {
  const { text, location } = e.errors?.[0] ?? {}; // esbuild
  if (location) return { text, file: resolve(location.file), line: location.line, column: location.column };
  const m = /^Build failed.*\n+(?:\[\w+\] )?(.+)\n[^]*?\[ (.+?):(\d+):(\d+) \]/.exec(message); // Rolldown
  return m && { text: m[1], file: resolve(m[2]), line: Number(m[3]), column: Number(m[4]) - 1 };
}

/** Returns a text without the colours of a terminal. */
export const plainText = (text) => text.replace(/\x1b\[[\d;]*m/g, "");

/** Returns a message without what is shown beside it: the place in front, a line with the file's name, the code. */
function bare(message, file, frame) {
  const isCode = (l) => frame && /^(>?\s*\d+\s+\||\s+\|\s*\^)/.test(l);
  const lines = message.split("\n").filter((l) => l.trim() !== file && !isCode(l));
  const [text = "", ...rest] = lines;
  const place = text.startsWith(`${file}:`) ? /^(:\d+)+:? /.exec(text.slice(file.length)) : null;
  const first = place ? text.slice(file.length + place[0].length) : text;
  return [first, ...rest].join("\n").trim() || message;
}

export function failure(thrown) {
  const e = thrown ?? new Error(`the tool threw ${thrown}`); // every call needs an answer, whatever was thrown
  const message = plainText(String(e.sassMessage ?? e.reason ?? e.message ?? e));
  const at = placeIn(e);
  const built = at.line === undefined && !e.loc ? ofBuild(e, message) : undefined;
  const source = at.line === undefined && !e.loc && !built ? placeOf(e) : undefined;
  const place = built ?? (!at.file || source?.file === at.file ? source : undefined); // a plugin may throw far from the file that it dislikes
  const { file = place?.file, line = place?.line, column = place?.column ?? 0 } = place ?? at;
  const where = source && !place ? `at ${relative(project, source.file)}:${source.line}:${source.column + 1}` : "";
  const from = [e.hook && `by ${e.hook}`, where].filter(Boolean).join(" ");
  return {
    code: e.missing ? "not_installed" : e.code === "not_started" ? e.code : undefined,
    message: place?.text ?? bare(message, file, e.frame),
    hint: e.hint ?? (from ? `thrown ${from}` : undefined),
    file,
    line,
    column: line === undefined ? undefined : column + (e.name === "CssSyntaxError" ? 0 : 1), // PostCSS counts from 1
    frame: typeof e.frame === "string" ? plainText(e.frame) : undefined,
    plugin: e.plugin,
    hook: e.hook,
  };
}

const most = 1 << 15; // bytes that wait for the end of a turn
let waiting = []; // frames
let length = 0; // of all of them

/** Sends a message at once. */
function send(message) {
  sendSoon(message);
  flush();
}

/** Sends a message at the end of this turn: to wake devserver for each answer costs more than to make a small answer. */
function sendSoon(message) {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  if (waiting.length === 0) setImmediate(flush);
  waiting.push(head, body);
  length += head.length + body.length;
  if (length > most) flush();
}

function flush() {
  if (waiting.length > 0) write(Buffer.concat(waiting, length));
  waiting = [];
  length = 0;
}

process.on("exit", flush);

let asks = 0;
const asked = new Map(); // number -> who waits for the answer

/** Calls a method of the server, and gives the call up when the signal aborts. */
export function ask(method, params, signal) {
  return new Promise((resolve, reject) => {
    const id = ++asks;
    const aborted = () => {
      asked.delete(id);
      send({ id, cancel: true });
      reject(signal.reason);
    };
    const done = (end) => (value) => {
      signal?.removeEventListener("abort", aborted);
      end(value);
    };
    signal?.addEventListener("abort", aborted, { once: true });
    asked.set(id, { resolve: done(resolve), reject: done(reject) });
    send({ id, method, params });
  });
}

function answered({ id, result, error }) {
  const { resolve, reject } = asked.get(id) ?? {};
  asked.delete(id);
  if (error) reject?.(Object.assign(new Error(error.message), { hint: error.hint, code: error.code }));
  else resolve?.(result);
}

async function answer(methods, { id, method, params, cancel }) {
  if (cancel) return; // nobody waits any more, and the work ends by itself
  try {
    const run = methods[method];
    if (!run) throw new Error(`unknown method ${method}`);
    // Values that Go leaves out arrive as null, for which JavaScript uses no default values.
    const given = Object.fromEntries(Object.entries(params ?? {}).filter(([, v]) => v !== null));
    sendSoon({ id, result: (await run(given)) ?? null });
  } catch (e) {
    sendSoon({ id, error: failure(e) });
  }
}

/**
 * Answers the calls of the server, by the names of the methods, for as long as the server is there. `stray` gets the
 * errors that nobody waits for.
 */
export function serve(methods, stray) {
  let chunks = []; // of a message that is not complete: joined once it is, as joining each would copy all again
  let size = 0;
  let wanted = 4;
  process.stdin.on("data", (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    while (size >= wanted) {
      const pending = chunks.length > 1 ? Buffer.concat(chunks, size) : chunks[0];
      const end = 4 + pending.readUInt32BE(0);
      chunks = [pending];
      wanted = end;
      if (size < end) return;
      const message = JSON.parse(pending.toString("utf8", 4, end));
      chunks = [pending.subarray(end)];
      size -= end;
      wanted = 4;
      if (message.method || message.cancel) void answer(methods, message);
      else answered(message);
    }
  });
  process.stdin.on("end", () => process.exit(0)); // the server is gone
  process.on("uncaughtException", stray);
  process.on("unhandledRejection", stray);
  send({ method: "hello", params: { protocol: 2, info: { plugins: [] } } });
}
