//lint:file-ignore SA5008,U1000 The tests try tags and fields that are odd.

package tstype_test

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/tstype"
)

type (
	// Base and the other structs with exported names are embedded by types that are made up.
	Base struct {
		ID   int
		Name string `json:"name"`
	}
	Other struct {
		ID  []string `json:"ID"`
		Far *Base    `json:",omitempty"`
	}
	Deep struct {
		*Base
		Name int `json:"name,string"`
	}
	Twice struct {
		*Other
		Map map[string]*Deep
	}
	Wide struct {
		A  string `json:"a"`
		B  []int  `json:"b,omitempty"`
		At *time.Time
	}

	private struct {
		Shown []int
		Deep
	}
	list  []list
	tree  map[string]tree
	node  struct{ Next *node }
	level int
	size  uint8
	stamp time.Time
	wrap  struct{ time.Time }
	// pointed writes itself behind a pointer only.
	pointed struct{ N int }
	// textual is text behind a pointer only.
	textual struct{ N int }
	// writes has text, and reads an object.
	writes     struct{ N int }
	names      []string
	never      []int
	box[T any] struct {
		Value T
		Rest  []box2[T]
	}
	box2[T any] struct{ Value *T }
	// loud writes itself, and does not know the option string.
	loud int
	// Inner is embedded: P is addressable where a pointer embeds it.
	Inner struct{ P pointed }
	// Third has a field that Base has, too.
	Third      struct{ ID int }
	stringTags struct {
		A int         `json:",string"`
		B *int        `json:",string"`
		C bool        `json:",string,omitempty"`
		D []int       `json:",string"`
		E **int       `json:",string"`
		F string      `json:",string"`
		G json.Number `json:",string"`
		H level       `json:",string"`
		I *float64    `json:",omitempty,string"`
		J color       `json:",string"`
		K any         `json:",string"`
		L time.Time   `json:",string"`
	}
	nested struct {
		A, B struct {
			C []struct {
				D *struct{ E [1]map[string][]byte }
			}
		}
		P pointed
		Q *struct {
			P pointed
			T textual
		}
		R []struct {
			P pointed
			T [1]textual
		}
		S map[string]struct{ P pointed }
	}
	interfaces struct {
		fmt.Stringer
		Maybe fmt.Stringer `json:",omitempty"`
		color
		Err error
	}
)

func (l level) MarshalText() ([]byte, error) { return []byte("level " + strconv.Itoa(int(l))), nil }

func (l *level) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "level %d", (*int)(l))
	return err
}

func (s size) MarshalText() ([]byte, error) { return []byte{byte('a' + s%26)}, nil }

func (s *size) UnmarshalText(text []byte) error {
	if len(text) != 1 {
		return fmt.Errorf("%q is no size", text)
	}
	*s = size(text[0] - 'a')
	return nil
}

func (p *pointed) MarshalJSON() ([]byte, error) { return []byte(`["any"]`), nil }
func (t *textual) MarshalText() ([]byte, error) { return []byte("text"), nil }
func (w writes) MarshalText() ([]byte, error)   { return []byte("text"), nil }
func (l loud) MarshalJSON() ([]byte, error)     { return []byte(`["loud"]`), nil }
func (n names) IsZero() bool                    { return len(n) == 1 }
func (never) IsZero() bool                      { return false }

func of[T any]() reflect.Type { return reflect.TypeFor[T]() }

