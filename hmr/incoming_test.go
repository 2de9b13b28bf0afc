package hmr

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestPageFiles decodes the frames that the client's tests wrote. The server must know every field that pages send.
// Pages must send every field that the server knows.
func TestPageFiles(t *testing.T) {
	want := map[string]incoming{
		"hello":          {Type: "hello", URL: "http://localhost:5173/app/?a=1#b", Was: "c1", Revisions: Revisions{Page: "/index.html", PageRev: "r1"}},
		"custom":         {Type: "custom", Event: "my:event", Data: json.RawMessage(`{"a":[1,null,"<b>"]}`)},
		"custom-no-data": {Type: "custom", Event: "my:event"},
		"request":        {Type: "request", ID: 1, Event: "sum:add", Data: json.RawMessage(`{"a":1}`)},
		"cancel":         {Type: "cancel", ID: 1},
		"reply":          {Type: "reply", ID: 3, Data: json.RawMessage(`{"items":2}`)},
		"reply-error":    {Type: "reply", ID: 4, Error: &Error{Code: "empty", Message: "the cart is empty", Path: "items"}},
		"subscribe":      {Type: "subscribe", Channel: "blog_chat_echo"},
		"unsubscribe":    {Type: "unsubscribe", Channel: "blog_chat_echo"},
		"report":         {Type: "report", Report: Report{Seq: 4, Kind: "updated", Paths: []string{"/src/a.ts"}, Took: 1.5}},
		"report-failed":  {Type: "report", Report: Report{Seq: 5, Kind: "failed", Paths: []string{"/src/a.ts"}, Reason: "a is not defined"}},
		"report-reloaded": {Type: "report", Report: Report{
			Seq: 6, Kind: "reloaded", Paths: []string{"/src/b.ts"}, Reason: "no boundary", Chain: []string{"/src/b.ts", "/src/main.ts"},
		}},
		"revisions": {Type: "revisions", Revisions: Revisions{Modules: map[string]string{"/src/a.ts": "r1"}, CSS: []string{"/src/a.css"}, Page: "/index.html", PageRev: "r1"}},
		"ack":       {Type: "ack", N: 3},
		"ping":      {Type: "ping"},
	}
	files, err := filepath.Glob(filepath.Join("..", "testdata", "payload", "page", "*.json"))
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d files for %d frames: %v", len(files), len(want), err)
	}
	sent := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var in incoming
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&in); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); !reflect.DeepEqual(in, want[name]) {
			t.Errorf("%s is\n%+v\nwant\n%+v", name, in, want[name])
		}
		for _, field := range reflect.VisibleFields(reflect.TypeFor[incoming]()) {
			if !reflect.ValueOf(in).FieldByIndex(field.Index).IsZero() {
				sent[field.Name] = true
			}
		}
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[incoming]()) {
		if !sent[field.Name] {
			t.Errorf("no page sends %s", field.Name)
		}
	}
}
