package server_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/steer"
)

const editsApp = `
-- index.html --
<p id="out"></p><script type="module" src="/src/main.ts"></script>
-- src/main.ts --
import { text } from "./text";
document.querySelector("#out")!.textContent = text;
import.meta.hot!.accept("./text", (m) => { document.querySelector("#out")!.textContent = m!.text; });
-- src/text.ts --
export const text: string = "one";
`

// startEditsApp starts editsApp and opens its page, which the server knows then.
func startEditsApp(t *testing.T) (*devtest.Server, *devtest.Page, *steering) {
	t.Helper()
	s, tools := toolsOf(t, editsApp)
	p := s.Page(t, "/")
	p.WaitText("#out", "one")
	s.WaitPages(1)
	return s, p, tools
}

// TestWaitForLateRender has a module that renders in a timer after its update, as the fast refresh of
// @vitejs/plugin-react does: what it throws belongs to the answer.
func TestWaitForLateRender(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, _, tools := startEditsApp(t)
	cursor := ask[steer.Status](tools, steer.VerbStatus, steer.None{}).Cursor
	s.Edit("src/text.ts", `"one";`, `"two"; setTimeout(() => { for (let n = 0; n < 2; n++) reportError(new Error("late")); }, 40);`)
	u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Since: &cursor})
	if u.Result != "error" || len(u.Pages) != 1 || len(u.Pages[0].Errors) != 1 || u.Pages[0].Errors[0].Text != "Error: late" {
		t.Errorf("got %+v, want the error that was thrown late, once", u)
	}
}

// TestWaitForEditWithoutEffect makes edits that no page has to take. They are answered at once, by what they are.
func TestWaitForEditWithoutEffect(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, _, tools := startEditsApp(t)
	for _, edit := range []struct{ file, text, why, says string }{
		{"src/text.ts", `type T = string; export const text: T = "one";`, "same", "the same code"},
		{"src/text.ts", `type T = string; export const text: T = "one"; // a comment`, "same", "the same code"},
		{"src/unused.ts", `export const unused = 1;`, "unused", "no module imports"},
		{"src/unused.css", `b { color: red }`, "unused", "no module imports"},
		{"src/unused.ts", `export const unused = 2;`, "unused", "no module imports"},
	} {
		cursor := ask[steer.Status](tools, steer.VerbStatus, steer.None{}).Cursor
		s.Write(edit.file, edit.text)
		u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Since: &cursor, Timeout: 60_000})
		if u.Result != "nothing" || !strings.Contains(u.Why, edit.says) || u.Edits[0].Why != edit.why || u.Edits[0].Files[0] != edit.file {
			t.Errorf("%s: got %+v, want nothing, since %s", edit.file, u, edit.says)
		}
	}

	// An error comes and goes: pages kept the code.
	s.Edit("src/text.ts", `"one"`, `"one`)
	if u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{}); u.Result != "error" {
		t.Errorf("got %+v, want an error", u)
	}
	cursor := ask[steer.Status](tools, steer.VerbStatus, steer.None{}).Cursor
	s.Edit("src/text.ts", `"one`, `"one"`)
	if u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Since: &cursor, Timeout: 60_000}); u.Result != "nothing" || !strings.Contains(u.Why, "the errors are fixed") {
		t.Errorf("got %+v, want nothing, since the errors are fixed", u)
	}

	// The edit that needs the file is another.
	cursor = ask[steer.Status](tools, steer.VerbStatus, steer.None{}).Cursor
	s.Edit("src/text.ts", `"one"`, `"two"`)
	u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Since: &cursor})
	if u.Result != "updated" || len(u.Edits) != 1 {
		t.Errorf("got %+v, want updated", u)
	}
}

// TestErrorNamesOwnCode has an error that a package threw: the project's own code that called it is the place.
func TestErrorNamesOwnCode(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, tools := toolsOf(t, editsApp+`
-- node_modules/thrower/package.json --
{"name": "thrower", "main": "index.js", "type": "module"}
-- node_modules/thrower/index.js --
export function check(value) {
  if (value === undefined) throw new Error("no value");
}
`)
	p := s.Page(t, "/")
	p.WaitText("#out", "one")
	s.WaitPages(1)
	s.Edit("src/text.ts", `"one";`, "\"two\";\nimport { check } from \"thrower\";\nsetTimeout(() => check(undefined));")
	u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{})
	if len(u.Pages) != 1 || len(u.Pages[0].Errors) != 1 || u.Pages[0].Errors[0].File != "src/text.ts" || u.Pages[0].Errors[0].Line != 3 {
		t.Errorf("got %+v, want an error in src/text.ts:3", u)
	}
}

