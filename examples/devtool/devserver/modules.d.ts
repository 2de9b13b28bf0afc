// The module that main.go makes of the files in src/stores/.
declare module "virtual:devtool/stores.js" {
  export const modules: Record<string, Record<string, unknown>>;
}
