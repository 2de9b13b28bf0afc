package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/seed-b8174343/devserver/internal/guard"
	"github.com/seed-b8174343/devserver/internal/running"
)

// fakeServer is a running server of a project that answers verbs with fixed texts.
type fakeServer struct {
	root string

	mu      sync.Mutex
	answers map[string]string // guarded by mu; verb -> the JSON of the response
	asked   []string          // guarded by mu; "VERB ARGUMENTS"
}

// project returns the fake server of a new project, which does not run yet.
func project(t *testing.T) *fakeServer {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return &fakeServer{root: t.TempDir(), answers: map[string]string{}}
}

// start runs the server until stop is called, with a key of its own.
func (f *fakeServer) start(t *testing.T, key string) (stop func()) {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(guard.TokenHeader) != key {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		verb, ok := strings.CutPrefix(r.URL.Path, running.DoPath)
		if !ok {
			return // a ping
		}
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		f.asked = append(f.asked, verb+" "+string(body))
		answer := f.answers[verb]
		f.mu.Unlock()
		if answer == "" {
			answer = `{"error":{"code":"unknown","message":"no such verb"}}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	file, err := running.Announce(running.NewCacheFolder(f.root, "", slog.New(slog.DiscardHandler)), key, running.Server{URL: web.URL + "/", Token: key})
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			running.Withdraw(file)
			web.Close()
		})
	}
	t.Cleanup(stop)
	return stop
}

func (f *fakeServer) answer(verb, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[verb] = text
}

// questions returns what was asked since the last call.
func (f *fakeServer) questions() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := f.asked
	f.asked = nil
	return asked
}

// ran runs a command line and returns what it printed.
func ran(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// TestPageArguments: each command line becomes the arguments of its verb.
func TestPageArguments(t *testing.T) {
	f := project(t)
	f.start(t, "key")
	for _, tt := range []struct{ line, stdin, want string }{
		{"list", "", `status {}`},
		{"errors --page c2", "", `errors {"page":"c2"}`},
		{"logs --since 4 --level warn --match x --limit 3 --wait 2s", "", `logs {"since":4,"level":"warn","match":"x","limit":3,"wait":2000}`},
		{"wait", "", `wait_for_update {}`},
		{"wait --since 0 --timeout 10s --page c1", "", `wait_for_update {"since":0,"page":"c1","timeout":10000}`},
		{"snapshot", "", `snapshot {}`},
		{"snapshot main --since s1 --max 100", "", `snapshot {"selector":"main","since":"s1","max":100}`},
		{"inspect e12 --style color --style top", "", `inspect {"ref":"e12","styles":["color","top"]}`},
		{"inspect #e12", "", `inspect {"ref":"e12"}`},
		{"inspect .e12", "", `inspect {"selector":".e12"}`},
		{"act click e1 --page c3", "", `act {"page":"c3","do":"click","ref":"e1"}`},
		{"act fill #name Ann", "", `act {"do":"fill","selector":"#name","value":"Ann"}`},
		{"act press Enter", "", `act {"do":"press","value":"Enter"}`},
		{"act press e2 Enter", "", `act {"do":"press","ref":"e2","value":"Enter"}`},
		{"act navigate /x", "", `act {"do":"navigate","value":"/x"}`},
		{"act scroll 300", "", `act {"do":"scroll","value":"300"}`},
		{`call cart:clear {"a":1} --to server --await cart:changed --timeout 1s`, "", `call {"event":"cart:clear","data":{"a":1},"to":"server","await":"cart:changed","timeout":1000}`},
		{"call cart:clear", "", `call {"event":"cart:clear"}`},
		{"call cart:clear -", `[1]`, `call {"event":"cart:clear","data":[1]}`},
		{"module src/App.tsx --code", "", `module {"module":"src/App.tsx","code":true}`},
		{"events cart:* --limit 1", "", `events {"name":"cart:*","limit":1}`},
		{"evaluate -", "1 + 1", `evaluate {"expression":"1 + 1"}`},
	} {
		code, _, stderr := ran(t, tt.stdin, append(append([]string{"page"}, strings.Fields(tt.line)...), "--root", f.root)...)
		if have := f.questions(); !slices.Equal(have, []string{tt.want}) {
			t.Errorf("%s asks %q (%s)", tt.line, have, stderr)
		}
		if code != exitFailed || !strings.Contains(stderr, "no such verb") {
			t.Errorf("%s: exit code %d, %s", tt.line, code, stderr)
		}
	}
	for _, tt := range []struct{ line, want string }{
		{"", "page: say list, errors"},
		{"snapshott", "did you mean snapshot?"},
		{"snapshot a b", "page snapshot takes 1 arguments, not 2"},
		{"inspect", "an argument is missing"},
		{"act fill e1", "takes an element and a value"},
		{"act click e1 x", "takes an element and no value"},
		{"act hover e1", `no "hover"; it is click`},
		{"call x {a}", "not JSON, at character 2"},
		{"wait --sinc 3", "did you mean --since?"},
		{"list --page c1", "unknown flag"},
	} {
		code, _, stderr := ran(t, "", append([]string{"page"}, strings.Fields(tt.line)...)...)
		if code != exitUsage || !strings.Contains(stderr, tt.want) || !strings.Contains(stderr, "devserver page help") {
			t.Errorf("%s: exit code %d, %s", tt.line, code, stderr)
		}
	}
	if asked := f.questions(); len(asked) > 0 {
		t.Errorf("wrong command lines asked %q", asked)
	}
}

// TestPageAnswers: the exit code says what an answer means, the text is for people and agents, and --json for scripts.
func TestPageAnswers(t *testing.T) {
	f := project(t)
	f.start(t, "key")
	for _, tt := range []struct {
		line, verb, answer string
		code               int
		want               string
	}{
		{"wait", "wait_for_update", `{"result":"updated","pages":[{"page":"c1","url":"/","result":"updated","modules":["/src/a.ts"]}],"cursor":4}`, 0, "page c1 /: updated, by /src/a.ts\nCursor 4.\n"},
		{"wait", "wait_for_update", `{"result":"reloaded","pages":[]}`, 0, "reloaded: the page runs the new code"},
		{"wait", "wait_for_update", `{"result":"compiled","pages":[]}`, 0, "no page is open"},
		{"wait", "wait_for_update", `{"result":"error","pages":[],"errors":[{"kind":"compile","text":"bad"}]}`, 3, "compile error: bad"},
		{"wait", "wait_for_update", `{"result":"failed","pages":[{"page":"c1","result":"failed","reason":"x\u001b y"}]}`, 3, "failed, ⟦page c1: x y⟧"},
		{"wait", "wait_for_update", `{"result":"nothing","pages":[]}`, 0, "nothing: no open page runs"},
		{"wait", "wait_for_update", `{"result":"none","why":"no file changed","pages":[]}`, 4, "no file changed"},
		{"wait", "wait_for_update", `{"result":"reloading","pages":[]}`, 4, "reloading"},
		{"errors", "errors", `{"errors":[],"cursor":1}`, 0, "No errors."},
		{"errors", "errors", `{"errors":[{"kind":"uncaught","text":"Error: x","pages":["c1"]}]}`, 3, "uncaught error (page c1): ⟦page c1: Error: x⟧"},
		{"errors --json", "errors", `{"errors":[{"kind":"uncaught","text":"x"}]}`, 3, `{"errors":[{"kind":"uncaught","text":"x"}]}` + "\n"},
		{"evaluate x", "evaluate", `{"page":"c1","error":"x is not defined"}`, 1, "the expression failed: ⟦page c1: x is not defined⟧"},
		{"evaluate 1", "evaluate", `{"page":"c1","value":1}`, 0, "page c1: ⟦page c1: 1⟧"},
		{"module a", "module", `{"id":"/a","importers":[],"imports":[],"error":{"text":"x"},"accepts":[{"page":"c1","runs":true,"self":true}]}`, 0, "it accepts its own updates"},
		{"list", "status", `{"project":"shop","pages":[],"errors":[{"kind":"config","text":"x"}],"url":"http://localhost:1/"}`, 0, "No page is open."},
	} {
		f.answer(tt.verb, `{"answer":`+tt.answer+`}`)
		code, stdout, stderr := ran(t, "", append(append([]string{"page"}, strings.Fields(tt.line)...), "--root", f.root)...)
		if code != tt.code || !strings.Contains(stdout, tt.want) || stderr != "" {
			t.Errorf("%s %s: exit code %d, want %d\n%s%s", tt.line, tt.answer, code, tt.code, stdout, stderr)
		}
	}
	f.answer("act", `{"error":{"code":"not_allowed","message":"act is off"}}`)
	code, _, stderr := ran(t, "", "page", "act", "click", "e1", "--root", f.root)
	if code != exitFailed || !strings.Contains(stderr, "act is off") || !strings.Contains(stderr, `{"agents": {"act": true`) {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

const eventLog = `{"time":"2026-01-01T00:00:00Z","type":"event","from":"c1","event":"cart:add","data":{"n":1}}
{"time":"2026-01-01T00:00:00Z","type":"event","to":"c1","event":"cart:changed","data":{"n":1}}
{"time":"2026-01-01T00:00:00Z","type":"event","to":"c2","event":"cart:changed","data":{"n":1}}
{"time":"2026-01-01T00:00:00.04Z","type":"event","to":"c1","event":"cart:changed","data":{"n":1}}

{"time":"2026-01-01T00:00:00.04Z","type":"request","from":"c1","id":1,"event":"cart:total"}
{"time":"2026-01-01T00:00:00.04Z","type":"reply","to":"c1","id":1,"data":3}
{"time":"2026-01-01T00:00:00.04Z","type":"console","from":"c1","level":"log","text":"x"}
{"time":"2026-01-01T00:00:00.04Z","type":"request","to":"c1","id":2,"event":"cart:state"}
{"time":"2026-01-01T00:00:00.04Z","type":"request","to":"c1","id":3,"event":"devserver:page"}
{"time":"2026-01-01T00:00:00.04Z","type":"event","to":"c1","event":"cart:changed","data":{"n":2}}
`

// TestReplay: events go to pages and handlers in the order of the log, an event to several pages once, and the rest is
// counted.
func TestReplay(t *testing.T) {
	f := project(t)
	f.start(t, "key")
	f.answer("send", `{"answer":{"sent":2}}`)
	f.answer("call", `{"answer":{"to":"server"}}`)
	want := []string{
		`call {"event":"cart:add","data":{"n":1},"to":"server"}`,
		`send {"to":"all","event":"cart:changed","data":{"n":1}}`,
		`send {"to":"all","event":"cart:changed","data":{"n":1}}`,
		`call {"event":"cart:total","to":"server"}`,
		`call {"event":"cart:state","to":"page"}`,
		`send {"to":"all","event":"cart:changed","data":{"n":2}}`,
	}
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte(eventLog), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{{file}, {file, "--speed", "100"}, {"-", "--at-once"}} {
		code, stdout, stderr := ran(t, eventLog, append([]string{"events", "replay", "--root", f.root}, flags...)...)
		if have := f.questions(); !slices.Equal(have, want) {
			t.Errorf("%v asks\n%s", flags, strings.Join(have, "\n"))
		}
		if code != 0 || stdout != "sent 3 to pages, called 3 handlers, skipped 3 lines (1 reply, 1 console, 1 internal)\n" {
			t.Errorf("%v: exit code %d, %q %q", flags, code, stdout, stderr)
		}
	}

	// a page is the receiver, and the sender of what came from pages
	if code, _, _ := ran(t, eventLog, "events", "replay", "-", "--at-once", "--to", "page:c7", "--root", f.root); code != 0 {
		t.Errorf("exit code %d", code)
	}
	asked := f.questions()
	if asked[0] != `call {"page":"c7","event":"cart:add","data":{"n":1},"to":"server"}` || !strings.HasPrefix(asked[1], `send {"to":"page:c7"`) {
		t.Errorf("asked %q", asked)
	}

	// handlers that fail, and events that no page gets, are told and counted
	f.answer("call", `{"error":{"code":"failed","message":"no\u001b stock"}}`)
	f.answer("send", `{"answer":{"sent":0}}`)
	code, stdout, stderr := ran(t, eventLog, "events", "replay", "-", "--at-once", "--root", f.root)
	if code != exitFailed || !strings.HasPrefix(stdout, "sent 0 to pages, called 0 handlers, 6 failed, ") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	if !strings.Contains(stderr, `line 1, cart:add: no\x1b stock`) || !strings.Contains(stderr, "line 2, cart:changed: no page is open") {
		t.Error(stderr)
	}
	for _, tt := range []struct{ log, want string }{
		{"hello\n", "line 1 is not a line of an event log"},
		{"{}\n", "line 1 is not a line of an event log"},
	} {
		if code, _, stderr := ran(t, tt.log, "events", "replay", "-", "--root", f.root); code != exitFailed || !strings.Contains(stderr, tt.want) {
			t.Errorf("%q: exit code %d, %s", tt.log, code, stderr)
		}
	}
	for line, want := range map[string]string{
		"events replay": "give the file", "events replay x --speed 0": "above zero", "events replay x --speed 2 --at-once": "exclude each other",
		"events send x --speed 2": "unknown flag", "events replai x": "did you mean replay?",
	} {
		if code, _, stderr := ran(t, "", strings.Fields(line)...); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, %s", line, code, stderr)
		}
	}
}

// TestMCPFindsServers: `devserver mcp` answers without a server, says how to start one, and finds servers that start
// later and restart with another key. What it writes to standard output is MCP only.
func TestMCPFindsServers(t *testing.T) {
	f := project(t)
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() { ended <- run(t.Context(), []string{"mcp", "--root", f.root}, inR, outW, &stderr) }()
	client, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil).Connect(t.Context(), &mcp.IOTransport{Reader: outR, Writer: inW}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := client.ListTools(t.Context(), nil); err != nil || len(list.Tools) != 13 {
		t.Fatalf("%+v, %v", list, err)
	}
	status := func() string {
		t.Helper()
		result, err := client.CallTool(t.Context(), &mcp.CallToolParams{Name: "status"})
		if err != nil {
			t.Fatal(err)
		}
		return result.Content[0].(*mcp.TextContent).Text
	}
	if text := status(); !strings.Contains(text, "start one with: devserver") {
		t.Error(text)
	}
	f.answer("status", `{"answer":{"project":"shop","url":"http://localhost:1/"}}`)
	f.answer("tools", `{"answer":{"tools":[{"event":"cart:clear","description":"Empties the cart.","to":"server"}],"rev":"1"}}`)
	stop := f.start(t, "one")
	if text := status(); !strings.HasPrefix(text, "shop ") {
		t.Error(text)
	}
	if list, err := client.ListTools(t.Context(), nil); err != nil || len(list.Tools) != 14 {
		t.Errorf("%+v, %v", list, err)
	}
	stop()
	if text := status(); !strings.Contains(text, "no server runs") {
		t.Error(text)
	}
	f.start(t, "two")
	if text := status(); !strings.HasPrefix(text, "shop ") {
		t.Error(text)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if code := <-ended; code != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d, %s", code, &stderr)
	}
	if code, _, errs := ran(t, "", "mcp", "app"); code != exitUsage || !strings.Contains(errs, "the project's folder is --root") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestInitAgents: files are created or extended, never overwritten, and the second time nothing changes.
func TestInitAgents(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write("package.json", "{}")
	code, stdout, stderr := ran(t, "", "init", "--agents", root)
	if code != 0 || !strings.Contains(stdout, ".mcp.json: created\nAGENTS.md: created\n") {
		t.Fatalf("exit code %d, %s%s", code, stdout, stderr)
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 3 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
	guide, err := os.ReadFile("../../docs/agents.md")
	if err != nil || !strings.Contains(string(guide), "```json .mcp.json\n"+read(".mcp.json")+"```") {
		t.Errorf("docs/agents.md has another .mcp.json than %s (%v)", read(".mcp.json"), err)
	}
	var config struct {
		MCPServers map[string]struct {
			Command string
			Args    []string
		}
	}
	if err := json.Unmarshal([]byte(read(".mcp.json")), &config); err != nil || config.MCPServers["devserver"].Command != "devserver" {
		t.Errorf("%s: %v", read(".mcp.json"), err)
	}

	// files that are there keep what they have
	for _, tt := range []struct{ name, before, want, says string }{
		{".mcp.json", "{\n    // mine\n    \"mcpServers\": {\n        \"other\": {}\n    }\n}\n",
			"{\n    // mine\n    \"mcpServers\": {\n        \"other\": {},\n        \"devserver\": { \"type\": \"stdio\", \"command\": \"devserver\", \"args\": [\"mcp\"] }\n    }\n}\n", "added devserver"},
		{".cursor/mcp.json", "{}", "{\n  \"mcpServers\": {\n    \"devserver\": { \"command\": \"devserver\", \"args\": [\"mcp\", \"--root\", \"${workspaceFolder}\"] }\n  }\n}", "added devserver"},
		{".gemini/settings.json", `{"theme": "x", "mcpServers": {},}`, "", "added devserver"},
		{".vscode/mcp.json", `{"servers": {"devserver": {"command": "mine"}}}`, `{"servers": {"devserver": {"command": "mine"}}}`, "has devserver already"},
		{".vscode/mcp.json", `{"servers": []}`, `{"servers": []}`, `add by hand to "servers": "devserver": {`},
		{".vscode/mcp.json", `{"servers": `, `{"servers": `, "it is not JSON"},
		{"AGENTS.md", "# Mine\n\nText", "# Mine\n\nText\n\n## devserver\n\n" + agentsText, "added a section devserver"},
		{"AGENTS.md", "## devserver\n\nmine\n", "## devserver\n\nmine\n", "has a section devserver already"},
		{".claude/skills/devserver/SKILL.md", "mine", "mine", "exists already"},
	} {
		write(tt.name, tt.before)
		_, stdout, stderr := ran(t, "", "init", "--agents", root)
		if have := read(tt.name); tt.want != "" && have != tt.want || !strings.Contains(stdout+stderr, tt.name+": "+tt.says) && !strings.Contains(stderr, tt.says) {
			t.Errorf("%s is\n%s\n%s%s", tt.name, have, stdout, stderr)
		}
		after := read(tt.name)
		if _, stdout, _ = ran(t, "", "init", "--agents", root); read(tt.name) != after {
			t.Errorf("a second run changes %s to\n%s\n%s", tt.name, read(tt.name), stdout)
		}
	}
	if have := read(".gemini/settings.json"); !strings.HasPrefix(have, `{"theme": "x", "mcpServers": {`) || !strings.Contains(have, `"command": "devserver"`) {
		t.Error(have)
	}
}

// TestAskerKeepsToItsServer: a second server of the project takes no agent away from the first. An agent that comes
// then learns where to choose.
func TestAskerKeepsToItsServer(t *testing.T) {
	f := project(t)
	f.answer("status", `{"answer":1}`)
	stop := f.start(t, "first")
	ask := asker(f.root, 0)
	if got, err := ask(t.Context(), "status", nil); string(got) != "1" || err != nil {
		t.Fatalf("one server: %s, %v", got, err)
	}
	f.start(t, "second")
	if got, err := ask(t.Context(), "status", nil); string(got) != "1" || err != nil {
		t.Errorf("two servers: %s, %v", got, err)
	}
	if _, err := asker(f.root, 0)(t.Context(), "status", nil); err == nil || !strings.Contains(err.Error(), "arguments of devserver mcp") {
		t.Errorf("a new agent: %v", err)
	}
	stop()
	if got, err := ask(t.Context(), "status", nil); string(got) != "1" || err != nil {
		t.Errorf("the second server alone: %s, %v", got, err)
	}
}

// TestServerBelow: at the root of a monorepo, the error names the package that has a server.
func TestServerBelow(t *testing.T) {
	f := project(t)
	root := f.root
	f.root = filepath.Join(root, "packages", "app")
	if err := os.MkdirAll(f.root, 0o755); err != nil {
		t.Fatal(err)
	}
	f.start(t, "key")
	code, _, stderr := ran(t, "", "page", "list", "--root", root)
	if code != 1 || !strings.Contains(stderr, "--root "+f.root) {
		t.Errorf("exit code %d, %s; want the folder with a server", code, stderr)
	}
}
