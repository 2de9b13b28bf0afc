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
	own    int
}

func TestText(t *testing.T) {
	const here = "/*go github.com/seed-b8174343/devserver/internal/tstype_test "
	_ = shape{}.own
	for _, c := range []struct {
		of   any
		want string
	}{
		{nil, ""},
		{true, "boolean"},
		{uint8(1), "number"},
		{json.Number("1"), "number"},
		{json.RawMessage{}, "any"},
		{time.Time{}, "string"},
		{[]byte{}, "string"},
		{[2]string{}, "Array<string>"},
		{map[int]*float64{}, "Record<number, number | null>"},
		{func() {}, "unknown"},
		{struct{}{}, "Record<string, never>"},
		{color(""), here + "color*/string"},
		{shape{}, here + "shape*/{ " + here + "base.ID*/ID: number; " + here + "shape.Plain*/Plain: boolean; " + here + "shape.Tagged*/tagged: string; " +
			here + "shape.Maybe*/maybe?: number; " + here + `shape.Quoted*/"an id": string; ` + here + "shape.Names*/names: Record<string, any>; " +
			here + "shape.Inner*/inner: unknown | null }"},
	} {
		if got := tstype.Text(reflect.TypeOf(c.of)); got != c.want {
			t.Errorf("%T: got %s, want %s", c.of, got, c.want)
		}
	}
}
