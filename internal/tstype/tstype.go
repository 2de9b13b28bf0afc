// Package tstype writes Go types as the TypeScript types of their JSON.
package tstype

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/seed-b8174343/devserver/internal/jsonrule"
)

// Out returns the type of what encoding/json writes for values of t. A nil t gives "".
//
// The type is written inline, so that an editor shows the whole shape where it is used. A comment before each named
// type and each of its fields names the declaration in Go: see sourceMark.
func Out(t reflect.Type) string { return text(t, true) }

// In returns the type of what pages should send, so that the decoder makes it a t. It is like [Out], and has these
// differences: a member with omitempty may be missing whatever its type is, the names of a map's members are checked,
// and a type that reads itself counts, not a type that writes itself.
func In(t reflect.Type) string { return text(t, false) }

func text(t reflect.Type, out bool) string {
	if t == nil {
		return ""
	}
	return shapeOf(t, out).text()
}

// shapeOf returns the shape of all values of t, nil among them.
func shapeOf(t reflect.Type, out bool) *shape {
	w := walk{out: out, open: map[reflect.Type]*shape{}}
	return w.shape(t, !out) // the decoder has a pointer to the value, the encoder has the value
}

// shape is the JSON of a type. text and Schema write it.
type shape struct {
	is      kind
	null    bool         // null is a value, too
	of      reflect.Type // that has the shape
	mark    string       // names the declaration of an object or of an enum, see sourceMark
	element *shape       // of an array and a record
	key     string       // what the names of a record are in TypeScript
	members []member
	bytes   bool   // a text in base64
	quoted  bool   // a text that holds a value of the type
	self    *shape // that a value inside itself has
}

// kind is what a shape is, as TypeScript calls it.
type kind string

const (
	isAny     kind = "any"
	isUnknown kind = "unknown"
	isNever   kind = "never"
	isBoolean kind = "boolean"
	isNumber  kind = "number"
	isString  kind = "string"
	isArray   kind = "Array"
	isRecord  kind = "Record"
	isObject  kind = "object"
)

// member is a member of an object.
type member struct {
	name, mark string
	optional   bool
	shape
}

// walk makes the shape of a type.
type walk struct {
	out bool
	// open holds the named types whose shapes are being made. A type that holds itself is `unknown` inside.
	open map[reflect.Type]*shape
}

func (w walk) shape(t reflect.Type, pointed bool) *shape {
	s, null := w.parts(t, pointed, false)
	s.null = s.null || null
	return s
}

// parts returns the shape of the values of t that are not nil, and whether null is a value, too. Pointed says that the
// methods of the pointer count (see jsonrule), and noZero that the zero value does not occur.
func (w walk) parts(t reflect.Type, pointed, noZero bool) (s *shape, null bool) {
	s = &shape{of: t}
	switch w.form(t, pointed) {
	case jsonrule.Itself:
		s.is = known(t)
		return s, false
	case jsonrule.ByText:
		s.is = isString
		return s, false
	case jsonrule.Bytes:
		s.is, s.bytes = isString, true
		return s, true
	}
	if t.Name() != "" {
		if self := w.open[t]; self != nil {
			s.is, s.self = isUnknown, self
			return s, false
		}
		w.open[t] = s
		defer delete(w.open, t)
	}
	switch k := t.Kind(); k {
	case reflect.Bool:
		s.is = isBoolean
	case reflect.String:
		s.is = isString
		if t == reflect.TypeFor[json.Number]() {
			s.is = isNumber
		} else {
			s.mark = w.enumMark(t, noZero)
		}
	case reflect.Pointer:
		inner := w.shape(t.Elem(), true)
		if t.Name() == "" {
			return inner, true
		}
		*s = *inner // a pointer type that holds itself has this very shape inside
		return s, true
	case reflect.Slice:
		s.is, s.element = isArray, w.shape(t.Elem(), w.out) // the encoder can take the address of an element
		return s, true
	case reflect.Array:
		s.is, s.element = isArray, w.shape(t.Elem(), w.out && pointed)
	case reflect.Map:
		name, ok := w.key(t.Key())
		if !ok {
			return s, w.none(s)
		}
		s.is, s.key, s.element = isRecord, name, w.shape(t.Elem(), false)
		return s, true
	case reflect.Struct:
		w.object(s, w.out && pointed)
	case reflect.Interface:
		switch {
		case t.NumMethod() == 0:
			s.is = isAny
		case w.out:
			s.is = isUnknown
		default:
			return s, w.none(s) // the decoder does not know which type to make
		}
	default:
		if !jsonrule.IsNumber(k) {
			return s, w.none(s)
		}
		s.is, s.mark = isNumber, w.enumMark(t, noZero)
	}
	return s, false
}

