package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestBrokenFromTheStart: pages that cannot run when they are opened start with the fix, without a reload by hand.
func TestBrokenFromTheStart(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- main.js --
import { text } from "./text.js";
document.querySelector("#text").textContent = text;
import.meta.hot.accept("./text.js", ({ text }) => { document.querySelector("#text").textContent = text; });
-- text.js --
export const text = = "one";
-- missing.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="/missing.js"></script>
-- missing.js --
import { text } from "./nowhere/text.js";
document.querySelector("#text").textContent = text;
-- throws.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="/throws.js"></script>
-- throws.js --
import { value } from "./value.js";
document.querySelector("#text").textContent = value();
import.meta.hot.accept();
-- value.js --
export const value = () => { throw new Error("not yet"); };
`)))
	p := s.Page(t, "/")
	p.WaitOverlay("text.js", "1", `Unexpected "="`, `export const text = = "one";`)
	s.Log.Wait(t, "text.js:1:")
	// A tab that is opened later also shows the overlay.
	q := p.Beside("/")
	q.WaitOverlay("text.js")
	s.Edit("text.js", "= =", "=")
	p.WaitText("#text", "one")
	q.WaitText("#text", "one")
	p.WaitNoOverlay()
	q.WaitNoOverlay()
	s.Edit("text.js", "one", "two")
	p.WaitText("#text", "two")

	p.Goto("/missing.html")
	p.WaitOverlay("./nowhere/text.js", "missing.js")
	s.Write("nowhere/text.js", `export const text = "found";`)
	p.WaitText("#text", "found")
	p.WaitNoOverlay()

	p.Goto("/throws.html")
	p.WaitConsole("not yet")
	s.Edit("value.js", `{ throw new Error("not yet"); }`, `"now"`)
	p.WaitText("#text", "now")
}

// TestOverlay: the overlay shows errors of all kinds of files, and the app keeps running.
func TestOverlay(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- main.js --
import { text } from "./text";
import "./style.css";
import data from "./data.json";
window.show = () => { document.querySelector("#text").textContent = text + data.n; };
show();
import.meta.hot.accept();
-- text.tsx --
export const text: string = "one";
-- style.css --
@import "./part.css";
-- part.css --
#text { color: rgb(1, 1, 1) }
-- data.json --
{ "n": 1 }
`)))
	p := s.Page(t, "/")
	p.WaitText("#text", "one1")
	for _, c := range []struct{ file, old, new, place string }{
		{"main.js", "show();\n", "show(;\n", "main.js:5:"},
		{"text.tsx", `: string = "one"`, `: string == "one"`, "text.tsx:1:"},
		{"data.json", `"n": 1`, `"n": 1,,`, "data.json:1:"},
		{"style.css", "./part.css", "./missing.css", "style.css:1:"},
	} {
		s.Edit(c.file, c.old, c.new)
		p.WaitOverlay(c.place)
		s.Log.Wait(t, c.place)
		p.Wait(`show() === undefined && document.querySelector("#text").textContent === "one1"`)
		s.Edit(c.file, c.new, c.old)
		p.WaitNoOverlay()
	}
	// Of two errors, the overlay shows the second once the first is fixed.
	s.Edit("text.tsx", `= "one"`, `== "one"`)
	p.WaitOverlay("text.tsx")
	s.Edit("data.json", `"n": 1`, `"n": 1,,`)
	p.WaitOverlay("data.json")
	s.Edit("data.json", `"n": 1,,`, `"n": 2`)
	p.WaitOverlay("text.tsx")
	s.Edit("text.tsx", `== "one"`, `= "two"`)
	p.WaitNoOverlay()
	p.WaitText("#text", "two2")
	// An import with a typing mistake gets a suggestion.
	s.Edit("main.js", `"./text"`, `"./txet"`)
	p.WaitOverlay("./txet", "./text")
	s.Edit("main.js", `"./txet"`, `"./text"`)
	p.WaitNoOverlay()
	// Escape closes the overlay.
	s.Edit("text.tsx", `= "two"`, `== "two"`)
	p.WaitOverlay("text.tsx")
	p.Wait(`(dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true })), document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true })), true)`)
	p.WaitNoOverlay()
	s.Edit("text.tsx", `== "two"`, `= "three"`)
	p.WaitText("#text", "three2")
	p.NoReload()
}

