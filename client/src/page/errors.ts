// Errors of the project: in the console, and over the page where the project wants that.

import type { ModuleID } from "../runtime/definitions.ts";
import type { Logger } from "../socket/logger.ts";
import type { ErrorInfo } from "../socket/payload.ts";
import { closeOverlay, showOverlay } from "../ui/overlay.ts";

export class Errors {
  private current: ErrorInfo | undefined;
  /**
   * The error that the console has last. An update closes the overlay, so the server sends an error that remains with
   * each update; the console needs it only once.
   */
  private printed = "";

  constructor(
    private readonly log: Logger,
    private readonly overlay: boolean,
  ) {}

  show(error: ErrorInfo): void {
    this.current = error;
    const text = textOf(error);
    if (text !== this.printed) this.log.error(text);
    this.printed = text;
    if (this.overlay) showOverlay(error);
  }

  /** Closes the overlay. With `changed` only an error of these modules goes. */
  clear(changed?: readonly ModuleID[]): void {
    const { id } = this.current ?? {};
    if (changed && id !== undefined && !changed.includes(id)) return;
    this.current = undefined;
    closeOverlay();
  }

  /** The server has no error any more: the same one is news when it comes back. */
  fixed(): void {
    this.printed = "";
    this.clear();
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
  const response = await fetch(url, { method: "POST", headers: { "x-devserver-token": token } }).catch(() => undefined);
  if (response?.ok) return;
  const reason = response ? `: ${(await response.text()).trim()}` : "";
  log.warn(`[devserver] could not open ${position} in an editor${reason}`);
}
