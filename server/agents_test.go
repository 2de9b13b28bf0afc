package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/running"
)

// TestAgentsAreHere: agents are answered with the key of commands, and under a name of this machine. What is no POST
// gets the answer by which clients learn that there is no stream. TestCommandsNeedTheKey has what the other commands
// refuse, too.
func TestAgentsAreHere(t *testing.T) {
	t.Parallel()
	_, tools := toolsOf(t, "-- index.html --\n<title>x</title>")
	address := strings.TrimSuffix(tools.server.URL, "/") + running.MCPPath
	key := "Bearer " + tools.server.Token
	for name, tt := range map[string]struct {
		method, authorization, host, origin string
		status                              int
	}{
		"the key":              {"POST", key, "", "", 200},
		"the page's origin":    {"POST", key, "", strings.TrimSuffix(tools.server.URL, "/"), 200},
		"no scheme":            {"POST", tools.server.Token, "", "", 403},
		"another name":         {"POST", key, "evil.example", "", 403},
		"a name in the LAN":    {"POST", key, "192.168.1.7", "", 403},
		"GET":                  {"GET", key, "", "", 405},
		"GET without the key":  {"GET", "", "", "", 405},
		"OPTIONS of an origin": {"OPTIONS", "", "", "http://evil.example", 405},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, address, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		req.Host = tt.host
		for header, value := range map[string]string{"Authorization": tt.authorization, "Origin": tt.origin} {
			if value != "" {
				req.Header.Set(header, value)
			}
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != tt.status || strings.Contains(string(body), "wait_for_update") != (tt.status == 200) {
			t.Errorf("%s: status %d, want %d\n%s", name, res.StatusCode, tt.status, body)
		}
	}
}
