declare module "*.module.css" {
  const names: Record<string, string>;
  export default names;
}
declare module "*?inline" {
  const text: string;
  export default text;
}
declare module "*?url" {
  const url: string;
  export default url;
}
