package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/internal/steer"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// tools asks a server as the command line does.
type steering struct {
	t      *testing.T
	server running.Server
}

// toolsOf starts the app and returns its server with what asks it.
func toolsOf(t *testing.T, app string, configure ...func(*server.Options)) (*devtest.Server, *steering) {
	t.Helper()
	s, find := startFound(t, app, configure...)
	return s, &steering{t, find()[0]}
}

// ask asks a verb, which has to answer.
func ask[Out any](tools *steering, verb string, args any) Out {
	tools.t.Helper()
	var out Out
	if err := tools.server.Do(tools.t.Context(), verb, args, &out); err != nil {
		tools.t.Fatalf("%s %+v: %v", verb, args, err)
	}
	return out
}

// refused asks a verb, which has to fail, and returns its error.
func (tools *steering) refused(verb string, args any) *hmr.Error {
	tools.t.Helper()
	var out json.RawMessage
	err := tools.server.Do(tools.t.Context(), verb, args, &out)
	own, ok := errors.AsType[*hmr.Error](err)
	if !ok {
		tools.t.Fatalf("%s %+v: got %s and %v, want an error with a code", verb, args, out, err)
	}
	return own
}

const steerApp = `
-- devserver.config.json --
{"agents": {"act": true, "evaluate": true}}
-- index.html --
<title>Shop</title><h1>Shop</h1><p id="out"></p><button id="buy">Buy</button><label>Name <input id="name"></label>
<script type="module" src="/src/main.js"></script>
-- src/main.js --
import { text } from "./text.js";
import "./part.js";
import "./deep/a.js";
let bought = 0;
document.querySelector("#out").textContent = text;
document.querySelector("#buy").addEventListener("click", () => {
  console.log("bought", ++bought);
  import.meta.hot.send("shop:bought", { bought });
});
import.meta.hot.handle("shop:count", ({ plus }) => bought + plus, { description: "Counts what was bought" });
import.meta.hot.accept("./text.js", (m) => { document.querySelector("#out").textContent = m.text; });
-- src/text.js --
export const text = "one";
-- src/part.js --
globalThis.part = 1;
import.meta.hot.accept();
-- src/deep/a.js --
import "./b.js";
-- src/deep/b.js --
export const b = 1;
`

