// Package tstype writes Go types as the TypeScript types of their JSON.
package tstype

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Text returns the TypeScript type of the values that encoding/json writes for t. A nil t gives "".
//
// The type is written inline, so that an editor shows the whole shape where it is used. A comment before each named
// type and each of its fields names the declaration in Go: see sourceMark.
func Text(t reflect.Type) string { return writer{}.text(t) }

// writer holds the types that are being written. A type that holds itself is `unknown` inside.
type writer map[reflect.Type]bool

func (w writer) text(t reflect.Type) string {
	if t == nil {
		return ""
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return "string"
	case reflect.TypeFor[json.RawMessage](), reflect.TypeFor[any]():
		return "any"
	case reflect.TypeFor[json.Number]():
		return "number"
	}
	if t.Implements(reflect.TypeFor[json.Marshaler]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]()) {
		return "any"
	}
	if t.Implements(reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()) {
		return "string"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return sourceMark(t, "") + "string"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return sourceMark(t, "") + "number"
	case reflect.Pointer:
		return w.text(t.Elem()) + " | null"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 && t.Kind() == reflect.Slice {
			return "string" // base64
		}
		return "Array<" + w.text(t.Elem()) + ">"
	case reflect.Map:
		key := "number"
		if t.Key().Kind() == reflect.String {
			key = "string"
		}
		return "Record<" + key + ", " + w.text(t.Elem()) + ">"
	case reflect.Struct:
		return w.object(t)
	default:
		return "unknown"
	}
}

func (w writer) object(t reflect.Type) string {
	if w[t] {
		return "unknown"
	}
	w[t] = true
	defer delete(w, t)
	var fields []string
	w.fields(t, &fields)
	if len(fields) == 0 {
		return "Record<string, never>"
	}
	return sourceMark(t, "") + "{ " + strings.Join(fields, "; ") + " }"
}

// sourceMark returns the comment that names the declaration of a type, or of its field. Reflection knows neither the
// constants of an enum nor comments, so a reader that has the source adds them there. A type without a name gets "".
func sourceMark(t reflect.Type, field string) string {
	name, _, _ := strings.Cut(t.Name(), "[") // without type arguments
	if name == "" || t.PkgPath() == "" {
		return ""
	}
	if field != "" {
		name += "." + field
	}
	return "/*go " + t.PkgPath() + " " + name + "*/"
}

func (w writer) fields(t reflect.Type, into *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		embedded := f.Type
		if embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		switch {
		case name == "-" && options == "":
			continue
		case f.Anonymous && name == "" && embedded.Kind() == reflect.Struct:
			w.fields(embedded, into)
			continue
		case !f.IsExported():
			continue
		}
		if name == "" {
			name = f.Name
		}
		text := w.text(f.Type)
		if has(options, "string") {
			text = "string"
		}
		optional := ""
		if has(options, "omitempty") || has(options, "omitzero") {
			optional, text = "?", strings.TrimSuffix(text, " | null")
		}
		*into = append(*into, sourceMark(t, f.Name)+property(name)+optional+": "+text)
	}
}

// has reports whether the option is among those of a tag, which commas separate.
func has(options, option string) bool { return strings.Contains(","+options+",", ","+option+",") }

// property quotes a name that is not an identifier.
func property(name string) string {
	for i, c := range name {
		if c != '_' && c != '$' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
			return strconv.Quote(name)
		}
	}
	return name
}
