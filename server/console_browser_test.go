package server_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// consoleApp writes to its console from modules whose lines differ from the lines of the served code.
const consoleApp = `
-- devserver.config.json --
{"plugins": {"console": true}}
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><button id="fail">Fail</button><button id="reject">Reject</button>
<script type="module" src="/src/main.tsx"></script>
-- src/main.tsx --
import { show } from "./show.tsx";
import { fail } from "./fail.ts";

interface Unused { a: string }

document.querySelector("#fail")!.addEventListener("click", fail);
document.querySelector("#reject")!.addEventListener("click", () => void Promise.reject(new Error("not kept")));
show();
-- src/show.tsx --
interface Shown {
  name: string;
  element: Element | null;
}

export function show(): void {
  const shown: Shown = { name: "first", element: document.querySelector("#text") };
  console.log("%s is shown in %o", shown.name, shown.element);
  console.warn("\x1b[2Jcleared", { list: [1, 2] });
  document.querySelector("#text")!.textContent = "one";
}

if (import.meta.hot) import.meta.hot.accept((next) => next!.show());
-- src/fail.ts --
type Reason = string;

export function fail(): void {
  const why: Reason = "boom";
  throw new TypeError(why);
}
`

// TestConsoleInTerminal: the terminal shows what a page writes to its console, with the line of the source.
func TestConsoleInTerminal(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(consoleApp)))
	p := s.Page(t, "/")
	p.WaitText("#text", "one")
	s.Log.Wait(t, "console.log src/show.tsx:8 (c1) first is shown in <p#text>\n")
	s.Log.Wait(t, `console.warn src/show.tsx:9 (c1) \x1b[2Jcleared { list: [1, 2] }`)
	p.WaitConsole("log: %s is shown in %o first") // the real console gets the call unchanged

	p.Click("#fail")
	s.Log.Wait(t, "uncaught error src/fail.ts:5 (c1) TypeError: boom\n")
	s.Log.Wait(t, "at HTMLButtonElement.fail (src/fail.ts:5)")
	p.Click("#reject")
	s.Log.Wait(t, "unhandled rejection src/main.tsx:7 (c1) Error: not kept")

	// After an edit the code comes from an update, and the terminal shows the new lines.
	s.Edit("src/show.tsx", "interface Shown {", "export let edits = 1;\n\ninterface Shown {")
	s.Log.Wait(t, "console.log src/show.tsx:10 (c1) first is shown")
	p.NoReload()

	// An edit of comments changes the lines, but no code.
	s.Edit("src/fail.ts", "type Reason", "// a comment\n\ntype Reason")
	devtest.Eventually(t, "the new line of fail", func() bool {
		p.Click("#fail")
		return s.Log.Count("uncaught error src/fail.ts:7 (c1)") > 0
	}, s.Log.String)
	p.NoReload()

	// When the option is switched off, the page is loaded with the browser's own console.
	s.Edit("devserver.config.json", "true", "false")
	p.WaitReload(1)
	p.WaitText("#text", "one")
	if own := devtest.Eval[string](p, `Function.prototype.toString.call(console.log)`); !strings.Contains(own, "[native code]") {
		t.Errorf("the console is wrapped: %s", own)
	}
}

// TestConsoleUnderCSP: positions are also right when a Content-Security-Policy makes updates modules of their own.
func TestConsoleUnderCSP(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Text(consoleApp))
	app.Edit("index.html", `<link rel="icon"`, `<meta http-equiv="Content-Security-Policy" content="script-src 'self'"><link rel="icon"`)
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	p.WaitText("#text", "one")
	s.Log.Wait(t, "console.log src/show.tsx:8 (c1) first is shown")
	s.Edit("src/show.tsx", "interface Shown {", "export let edits = 1;\n\ninterface Shown {")
	s.Log.Wait(t, "console.log src/show.tsx:10 (c1) first is shown")
	p.NoReload()
}

// TestEventLog: the log file has the events between pages and a plugin, and the output of the pages' consoles.
func TestEventLog(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- devserver.config.json --
{"plugins": {"log": {"file": "logs/events.jsonl"}}}
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="/main.ts"></script>
-- main.ts --
type Sum = { sum: number };
import.meta.hot!.on("adder:result", (data: Sum) => {
  console.info("the sum is", data.sum);
  document.querySelector("#text")!.textContent = String(data.sum);
});
import.meta.hot!.send("adder:add", { a: 1, b: 2 });
`)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "adder", Events: []plugin.Event{
			plugin.On("adder:add", func(_ context.Context, c plugin.Client, in struct{ A, B int }) error {
				return c.Send("adder:result", map[string]int{"sum": in.A + in.B})
			}),
		}}}
	})
	p := s.Page(t, "/")
	p.WaitText("#text", "3")
	written := func() string {
		text, _ := os.ReadFile(s.Path("logs/events.jsonl")) // the file does not exist before its first line
		return string(text)
	}
	for _, want := range []string{
		`"type":"event","from":"c1","event":"adder:add","data":{"a":1,"b":2}}` + "\n",
		`"type":"event","to":"c1","event":"adder:result","data":{"sum":3}}` + "\n",
		`"type":"console","from":"c1","level":"info","at":"main.ts:3","text":"the sum is 3"}` + "\n",
	} {
		devtest.Eventually(t, "line "+want, func() bool { return strings.Contains(written(), want) }, written)
	}
	if s.Log.Count("console.info") > 0 {
		t.Error("the terminal shows the console, although the configuration does not ask for it")
	}
	p.NoErrors()
}