// TestSteer is a session of a tool: it looks at a page, edits, learns what the page did, acts and asks.
func TestSteer(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, tools := toolsOf(t, steerApp)
	if u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Timeout: 1}); u.Result != "none" || u.Why == "" {
		t.Errorf("before an edit: %+v", u)
	}
	p := s.Page(t, "/")
	p.WaitText("#out", "one")
	s.WaitPages(1)
	status := ask[steer.Status](tools, steer.VerbStatus, steer.None{})
	if len(status.Pages) != 1 || status.Pages[0].Title != "Shop" || !status.Pages[0].Visible || status.Pages[0].Silent {
		t.Fatalf("status: %+v", status)
	}

	// A hot update, by the cursor and without it.
	s.Edit("src/text.js", "one", "two")
	for _, args := range []steer.WaitArgs{{Since: &status.Cursor}, {}} {
		u := ask[steer.Update](tools, steer.VerbWait, args)
		if u.Result != "updated" || len(u.Pages) != 1 || strings.Join(u.Pages[0].Modules, " ") != "/src/main.js" || u.Edits[0].Files[0] != "src/text.js" {
			t.Errorf("hot update: %+v", u)
		}
	}
	p.WaitText("#out", "two")

	// An edit that does not compile, and its fix.
	s.Edit("src/text.js", `"two"`, `"two`)
	u := ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{})
	if u.Result != "error" || len(u.Errors) != 1 || u.Errors[0].File != "src/text.js" || u.Errors[0].Line != 1 || u.Errors[0].Frame == "" {
		t.Errorf("broken edit: %+v", u)
	}
	if e := ask[steer.Errors](tools, steer.VerbErrors, steer.PageArgs{}); len(e.Errors) != 1 || len(e.Errors[0].Pages) != 1 {
		t.Errorf("errors: %+v", e)
	}
	s.Edit("src/text.js", `"two`, `"three"`)
	if u = ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Since: &u.Cursor}); u.Result != "updated" {
		t.Errorf("fix: %+v", u)
	}

	// An edit that throws when it runs.
	s.Edit("src/part.js", "globalThis.part = 1", "globalThis.part = missing.name")
	u = ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Since: &u.Cursor})
	if u.Result != "error" || !strings.Contains(u.Pages[0].Reason, "missing is not defined") {
		t.Errorf("a module that throws: %+v", u)
	}
	s.Edit("src/part.js", "missing.name", "2; setTimeout(() => { throw new Error('later') })")
	u = ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Since: &u.Cursor})
	if u.Result != "error" || len(u.Pages[0].Errors) != 1 || !strings.Contains(u.Pages[0].Errors[0].Text, "later") || u.Pages[0].Errors[0].File != "src/part.js" {
		t.Errorf("an error that is not caught: %+v", u)
	}

	// A reload, with its chain.
	s.Edit("src/deep/b.js", "b = 1", "b = 2")
	u = ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{Since: &u.Cursor})
	if len(u.Pages) != 1 || u.Pages[0].Was != "c1" || strings.Join(u.Pages[0].Chain, " ") != "/src/deep/b.js /src/deep/a.js /src/main.js" {
		t.Errorf("reload: %+v", u)
	}
	s.Edit("src/part.js", "; setTimeout(() => { throw new Error('later') })", "")
	if u = ask[steer.Update](tools, steer.VerbWait, steer.WaitArgs{}); u.Result != "updated" && u.Result != "error" {
		t.Errorf("after the reload: %+v", u)
	}

	// Look, act, ask.
	snapshot := ask[steer.Snapshot](tools, steer.VerbSnapshot, steer.SnapshotArgs{})
	for _, want := range []string{`heading 1 "Shop"`, `button "Buy"`, `textbox "Name"`, "three"} {
		if !strings.Contains(snapshot.Text, want) {
			t.Errorf("the snapshot lacks %s:\n%s", want, snapshot.Text)
		}
	}
	if a := ask[steer.Acted](tools, steer.VerbAct, steer.ActArgs{Do: "click", Selector: "#buy"}); !strings.Contains(a.Text, "Buy") {
		t.Errorf("act: %+v", a)
	}
	s.Log.Wait(t, `tool in page c2: clicked`)
	logs := ask[steer.Logs](tools, steer.VerbLogs, steer.LogsArgs{Match: "bought", Wait: 5000})
	if len(logs.Lines) != 1 || logs.Lines[0].Text != "bought 1" || !strings.HasPrefix(logs.Lines[0].At, "src/main.js:") {
		t.Errorf("logs: %+v", logs)
	}
	events := ask[steer.Events](tools, steer.VerbEvents, steer.EventsArgs{Name: "shop:*", Wait: 5000})
	if len(events.Events) != 1 || string(events.Events[0].Data) != `{"bought":1}` {
		t.Errorf("events: %+v", events)
	}
	if c := ask[steer.Called](tools, steer.VerbCall, steer.CallArgs{Event: "shop:count", Data: json.RawMessage(`{"plus":2}`)}); c.To != "page" || string(c.Answer) != "3" {
		t.Errorf("call: %+v", c)
	}
	if e := ask[steer.Evaluated](tools, steer.VerbEvaluate, steer.EvaluateArgs{Expression: "document.title + part"}); string(e.Value) != `"Shop2"` {
		t.Errorf("evaluate: %+v", e)
	}
	i := ask[steer.Inspected](tools, steer.VerbInspect, steer.InspectArgs{Selector: "#buy"})
	if i.Role != "button" || i.Name != "Buy" || !i.Visible {
		t.Errorf("inspect: %+v", i)
	}
	m := ask[steer.Module](tools, steer.VerbModule, steer.ModuleArgs{Module: "src/deep/b.js"})
	if len(m.Accepts) != 1 || m.Accepts[0].Reload == "" || m.Reload == nil || strings.Join(m.Importers, " ") != "/src/deep/a.js" {
		t.Errorf("module: %+v", m)
	}
	if tl := ask[steer.Tools](tools, steer.VerbTools, steer.None{}); len(tl.Tools) != 1 || tl.Tools[0].Event != "shop:count" {
		t.Errorf("tools: %+v", tl)
	}
}

// TestModulesNameTheirPlugins: a module says which plugins made and changed it.
func TestModulesNameTheirPlugins(t *testing.T) {
	t.Parallel()
	s, tools := toolsOf(t, "-- index.html --\n<script type=\"module\" src=\"/a.js\"></script>\n-- a.js --\nimport \"virtual:b\";\n", func(o *server.Options) {
		o.Plugins = []plugin.Plugin{
			{
				Name: "makes",
				ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
					if a.Specifier != "virtual:b" {
						return nil, nil
					}
					return &plugin.ResolveResult{ID: "virtual:b"}, nil
				},
				Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
					if a.ID != "virtual:b" {
						return nil, nil
					}
					return &plugin.LoadResult{Code: "export {}"}, nil
				},
			},
			{Name: "changes", Transform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
				return &plugin.TransformResult{Code: a.Code + "\n//"}, nil
			}},
			{Name: "looks", Transform: func(context.Context, plugin.TransformArgs) (*plugin.TransformResult, error) { return nil, nil }},
		}
	})
	s.Get("/a.js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
	for module, want := range map[string]string{"a.js": "changes", "virtual:b": "makes changes"} {
		if m := ask[steer.Module](tools, steer.VerbModule, steer.ModuleArgs{Module: module}); strings.Join(m.Plugins, " ") != want {
			t.Errorf("%s: by %q, want %s", module, m.Plugins, want)
		}
	}
}
