package server_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/seed-b8174343/devserver/internal/agent"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/running"
)

// withKey sends the key of a server with each request, as clients of MCP do.
type withKey string

func (key withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(key))
	return http.DefaultTransport.RoundTrip(r)
}

// agentsOf are the ways in which an agent reaches a server: by HTTP, and by a program on its own standard input and
// output.
var agentsOf = map[string]func(t *testing.T, r running.Server) mcp.Transport{
	"http": func(_ *testing.T, r running.Server) mcp.Transport {
		return &mcp.StreamableClientTransport{
			Endpoint: strings.TrimSuffix(r.URL, "/") + running.MCPPath, DisableStandaloneSSE: true,
			HTTPClient: &http.Client{Transport: withKey(r.Token)},
		}
	},
	"stdio": func(t *testing.T, r running.Server) mcp.Transport {
		inR, inW := io.Pipe()
		outR, outW := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			ended <- agent.New(agent.Options{Ask: func(ctx context.Context, verb string, args json.RawMessage) (answer json.RawMessage, err error) {
				err = r.Do(ctx, verb, args, &answer)
				return answer, err
			}}).Run(t.Context(), inR, outW)
		}()
		t.Cleanup(func() {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		return &mcp.IOTransport{Reader: outR, Writer: inW}
	},
}

// TestAgents is a session of an agent: it learns what an edit did in a page, sees the page, acts, and calls a handler
// of the page that is a tool.
func TestAgents(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	for way, transport := range agentsOf {
		t.Run(way, func(t *testing.T) {
			s, tools := toolsOf(t, steerApp)
			changed := make(chan struct{}, 100)
			client, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, &mcp.ClientOptions{
				ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { changed <- struct{}{} },
			}).Connect(t.Context(), transport(t, tools.server), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = client.Close() })
			call := func(tool string, args map[string]any) string {
				t.Helper()
				result, err := client.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
				if err != nil {
					t.Fatal(err)
				}
				return result.Content[0].(*mcp.TextContent).Text
			}
			expect := func(tool string, args map[string]any, want ...string) string {
				t.Helper()
				text := call(tool, args)
				for _, part := range want {
					if !strings.Contains(text, part) {
						t.Errorf("%s %v: %q is missing in\n%s", tool, args, part, text)
					}
				}
				return text
			}
			expect("status", nil, "No page is open. Open http")
			expect("snapshot", nil, "no_page: ", "open the project's URL in a browser")

			p := s.Page(t, "/")
			p.WaitText("#out", "one")
			devtest.Eventually(t, "an answer of the page", func() bool { return strings.Contains(call("status", nil), "Shop") }, nil)
			status := expect("status", nil, "page c1 ", "⟦page c1: Shop⟧", "No errors.", "answers shop:count ⟦page c1: Counts what was bought⟧")
			_, after, _ := strings.Cut(status, "Cursor ")
			cursor, _, _ := strings.Cut(after, ".")
			if way == "stdio" {
				<-changed // of the page's handler
			}
			list, err := client.ListTools(t.Context(), nil)
			if err != nil || !slices.ContainsFunc(list.Tools, func(tool *mcp.Tool) bool { return tool.Name == "shop_count" }) {
				t.Fatalf("the page's handler is no tool: %v, %v", list, err)
			}

			s.Edit("src/text.js", "one", "two")
			expect("wait_for_update", map[string]any{"since": json.Number(cursor)}, "updated: ", "page c1 ", "/src/main.js")
			s.Edit("src/text.js", `"two"`, `"two`)
			expect("wait_for_update", nil, "error: the app is broken", "compile error in src/text.js:1")
			s.Edit("src/text.js", `"two`, `"three"`)
			expect("wait_for_update", nil, "updated: ")
			snapshot := expect("snapshot", nil, "⟦page c1:\n", `button "Buy" #e`, "three")
			_, after, _ = strings.Cut(snapshot, `button "Buy" `)
			ref := strings.Fields(after)[0] // with the # of the snapshot
			expect("inspect", map[string]any{"ref": ref}, "page c1, box ", "<button id=\"buy\">")
			expect("act", map[string]any{"do": "click", "ref": ref}, `clicked button "Buy"`)
			expect("shop_count", map[string]any{"data": map[string]any{"plus": 2}}, "answer of the page: ⟦page c1: 3⟧")
			expect("logs", nil, "⟦page c1: bought 1⟧")
			expect("events", map[string]any{"name": "shop:*"}, "from c1 event shop:bought ⟦page c1: {\"bought\":1}⟧")
			expect("evaluate", map[string]any{"expression": "document.title"}, `⟦page c1: "Shop"⟧`)
			expect("evaluate", map[string]any{"expression": "nothing.here"}, "the expression failed: ⟦page c1", "nothing is not defined")
			expect("module", map[string]any{"module": "src/text.js"}, "imported by: /src/main.js", "updates are taken by /src/main.js")
			expect("module", map[string]any{"module": "/src/main.js"}, "imports: /src/text.js (line 1), ")
			expect("pause", nil, "Updates are paused until ")
			expect("resume", nil, "Updates are not paused.")
			expect("errors", nil, "No errors.")
		})
	}
}
