// Running the code of an update: as text, or by its URL where the page's Content-Security-Policy forbids that.

import { nothingStaged, type Definitions, type Staged } from "../runtime/definitions.ts";
import { compileDefinitions } from "../runtime/evaluate-code.ts";
import type { UpdatePayload } from "../socket/payload.ts";

export class UpdateCode {
  private evalForbidden = false;

  constructor(
    private readonly definitions: Definitions,
    private readonly importPath: (path: string) => Promise<unknown>,
  ) {}

  /** Runs the code and holds its definitions back, see Definitions.stage. */
  async stage({ code, url }: UpdatePayload): Promise<Staged> {
    if (!code) return nothingStaged();
    if (!this.evalForbidden) {
      try {
        return await this.definitions.stage(compileDefinitions(code, this.definitions));
      } catch (error) {
        if (!url || error instanceof SyntaxError) throw error;
        this.evalForbidden = true;
      }
    }
    return this.definitions.stage(() => this.importPath(url!));
  }
}
