/**
 * Waits for all promises, at most `limit` ms, and logs those that fail or take longer. A listener whose promise never
 * ends must not stop every later update.
 */
export async function waitAll(
  promises: unknown[],
  what: string,
  log: { error(...args: unknown[]): void; warn(...args: unknown[]): void },
  limit = 10_000,
): Promise<void> {
  const waiting = promises.filter((p) => typeof (p as PromiseLike<unknown> | null | undefined)?.then === "function");
  if (waiting.length === 0) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => (timer = setTimeout(resolve, limit, "late")));
  const done = Promise.all(
    waiting.map((p) => Promise.resolve(p).catch((error: unknown) => log.error(`[devserver] ${what} failed:`, error))),
  );
  if ((await Promise.race([done, late])) === "late")
    log.warn(`[devserver] ${what} takes longer than ${limit / 1000} s; continuing without it`);
  clearTimeout(timer);
}
