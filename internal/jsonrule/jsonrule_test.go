//lint:file-ignore SA5008 The tests try tags that are odd.

package jsonrule_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/jsonrule"
)

type (
	base   struct{ ID, Name string }
	Base   struct{ ID, Name string }
	Other  struct{ ID, Extra string }
	Tagged struct {
		Own string `json:"ID"`
	}
	Left  struct{ Deep }
	Right struct{ Deep }
	Deep  struct{ At string }
	Up    struct{ Twice }
	Twice struct{ Inner }
	Inner struct{ X string }
	Again struct{ Twice }
	Self  struct {
		*Self
		N int
	}
	Text    string
	text    string
	Zeroer  []int
	Unzero  string
	private struct{ Shown, hidden string }
)

func (Zeroer) IsZero() bool  { return false }
func (*Unzero) IsZero() bool { return false }

// filled has values whose fields are all set, so that encoding/json writes each member.
var filled = []any{
	struct{ A, B int }{1, 1},
	struct {
		A int `json:"b"`
		B int `json:"-"`
		C int `json:"-,"`
		D int `json:",omitempty"`
		E int `json:"no\"quote"`
		F int `json:"a space/é"`
		G int `xml:"x"`
		h int
	}{1, 1, 1, 1, 1, 1, 1, 1},
	struct {
		base
		Name string
	}{base{"1", "a"}, "b"},
	struct {
		Base
		Other
	}{Base{"1", "a"}, Other{"2", "b"}},
	struct {
		Base
		Tagged
	}{Base{"1", "a"}, Tagged{"2"}},
	struct {
		Base `json:"base"`
		*Other
	}{Base{"1", "a"}, &Other{"2", "b"}},
	struct {
		base `json:"base"`
	}{base{"1", "a"}},
	struct {
		Left
		Right
	}{Left{Deep{"x"}}, Right{Deep{"x"}}},
	struct {
		Up
		Again
	}{Up{Twice{Inner{"x"}}}, Again{Twice{Inner{"x"}}}},
	Self{&Self{}, 1},
	struct {
		Text
		text
		*Unzero
		fmt.Stringer
		error
	}{"a", "b", new(Unzero), time.Second, nil},
	twoOfOneName(),
	struct {
		private
		*base
	}{private{"a", "b"}, &base{"1", "a"}},
	struct {
		A  int     `json:",string"`
		B  *bool   `json:"b,string"`
		C  []int   `json:",string"`
		D  **int   `json:",string"`
		E  *string `json:",string,omitempty"`
		F  float64 `json:",stringent"`
		An any     `json:",string"`
	}{1, new(bool), []int{1}, new(*int), new(string), 1, 1},
	struct {
		Struct  time.Time `json:",omitempty"`
		Array   [1]int    `json:",omitempty"`
		List    []int     `json:",omitempty"`
		Map     Text      `json:",omitempty"`
		Func    struct{}  `json:",omitempty"`
		Zero    [1]int    `json:",omitzero"`
		Own     Zeroer    `json:",omitzero"`
		Pointer *Unzero   `json:",omitzero"`
		Unzero  Unzero    `json:",omitzero"`
		Time    time.Time `json:",omitzero"`
	}{time.Now(), [1]int{1}, []int{1}, "a", struct{}{}, [1]int{1}, Zeroer{1}, new(Unzero), "a", time.Now()},
}

// twoOfOneName returns a struct whose tags go vet would not take.
func twoOfOneName() any {
	same := reflect.StructTag(`json:"same"`)
	number := reflect.TypeFor[int]()
	return reflect.Zero(reflect.StructOf([]reflect.StructField{
		{Name: "First", Type: number, Tag: same}, {Name: "Second", Type: number, Tag: same}, {Name: "Third", Type: number},
	})).Interface()
}

// Fields are those that encoding/json writes, and what is said of them is so.
func TestFields(t *testing.T) {
	for _, value := range filled {
		of := reflect.TypeOf(value)
		fields := jsonrule.Fields(of)
		var names []string
		for _, f := range fields {
			names = append(names, f.Name)
			if declared, ok := f.Owner.FieldByName(f.GoName); !ok || declared.Type != f.Type {
				t.Errorf("%v: %s is not the field %s of %v", of, f.Name, f.GoName, f.Owner)
			}
		}
		written := members(t, value)
		if got := keys(written); !slices.Equal(names, got) {
			t.Errorf("%v: fields %q, encoding/json writes %q", of, names, got)
		}
		zero := members(t, reflect.Zero(of).Interface())
		for _, f := range fields {
			_, there := find(zero, f.Name)
			_, decides := reflect.New(f.Type).Interface().(interface{ IsZero() bool }) // a method IsZero says whether zero is written
			if there && f.NoZero || there == f.Absent && !decides {
				t.Errorf("%v: %s of the zero value is written: %v, but Absent is %v and NoZero %v", of, f.Name, there, f.Absent, f.NoZero)
			}
			if f.ByPointer && there {
				t.Errorf("%v: %s is written without the pointer that embeds it", of, f.Name)
			}
			full, _ := find(written, f.Name)
			if isString := full[0] == '"'; f.Quoted && !isString || !f.Quoted && isString && jsonrule.IsNumber(f.Type.Kind()) {
				t.Errorf("%v: %s is %s, but Quoted is %v", of, f.Name, full, f.Quoted)
			}
			err := json.Unmarshal(fmt.Appendf(nil, "{%q:%s}", f.Name, full), reflect.New(of).Interface())
			if (err != nil) != f.Unreadable && f.Type.Kind() != reflect.Interface {
				t.Errorf("%v: %s: Unreadable is %v: %v", of, f.Name, f.Unreadable, err)
			}
		}
	}
}

type member struct{ name, value string }

func members(t *testing.T, value any) (all []member) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	_, _ = d.Token()
	for d.More() {
		name, _ := d.Token()
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			t.Fatal(err)
		}
		all = append(all, member{name.(string), string(raw)})
	}
	return all
}

func keys(all []member) (names []string) {
	for _, m := range all {
		names = append(names, m.name)
	}
	return names
}

func find(all []member, name string) (string, bool) {
	for _, m := range all {
		if m.name == name {
			return m.value, true
		}
	}
	return "", false
}

// Find gives the field that the decoder sets.
func TestFind(t *testing.T) {
	type names struct {
		Plain   int
		PLAIN   int
		Kelvin  int `json:"k"`
		Unicode int `json:"é"`
	}
	for _, name := range []string{"Plain", "PLAIN", "plain", "pLAIN", "K", "\u212a", "É", "E", ""} {
		var set names
		if err := json.Unmarshal(fmt.Appendf(nil, "{%q:1}", name), &set); err != nil {
			t.Fatal(err)
		}
		var want string
		for i := range reflect.TypeFor[names]().NumField() {
			if reflect.ValueOf(set).Field(i).Int() == 1 {
				want = reflect.TypeFor[names]().Field(i).Name
			}
		}
		got := ""
		if f := jsonrule.Find(jsonrule.Fields(reflect.TypeFor[names]()), name); f != nil {
			got = f.GoName
		}
		if got != want {
			t.Errorf("%q: %q, the decoder sets %q", name, got, want)
		}
	}
}
