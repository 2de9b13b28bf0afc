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
// The type is written inline, so that an editor shows the whole shape where it is used. Before what has a name in Go
// stands a comment that names its declaration, see sourceMark.
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
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return sourceMark(t, "") + "number"
	case reflect.Pointer:
		return w.text(t.Elem()) + " | null"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 && t.Kind() == reflect.Slice {
			return "string" // base64
		}
		return "Array<" + w.text(t.Elem()) + ">"
	case reflect.Map:
		return "Record<" + map[bool]string{true: "string", false: "number"}[t.Key().Kind() == reflect.String] + ", " + w.text(t.Elem()) + ">"
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

// sourceMark names the declaration of a type, or of its field, in a comment before it: reflection has neither the
// constants of an enum nor comments, so who has the source adds them. "" for types without a name.
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
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
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
		text := w.text(f.Type)
		if strings.Contains(","+options+",", ",string,") {
			text = "string"
		}
		optional := strings.Contains(","+options+",", ",omitempty,") || strings.Contains(","+options+",", ",omitzero,")
		if optional {
			text = strings.TrimSuffix(text, " | null")
		}
		if name == "" {
			name = f.Name
			if f.Tag.Get("json") == "" {
				// encoding/json reads any case; pages write the first letter small, and answers have it as in Go.
				*into = append(*into, sourceMark(t, f.Name)+both(name, text))
				continue
			}
		}
		*into = append(*into, sourceMark(t, f.Name)+property(name)+map[bool]string{true: "?"}[optional]+": "+text)
	}
}

// both writes a field without a tag: as Go has it.
func both(name, text string) string { return property(name) + ": " + text }

// property quotes names that are no identifiers.
func property(name string) string {
	for i, c := range name {
		if c != '_' && c != '$' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
			return strconv.Quote(name)
		}
	}
	return name
}