// TestWaitForPage asks about pages by IDs: of a page that has reloaded since, and of pages that are not open.
func TestWaitForPage(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, _, tools := startEditsApp(t)
	old := ask[steer.Status](tools, steer.VerbStatus, steer.None{}).Pages[0].ID
	s.Edit("src/main.ts", "import.meta.hot!", "console.log(1); import.meta.hot!")
	if u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Page: old}); u.Result != "reloaded" || u.Pages[0].Was != old {
		t.Fatalf("got %+v, want a reload of %s", u, old)
	}
	for _, text := range []string{"two", "three"} {
		cursor := ask[steer.Status](tools, steer.VerbStatus, steer.None{}).Cursor
		s.Write("src/text.ts", `export const text = "`+text+`";`)
		u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Since: &cursor, Page: old})
		if u.Result != "updated" || len(u.Pages) != 1 || u.Pages[0].Page == old {
			t.Errorf("got %+v, want the update of the page that %s is now", u, old)
		}
	}
	if err := tools.refused(steer.VerbWait, steer.WaitArgs{Page: "c99"}); err.Code != "no_page" || !strings.Contains(err.Message, "open: c") {
		t.Errorf("got %v, want no_page with the open pages", err)
	}
}

// TestVerbsRefuse gives verbs what they cannot do: the error names the argument and the next step.
func TestVerbsRefuse(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, tools := toolsOf(t, `
-- index.html --
<p id="out"></p><script type="module" src="/main.js"></script>
-- main.js --
import.meta.hot.on("shop:open", () => { document.querySelector("#out").textContent = "open"; });
document.querySelector("#out").textContent = "ready";
`)
	p := s.Page(t, "/")
	p.WaitText("#out", "ready")
	s.WaitPages(1)
	ask[steer.Status](tools, steer.VerbStatus, steer.None{})

	err := tools.refused(steer.VerbCall, steer.CallArgs{Event: "shop:opem"})
	if err.Code != "unknown_event" || !strings.Contains(err.Message, `nobody takes "shop:opem"`) {
		t.Errorf("an event that nobody takes: %v", err)
	}
	if c := ask[steer.Called](tools, steer.VerbCall, steer.CallArgs{Event: "shop:opem", To: "listeners"}); c.To != "listeners" {
		t.Errorf("sent anyway: %+v", c)
	}
	if c := ask[steer.Called](tools, steer.VerbCall, steer.CallArgs{Event: "shop:open"}); c.To != "listeners" {
		t.Errorf("an event with a listener: %+v", c)
	}
	p.WaitText("#out", "open")

	for verb, args := range map[string]any{
		steer.VerbLogs: steer.LogsArgs{Limit: -1}, steer.VerbWait: steer.WaitArgs{Timeout: -1}, steer.VerbSnapshot: steer.SnapshotArgs{Max: -1},
	} {
		if err := tools.refused(verb, args); err.Code != "bad_args" || err.Path == "" || !strings.Contains(err.Message, "may not be negative") {
			t.Errorf("%s %+v: %v", verb, args, err)
		}
	}

	// A cursor of an earlier run of the server is no cursor: everything is after it.
	ahead := uint64(1 << 40)
	if u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Since: &ahead, Timeout: 1}); !strings.Contains(u.Why, "earlier run") {
		t.Errorf("wait: %+v", u)
	}
	if e := ask[steer.Events](tools, steer.VerbEvents, steer.EventsArgs{Since: ahead}); !e.Lost || len(e.Events) != 2 {
		t.Errorf("events: %+v", e)
	}
}

// TestWaitTellsWarnings has an edit that warns in the console, which frameworks do about what they can go on with.
func TestWaitTellsWarnings(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, p, tools := startEditsApp(t)
	cursor := ask[steer.Status](tools, steer.VerbStatus, steer.None{}).Cursor
	devtest.Eventually(t, "the page sends its console", func() bool {
		devtest.Eval[bool](p, `(console.log("recorded"), true)`)
		return len(ask[steer.Logs](tools, steer.VerbLogs, steer.LogsArgs{Match: "recorded"}).Lines) > 0
	}, func() string { return "no line" })
	s.Write("src/text.ts", `export const text = "two"; for (let n = 0; n < 5; n++) console.warn("Failed to resolve component: Foo"); console.log("fine");`)
	u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Since: &cursor})
	if u.Result != "updated" || len(u.Pages) != 1 || len(u.Pages[0].Console) != 1 {
		t.Fatalf("got %+v, want updated, with the warning once", u)
	}
	if l := u.Pages[0].Console[0]; l.Level != "warn" || !strings.Contains(l.Text, "component: Foo") || l.At != "src/text.ts:1" {
		t.Errorf("got %+v, want the warning", l)
	}
}
