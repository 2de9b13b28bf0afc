package client_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
)

var update = flag.Bool("update", false, "rewrite the files of testdata/payload")

// TestPayloadFiles keeps testdata/payload at what the server sends; src/payload.test.ts reads the files, so that both
// twins of the wire types stay true.
func TestPayloadFiles(t *testing.T) {
	for name, payload := range map[string]hmr.Payload{
		"connected":   &hmr.Connected{Client: "c1", Epoch: "e", Session: "s", Resumed: true, Received: 3, Seq: 7},
		"update":      &hmr.Update{Seq: 8, Timestamp: 1000, Changed: []string{"/src/a.ts"}, Deleted: []string{"/src/b.ts"}, CSS: []string{"/style.css"}, Workers: []string{"/src/w.ts"}, Code: "$d()", URL: "/@devserver/update/8.js"},
		"full-reload": &hmr.FullReload{Path: "/index.html", TriggeredBy: "/index.html", Reason: "index.html was edited"},
		"prune":       &hmr.Prune{Paths: []string{"/src/a.ts"}},
		"error": &hmr.ErrorPayload{Err: hmr.ErrorInfo{
			Message: "no", Stack: "at", ID: "/src/a.ts", Frame: "> 1 | x", Plugin: "p", Loc: &hmr.Loc{File: "src/a.ts", Line: 1, Column: 2}, File: "/app/src/a.ts", Hint: "try",
		}},
		"fixed":          &hmr.Fixed{},
		"custom":         &hmr.Custom{Event: "a:b", Data: json.RawMessage(`{"n":1}`)},
		"custom-bare":    &hmr.Custom{Event: "a:b"},
		"reply":          &hmr.Reply{ID: 4, Data: json.RawMessage(`3`)},
		"reply-error":    &hmr.Reply{ID: 4, Error: &hmr.Error{Code: "bad_payload", Message: "no a", Path: "a"}},
		"need-revisions": &hmr.NeedRevisions{},
		"ack":            &hmr.Ack{N: 64},
	} {
		frame, err := hmr.Encode(payload)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", "payload", name+".json")
		if *update {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, append(frame, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(frame)+"\n" != string(want) {
			t.Errorf("%s: got %s, the file says %s (go test ./client -update rewrites it; read the diff)", name, frame, want)
		}
	}
}
