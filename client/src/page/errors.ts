// Errors of the project: in the console, and over the page where the project wants that.

import type { ModuleID } from "../runtime/definitions.ts";
import { browserFetch } from "../socket/fetch.ts";
import type { Logger } from "../socket/logger.ts";
import type { ErrorInfo } from "../socket/payload.ts";
import { closeOverlay, showOverlay } from "../ui/overlay.ts";

export class Errors {
  /** All errors of the project, as the server said last. */
  private project: readonly ErrorInfo[] = [];
  /** The module that failed last when it ran here. */
  private failure: (ErrorInfo & { id: ModuleID }) | undefined;
  private current: ErrorInfo | undefined;
  /** The error that the console has last: the server repeats an error that remains. */
  private printed = "";
  private looking = false;

  constructor(
    private readonly log: Logger,
    private readonly overlay: boolean,
    /** Returns a function that reports whether an error concerns this page. */
    private readonly concerns: () => (error: ErrorInfo) => boolean,
  ) {}

  /** Returns the errors that concern this page. */
  mine(errors: readonly ErrorInfo[]): ErrorInfo[] {
    return errors.length === 0 ? [] : errors.filter(this.concerns());
  }

  /** The errors that this page has now: those of the project that concern it, and of the module that failed here. */
  get now(): { errors: ErrorInfo[]; failure?: ErrorInfo } {
    return { errors: this.mine(this.project), ...(this.failure ? { failure: this.failure } : {}) };
  }

  /** Takes all errors that the project has now, and reports whether an error of this page is fixed. */
  take(errors: readonly ErrorInfo[]): boolean {
    const concerns = this.concerns();
    const fixed = this.project.some((was) => concerns(was) && !errors.some((e) => e.module === was.module));
    this.project = errors;
    this.show(true, concerns);
    return fixed;
  }

  /** Adds an error of the project that came with a script. */
  add(error: ErrorInfo): void {
    this.project = [...this.project.filter((e) => e.module !== error.module), error];
    this.show(true);
  }

  /** Shows that a module failed when it ran. */
  fail(error: ErrorInfo & { id: ModuleID }): void {
    this.failure = error;
    this.show(true);
  }

  /** Drops the errors of modules that compile now, and the failure of a module that runs `again`. */
  clear(compiled: readonly ModuleID[], again: readonly ModuleID[] = compiled): void {
    this.project = this.project.filter(({ module }) => module === undefined || !compiled.includes(module));
    if (this.failure && again.includes(this.failure.id)) this.failure = undefined;
    if (this.current && this.current !== this.failure && !this.project.includes(this.current)) {
      this.current = undefined;
      closeOverlay();
    }
    this.look(); // not yet: the update that follows may end the need of another module
  }

  /** Looks again, soon, which errors concern this page: it may have begun to need a module. */
  look(): void {
    if (this.looking || (this.project.length === 0 && !this.current)) return;
    this.looking = true;
    setTimeout(() => {
      this.looking = false;
      this.show();
    });
  }

  /** Shows the first error that concerns this page. With `again`, the error is shown even if it was closed. */
  private show(again = false, concerns = this.concerns()): void {
    const error = this.project.find(concerns) ?? this.failure;
    const same = error !== undefined && this.current !== undefined && textOf(error) === textOf(this.current);
    this.current = error;
    if (error === undefined) {
      this.printed = ""; // the same error is news when it comes back
      return closeOverlay();
    }
    if (same && !again) return;
    const text = textOf(error);
    if (text !== this.printed) this.log.error(text);
    this.printed = text;
    if (this.overlay) showOverlay(error);
  }
}

function textOf({ loc, id, message, frame }: ErrorInfo): string {
  const position = loc?.line ? `${loc.line}:${loc.column}:` : ""; // tools may not know the line
  const place = loc ? `${loc.file ?? id ?? ""}:${position} ` : "";
  return `[devserver] ${place}${message}${frame ? `\n${frame}` : ""}`;
}

/** Opens `file:line:column` in the developer's editor. */
export async function openInEditor(position: string, server: string, token: string, log: Logger): Promise<void> {
  const url = new URL(`__open-in-editor?file=${encodeURIComponent(position)}`, server);
  const response = await browserFetch(url, { method: "POST", headers: { "x-devserver-token": token } }).catch(
    () => undefined,
  );
  if (response?.ok) return;
  const reason = response ? `: ${(await response.text()).trim()}` : "";
  log.warn(`[devserver] could not open ${position} in an editor${reason}`);
}
