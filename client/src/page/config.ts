/** What the server writes in front of the script, see client.go. */
export interface Config {
  /** Begins and ends with a slash. */
  base: string;
  token: string;
  epoch: string;
  /** Number of the newest update when the script was served. */
  seq: number;
  overlay: boolean;
  /** import.meta.env */
  env?: Record<string, unknown>;
  /** Whether the tabs of a browser use one socket together. */
  shareTabs?: boolean;
  /** A page that must reload says why and waits. */
  askReload?: boolean;
}

export function withDefaults(config: Partial<Config> | undefined): Config {
  return { base: "/", token: "", epoch: "", seq: 0, overlay: true, ...config };
}
