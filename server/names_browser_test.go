package server_test

import (
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestNamesOfFiles: a file may have any name. Its module, stylesheet, picture, worker, lazy part and page are found, by
// the name as it is and as URLs write it, and edits of it are hot.
func TestNamesOfFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not have most of these names")
	}
	t.Parallel()
	for _, name := range []string{
		"q?mark", "hash#tag", "100%", "q%3Fmark a%20b+c", "über 日本 x&y=1;z,", "it's [id] $id", "@x(group){a}!~1..", "con",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			escaped := strings.ReplaceAll(url.PathEscape(name), "+", "%2B")
			app := devtest.App(t)
			file := "dir " + name + "/" + name
			at := "dir%20" + escaped + "/" + escaped
			app.Write("index.html", fmt.Sprintf(`<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/%s.linked.css">
<p id="plain"></p><p id="escaped"></p><p id="absolute"></p><p id="lazy"></p><p id="image"></p><p id="worker"></p><p id="entry"></p><img>
<script type="module" src="/src/main.ts"></script><script type="module" src="./%s.entry.ts"></script>`, at, at))
			app.Write("src/main.ts", strings.NewReplacer("PLAIN", "../"+file, "ESCAPED", "../"+at, "ABSOLUTE", "/"+at).Replace(`
import { text as plain } from "PLAIN.ts";
import { text as escaped } from "ESCAPED.ts";
import { text as absolute } from "ABSOLUTE";
import "ESCAPED.css";
import image from "ESCAPED.svg";
const show = (id: string, text: string) => { document.getElementById(id)!.textContent = text; };
const all = (plain: string, escaped: string, absolute: string) => { show("plain", plain); show("escaped", escaped); show("absolute", absolute); };
all(plain, escaped, absolute);
const img = document.querySelector("img")!;
img.onload = () => show("image", "loaded");
img.src = image;
import("ESCAPED.lazy.ts").then((mod) => show("lazy", mod.lazy));
const worker = new Worker(new URL("ESCAPED.worker.ts", import.meta.url), { type: "module" });
worker.onmessage = (e) => show("worker", e.data);
import.meta.hot!.accept("ESCAPED.ts", (mod) => all(mod!.text, mod!.text, mod!.text));
`))
			app.Write(file+".ts", `export const text = "text";`)
			app.Write(file+".lazy.ts", `export const lazy = "lazy";`)
			app.Write(file+".worker.ts", `postMessage("worker");`)
			app.Write(file+".entry.ts", `document.getElementById("entry")!.textContent = "entry";`)
			app.Write(file+".css", `body { color: rgb(1, 2, 3) }`)
			app.Write(file+".linked.css", `body { outline-color: rgb(4, 5, 6) }`)
			app.Write(file+".svg", `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`)
			app.Write(file+".html", `<!doctype html><link rel="icon" href="data:,"><p id="entry"></p>
<script type="module" src="`+escaped+`.entry.ts"></script><script type="module">document.title = "inline"</script>`)
			s := devtest.Start(t, app)
			p := s.Page(t, "/")
			for _, id := range []string{"plain", "escaped", "absolute"} {
				p.WaitText("#"+id, "text")
			}
			for _, id := range []string{"lazy", "worker", "entry"} {
				p.WaitText("#"+id, id)
			}
			p.WaitText("#image", "loaded")
			p.WaitStyle("body", "color", "rgb(1, 2, 3)")
			p.WaitStyle("body", "outline-color", "rgb(4, 5, 6)")
			s.WaitPages(1)
			app.Edit(file+".ts", `"text"`, `"edited"`)
			p.WaitText("#plain", "edited")
			app.Edit(file+".css", "1, 2, 3", "3, 2, 1")
			p.WaitStyle("body", "color", "rgb(3, 2, 1)")
			app.Edit(file+".linked.css", "4, 5, 6", "6, 5, 4")
			p.WaitStyle("body", "outline-color", "rgb(6, 5, 4)")
			p.NoReload()
			p.NoErrors()
			p.Close()
			s.WaitPages(0)

			p = s.Page(t, "/"+at+".html")
			p.WaitText("#entry", "entry")
			p.WaitText("title", "inline")
			s.WaitPages(1)
			app.Edit(file+".html", "inline", "edited")
			p.WaitText("title", "edited")
		})
	}
}
