//lint:file-ignore SA5008 The tests try tags that are odd.

package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
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
	Due  *time.Time `json:"due"`
	From netip.Addr `json:"from"`
	Size size       `json:"size"`
	// Photo is text on the wire.
	Photo []byte `json:"photo"`
}

// size has an UnmarshalJSON of its own.
type size struct{ wide []int }

func (s *size) UnmarshalJSON(text []byte) error {
	if text[0] == '{' {
		var in struct{ Wide []int }
		err := json.Unmarshal(text, &in)
		s.wide = in.Wide
		return err
	}
	switch string(text) {
	case `"small"`, `"large"`:
		return nil
	}
	return errors.New("a size is small or large")
}

type order struct {
	ID    int `json:"id"`
	Items []item
	Named map[string]item `json:"named"`
	At    time.Time
	item
	rules
}

// rules has the fields that encoding/json finds by a rule of its own, and values whose errors have no place.
type rules struct {
	hidden
	shadowed
	tagged `json:"tagged"`
	*absent
	Quoted  *int `json:"quoted,string"`
	Number  json.Number
	Dash    int `json:"-,"`
	Kept    string
	Out     time.Time          `json:"-"`
	ByAddr  map[netip.Addr]int `json:"byAddr"`
	ByID    map[int8]time.Time `json:"byID"`
	One     [1]time.Time
	Strict  notNull
	Maybe   *notNull
	Unnamed struct{ time.Time }
	ByWord  map[word]int     `json:"byWord"`
	Refused map[struct{}]int `json:"refused"`
}

type hidden struct {
	Kept time.Time // that of rules is nearer
	Both time.Time // nobody's: shadowed has it, too
}

type shadowed struct {
	Both time.Time
	When time.Time `json:"when"`
}

type tagged struct{ In time.Time }

type absent struct{ Gone int }

// word reads itself, though its kind is that of a text.
type word string

func (*word) UnmarshalText([]byte) error { return errors.New("it is no word") }

// notNull is never null.
type notNull struct{}

func (notNull) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return errors.New("it is null")
	}
	return nil
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
		{`{"At": "yesterday"}`, "At", `payload of "shop:order": At must be a time ("2006-01-02T15:04:05Z", as toISOString gives), but is "yesterday"`},
		{`{"At": 5}`, "At", `payload of "shop:order": At must be a time ("2006-01-02T15:04:05Z", as toISOString gives), but is the number 5`},
		{`{"items": [{"due": "2026-01-02T03:04:05Z"}, {"due": {}}]}`, "items[1].due", `payload of "shop:order": items[1].due must be a time ("2006-01-02T15:04:05Z", as toISOString gives), but is an object`},
		{`{"named": {"x": {"from": "nowhere"}}}`, "named.x.from", `payload of "shop:order": named.x.from must be a string that is a netip.Addr, but is "nowhere": ParseAddr("nowhere"): unable to parse IP`},
		{`{"FROM": true}`, "FROM", `payload of "shop:order": FROM must be a string that is a netip.Addr, but is a boolean`},
		{`{"size": "8"}`, "size", `payload of "shop:order": size must be a plugin_test.size, but is "8": a size is small or large`},
		{`{"size": {"wide": [1, "2"]}}`, "size.wide[1]", `payload of "shop:order": size.wide[1] must be an integer (int), but is a string`},
		{`{"photo": "%"}`, "photo", `payload of "shop:order": photo must be a string in base64, but is "%"`},
		{`{"photo": 1}`, "photo", `payload of "shop:order": photo must be a string in base64, but is a number`},
		{`{"kept": "any text", "both": "any text", "Out": 5, "one": ["2026-01-02T03:04:05Z", 5], "unnamed": {}, "quoted": null, "strict": 1}`, "", ""},
		{
			`{"one": ["2026-01-02T03:04:05Z", 5], "unnamed": {}, "maybe": null, "from": null, "id": "x"}`, "id",
			`payload of "shop:order": id must be an integer (int), but is a string`,
		},
		{`{"kept": {}}`, "kept", `payload of "shop:order": kept must be a string, but is an object`},
		{`{"both": "any text", "Out": 5, "when": 5}`, "when", `payload of "shop:order": when must be a time ("2006-01-02T15:04:05Z", as toISOString gives), but is the number 5`},
		{`{"in": 1, "tagged": {"in": "soon"}}`, "tagged.in", `payload of "shop:order": tagged.in must be a time ("2006-01-02T15:04:05Z", as toISOString gives), but is "soon"`},
		{`{"Dash": "x", "-": "x"}`, "-", `payload of "shop:order": - must be an integer (int), but is a string`},
		{`{"items": [{}], "quoted": 5}`, "quoted", `payload of "shop:order": quoted must be a string that holds an integer (int), but is the number 5`},
		{`{"quoted": "x"}`, "quoted", `payload of "shop:order": quoted must be a string that holds an integer (int), but is "x"`},
		{`{"number": "x"}`, "number", `payload of "shop:order": number must be a number, but is "x"`},
		{`{"number": {}}`, "number", `payload of "shop:order": number must be a number, but is an object`},
		{`{"byAddr": {"::1": 1, "here": 2}}`, "byAddr.here", `payload of "shop:order": the name of byAddr.here must be a string that is a netip.Addr, but is "here": ParseAddr("here"): unable to parse IP`},
		{`{"byID": {"300": null}}`, "byID.300", `payload of "shop:order": the name of byID.300 must be an integer (int8), but is "300"`},
		{`{"byID": {"3": null, "2": "b", "1": "a"}}`, "byID.2", `payload of "shop:order": byID.2 must be a time ("2006-01-02T15:04:05Z", as toISOString gives), but is "b"`},
		{`{"byWord": {"x": 1}}`, "byWord.x", `payload of "shop:order": the name of byWord.x must be a string that is a plugin_test.word, but is "x": it is no word`},
		{`{"refused": {"x": 1}}`, "refused", `payload of "shop:order": refused must be null (no JSON is a map[struct {}]int), but is an object`},
		{`{"byAddr": []}`, "byAddr", `payload of "shop:order": byAddr must be an object, but is an array`},
		{`{"strict": null}`, "strict", `payload of "shop:order": strict must be a plugin_test.notNull, but is null: it is null`},
		{`{"unnamed": "2026-01-02T03:04:05Z"}`, "unnamed", `payload of "shop:order": unnamed must be an object, but is a string`},
		{`{"gone": null}`, "gone", `payload of "shop:order": gone must be left out: plugin_test.absent has it, an unexported struct that is embedded as a pointer`},
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
	f.Add(`{"quoted": "5", "byAddr": {"::1": 1, "x": 2}, "byID": {"x": null}, "gone": 1, "strict": null, "number": "x", "-": []}`)
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
