package server_test

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

// oneInPackage is a backend and its client in one package. The files that both share lie beside the root.
const oneInPackage = `
-- package.json --
{ "name": "shop", "type": "module", "dependencies": { "preact": "*" } }
-- vite.config.js --
import path from "node:path";
const dir = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
export default {
  root: path.resolve(dir, "client"),
  resolve: { alias: { "@": path.resolve(dir, "client/src"), "@shared": path.resolve(dir, "shared") } },
  build: { outDir: path.resolve(dir, "dist/public") },
};
-- tsconfig.json --
{ "compilerOptions": { "baseUrl": ".", "paths": { "lib/*": ["./shared/lib/*"] } } }
-- postcss.config.cjs --
module.exports = { plugins: [{ postcssPlugin: "indent", Declaration: { "text-indent": (d) => void (d.value = "3px") } }] };
-- server/index.ts --
export const secret = "of the server";
-- shared/schema.ts --
export const schema: string = "schema";
-- shared/lib/sum.ts --
export const sum = (a: number, b: number) => a + b;
-- shared/theme.css --
@import "./colors.css";
#text { text-indent: 1px }
-- shared/colors.css --
#text { color: rgb(1, 2, 3) }
-- .env --
VITE_WHERE=project
-- client/.env --
VITE_WHERE=client
-- client/public/robots.txt --
robots
-- client/index.html --
<!doctype html><link rel="icon" href="data:,"><title>%VITE_WHERE%</title><p id="text"></p><button id="more">0</button><script type="module" src="/src/main.ts"></script>
-- client/src/main.ts --
import { text } from "@/text";
import "@shared/theme.css";
const more = document.querySelector("#more")!;
more.addEventListener("click", () => (more.textContent = String(Number(more.textContent) + 1)));
const show = (text: string) => (document.querySelector("#text")!.textContent = text);
show(text);
import.meta.hot?.accept("@/text", (mod) => show(mod!.text));
-- client/src/text.ts --
import { schema } from "@shared/schema";
import { sum } from "lib/sum";
import { isValidElement } from "preact";
import pkg from "../../package.json";
export const text = [schema, sum(1, 1), isValidElement(0), pkg.name, import.meta.env.VITE_WHERE].join(" ");
-- other/index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">the other one</p>
`

// TestRootOfViteConfig serves the folder that the vite.config names as root. The configuration, the packages and the
// shared files stay above it, and their edits count.
func TestRootOfViteConfig(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(oneInPackage))
	tools(t, app)
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	p.WaitText("#text", "schema 2 false shop client")
	p.WaitText("title", "client")
	p.WaitStyle("#text", "color", "rgb(1, 2, 3)")
	p.NoErrors()
	for path, status := range map[string]int{
		"/robots.txt": 200, "/src/text.ts": 200, "/@fs" + app.Path("shared/schema.ts"): 200, "/@fs" + app.Path("node_modules/preact/package.json"): 200,
		"/shared/schema.ts": 404, "/.env": 403, "/@fs" + app.Path(".env"): 403, "/@fs" + app.Path("client/.env"): 403, "/@fs" + app.Path("../beside.txt"): 403,
	} {
		if res := s.Get(path); res.Status != status {
			t.Errorf("%s: status %d, want %d", path, res.Status, status)
		}
	}

	p.Click("#more")
	app.Edit("shared/schema.ts", `"schema"`, `"table"`)
	p.WaitText("#text", "table 2 false shop client")
	app.Edit("shared/lib/sum.ts", "a + b", "a + b + 1")
	p.WaitText("#text", "table 3 false shop client")
	app.Edit("package.json", "shop", "store")
	p.WaitText("#text", "table 3 false store client")
	app.Edit("shared/colors.css", "1, 2, 3", "4, 5, 6")
	p.WaitStyle("#text", "color", "rgb(4, 5, 6)")
	p.WaitStyle("#text", "text-indent", "3px")
	app.Edit("postcss.config.cjs", "3px", "5px")
	p.WaitStyle("#text", "text-indent", "5px")
	p.WaitText("#more", "1")
	p.NoReload()

	// An error names the file relative to the project's folder, where the user is, and not relative to the root.
	app.Edit("client/src/text.ts", "sum(1, 1)", "sum(1, ,)")
	p.WaitOverlay("client/src/text.ts", "5:")
	app.Edit("client/src/text.ts", "sum(1, ,)", "sum(2, 1)")
	p.WaitNoOverlay()
	p.WaitText("#text", "table 4 false store client")

	// An edit of root serves another folder.
	app.Edit("vite.config.js", `path.resolve(dir, "client"),`, `"./other",`)
	p.WaitText("#text", "the other one")
	app.Edit("vite.config.js", `"./other"`, `"./othr"`)
	p.WaitOverlay("vite.config.js", `"root"`, "there is no folder "+app.Path("othr"), "name the folder that holds index.html")
	if res := s.Get("/"); !strings.Contains(res.Body, "the other one") {
		t.Errorf("the earlier root is not served any more: %d %s", res.Status, res.Body)
	}
	app.Write("devserver.config.json", `{ "root": "client" }`) // wins over the vite.config
	p.WaitText("#text", "table 4 false store client")
	if err := os.Remove(app.Path("devserver.config.json")); err != nil {
		t.Fatal(err)
	}
	p.WaitOverlay("vite.config.js", "othr")
	app.Edit("vite.config.js", `"./othr"`, `"client"`)
	p.WaitNoOverlay()
	p.WaitText("#text", "table 4 false store client")
}

