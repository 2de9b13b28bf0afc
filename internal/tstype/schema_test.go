package tstype_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/tstype"
)

type plant struct {
	Name     string            `json:"name"`
	Children []*plant          `json:"children"`
	Parent   *plant            `json:"parent,omitempty"`
	By       map[string]*plant `json:"by,omitempty"`
}

type forest struct {
	Tree  plant   `json:"tree"`
	Other *plant  `json:"other"`
	Lists lists   `json:"lists"`
	Two   []plant `json:"two"`
}

type lists []lists

type form struct {
	Name   string            `json:"name"`
	Age    uint8             `json:"age"`
	Small  int16             `json:"small"`
	Big    int64             `json:"big,omitempty"`
	Ratio  float64           `json:"ratio"`
	When   time.Time         `json:"when"`
	Data   []byte            `json:"data"`
	Maybe  *bool             `json:"maybe"`
	Color  *color            `json:"color"`
	Counts map[int]uint32    `json:"counts"`
	Texts  map[string]string `json:"texts,omitempty"`
	Pair   [2]float32        `json:"pair"`
	Quoted int               `json:"quoted,string"`
	Number json.Number       `json:"number"`
	Any    any               `json:"any"`
	Raw    json.RawMessage   `json:"raw,omitempty"`
	Func   func()            `json:"func"`
	base
}

func TestSchema(t *testing.T) {
	const here = "github.com/seed-b8174343/devserver/internal/tstype_test "
	for _, c := range []struct {
		of   any
		want string
	}{
		{nil, ""},
		{new(any), ""},
		{true, `{"type":"boolean"}`},
		{int8(1), `{"type":"integer","minimum":-128,"maximum":127}`},
		{time.Time{}, `{"type":"string","format":"date-time"}`},
		{[]byte{}, `{"type":"string","contentEncoding":"base64"}`},
		{struct{}{}, `{"type":"object","properties":{}}`},
		{color(""), `{"$go":"|` + here + `color|enum","type":"string"}`},
		{new(color), `{"$go":"|` + here + `color|enum null","type":["string","null"]}`},
		{[]*int{}, `{"type":"array","items":{"type":["integer","null"]}}`},
		{map[uint]bool{}, `{"type":"object","propertyNames":{"pattern":"^-?[0-9]+$"},"additionalProperties":{"type":"boolean"}}`},
		{base{}, `{"$go":"|` + here + `base|","type":"object","properties":{"ID":{"$go":"` + here + `base.ID||","type":"integer"}},"required":["ID"]}`},
		{func() {}, `{"type":"null"}`},
	} {
		of := reflect.TypeOf(c.of)
		if p, ok := c.of.(*any); ok {
			of = reflect.TypeOf(p).Elem()
		}
		if got := string(tstype.Schema(of)); got != c.want {
			t.Errorf("%T: got %s, want %s", c.of, got, c.want)
		}
	}
	nested := string(tstype.Schema(reflect.TypeFor[forest]()))
	for _, part := range []string{`{"$ref":"#/$defs/plant1"}`, `"anyOf":[{"$ref":"#/$defs/plant1"},{"type":"null"}]`, `"$ref":"#/$defs/lists2"`, `"$defs":{"plant1":{`} {
		if !strings.Contains(nested, part) {
			t.Errorf("the schema lacks %s: %s", part, nested)
		}
	}
	if own := string(tstype.Schema(reflect.TypeFor[plant]())); !strings.Contains(own, `"$ref":"#"`) || strings.Contains(own, "$defs") {
		t.Errorf("got %s", own)
	}
}

// TestWhatASchemaAcceptsIsDecoded makes values of schemas: the least, the most, and those with null.
func TestWhatASchemaAcceptsIsDecoded(t *testing.T) {
	type mixed struct {
		Form   form     `json:"form"`
		Forms  []form   `json:"forms,omitempty"`
		Forest *forest  `json:"forest"`
		Tree   **plant  `json:"tree"`
		Lists  *lists   `json:"lists"`
		Named  []color  `json:"named"`
		Bool   *bool    `json:"bool,string"`
		Float  float64  `json:"float,string"`
		Text   string   `json:"text,string"`
		Uint   *uint    `json:"uint,string"`
		Deep   [][]*int `json:"deep"`
	}
	for _, of := range []reflect.Type{
		reflect.TypeFor[mixed](), reflect.TypeFor[form](), reflect.TypeFor[forest](), reflect.TypeFor[plant](), reflect.TypeFor[lists](),
		reflect.TypeFor[[]form](), reflect.TypeFor[map[string]*form](), reflect.TypeFor[shape](), reflect.TypeFor[*int32](),
	} {
		var root map[string]any
		if err := json.Unmarshal(tstype.Schema(of), &root); err != nil {
			t.Errorf("%v: %v", of, err)
			continue
		}
		for _, how := range []example{{}, {most: true}, {null: true}, {most: true, last: true}} {
			how.root = root
			text, err := json.Marshal(how.of(root, 0))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, reflect.New(of).Interface()); err != nil {
				t.Errorf("%v: %v: %s", of, err, text)
			}
			if how.most && of.Kind() == reflect.Struct && len(text) < 20 {
				t.Errorf("%v: the example has nothing: %s", of, text)
			}
		}
	}
}

// example makes values that a schema accepts.
type example struct {
	most, null, last bool
	root             map[string]any
}

func (e example) of(s map[string]any, depth int) any {
	if ref, ok := s["$ref"].(string); ok {
		target := e.root
		if name, inner := strings.CutPrefix(ref, "#/$defs/"); inner {
			target = e.root["$defs"].(map[string]any)[name].(map[string]any)
		}
		return e.of(target, depth+1)
	}
	if list, ok := s["anyOf"].([]any); ok {
		return e.of(list[e.choose(depth)].(map[string]any), depth)
	}
	kind, _ := s["type"].(string)
	if list, ok := s["type"].([]any); ok {
		kind = list[e.choose(depth)].(string)
	}
	switch kind {
	case "boolean":
		return e.most
	case "integer", "number":
		if bound, ok := s["maximum"]; ok && e.most {
			return bound
		}
		if bound, ok := s["minimum"]; ok {
			return bound
		}
		return -7
	case "string":
		switch {
		case s["format"] == "date-time":
			return "2026-01-02T12:01:05Z"
		case s["contentEncoding"] == "base64":
			return "aGk="
		case s["pattern"] != nil:
			return map[string]string{
				"^(true|false)$": "true", `^"[^"\\]*"$`: `"text"`, "^[0-9]+$": "7", "^-?[0-9]+$": "-7", `^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`: "-0.5",
			}[s["pattern"].(string)]
		}
		return "text"
	case "array":
		if depth > 4 || !e.most {
			return []any{}
		}
		return []any{e.of(s["items"].(map[string]any), depth+1)}
	case "object":
		value := map[string]any{}
		properties, _ := s["properties"].(map[string]any)
		required := fmt.Sprint(s["required"])
		for name, of := range properties {
			of := of.(map[string]any)
			if of["not"] == nil && (e.most && depth < 4 || slices.Contains(strings.Fields(strings.Trim(required, "[]")), name)) {
				value[name] = e.of(of, depth+1)
			}
		}
		if more, ok := s["additionalProperties"].(map[string]any); ok && e.most && depth < 4 {
			value["12"] = e.of(more, depth+1)
		}
		return value
	case "null":
		return nil
	}
	return map[string]any{"any": 1}
}

// choose chooses null where the example has to end.
func (e example) choose(depth int) int {
	if e.null || e.last && depth > 2 || depth > 4 {
		return 1
	}
	return 0
}
