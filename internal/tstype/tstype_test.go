//lint:file-ignore SA5008 The tests try tags that are odd.

package tstype_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/tstype"
)

type color string

type base struct{ ID int }

type shape struct {
	base
	Plain  bool
	Tagged string         `json:"tagged"`
	Maybe  *uint          `json:"maybe,omitempty"`
	Quoted int            `json:"an id,string"`
	Hidden int            `json:"-"`
	Names  map[string]any `json:"names"`
	Inner  *shape         `json:"inner"`
	Color  color          `json:"color"`
	None   color          `json:"none,omitempty"`
	own    int
}

// A type of what is sent has the marks that relay replaces.
func TestText(t *testing.T) {
	const here = "/*go github.com/seed-b8174343/devserver/internal/tstype_test "
	_ = shape{}.own
	for _, c := range []struct {
		of      any
		out, in string
	}{
		{nil, "", ""},
		{true, "boolean", "boolean"},
		{json.Number("1"), "number", "number"},
		{json.RawMessage{}, "any", "any"},
		{(*time.Time)(nil), "string | null", "string | null"},
		{[]byte{}, "string | null", "string | null"},
		{[2]string{}, "Array<string>", "Array<string>"},
		{new([]**int), "Array<number | null> | null", "Array<number | null> | null"},
		{map[int]*float64{}, "Record<string, number | null> | null", "Record<number, number | null> | null"},
		{func() {}, "never", "null"},
		{struct{}{}, "Record<string, never>", "Record<string, never>"},
		{color(""), here + "color zero*/string", here + "color*/string"},
		{[]color{}, "Array<" + here + "color zero*/string> | null", "Array<" + here + "color*/string> | null"},
		{
			shape{},
			here + "shape*/{ " + here + "base.ID*/ID: number; " + here + "shape.Plain*/Plain: boolean; " + here + "shape.Tagged*/tagged: string; " +
				here + "shape.Maybe*/maybe?: number; " + here + `shape.Quoted*/"an id": string; ` + here + "shape.Names*/names: Record<string, any> | null; " +
				here + "shape.Inner*/inner: unknown; " + here + "shape.Color*/color: " + here + "color zero*/string; " + here + "shape.None*/none?: " +
				here + "color*/string }",
			here + "shape*/{ " + here + "base.ID*/ID: number; " + here + "shape.Plain*/Plain: boolean; " + here + "shape.Tagged*/tagged: string; " +
				here + "shape.Maybe*/maybe?: number; " + here + `shape.Quoted*/"an id": string; ` + here + "shape.Names*/names: Record<string, any> | null; " +
				here + "shape.Inner*/inner: unknown; " + here + "shape.Color*/color: " + here + "color*/string; " + here + "shape.None*/none?: " +
				here + "color*/string }",
		},
	} {
		if got := tstype.Out(reflect.TypeOf(c.of)); got != c.out {
			t.Errorf("%T: out %s, want %s", c.of, got, c.out)
		}
		if got := tstype.In(reflect.TypeOf(c.of)); got != c.in {
			t.Errorf("%T: in %s, want %s", c.of, got, c.in)
		}
	}
}
