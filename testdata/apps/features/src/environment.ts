import { show } from "./show";

declare const __VERSION__: string;
declare const __FLAGS__: { fast: boolean };

show("env", [
  import.meta.env.VITE_TITLE,
  import.meta.env.VITE_BOTH,
  import.meta.env.PUBLIC_URL,
  import.meta.env.SECRET ?? "hidden",
]);
show("mode", [
  import.meta.env.MODE,
  import.meta.env.DEV,
  import.meta.env.PROD,
  import.meta.env.SSR,
  import.meta.env.BASE_URL,
]);
show("define", [__VERSION__, __FLAGS__.fast, process.env.NODE_ENV]);
