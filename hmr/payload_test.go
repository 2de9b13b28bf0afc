package hmr_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
)

var update = flag.Bool("update", false, "rewrite testdata/payload/server")

// TestPayloadFiles compares the encoded payloads with files that the client's tests read, too.
func TestPayloadFiles(t *testing.T) {
	for name, p := range map[string]hmr.Payload{
		"connected":          &hmr.Connected{Client: "c1", Epoch: "e", Resumed: true, Received: 7, Seq: 3},
		"connected-users":    &hmr.Connected{Client: "c2", Epoch: "e", Identifies: true},
		"update":             &hmr.Update{Seq: 4, Timestamp: 1700000000000, Changed: []string{"/src/a.ts"}, Deleted: []string{"/src/b.ts"}, CSS: []string{"/src/a.css"}, Files: []string{"/a.png"}, Workers: map[string]string{"/src/w.ts": "/src/a.ts"}, Code: "$d();", URL: "/@devserver/update/x-1.js"},
		"update-min":         &hmr.Update{Seq: 5, Timestamp: 1, Changed: []string{"/a.js"}},
		"full-reload":        &hmr.FullReload{Seq: 6, Path: "/about.html", TriggeredBy: "/about.html", Reason: "about.html was edited"},
		"full-reload-module": &hmr.FullReload{Seq: 7, Module: "/missing.js", TriggeredBy: "/missing.js", Reason: "missing.js exists now"},
		"error": &hmr.ErrorPayload{Err: hmr.ErrorInfo{Message: `Unexpected "="`, Stack: "at f (/src/a.ts:1:2)", ID: "/src/a.ts", Frame: "> 1 | =", Plugin: "p", File: "/app/src/a.ts", Hint: "h",
			Loc: &hmr.Loc{File: "src/a.ts", Line: 1, Column: 2}, Module: "/src/a.ts", Workers: []string{"/src/w.ts"}},
			More: []hmr.ErrorInfo{{Message: "m", Module: "/src/b.ts"}}},
		"error-min":       &hmr.ErrorPayload{Err: hmr.ErrorInfo{Message: "m"}},
		"fixed":           &hmr.Fixed{},
		"custom":          &hmr.Custom{Event: "my:event", Data: json.RawMessage(`{"a":[1,null,"<b>"]}`)},
		"custom-no-data":  &hmr.Custom{Event: "my:event"},
		"custom-retained": &hmr.Custom{Event: "a_b_c", Data: json.RawMessage(`42`), Retained: true},
		"reply":           &hmr.Reply{ID: 1, Data: json.RawMessage(`42`)},
		"reply-error":     &hmr.Reply{ID: 2, Error: &hmr.Error{Code: "bad_payload", Message: "m", Path: "a.b"}},
		"request":         &hmr.Ask{ID: 3, Event: "cart:state", Data: json.RawMessage(`{"deep":true}`)},
		"request-no-data": &hmr.Ask{ID: 4, Event: "cart:state"},
		"cancel":          &hmr.Cancel{ID: 3},
		"need-revisions":  &hmr.NeedRevisions{},
		"ack":             &hmr.Ack{N: 64},
		"ack-waiting":     &hmr.Ack{N: 64, Waiting: 2, WaitingBytes: 300},
		"connected-lost": &hmr.Connected{Client: "c3", Epoch: "e", Waiting: 2, WaitingBytes: 300,
			Lost: &hmr.Lost{Messages: 5, Reason: "why"}},
	} {
		got, err := hmr.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("..", "testdata", "payload", "server", name+".json")
		if *update {
			if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(want)) != string(got) {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
		}
	}
}