// TestMissingScript: a page whose script does not exist says so. It starts when the script is created, or when its src
// is fixed.
func TestMissingScript(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="p">-</p><script type="module" src="/src/mian.js"></script>
-- src/main.js --
document.querySelector("#p").textContent = "main";
`)))
	s.Write("native.html", `<!doctype html><link rel="icon" href="data:,"><p id="p">-</p><script type="module" src="/native.js"></script>`)
	s.Write("public/native.js", `import "/src/mian.js";`)
	s.Write("other.html", `<!doctype html><link rel="icon" href="data:,"><p id="p">-</p><script type="module" src="/other.js"></script>`)
	s.Write("other.js", `document.querySelector("#p").textContent = "one"; import.meta.hot.accept();`)
	p := s.Page(t, "/")
	p.WaitOverlay("src/mian.js", "does not exist")
	native := p.Beside("/native.html")
	native.WaitOverlay("src/mian.js")
	other := p.Beside("/other.html")
	other.WaitText("#p", "one")
	s.WaitPages(3)
	s.Write("src/mian.js", `document.querySelector("#p").textContent = "made";`)
	p.WaitText("#p", "made")
	p.WaitNoOverlay()
	native.WaitText("#p", "made")
	s.Edit("other.js", "one", "two") // what came before does not concern the page
	other.WaitText("#p", "two")
	other.NoReload()
	if overlay := other.Overlay(); overlay != "" {
		t.Errorf("a page without the script shows %q", overlay)
	}
	native.Close()
	other.Close()
	s.WaitPages(1)
	s.Edit("index.html", "mian", "mein")
	p.WaitOverlay("src/mein.js")
	s.WaitPages(1)
	s.Edit("index.html", "mein", "main")
	p.WaitText("#p", "main")
	p.WaitNoOverlay()
}

// TestErrorsAfterRestart: pages that connect to another run of the server end with the errors of that run. They still
// follow the workers that they started.
func TestErrorsAfterRestart(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- main.js --
import { text } from "./text.js";
const set = (m) => { document.querySelector("#text").textContent = m.text; };
set({ text });
import.meta.hot.accept("./text.js", set);
import.meta.hot.on("vite:ws:connect", () => { window.connects = (window.connects ?? 0) + 1; });
new Worker(new URL("./outer.js", import.meta.url)).onmessage = (e) => { document.querySelector("#more").textContent = e.data; };
-- text.js --
export const text = "one";
-- outer.js --
new Worker(new URL("./inner.js", import.meta.url)).onmessage = (e) => postMessage(e.data);
-- inner.js --
import { n } from "./n.js";
postMessage(n);
-- n.js --
export const n = "worker 1";
`)))
	p := s.Page(t, "/")
	p.WaitText("#more", "worker 1")
	s.Edit("text.js", "=", "= =")
	p.WaitOverlay("text.js")
	q := p.Beside("/") // waits for the fix
	q.WaitOverlay("text.js")
	s.WaitPages(2)
	s.Stop()
	s.Edit("text.js", "= =", "=")
	s.Edit("text.js", "one", "two")
	s.Again()
	p.WaitText("#text", "two")
	q.WaitText("#text", "two")
	p.WaitNoOverlay()
	q.WaitNoOverlay()

	s.Edit("text.js", "=", "= =")
	p.WaitOverlay("text.js")
	connects := devtest.Eval[int](p, `window.connects`)
	s.Again()
	p.Wait(`window.connects > ` + strconv.Itoa(connects))
	s.Log.Wait(t, "text.js:1:")
	p.WaitOverlay("text.js")
	s.Edit("text.js", "= =", "=")
	p.WaitNoOverlay()
	p.NoReload()
	s.Edit("n.js", "worker 1", "worker 2")
	p.WaitReload(1)
	p.WaitText("#more", "worker 2")
}

