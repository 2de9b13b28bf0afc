package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/steer"
)

// TestMain makes the test's program a server on standard input and output, for clients that start a process.
func TestMain(m *testing.M) {
	if os.Getenv("AGENT_STDIO") == "" {
		os.Exit(m.Run())
	}
	c, _ := steady()
	if err := New(Options{Ask: c.Ask}).Run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// steady returns a Core for clients in JavaScript. A call of logs takes until it is given up. The errors tell whether
// there is such a call, and calls waits for the end of them all.
func steady() (c *core, calls *sync.WaitGroup) {
	c, calls = &core{verbs: map[string]func(context.Context, string) (any, error){}}, &sync.WaitGroup{}
	var slow atomic.Int32
	c.answer(steer.VerbTools, always(steer.Tools{Tools: []steer.Tool{clearCart}}))
	c.answer(steer.VerbCall, always(steer.Called{To: "server", Answer: json.RawMessage(`"cleared"`)}))
	c.answer(steer.VerbStatus, always(steer.Status{Project: "shop", Cursor: 7, Pages: []steer.Page{{ID: "c1", Title: "Shop", Visible: true}}}))
	c.answer(steer.VerbWait, always(steer.Update{Result: "updated", Pages: []steer.PageUpdate{{Page: "c1", Result: "updated"}}}))
	c.answer(steer.VerbSnapshot, func(context.Context, string) (any, error) {
		return nil, &hmr.Error{Code: "no_page", Message: "no page is c9"}
	})
	c.answer(steer.VerbLogs, func(ctx context.Context, _ string) (any, error) {
		calls.Add(1)
		defer calls.Done()
		slow.Add(1)
		defer slow.Add(-1)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	c.answer(steer.VerbErrors, func(context.Context, string) (any, error) {
		text := "no slow call"
		if slow.Load() > 0 {
			text = "a slow call waits"
		}
		return steer.Errors{Errors: []steer.Error{{Kind: "compile", Text: text}}}, nil
	})
	return c, calls
}

// TestJavaScriptClients: the official SDKs for JavaScript work over both transports, with the newest revision of the
// protocol and the older ones, and a call that they give up ends.
func TestJavaScriptClients(t *testing.T) {
	packages, err := filepath.Abs("../../testdata/tools")
	if err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node")
	}
	if _, err := os.Stat(filepath.Join(packages, "node_modules/@modelcontextprotocol/client")); err != nil {
		t.Skip("needs npm ci in testdata/tools")
	}
	c, calls := steady()
	web := httptest.NewServer(New(Options{Ask: c.Ask}).Handler())
	t.Cleanup(web.Close)
	cmd := exec.CommandContext(t.Context(), node, "testdata/clients.mjs", packages, web.URL, os.Args[0])
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	calls.Wait()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 14 {
		t.Errorf("%d clients", len(lines))
	}
	want := slices.Sorted(slices.Values(append([]string{"cart_clear"}, ourNames...)))
	for _, line := range lines {
		var r struct {
			Over, Name, Version, Update, Failed, Own, Ended, Error string
			Instructions                                           bool
			Tools                                                  []string
			Status                                                 int
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Error != "" {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if strings.HasPrefix(r.Name, "20") && r.Version != r.Name || r.Name == "auto" && r.Version != "2026-07-28" {
			t.Errorf("%s over %s speaks %s", r.Name, r.Over, r.Version)
		}
		if !r.Instructions || !slices.Equal(r.Tools, want) || r.Status != 7 || !strings.HasPrefix(r.Update, "updated:") ||
			!strings.HasPrefix(r.Failed, "no_page: ⟦page: no page is c9⟧") || r.Own != `answer of the server: ⟦server: "cleared"⟧` || r.Ended != "ended" {
			t.Errorf("%s over %s: %s", r.Name, r.Over, line)
		}
	}
}
