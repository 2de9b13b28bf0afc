/** The page's configuration, which the server writes in front of the script: the twin of Config in client.go. */
export interface Config {
  /** Begins and ends with a slash. */
  base: string;
  /** Opens the socket. */
  token: string;
  /** Names the run of the server. */
  epoch: string;
  /** The number of the newest update when the script was served. */
  seq: number;
  /** How many bytes a message of the page may have. */
  maxMessage?: number;
  /** Whether errors show over the page. */
  overlay: boolean;
  /** import.meta.env */
  env: Record<string, unknown>;
  /** Whether the tabs of a browser use one socket together. */
  shareTabs?: boolean;
  /** Whether a page that must reload asks first. */
  askReload?: boolean;
}

export function withDefaults(config: Partial<Config> | undefined): Config {
  return { base: "/", token: "", epoch: "", seq: 0, overlay: true, env: {}, ...config };
}