// table has the types whose JSON is not what one expects at first. Types that are made up are added in the test.
var table = []reflect.Type{
	of[bool](), of[int](), of[int64](), of[uint64](), of[uintptr](), of[float32](), of[float64](), of[string](), of[json.Number](), of[any](),
	of[[]int](), of[[]byte](), of[[3]byte](), of[[]size](), of[[2][]string](), of[[0]int](), of[[][]byte](), of[*[]int](), of[**string](), of[*[]**int](),
	of[map[string]int](), of[map[int]string](), of[map[uint8][]int](), of[map[level]bool](), of[map[netip.Addr]int](), of[map[color]size](), of[map[time.Time]any](),
	of[map[int64]map[string]*bool](), of[map[struct{}]int](), of[map[textual]int](), of[[]chan int](), of[map[string]func()](), of[chan int](), of[complex64](),
	of[time.Time](), of[*time.Time](), of[time.Duration](), of[json.RawMessage](), of[*json.RawMessage](), of[net.IP](), of[[]net.IP](), of[*net.IPNet](), of[*url.URL](),
	of[*big.Int](), of[[]big.Int](), of[*[2]big.Int](), of[*big.Float](),
	of[level](), of[*level](), of[size](), of[stamp](), of[wrap](), of[*wrap](), of[color](), of[[]color](),
	of[names](),
	of[list](), of[tree](), of[node](), of[*node](), of[box[int]](), of[box[[]string]](), of[box[box[color]]](), of[struct{}](), of[struct{ hidden int }](),
	of[Base](), of[Deep](), of[*Twice](), of[[]Wide](), of[shape](), of[struct{ Base }](), of[struct{ *Base }](), of[struct{ base }](),
	of[struct{ private }](), of[struct{ *Twice }](),
	of[struct {
		Base
		Other
	}](),
	of[struct {
		*Base
		ID bool
	}](),
	of[struct {
		Base   `json:"base"`
		*Other `json:"other"`
	}](),
	of[struct {
		base `json:"base"`
	}](),
	of[struct {
		A []int          `json:"a"`
		B []int          `json:"b,omitempty"`
		C []int          `json:"c,omitzero"`
		D map[string]int `json:"d,omitempty"`
		E map[string]int `json:"e,omitzero"`
		F *int           `json:"f,omitempty"`
		G *int           `json:"g,omitzero"`
		H *[]int         `json:"h,omitempty"`
		I **int          `json:"i,omitzero"`
		J any            `json:"j,omitempty"`
		K any            `json:"k,omitzero"`
		L []byte         `json:"l,omitempty"`
	}](),
	of[struct {
		A time.Time `json:",omitempty"`
		B time.Time `json:",omitzero"`
		C [1]int    `json:",omitempty"`
		D [1]int    `json:",omitzero"`
		E struct{}  `json:",omitempty"`
		F names     `json:",omitzero"`
		G never     `json:",omitzero"`
		H *never    `json:",omitzero"`
		I net.IP    `json:",omitempty"`
		J bool      `json:",omitempty"`
		K level     `json:",omitempty"`
	}](),
	of[struct {
		A int `json:"-,"`
		B int `json:"-"`
		C int `json:"a b"`
		D int `json:"é"`
		E int `json:"1"`
		F int `json:"$_"`
		G int `json:"no\"name"`
		H int `json:"a-b/c.d?"`
		I int `json:"constructor"`
		J int `json:"名"`
		K int `json:",unknown"`
		L int `yaml:"l"`
	}](),
	of[struct {
		Base
		*Deep
		Wide `json:"name"`
		M    map[string]Twice
	}](),
}

// oneWay has the types whose values pages get and cannot send back. What is written is not what is read, the
// decoder cannot make a value, or the option string is at a type that is text.
var oneWay = []reflect.Type{
	of[writes](), of[textual](), of[*textual](), of[[]textual](), of[pointed](), of[*pointed](), of[[]pointed](), of[map[string]pointed](),
	of[big.Int](), of[[2]big.Int](), of[map[string]big.Int](), of[big.Rat](), of[struct{ A struct{ time.Time } }](), of[stringTags](), of[nested](), of[interfaces](),
	of[struct{ *base }](), of[struct{ *private }](), of[*Inner](), of[struct{ *Inner }](), of[struct {
		L *loud `json:",string"`
	}](),
}

// maker makes values: of each kind the zero value, extreme ones, and others.
type maker struct{ *rand.Rand }

func pick[T any](m maker, of ...T) T { return of[m.IntN(len(of))] }

func (m maker) value(t reflect.Type, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	m.fill(v, depth)
	return v
}

