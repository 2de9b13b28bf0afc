package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/steer"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// robot is an agent without a model: it reads what the tools say, edits files by that, and has no other eyes.
type robot struct {
	t     *testing.T
	files *devtest.Server
	mcp   *mcp.ClientSession
}

func newRobot(t *testing.T, s *devtest.Server, r *steering) *robot {
	t.Helper()
	client, err := mcp.NewClient(&mcp.Implementation{Name: "robot"}, nil).Connect(t.Context(), agentsOf["http"](t, r.server), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return &robot{t, s, client}
}

// use calls a tool and returns what it says.
func (r *robot) use(tool string, args map[string]any) string {
	r.t.Helper()
	result, err := r.mcp.CallTool(r.t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		r.t.Fatal(err)
	}
	return result.Content[0].(*mcp.TextContent).Text
}

// read finds the groups of an expression in what a tool says.
func (r *robot) read(expression, text string) []string {
	r.t.Helper()
	found := regexp.MustCompile(expression).FindStringSubmatch(text)
	if found == nil {
		r.t.Fatalf("the tools do not say %s, but\n%s", expression, text)
	}
	return found[1:]
}

// line returns a line of a file, which counts from 1.
func (r *robot) line(file, number string) string {
	r.t.Helper()
	n, _ := strconv.Atoi(number)
	lines := strings.Split(r.files.Read(file), "\n")
	if n < 1 || n > len(lines) {
		r.t.Fatalf("%s has no line %s", file, number)
	}
	return lines[n-1]
}

// edit replaces a line, and waits until the page has the edit.
func (r *robot) edit(file, line, now string) string {
	r.t.Helper()
	r.files.Edit(file, line, now)
	return r.use("wait_for_update", nil)
}

// faultPage is the end of each app below: React renders src/App.jsx.
const faultPage = `
-- package.json --
{"name": "fault", "type": "module", "dependencies": {"react": "*", "react-dom": "*"}}
-- index.html --
<!doctype html><link rel="icon" href="data:,"><title>Shop</title><div id="root"></div><script type="module" src="/src/main.jsx"></script>
-- src/main.jsx --
import { createRoot } from "react-dom/client";
import App from "./App";
createRoot(document.getElementById("root")).render(<App />);
`

// faults are ten faults of apps. Each is found and fixed by what the tools say.
var faults = []struct {
	name, files string
	// broken is a part of what the page shows with the fault, fixed one of what it shows without.
	broken, fixed string
	plugins       []plugin.Plugin
	find          func(r *robot)
}{
	{
		name: "runtime error",
		files: `
-- src/App.jsx --
import List from "./List";
export default () => <main><h1>Shop</h1><List /></main>;
-- src/List.jsx --
export default function List({ items }) {
  const count = items.length;
  return <p>{count} items</p>;
}
`,
		fixed: "0 items",
		find: func(r *robot) {
			place := r.read(`uncaught error in (\S+):(\d+) `, r.use("errors", nil))
			line := r.line(place[0], place[1])
			name := r.read(`Cannot read properties of undefined \(reading '(\w+)'\)`, r.use("errors", nil))[0]
			object := r.read(`(\w+)\.`+name, line)[0]
			r.edit(place[0], line, strings.Replace(line, object+"."+name, fmt.Sprintf("(%s ?? []).%s", object, name), 1))
		},
	},
	{
		name: "wrong prop",
		files: `
-- src/App.jsx --
import Price from "./Price";
export default () => <main><h1>Shop</h1><Price amont={12} /></main>;
-- src/Price.jsx --
export default function Price({ amount }) { return <strong>{amount * 2} euro</strong>; }
`,
		broken: "NaN euro", fixed: "24 euro",
		find: func(r *robot) {
			element := r.use("inspect", map[string]any{"selector": "strong"})
			component := r.read(`component (?:⟦page c\d+: )?(\w+)`, element)[0]
			given := r.read(`"(\w+)":12`, element)[0]
			module := r.use("module", map[string]any{"module": "src/" + component + ".jsx"})
			user := strings.TrimPrefix(r.read(`imported by: (\S+)`, module)[0], "/")
			wanted := r.read(`\{ (\w+) \}`, r.files.Read("src/"+component+".jsx"))[0]
			r.edit(user, given+"=", wanted+"=")
		},
	},
	{
		name: "css hides a button",
		files: `
-- src/App.jsx --
import "./app.css";
export default () => <main><h1>Shop</h1><button className="buy">Buy</button></main>;
-- src/app.css --
main { color: black }
.buy { display: none }
`,
		fixed: `button "Buy"`,
		find: func(r *robot) {
			element := r.use("inspect", map[string]any{"selector": ".buy"})
			why := r.read(`(display: none)`, element)[0]
			file := r.read(`(src/\S+?\.css)`, r.use("module", map[string]any{"module": "src/App.jsx"}))[0]
			r.edit(file, why, "display: block")
		},
	},
	{
		name: "missing import",
		files: `
-- src/App.jsx --
import { euro } from "./fromat";
export default () => <main><h1>Shop</h1><p>{euro(12)}</p></main>;
-- src/format.js --
export const euro = (n) => n + " euro";
`,
		fixed: "12 euro",
		find: func(r *robot) {
			text := r.use("errors", nil)
			place := r.read(`compile error in (\S+?):(\d+)`, text)
			wrong := r.read(`no file "(\S+?)"`, text)[0]
			right := r.read(`did you mean "(\S+?)"`, text)[0]
			r.edit(place[0], wrong, right)
		},
	},
	{
		name: "event with a wrong payload",
		files: `
-- src/App.jsx --
import { useEffect, useState } from "react";
export default function App() {
  const [total, setTotal] = useState("none");
  useEffect(() => {
    import.meta.hot.on("cart:total", setTotal);
    import.meta.hot.send("cart:add", { count: "3" });
  }, []);
  return <p>total {total}</p>;
}
`,
		broken: "total none", fixed: "total 3",
		plugins: []plugin.Plugin{{Name: "cart", Events: []plugin.Event{
			plugin.On("cart:add", func(_ context.Context, c plugin.Client, in struct {
				Count int `json:"count"`
			}) error {
				return c.Send("cart:total", in.Count)
			}),
		}}},
		find: func(r *robot) {
			event := r.read(`payload of "(\S+?)": (\w+) must be an integer \(int\), but is a string`, r.use("errors", nil))
			r.read(event[0]+`.*`+event[1]+`":"(3)"`, r.use("events", map[string]any{"name": event[0]}))
			r.edit("src/App.jsx", event[1]+`: "3"`, event[1]+`: 3`)
		},
	},
	{
		name: "handler that fails",
		files: `
-- src/App.jsx --
import { useEffect, useState } from "react";
export default function App() {
  const [text, setText] = useState("asking");
  useEffect(() => void import.meta.hot.request("cart:price", { article: "tea" }).then(setText, () => setText("failed")), []);
  return <p>price {text}</p>;
}
`,
		broken: "price failed", fixed: "price 4",
		plugins: []plugin.Plugin{{Name: "cart", Events: []plugin.Event{
			plugin.Handle("cart:price", func(_ context.Context, _ plugin.Client, in struct {
				Article string `json:"article"`
			}) (int, error) {
				if in.Article != "green tea" {
					return 0, fmt.Errorf("no article is named %q; the articles are \"green tea\"", in.Article)
				}
				return 4, nil
			}).Describe("Returns the price of an article"),
		}}},
		find: func(r *robot) {
			said := r.read(`no article is named "(\w+)"; the articles are "([\w ]+)"`, r.use("cart_price", map[string]any{"article": "tea"}))
			r.edit("src/App.jsx", `"`+said[0]+`"`, `"`+said[1]+`"`)
		},
	},
	{
		name: "component in a loop",
		files: `
-- src/App.jsx --
import { useState } from "react";
export default function App() {
  const [count, setCount] = useState(0);
  setCount(count + 1);
  return <p>rendered</p>;
}
`,
		fixed: "rendered",
		find: func(r *robot) {
			r.read(`(Too many re-renders)`, r.use("errors", nil))
			r.use("act", map[string]any{"do": "navigate", "value": "/"}) // the console is kept from now on
			text := ""
			devtest.Eventually(r.t, "React's message", func() bool {
				text = r.use("logs", map[string]any{"match": "An error occurred in the"})
				return !strings.HasPrefix(text, "No lines")
			}, nil)
			component := r.read(`in the <(\w+)> component`, text)[0]
			file := r.read(`^([^\s,]+)`, r.use("module", map[string]any{"module": "src/" + component + ".jsx"}))[0]
			file = strings.TrimPrefix(file, "/")
			r.edit(file, r.read(`\n(\s+set\w+\([^\n]*)\n`, r.files.Read(file))[0], "")
		},
	},
	{
		name: "broken configuration",
		files: `
-- devserver.config.json --
{"agents": {"act": true, "users": "yes"}}
-- src/App.jsx --
export default () => <p>runs</p>;
`,
		fixed: "runs",
		find: func(r *robot) {
			place := r.read(`config error in (\S+?):(\d+)`, r.use("errors", nil))
			line := r.line(place[0], place[1])
			r.edit(place[0], line, strings.Replace(line, `"yes"`, "true", 1))
		},
	},
	{
		name: "stale page",
		files: `
-- devserver.config.json --
{"agents": {"act": true}, "server": {"hmr": {"reload": "ask"}}}
-- src/App.jsx --
import { text } from "./text";
export default () => <p>{text()}</p>;
-- src/text.js --
export const text = () => globalThis.stale ?? (globalThis.stale = "old text");
`,
		broken: "old text", fixed: "new text",
		find: func(r *robot) {
			// The entry accepts nothing, so that the page only asks its user to reload.
			r.files.Edit("src/main.jsx", "createRoot(", "globalThis.stale = \"new text\"; createRoot(")
			text := r.use("wait_for_update", nil)
			r.read(`(asks its user to reload)`, text)
			r.use("act", map[string]any{"do": "navigate", "value": "/"})
		},
	},
	{
		name: "wrong name in .env",
		files: `
-- .env --
VITE_SHOP_NAME=Tea
-- src/App.jsx --
export default () => <p>shop {String(import.meta.env.VITE_SHOP)}</p>;
`,
		broken: "shop undefined", fixed: "shop Tea",
		find: func(r *robot) {
			code := r.use("module", map[string]any{"module": "src/App.jsx", "code": true})
			name := r.read(`env\.(VITE_\w+)`, code)[0]
			known := r.read(`(VITE_\w+)=`, r.files.Read(".env"))[0]
			r.edit(".env", known, name)
		},
	},
}

// TestAgentFixesFaults: what the tools say is enough to find and fix ten faults.
func TestAgentFixesFaults(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			files := fault.files + faultPage
			if !strings.Contains(files, "devserver.config.json") {
				files += "-- devserver.config.json --\n{\"agents\": {\"act\": true}}\n"
			}
			app := devtest.App(t, npmPackages(t, "react", "react-dom", "scheduler", "react-refresh"), devtest.Text(files))
			s, find := startFiles(t, app, func(o *server.Options) { o.Plugins = fault.plugins })
			s.Page(t, "/")
			s.WaitPages(1)
			r := newRobot(t, s, &steering{t, find()[0]})
			sees := func(want string) {
				t.Helper()
				text := ""
				devtest.Eventually(t, want, func() bool {
					text = r.use("snapshot", nil)
					return strings.Contains(text, want)
				}, func() string { return text })
			}
			if fault.broken != "" {
				sees(fault.broken)
			}
			fault.find(r)
			sees(fault.fixed)
			if text := r.use("errors", nil); !strings.HasPrefix(text, "No errors.") {
				t.Errorf("errors remain: %s", text)
			}
		})
	}
}

