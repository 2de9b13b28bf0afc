import { show } from "./show";

const lazy = import.meta.glob("./pages/*.ts");
const eager = import.meta.glob<string>(["./lang/*.ts", "!./lang/internal.ts"], { eager: true, import: "default" });
const raw = import.meta.glob("./lang/*.ts", { eager: true, query: "?raw", import: "default" });

show("lazy glob", Object.keys(lazy));
show("eager glob", eager);
show("raw glob", Object.keys(raw).length);
show("page", ((await lazy["./pages/one.ts"]!()) as { title: string }).title);
const page = "two";
show("import with a template", ((await import(`./pages/${page}.ts`)) as { title: string }).title);
import.meta.hot?.accept();