// TestErrorOfAPage: an error that a page's HTML has shows in the place of that page, and not over other pages.
func TestErrorOfAPage(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- main.js --
document.querySelector("#text").textContent = "one";
import.meta.hot.accept();
-- a/index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">mistake</p><script type="module">1</script>
`)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "strict",
			TransformHTML: func(_ context.Context, a plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error) {
				if strings.Contains(a.HTML, "mistake") {
					return nil, errors.New("the page has a mistake")
				}
				return nil, nil
			},
		}}
	})
	a := s.Page(t, "/a/")
	a.WaitOverlay("the page has a mistake", "a/index.html")
	p := a.Beside("/")
	p.WaitConsole("connected as")
	s.Edit("main.js", "one", "two") // what follows the greeting comes before
	p.WaitText("#text", "two")
	if overlay := p.Overlay(); overlay != "" {
		t.Errorf("the other page shows %q", overlay)
	}
	a.WaitOverlay("the page has a mistake")
	s.Edit("a/index.html", "mistake", "well")
	a.WaitText("#text", "well")
	a.WaitNoOverlay()
	p.NoReload()
}

// TestSourceMaps maps the place where an error was thrown back to the source, in a pack and in an update.
func TestSourceMaps(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	const source = `interface Props { name: string }

export function h(type: string, props: unknown, ...children: unknown[]) { return { type, props, children }; }

enum Kind { One, Two }

export function fail(props: Props): unknown {
  const element = <p title="a
    b">{props.name}</p>;
  if (Kind.Two as number === 1) throw new Error("thrown " + props.name + (element as { type: string }).type);
  return element;
}
import.meta.hot!.accept();
(window as unknown as { fail: typeof fail }).fail = fail;
`
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><script type="module" src="/src/main.ts"></script>
-- tsconfig.json --
{ "compilerOptions": { "jsx": "react", "jsxFactory": "h" } }
-- src/main.ts --
import { a } from "./a";
import "./view.tsx";
export type T = string;
window.dispatchEvent(new Event(a as T));
-- src/a.ts --
// some lines
// before
export const a = "ready";
`)))
	s.Write("src/view.tsx", source)
	p := s.Page(t, "/")
	place := func(text string) (line, column int) {
		t.Helper()
		before, _, found := strings.Cut(s.Read("src/view.tsx"), text)
		if !found {
			t.Fatalf("src/view.tsx has no %q", text)
		}
		return strings.Count(before, "\n") + 1, len(before) - strings.LastIndex(before, "\n")
	}
	check := func() {
		t.Helper()
		p.Wait(`window.fail`)
		stack := devtest.Eval[string](p, `(() => { try { fail({ name: "x" }); } catch (error) { return error.stack; } return ""; })()`)
		at := regexp.MustCompile(`\(?((?:https?://|/@devserver)[^\s()]+):(\d+):(\d+)\)?`).FindStringSubmatch(stack)
		if at == nil {
			t.Fatalf("the stack has no position: %s", stack)
		}
		line, _ := strconv.Atoi(at[2])
		column, _ := strconv.Atoi(at[3])
		file, gotLine, gotColumn := original(t, s, at[1], line, column)
		wantLine, wantColumn := place(`new Error("thrown `)
		if !strings.HasSuffix(file, "src/view.tsx") || gotLine != wantLine || gotColumn != wantColumn {
			t.Errorf("mapped to %s:%d:%d, want src/view.tsx:%d:%d\n%s", file, gotLine, gotColumn, wantLine, wantColumn, stack)
		}
	}
	check()
	s.Edit("src/view.tsx", "interface Props", "console.debug('moved');\n\n\ninterface Props")
	p.WaitConsole("hot updated: /src/view.tsx")
	check()
	p.NoReload()
}

// sourceMap holds the fields of a map with sections that the test reads.
type sourceMap struct {
	Sections []struct {
		Offset struct{ Line, Column int }
		Map    sourceMap
	}
	Sources        []string
	SourcesContent []string
	Mappings       string
}

// original returns the position in the source of a position in a script that the server sent. Lines and columns are
// one-based.
func original(t *testing.T, s *devtest.Server, script string, line, column int) (file string, originalLine, originalColumn int) {
	t.Helper()
	u, err := url.Parse(script)
	if err != nil {
		t.Fatal(err)
	}
	path := u.Path
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	mapPath := "/@devserver/source.map?of=" + strings.TrimSuffix(path[strings.LastIndex(path, "/")+1:], ".js") // the page got an update over the socket, without a request
	if answer := s.Get(path); !strings.HasPrefix(path, "/@devserver/update/") {
		_, after, found := strings.Cut(answer.Body, "//# sourceMappingURL=")
		if !found {
			t.Fatalf("%s names no source map: status %d", path, answer.Status)
		}
		mapPath = strings.TrimSpace(after)
	}
	var m sourceMap
	answer := s.Get(mapPath)
	if err := json.Unmarshal([]byte(answer.Body), &m); err != nil {
		t.Fatalf("%s: status %d: %v", mapPath, answer.Status, err)
	}
	for i := len(m.Sections) - 1; i >= 0; i-- {
		if o := m.Sections[i].Offset; o.Line < line || o.Line == line-1 && o.Column < column {
			line, m = line-o.Line, m.Sections[i].Map
			break
		}
	}
	// The fields of a segment: the column in the script, then source, line and column in the source. Each is relative
	// to the same field of the segment before.
	var source, atLine, atColumn int
	for n, mappings := range strings.Split(m.Mappings, ";") {
		here := 0
		for segment := range strings.SplitSeq(mappings, ",") {
			fields := vlq(segment)
			if len(fields) == 0 {
				continue
			}
			here += fields[0]
			if n == line-1 && here > column-1 {
				break
			}
			if len(fields) < 4 {
				continue
			}
			source, atLine, atColumn = source+fields[1], atLine+fields[2], atColumn+fields[3]
		}
		if n == line-1 {
			if source >= len(m.Sources) {
				t.Fatalf("%s refers to source %d of %d", mapPath, source, len(m.Sources))
			}
			return m.Sources[source], atLine + 1, atColumn + 1
		}
	}
	t.Fatalf("line %d is not in %s", line, mapPath)
	return "", 0, 0
}

// vlq decodes the numbers of a segment of mappings.
func vlq(segment string) []int {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var values []int
	value, shift := 0, 0
	for _, c := range segment {
		digit := strings.IndexRune(digits, c)
		value |= digit & 31 << shift
		shift += 5
		if digit&32 != 0 {
			continue
		}
		if value&1 != 0 {
			value = -value
		}
		values = append(values, value/2)
		value, shift = 0, 0
	}
	return values
}
