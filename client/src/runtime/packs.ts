// Fetches packs: modules that the page needs and does not have. Loads of one moment share a request.

import type { ModuleID } from "./definitions.ts";

interface Load {
  ids: ModuleID[];
  have: ModuleID[];
  exact: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Longer URLs are split: servers and proxies limit the length of a request line. */
const maxURL = 6000;

export class Packs {
  private waiting: Load[] = [];
  /** How often each URL was requested. The browser remembers a URL that failed, so the next try needs another URL. */
  private readonly tries = new Map<string, number>();

  /** Why packs lack modules, by the module that they were fetched for. */
  private readonly failures = new Map<ModuleID, string>();

  /** `base` is the absolute URL of the project. */
  constructor(
    public base: string,
    private readonly importURL: (url: string) => Promise<unknown>,
  ) {}

  /** Fetches and runs packs, see Host.loadPack. */
  async load(ids: ModuleID[], have: ModuleID[], exact: boolean): Promise<string | undefined> {
    for (const id of ids) this.failures.delete(id);
    await new Promise<void>((resolve, reject) => {
      this.waiting.push({ ids, have, exact, resolve, reject });
      if (this.waiting.length === 1) void Promise.resolve().then(() => this.flush()); // worklets have no queueMicrotask
    });
    return this.failures.get(ids.find((id) => this.failures.has(id)) ?? "");
  }

  /** Notes why the pack of a module lacks modules: the server could not make them. */
  fail(id: ModuleID, message: string): void {
    this.failures.set(id, message);
  }

  private flush(): void {
    const loads = this.waiting;
    this.waiting = [];
    for (const exact of [false, true]) {
      let group: Load[] = [];
      let length = 0;
      for (const load of loads.filter((l) => l.exact === exact)) {
        const size = load.ids.reduce((n, id) => n + encodeURIComponent(id).length + 4, 0);
        if (length + size > maxURL && group.length > 0) {
          void this.fetch(group);
          group = [];
          length = 0;
        }
        group.push(load);
        length += size;
      }
      if (group.length > 0) void this.fetch(group);
    }
  }

  private async fetch(group: Load[]): Promise<void> {
    const ids = [...new Set(group.flatMap((load) => load.ids))];
    try {
      await this.request(ids, group[0]!.have, group[0]!.exact);
      for (const load of group) load.resolve();
    } catch (error) {
      // One module that cannot be loaded must not keep the others from loading.
      if (group.length > 1) for (const load of group) void this.fetch([load]);
      else group[0]!.reject(error);
    }
  }

  private async request(ids: ModuleID[], have: ModuleID[], exact: boolean): Promise<void> {
    const query = [
      ...ids.map((id) => "id=" + encodeURIComponent(id)),
      ...(exact ? ["exact"] : have.map((id) => "have=" + encodeURIComponent(id))),
    ];
    const url = `${this.base}@devserver/pack.js?${query.join("&")}`;
    const tries = this.tries.get(url) ?? 0;
    this.tries.set(url, tries + 1);
    await this.importURL(tries > 0 ? `${url}&t=${Date.now()}${tries}` : url);
  }
}
