package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/plugin"
)

type item struct {
	Name string `json:"name"`
	N    uint8
	Tags []string
}

type order struct {
	ID    int `json:"id"`
	Items []item
	Named map[string]item `json:"named"`
	At    time.Time
	item
}

func TestPayloads(t *testing.T) {
	called := false
	e := plugin.On("shop:order", func(context.Context, plugin.Client, order) error { called = true; return nil })
	for _, c := range []struct{ data, path, message string }{
		{`{"id": 1, "Items": [{"name": "a"}], "named": {"x": {"N": 3}}}`, "", ""},
		{``, "", ""},
		{`null`, "", ""},
		{`"text"`, "", `payload of "shop:order": the payload must be an object, but is a string`},
		{`[1]`, "", `payload of "shop:order": the payload must be an object, but is an array`},
		{`{"id": "1"}`, "id", `payload of "shop:order": id must be an integer (int), but is a string`},
		{`{"id": 1.5}`, "id", `payload of "shop:order": id must be an integer (int), but is 1.5`},
		{`{"id": 1, "items": [{"name": "a", "tags": ["x"]}, {"n": 300}]}`, "items[1].n", `payload of "shop:order": items[1].n must be an integer (uint8), but is 300`},
		{`{"items": [{}, {"tags": ["x", {}, "y"]}]}`, "items[1].tags[1]", `payload of "shop:order": items[1].tags[1] must be a string, but is an object`},
		{`{"items": {}}`, "items", `payload of "shop:order": items must be an array, but is an object`},
		{`{"id": 1, "named": {"x": {"name": true}}}`, "named.x.name", `payload of "shop:order": named.x.name must be a string, but is a boolean`},
		{`{"name": []}`, "name", `payload of "shop:order": name must be a string, but is an array`},
		{`{"At": "yesterday"}`, "", `the payload of "shop:order" cannot be read: parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"`},
		{`{"id": `, "", `the payload of "shop:order" cannot be read: unexpected EOF`},
		{`{} {}`, "", `the payload of "shop:order" cannot be read: more than one value`},
	} {
		called = false
		_, err := e.Call(t.Context(), nil, json.RawMessage(c.data))
		if called != (c.message == "") {
			t.Errorf("%s: the handler was called: %v", c.data, called)
		}
		if c.message == "" {
			if err != nil {
				t.Errorf("%s: %v", c.data, err)
			}
			continue
		}
		own, ok := errors.AsType[*hmr.Error](err)
		if !ok || own.Code != "bad_payload" || own.Path != c.path || own.Message != c.message {
			t.Errorf("%s: got %+v", c.data, err)
		}
	}
}

func FuzzPayload(f *testing.F) {
	f.Add(`{"items": [{}, {"tags": ["x", {}, "y"]}]}`)
	f.Add(`{"named": {"x": {"name": true}}}`)
	for _, seed := range []string{"", "null", "{}", "[]", "1e999", `"\ud800"`, `{"items": [1]}`, `{"items": {"0": {}}}`, `{"items": [[]]}`, `{"ITEMS": [{"Tags": [null]}]}`, `{"items": [{"tags": "x"}], "items": 1}`, `{"named": {"a\"b": [1]}}`, `{} {}`, `{"count": 1.5}`, `{"count": 99999999999999999999}`, strings.Repeat(`{"named":{"x":`, 40), "\xff", `{"items": [{}, {"tags": [1`} {
		f.Add(seed)
	}
	e := plugin.On("x", func(context.Context, plugin.Client, order) error { return nil })
	f.Fuzz(func(t *testing.T, data string) {
		_, err := e.Call(t.Context(), nil, json.RawMessage(data)) // must not panic
		if own, ok := errors.AsType[*hmr.Error](err); err != nil && (!ok || own.Code != "bad_payload") {
			t.Errorf("got %v", err)
		}
	})
}
