// Fetching packs: modules that the page needs and does not have. Requests of one moment are made together.

import type { ModuleID } from "./definitions.ts";

interface Wish {
  ids: ModuleID[];
  have: ModuleID[];
  exact: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** URLs beyond this are cut into several: servers and proxies bound the length of a request line. */
const maxURL = 6000;

export class Packs {
  private wishes: Wish[] = [];
  /** A URL that failed is remembered by the browser, so that asking again needs another one. */
  private readonly tries = new Map<string, number>();

  /** What the last pack said that it lacks. */
  private failure: string | undefined;

  /** `base` is the absolute URL of the project. */
  constructor(public base: string, private readonly importURL: (url: string) => Promise<unknown>) {}

  /** Fetches and runs packs, see Host.loadPack. */
  async load(ids: ModuleID[], have: ModuleID[], exact: boolean): Promise<string | undefined> {
    this.failure = undefined;
    await new Promise<void>((resolve, reject) => {
      this.wishes.push({ ids, have, exact, resolve, reject });
      if (this.wishes.length === 1) queueMicrotask(() => this.flush());
    });
    return this.failure;
  }

  /** Called by a pack that lacks modules, since the server could not make them. */
  fail(message: string): void {
    this.failure = message;
  }

  private flush(): void {
    const wishes = this.wishes;
    this.wishes = [];
    for (const exact of [false, true]) {
      let group: Wish[] = [];
      let length = 0;
      for (const wish of wishes.filter((w) => w.exact === exact)) {
        const size = wish.ids.reduce((n, id) => n + encodeURIComponent(id).length + 4, 0);
        if (length + size > maxURL && group.length > 0) {
          void this.fetch(group);
          group = [];
          length = 0;
        }
        group.push(wish);
        length += size;
      }
      if (group.length > 0) void this.fetch(group);
    }
  }

  private async fetch(group: Wish[]): Promise<void> {
    const ids = [...new Set(group.flatMap((w) => w.ids))];
    try {
      await this.request(ids, group[0]!.have, group[0]!.exact);
      for (const w of group) w.resolve();
    } catch (error) {
      // One module that cannot be had must not keep the others.
      if (group.length > 1) for (const w of group) void this.fetch([w]);
      else group[0]!.reject(error);
    }
  }

  private async request(ids: ModuleID[], have: ModuleID[], exact: boolean): Promise<void> {
    const query = [...ids.map((id) => "id=" + encodeURIComponent(id)), ...(exact ? ["exact"] : have.map((id) => "have=" + encodeURIComponent(id)))];
    const url = `${this.base}@devserver/pack?${query.join("&")}`;
    const tries = this.tries.get(url) ?? 0;
    this.tries.set(url, tries + 1);
    await this.importURL(tries > 0 ? `${url}&t=${Date.now()}${tries}` : url);
  }
}