func (m maker) fill(v reflect.Value, depth int) {
	if depth == 0 {
		return
	}
	switch p := v.Addr().Interface().(type) {
	case *json.Number:
		*p = pick(m, json.Number(""), "-1.5e9", "0", "12345678901234567890")
		return
	case *json.RawMessage:
		*p = pick(m, nil, json.RawMessage(`null`), json.RawMessage(`{"a":[1,"x"]}`))
		return
	case *time.Time:
		*p = pick(m, time.Time{}, time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Unix(0, 1))
		return
	case *netip.Addr:
		*p = pick(m, netip.Addr{}, netip.MustParseAddr("::1"), netip.MustParseAddr("10.0.0.1"))
		return
	case *net.IP:
		*p = pick(m, nil, net.IPv4zero, net.IPv6loopback)
		return
	case *big.Int:
		p.SetInt64(pick[int64](m, 0, math.MaxInt64, -5))
		return
	case *big.Float:
		p.SetFloat64(pick[float64](m, 0, 1.5e300))
		return
	case *big.Rat:
		p.SetFrac64(pick(m, int64(0), 7), 3)
		return
	case *fmt.Stringer:
		*p = pick[fmt.Stringer](m, nil, time.Second, netip.MustParseAddr("::1"))
		return
	case *any:
		*p = pick[any](m, nil, 1, "x", []int(nil), map[string]any{"a": nil})
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(m.IntN(2) == 0)
	case reflect.String:
		v.SetString(pick(m, "", "a", "\x00\u2028\"\\</script>\xff", "__proto__", "1"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		most := int64(1)<<(v.Type().Bits()-1) - 1
		v.SetInt(pick[int64](m, 0, 1, most, -most-1))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(pick[uint64](m, 0, 1, uint64(math.MaxUint64)>>(64-v.Type().Bits())))
	case reflect.Float32:
		v.SetFloat(pick[float64](m, 0, -1.5, math.MaxFloat32, math.SmallestNonzeroFloat32))
	case reflect.Float64:
		v.SetFloat(pick[float64](m, 0, math.Copysign(0, -1), -1.5, math.MaxFloat64, math.SmallestNonzeroFloat64))
	case reflect.Pointer:
		if m.IntN(3) > 0 {
			v.Set(m.value(v.Type().Elem(), depth-1).Addr())
		}
	case reflect.Slice:
		if n := m.IntN(4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			m.fill(v.Index(i), depth-1)
		}
	case reflect.Map:
		if n := m.IntN(4); n > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n - 1 {
				v.SetMapIndex(m.value(v.Type().Key(), depth-1), m.value(v.Type().Elem(), depth-1))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			switch f := v.Field(i); {
			case f.CanSet():
				m.fill(f, depth-1)
			case v.Type().Field(i).Anonymous: // its exported fields count
				m.fill(reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem(), depth-1)
			}
		}
	}
}

// anyType makes up a type.
func (m maker) anyType(depth int) reflect.Type {
	if depth > 0 {
		switch m.IntN(7) {
		case 0:
			return reflect.PointerTo(m.anyType(depth - 1))
		case 1:
			return reflect.SliceOf(m.anyType(depth - 1))
		case 2:
			return reflect.ArrayOf(m.IntN(3), m.anyType(depth-1))
		case 3:
			return reflect.MapOf(pick(m, of[string](), of[int](), of[uint8](), of[level](), of[color](), of[netip.Addr]()), m.anyType(depth-1))
		case 4, 5:
			return m.anyStruct(depth)
		}
	}
	return pick(m, of[bool](), of[int](), of[uint8](), of[float64](), of[string](), of[[]byte](), of[time.Time](), of[json.Number](), of[json.RawMessage](), of[any](),
		of[level](), of[size](), of[color](), of[netip.Addr](), of[net.IP](), of[names](), of[Base](), of[Deep](), of[Twice](), of[Wide](), of[list](), of[node](), of[box[color]]())
}

func (m maker) anyStruct(depth int) reflect.Type {
	var fields []reflect.StructField
	for i, embedded := range []reflect.Type{of[Base](), of[Other](), of[Deep](), of[Twice](), of[Wide]()} {
		if m.IntN(4) > 0 {
			continue
		}
		f := reflect.StructField{Name: embedded.Name(), Type: embedded, Anonymous: true}
		if m.IntN(2) == 0 {
			f.Type = reflect.PointerTo(embedded)
		}
		f.Tag = reflect.StructTag(pick(m, ``, ``, ``, `json:"name"`, `json:",omitempty"`, fmt.Sprintf(`json:"e%d"`, i)))
		fields = append(fields, f)
	}
	for i := range m.IntN(5) {
		name := pick(m, "", "", "", "a", "b", "name", "ID", "-", "x y")
		options := pick(m, "", "", "", ",omitempty", ",omitzero")
		f := reflect.StructField{Name: "F" + strconv.Itoa(i), Type: m.anyType(depth - 1)}
		if isText := f.Type.Implements(of[encoding.TextMarshaler]()); !isText { // see oneWay
			options = pick(m, options, ",string", ",string,omitempty")
		}
		f.Tag = reflect.StructTag(fmt.Sprintf("json:%q", name+options))
		fields = append(fields, f)
	}
	return reflect.StructOf(fields)
}

// script collects statements, one a line.
type script struct {
	text strings.Builder
	from map[int]string // what a line is about
	line int
}

func (s *script) add(about, format string, args ...any) {
	s.line++
	s.from[s.line] = about
	fmt.Fprintf(&s.text, format+"\n", args...)
}

// check reports what tsc says of the script.
func (s *script) check(t *testing.T) {
	t.Helper()
	tsc, err := filepath.Abs("../../client/node_modules/.bin/tsc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tsc); err != nil {
		t.Skip("npm packages are not installed: run npm ci in client/")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tsconfig.json": `{"compilerOptions": {"strict": true, "noEmit": true, "target": "ES2022", "module": "ESNext", "types": []}, "include": ["*.ts"]}`,
		"all.ts":        s.text.String() + "export {};\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(tsc, "-p", dir, "--pretty", "false").CombinedOutput()
	lines := strings.Split(s.text.String(), "\n")
	for _, m := range regexp.MustCompile(`(?m)^\S*all\.ts\((\d+),\d+\): (.*)`).FindAllStringSubmatch(string(out), 20) {
		n, _ := strconv.Atoi(m[1])
		t.Errorf("%s: %s\n\t%s", s.from[n], m[2], lines[n-1])
	}
	if err != nil && !t.Failed() {
		t.Errorf("tsc: %v: %s", err, out)
	}
}

// What encoding/json writes is of the type Out. A page may send back what it got: the type Out is also an In, and the
// decoder takes the value.
func TestValuesAreOfTheirType(t *testing.T) {
	t.Parallel()
	m := maker{rand.New(rand.NewPCG(1, 2))}
	types := slices.Concat(table, oneWay)
	for range 400 {
		types = append(types, m.anyType(3))
	}
	s := &script{from: map[int]string{}}
	for i, of := range types {
		about := of.String()
		out := tstype.Out(of)
		s.add(about, "type Out%d = %s;", i, out)
		s.add(about, "type In%d = %s;", i, tstype.In(of))
		written := 0
		for j := range 6 {
			v := reflect.Zero(of)
			if j > 0 {
				v = m.value(of, 7)
			}
			text, err := json.Marshal(v.Interface())
			if err != nil {
				if !strings.Contains(out, "never") && !strings.Contains(out, "unknown") {
					t.Errorf("%s: %v", about, err)
				}
				continue
			}
			written++
			literal := strings.ReplaceAll(string(text), `"__proto__":`, `["__proto__"]:`) // a literal's __proto__ is no member
			s.add(about, "const out%d_%d: Out%d = %s;", i, j, i, literal)
			if err := json.Unmarshal(text, reflect.New(of).Interface()); err != nil && !slices.Contains(oneWay, of) {
				t.Errorf("%s: the decoder does not take %s: %v", about, text, err)
			}
		}
		if written == 0 && out != "never" {
			t.Errorf("%s: nothing is written of %s", about, out)
		}
		if !slices.Contains(oneWay, of) {
			s.add(about, "((value: Out%d): In%d => value);", i, i)
		}
	}
	s.check(t)
}

func decodes[T any](literal string) error {
	_, err := hmr.Decode[T]("e", json.RawMessage(literal))
	return err
}

type inCase struct {
	of           reflect.Type
	decode       func(literal string) error
	right, wrong []string
}

func in[T any](right, wrong []string) inCase { return inCase{of[T](), decodes[T], right, wrong} }

// What a page may send by its type is decoded, and what the type refuses is not.
func TestInIsWhatIsDecoded(t *testing.T) {
	t.Parallel()
	type q struct {
		A int   `json:"a,string"`
		B *bool `json:"b,string"`
	}
	type shadow struct {
		Base
		*Deep
		Name string `json:"name"`
	}
	s := &script{from: map[int]string{}}
	for i, c := range []inCase{
		in[int]([]string{`1`}, []string{`"1"`, `true`, `[]`}),
		in[[]int]([]string{`[1]`, `[]`, `null`}, []string{`["1"]`, `{}`, `1`}),
		in[[]byte]([]string{`"AQID"`, `null`}, []string{`{}`, `1`}),
		in[[]size]([]string{`["a"]`}, []string{`[1]`}),
		in[*time.Time]([]string{`"2026-01-02T03:04:05Z"`, `null`}, []string{`5`, `{}`}),
		in[big.Int]([]string{`5`}, []string{`"x"`, `[]`}),
		in[json.Number]([]string{`5`}, []string{`"x"`, `[]`}),
		in[map[int]string]([]string{`{"1":"a"}`, `{"-5":"a"}`, `null`}, []string{`{"a":"a"}`, `{"1":1}`}),
		in[map[level]int]([]string{`{"level 5":1}`, `{}`}, []string{`{"level 5":"1"}`}),
		in[map[struct{}]int]([]string{`null`}, []string{`{}`, `{"a":1}`}),
		in[level]([]string{`"level 5"`}, []string{`5`}),
		in[writes]([]string{`{"N":1}`}, []string{`"text"`, `{"N":"1"}`}),
		in[fmt.Stringer]([]string{`null`}, []string{`"text"`, `{}`}),
		in[struct{ F func() }]([]string{`{}`, `{"F":null}`}, []string{`{"F":1}`}),
		in[q]([]string{`{"a":"1","b":"true"}`, `{"a":"1","b":null}`}, []string{`{"a":1,"b":null}`, `{"a":"1","b":true}`}),
		in[shadow]([]string{`{"ID":1,"name":"n"}`}, []string{`{"ID":1,"name":5}`, `{"ID":"1","name":"n"}`}),
		in[struct{ *Base }]([]string{`{"ID":1,"name":"n"}`, `{"ID":1}`, `{}`}, []string{`{"ID":"1"}`}),
		in[struct {
			Base `json:"base"`
		}]([]string{`{"base":{"ID":1,"name":""}}`}, []string{`{"base":1}`}),
		in[struct {
			base `json:"base"`
		}]([]string{`{"base":{"ID":1}}`}, []string{`{"base":{"ID":"1"}}`}),
		in[struct{ *base }]([]string{`{}`}, []string{`{"ID":1}`, `{"ID":null}`}),
		in[struct{ A struct{ time.Time } }]([]string{`{"A":{}}`}, []string{`{"A":"2026-01-02T03:04:05Z"}`}),
		in[struct {
			A time.Time `json:"a,omitempty"`
			B []int     `json:"b,omitzero"`
		}]([]string{`{}`, `{"a":"2026-01-02T03:04:05Z","b":[]}`}, []string{`{"a":1}`, `{"b":{}}`}),
		in[node]([]string{`{"Next":{"Next":null}}`}, []string{`1`}),
	} {
		about := c.of.String()
		s.add(about, "type In%d = %s;", i, tstype.In(c.of))
		for j, literal := range c.right {
			s.add(about, "const right%d_%d: In%d = %s;", i, j, i, literal)
			if err := c.decode(literal); err != nil {
				t.Errorf("%s: %v", literal, err)
			}
		}
		for j, literal := range c.wrong {
			s.add(about, "// @ts-expect-error") // an error if the next line has none
			s.add(about, "const wrong%d_%d: In%d = %s;", i, j, i, literal)
			if err := c.decode(literal); err == nil {
				t.Errorf("%s: %s is decoded", about, literal)
			}
		}
	}
	s.check(t)
}

// No `any` hides that a page takes a value for what it is not.
func TestOutIsNoMore(t *testing.T) {
	t.Parallel()
	s := &script{from: map[int]string{}}
	for i, c := range []struct {
		of  reflect.Type
		use string // of the value v
	}{
		{of[[]string](), "v.length"},
		{of[map[string]int](), "Object.keys(v)"},
		{of[[]byte](), "v.length"},
		{of[*time.Time](), "v.length"},
		{of[time.Time](), "v.getTime()"},
		{of[struct{ *Base }](), "v.name.length"},
		{of[struct {
			A *int `json:",string"`
		}](), "v.A?.toFixed()"},
		{of[map[int]string](), "Object.values(v!)[0].toFixed()"},
		{of[struct {
			Base
			Other
		}](), "v.ID.toFixed()"},
		{of[struct {
			Base
			Third
		}](), "v.ID"},
		{of[struct {
			A int `json:"-"`
		}](), "v.A.toFixed()"},
		{of[big.Int](), "v.toFixed()"},
		{of[fmt.Stringer](), "v.length"},
		{of[node](), "v.Next.Next"},
	} {
		about := c.of.String()
		s.add(about, "// @ts-expect-error")
		s.add(about, "((v: %s) => %s)/*%d*/;", tstype.Out(c.of), c.use, i)
	}
	s.check(t)
}