// none makes the shape of what cannot be JSON: it is never written, and read from null alone.
func (w walk) none(s *shape) (null bool) {
	s.is = isNever
	return !w.out
}

func (w walk) form(t reflect.Type, pointed bool) jsonrule.Form {
	switch {
	case t.Kind() == reflect.Pointer:
		return jsonrule.ByKind
	case w.out:
		return jsonrule.Written(t, pointed)
	}
	return jsonrule.Read(t, pointed)
}

// known returns what the JSON is that a type writes and reads itself.
func known(t reflect.Type) kind {
	switch t {
	case reflect.TypeFor[time.Time]():
		return isString
	case reflect.TypeFor[big.Int]():
		return isNumber
	}
	return isAny
}

// key returns the type of the names of a map's members. The names of integers are checked in what pages send. In what
// they get, Object.entries would not know the type of the values.
func (w walk) key(t reflect.Type) (text string, ok bool) {
	if w.out {
		return "string", jsonrule.WrittenKey(t) != jsonrule.NoKey
	}
	switch jsonrule.ReadKey(t) {
	case jsonrule.TextKey:
		return "string", true
	case jsonrule.IntKey:
		return "number", true
	}
	return "", false
}

func (w walk) object(s *shape, pointed bool) {
	s.is, s.mark = isObject, sourceMark(s.of, "", "")
	for _, f := range jsonrule.Fields(s.of) {
		s.members = append(s.members, w.member(f, pointed || w.out && f.ByPointer))
	}
}

func (w walk) member(f jsonrule.Field, pointed bool) member {
	m := member{name: f.Name, mark: sourceMark(f.Owner, f.GoName, "")}
	if !w.out && f.Unreadable {
		m.optional, m.is = true, isNever
		return m
	}
	s, null := w.parts(f.Type, pointed, f.NoZero)
	if f.Quoted {
		s = w.quoted(f.Type, s, pointed)
	}
	m.shape = *s
	m.optional = f.Absent || !w.out && (f.Omit || s.is == isNever && !s.null)
	m.null = s.null || null && !f.NoZero
	return m
}

// quoted returns the shape of a value with the option `string`. A type that writes itself does not know the option, but
// the decoder takes the value out of a string for all types.
func (w walk) quoted(t reflect.Type, s *shape, pointed bool) *shape {
	if t.Kind() == reflect.Pointer {
		t, pointed = t.Elem(), true
	}
	if w.out && jsonrule.Written(t, pointed) == jsonrule.Itself {
		return s
	}
	return &shape{is: isString, of: t, quoted: true}
}

// text writes the shape in TypeScript.
func (s *shape) text() string {
	text := s.mark + string(s.is)
	switch s.is {
	case isArray:
		text = "Array<" + s.element.text() + ">"
	case isRecord:
		text = "Record<" + s.key + ", " + s.element.text() + ">"
	case isObject:
		text = s.objectText()
	}
	switch {
	case !s.null || s.is == isAny || s.is == isUnknown:
		return text
	case s.is == isNever:
		return "null"
	}
	return text + " | null"
}

func (s *shape) objectText() string {
	if len(s.members) == 0 {
		return "Record<string, never>"
	}
	var members []string
	for _, m := range s.members {
		name := m.mark + property(m.name)
		if m.optional {
			name += "?"
		}
		members = append(members, name+": "+m.text())
	}
	return s.mark + "{ " + strings.Join(members, "; ") + " }"
}

// enumMark marks a type that may be an enum.
func (w walk) enumMark(t reflect.Type, noZero bool) string {
	if w.out && !noZero {
		return sourceMark(t, "", " zero")
	}
	return sourceMark(t, "", "")
}

// sourceMark returns the comment that names the declaration of a type, or of its field. Reflection knows neither the
// constants of an enum nor comments, so a reader that has the source adds them there. The note " zero" says that the
// type's zero value occurs, whether or not it is a constant. A type without a name gets "".
func sourceMark(t reflect.Type, field, note string) string {
	name, _, _ := strings.Cut(t.Name(), "[") // without type arguments
	if name == "" || t.PkgPath() == "" {
		return ""
	}
	if field != "" {
		name += "." + field
	}
	return "/*go " + t.PkgPath() + " " + name + note + "*/"
}

// property quotes a name that is not an identifier in every version of TypeScript.
func property(name string) string {
	for i, c := range name {
		if c != '_' && c != '$' && (c > unicode.MaxASCII || !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c))) {
			return strconv.Quote(name)
		}
	}
	return name
}
