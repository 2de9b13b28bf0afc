// The types of import.meta and of imported assets, for projects without Vite's types. Part of devserver-env.d.ts.

interface ImportMetaEnv {
  readonly MODE: string;
  readonly BASE_URL: string;
  readonly DEV: boolean;
  readonly PROD: boolean;
  readonly SSR: boolean;
  readonly [key: string]: any;
}

interface DevserverGlobOptions<Eager extends boolean> {
  eager?: Eager;
  import?: string;
  query?: string | Record<string, string | number | boolean>;
  exhaustive?: boolean;
}

interface ImportMeta {
  url: string;
  readonly env: ImportMetaEnv;
  readonly hot?: DevserverHot;
  glob<M = any>(
    patterns: string | readonly string[],
    options?: DevserverGlobOptions<false>,
  ): Record<string, () => Promise<M>>;
  glob<M = any>(patterns: string | readonly string[], options: DevserverGlobOptions<true>): Record<string, M>;
}

declare module "*.module.css" {
  const names: Readonly<Record<string, string>>;
  export default names;
}
declare module "*.module.scss" {
  const names: Readonly<Record<string, string>>;
  export default names;
}
declare module "*.module.less" {
  const names: Readonly<Record<string, string>>;
  export default names;
}
declare module "*.css" {}
declare module "*.scss" {}
declare module "*.sass" {}
declare module "*.less" {}
declare module "*.svg" {
  const url: string;
  export default url;
}
declare module "*.png" {
  const url: string;
  export default url;
}
declare module "*.jpg" {
  const url: string;
  export default url;
}
declare module "*.jpeg" {
  const url: string;
  export default url;
}
declare module "*.gif" {
  const url: string;
  export default url;
}
declare module "*.webp" {
  const url: string;
  export default url;
}
declare module "*.avif" {
  const url: string;
  export default url;
}
declare module "*.ico" {
  const url: string;
  export default url;
}
declare module "*.mp4" {
  const url: string;
  export default url;
}
declare module "*.webm" {
  const url: string;
  export default url;
}
declare module "*.mp3" {
  const url: string;
  export default url;
}
declare module "*.wav" {
  const url: string;
  export default url;
}
declare module "*.ogg" {
  const url: string;
  export default url;
}
declare module "*.woff" {
  const url: string;
  export default url;
}
declare module "*.woff2" {
  const url: string;
  export default url;
}
declare module "*.ttf" {
  const url: string;
  export default url;
}
declare module "*.pdf" {
  const url: string;
  export default url;
}
declare module "*.txt" {
  const url: string;
  export default url;
}
/** What a WebAssembly file exports. */
declare module "*.wasm";
declare module "*.wasm?init" {
  const init: (imports?: WebAssembly.Imports) => Promise<WebAssembly.Instance>;
  export default init;
}
declare module "*?url" {
  const url: string;
  export default url;
}
declare module "*?raw" {
  const text: string;
  export default text;
}
declare module "*?inline" {
  const text: string;
  export default text;
}
declare module "*?worker" {
  const Create: new (options?: { name?: string }) => Worker;
  export default Create;
}
declare module "*?worker&inline" {
  const Create: new (options?: { name?: string }) => Worker;
  export default Create;
}
declare module "*?worker&url" {
  const url: string;
  export default url;
}
declare module "*?sharedworker" {
  const Create: new (options?: { name?: string }) => SharedWorker;
  export default Create;
}
declare module "*?sharedworker&inline" {
  const Create: new (options?: { name?: string }) => SharedWorker;
  export default Create;
}