// TestPagesBelowTheRoot: the root is a folder of pages, and public files and .env lie beside it.
func TestPagesBelowTheRoot(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`
-- package.json --
{ "name": "pages" }
-- vite.config.ts --
import { defineConfig } from "vite";
export default defineConfig({ root: "src", publicDir: "../static", envDir: "..", server: { fs: { allow: ["..", "../../beside"] } } });
-- .env --
VITE_NAME=project
-- static/pic.txt --
public
-- src/index.html --
<!doctype html><link rel="icon" href="data:,"><a href="/about/">about</a><p id="text"></p><script type="module" src="./main.ts"></script>
-- src/about/index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="../main.ts"></script>
-- src/main.ts --
const posts = import.meta.glob("../content/*.md", { query: "?raw", import: "default", eager: true });
document.querySelector("#text")!.textContent = [location.pathname, import.meta.env.VITE_NAME, ...Object.entries(posts).flat().map((s) => String(s).trim())].join(" ");
-- content/one.md --
first
-- ../beside/open.txt --
open
-- ../closed/file.txt --
closed
`))
	tools(t, app)
	s := devtest.Start(t, app)
	p := s.Page(t, "/about/")
	p.WaitText("#text", "/about/ project ../content/one.md first")
	for path, status := range map[string]int{"/pic.txt": 200, "/@fs" + app.Path("../beside/open.txt"): 200, "/@fs" + app.Path("../closed/file.txt"): 403} {
		if res := s.Get(path); res.Status != status {
			t.Errorf("%s: status %d, want %d", path, res.Status, status)
		}
	}
	app.Write("content/two.md", "second")
	p.WaitText("#text", "/about/ project ../content/one.md first ../content/two.md second")
	app.Write(".env", "VITE_NAME=edited\n")
	p.WaitContains("#text", "/about/ edited")
	p.NoErrors()
}

// TestRootElsewhere: the root may lie beside the project. The server does not start without the root, and the error names
// the option.
func TestRootElsewhere(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`
-- devserver.config.json --
{ "root": "../web" }
-- secret.txt --
of the project
-- ../web/index.html --
<!doctype html><link rel="icon" href="data:,"><p>elsewhere</p>
`))
	s := devtest.Start(t, app)
	for path, status := range map[string]int{"/": 200, "/@fs" + app.Path("../web/index.html"): 200, "/@fs" + app.Path("secret.txt"): 403} {
		if res := s.Get(path); res.Status != status {
			t.Errorf("%s: status %d, want %d", path, res.Status, status)
		}
	}
	app.Write("devserver.config.json", `{ "root": "../wep" }`)
	want := `devserver.config.json: option "root": there is no folder ` + app.Path("../wep")
	if _, err := server.New(server.Options{Root: app.Root, CacheDir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %s", err, want)
	}
}
