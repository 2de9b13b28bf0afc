package plugin

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// typeWriter writes Go types as TypeScript types, inline: a page's editor shows the whole shape where it is used.
type typeWriter struct {
	open map[reflect.Type]bool // types being written; one that holds itself is `unknown` inside
}

func newTypeWriter() *typeWriter { return &typeWriter{map[reflect.Type]bool{}} }

// TypeText writes a Go type as the TypeScript type that encoding/json gives its values, "" for nil, for hosts of plugins.
func TypeText(t reflect.Type) string { return newTypeWriter().text(t) }

// text is the type that encoding/json gives values of t, "" for nil.
func (w *typeWriter) text(t reflect.Type) string {
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

func (w *typeWriter) object(t reflect.Type) string {
	if w.open[t] {
		return "unknown"
	}
	w.open[t] = true
	defer delete(w.open, t)
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

func (w *typeWriter) fields(t reflect.Type, into *[]string) {
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