// TestWaitIsRight makes edits of five kinds, one after the other and several at once, and compares each answer of
// wait_for_update with what the edit was.
func TestWaitIsRight(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, tools := toolsOf(t, `
-- index.html --
<p id="out"></p><script type="module" src="/main.js"></script>
-- main.js --
import "./hot.js";
import "./cold.js";
-- hot.js --
document.querySelector("#out").textContent = "0";
import.meta.hot.accept();
-- cold.js --
export const n = 0;
-- unused.js --
export const n = 0;
`)
	p := s.Page(t, "/")
	p.WaitText("#out", "0")
	s.WaitPages(1)
	random := rand.New(rand.NewPCG(1, 2))
	cursor := ask[steer.Status](tools, steer.VerbStatus, steer.None{}).Cursor
	broken := false
	for n := 1; n <= 200; n++ {
		text := strconv.Itoa(n)
		hot := fmt.Sprintf("document.querySelector(\"#out\").textContent = %q;\nimport.meta.hot.accept();\n", text)
		want, shows := "", text
		switch kind := random.IntN(6); {
		case kind == 0:
			s.Write("hot.js", hot+"const = ;\n")
			want, shows, broken = "error", "", true
		case kind == 1:
			s.Write("hot.js", hot+"throw new Error('at once');\n")
			want, shows, broken = "error", "", true
		case kind == 2:
			s.Write("hot.js", hot+"setTimeout(() => { throw new Error('later'); });\n")
			want, broken = "error", true
		case kind == 3: // an error that lasts a moment only
			s.Write("hot.js", hot+"const = ;\n")
			s.Write("hot.js", hot)
			want, broken = "updated", false
		case kind == 4 && !broken:
			s.Write("cold.js", "export const n = "+text+";\n")
			want, shows = "reloaded", ""
		default:
			s.Write("hot.js", hot)
			want, broken = "updated", false
		}
		args := steer.WaitArgs{Since: &cursor}
		if random.IntN(3) == 0 {
			args.Since = nil
		}
		u := ask[steer.Update](tools, steer.VerbWait, args)
		if u.Result != want || len(u.Pages) != 1 {
			answer, _ := json.MarshalIndent(u, "", "  ")
			t.Fatalf("edit %d: got %s, want %s: %s", n, u.Result, want, answer)
		}
		if shows != "" && devtest.Eval[string](p, `document.querySelector("#out").textContent`) != shows {
			t.Fatalf("edit %d: the page has not the edit, though the answer is %s", n, u.Result)
		}
		cursor = u.Cursor
	}
}
