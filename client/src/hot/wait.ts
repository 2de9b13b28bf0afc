import type { Logger } from "../socket/logger.ts";

/** Waits for a promise of the app. The page hands out events meanwhile. */
export type Meanwhile = <T>(promise: Promise<T>) => Promise<T>;

/**
 * Waits for all promises, at most `limit` ms, and logs those that fail or take longer. A listener whose promise never
 * ends must not stop every later update.
 */
export async function waitAll(
  results: unknown[],
  what: string,
  log: Pick<Logger, "error" | "warn">,
  meanwhile: Meanwhile,
  limit = 10_000,
): Promise<void> {
  const waiting = logFailures(results, what, log);
  if (waiting.length === 0) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => (timer = setTimeout(resolve, limit, "late")));
  if ((await meanwhile(Promise.race([Promise.all(waiting), late]))) === "late")
    log.warn(`[devserver] ${what} takes longer than ${limit / 1000} s; continuing without it`);
  clearTimeout(timer);
}

/** Returns the promises among the results. They do not fail: what fails is logged. */
export function logFailures(results: unknown[], what: string, log: Pick<Logger, "error">): Promise<unknown>[] {
  return results
    .filter((p) => typeof (p as PromiseLike<unknown> | null | undefined)?.then === "function")
    .map((p) => Promise.resolve(p).catch((error: unknown) => log.error(`[devserver] ${what} failed:`, error)));
}
