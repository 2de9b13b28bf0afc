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
	w := writer{out: out, open: map[reflect.Type]bool{}}
	return w.text(t, !out) // the decoder has a pointer to the value, the encoder has the value
}

type writer struct {
	out bool
	// open holds the named types that are being written. A type that holds itself is `unknown` inside.
	open map[reflect.Type]bool
}

// text returns the type of all values of t, nil among them.
func (w writer) text(t reflect.Type, pointed bool) string {
	text, null := w.parts(t, pointed, false)
	return union(text, null)
}

func union(text string, null bool) string {
	switch {
	case !null || text == "any" || text == "unknown" || strings.HasSuffix(text, "null"): // a pointer to nil is null, too
		return text
	case text == "never":
		return "null"
	}
	return text + " | null"
}

// parts returns the type of the values of t that are not nil, and whether null is a value, too. Pointed says that the
// methods of the pointer count (see jsonrule), and noZero that the zero value does not occur.
func (w writer) parts(t reflect.Type, pointed, noZero bool) (text string, null bool) {
	switch w.form(t, pointed) {
	case jsonrule.Itself:
		return known(t), false
	case jsonrule.ByText:
		return "string", false
	case jsonrule.Bytes:
		return "string", true
	}
	if t.Name() != "" {
		if w.open[t] {
			return "unknown", false
		}
		w.open[t] = true
		defer delete(w.open, t)
	}
	// What cannot be JSON is never written, and read from null alone.
	none, noneNull := "never", !w.out
	switch k := t.Kind(); k {
	case reflect.Bool:
		return "boolean", false
	case reflect.String:
		if t == reflect.TypeFor[json.Number]() {
			return "number", false
		}
		return w.enumMark(t, noZero) + "string", false
	case reflect.Pointer:
		return w.text(t.Elem(), true), true
	case reflect.Slice:
		return "Array<" + w.text(t.Elem(), w.out) + ">", true // the encoder can take the address of an element
	case reflect.Array:
		return "Array<" + w.text(t.Elem(), w.out && pointed) + ">", false
	case reflect.Map:
		name, ok := w.key(t.Key())
		if !ok {
			return none, noneNull
		}
		return "Record<" + name + ", " + w.text(t.Elem(), false) + ">", true
	case reflect.Struct:
		return w.object(t, w.out && pointed), false
	case reflect.Interface:
		switch {
		case t.NumMethod() == 0:
			return "any", false
		case w.out:
			return "unknown", false
		}
		return none, noneNull // the decoder does not know which type to make
	default:
		if jsonrule.IsNumber(k) {
			return w.enumMark(t, noZero) + "number", false
		}
		return none, noneNull
	}
}

func (w writer) form(t reflect.Type, pointed bool) jsonrule.Form {
	switch {
	case t.Kind() == reflect.Pointer:
		return jsonrule.ByKind
	case w.out:
		return jsonrule.Written(t, pointed)
	}
	return jsonrule.Read(t, pointed)
}

// known returns the type of the JSON that a type writes and reads itself.
func known(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Time]():
		return "string"
	case reflect.TypeFor[big.Int]():
		return "number"
	}
	return "any"
}

// key returns the type of the names of a map's members. The names of integers are checked in what pages send. In what
// they get, Object.entries would not know the type of the values.
func (w writer) key(t reflect.Type) (text string, ok bool) {
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

func (w writer) object(t reflect.Type, pointed bool) string {
	var members []string
	for _, f := range jsonrule.Fields(t) {
		members = append(members, w.member(f, pointed || w.out && f.ByPointer))
	}
	if len(members) == 0 {
		return "Record<string, never>"
	}
	return sourceMark(t, "", "") + "{ " + strings.Join(members, "; ") + " }"
}

func (w writer) member(f jsonrule.Field, pointed bool) string {
	name := sourceMark(f.Owner, f.GoName, "") + property(f.Name)
	if !w.out && f.Unreadable {
		return name + "?: never"
	}
	text, null := w.parts(f.Type, pointed, f.NoZero)
	if f.Quoted {
		text = w.quoted(f.Type, text, pointed)
	}
	if f.Absent || !w.out && (f.Omit || text == "never") {
		name += "?"
	}
	return name + ": " + union(text, null && !f.NoZero)
}

// quoted returns the type of a value with the option `string`. A type that writes itself does not know the option, but
// the decoder takes the value out of a string for all types.
func (w writer) quoted(t reflect.Type, text string, pointed bool) string {
	if t.Kind() == reflect.Pointer {
		t, pointed = t.Elem(), true
	}
	if w.out && jsonrule.Written(t, pointed) == jsonrule.Itself {
		return text
	}
	return "string"
}

// enumMark marks a type that may be an enum.
func (w writer) enumMark(t reflect.Type, noZero bool) string {
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
