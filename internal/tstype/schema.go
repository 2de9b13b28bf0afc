package tstype

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/internal/jsonrule"
)

// Schema returns the JSON Schema (2020-12) of what pages should send, so that the decoder makes it a t. What it accepts
// is decoded, unless a type reads its own text. It is nil for a type of which nothing is known.
//
// Each object, enum and member has a mark, the member "$go", as types have in TypeScript: `"$go":"MEMBER|TYPE|NOTE"`. A
// reader that has the source replaces it by "description" and "enum". The note is "enum" for a type that may be an
// enum, and "enum null" if null is a value, too.
func Schema(t reflect.Type) json.RawMessage {
	if t == nil {
		return nil
	}
	root := shapeOf(t, false)
	if root.is == isAny {
		return nil
	}
	w := schema{root: root}
	text := w.object(root, "")
	for i := 0; i < len(w.inner); i++ { // a definition may need others
		w.definitions = append(w.definitions, quote(w.nameOf(w.inner[i]))+":"+w.object(w.inner[i], ""))
	}
	if len(w.definitions) > 0 {
		text = strings.TrimSuffix(text, "}") + `,"$defs":{` + strings.Join(w.definitions, ",") + "}}"
	}
	return json.RawMessage(text)
}

// schema writes shapes as JSON Schema.
type schema struct {
	root        *shape
	inner       []*shape // that hold themselves, below root
	definitions []string
}

// object writes the schema of a shape. member is the mark of the member that has it, "" for none.
func (w *schema) object(s *shape, member string) string {
	var parts []string
	add := func(name string, value any) {
		text, _ := json.Marshal(value) // texts, numbers, and lists of them encode
		parts = append(parts, quote(name)+":"+string(text))
	}
	null := s.null && s.is != isArray && s.is != isRecord && !s.bytes // an empty list says the same
	note := ""
	if s.mark != "" && (s.is == isString || s.is == isNumber) {
		note = "enum"
		if null {
			note += " null"
		}
	}
	if member != "" || s.mark != "" {
		add("$go", bare(member)+"|"+bare(s.mark)+"|"+note)
	}
	if s.self != nil {
		ref := `{"$ref":` + quote(w.refTo(s.self)) + "}"
		if null {
			return withParts(parts, `"anyOf":[`+ref+`,{"type":"null"}]`)
		}
		return withParts(parts, strings.Trim(ref, "{}"))
	}
	name := map[kind]string{isBoolean: "boolean", isNumber: "number", isString: "string", isArray: "array", isRecord: "object", isObject: "object"}[s.is]
	switch {
	case s.is == isNever && s.null:
		name, null = "null", false
	case s.is == isNever:
		return withParts(parts, `"not":{}`)
	case s.is == isNumber && (jsonrule.IsInteger(s.of.Kind()) || s.of == reflect.TypeFor[big.Int]()):
		name = "integer"
	}
	switch {
	case name == "":
	case null:
		add("type", []string{name, "null"})
	default:
		add("type", name)
	}
	switch s.is {
	case isNumber:
		parts = append(parts, bounds(s.of.Kind())...)
	case isString:
		switch {
		case s.quoted:
			add("pattern", quotedPattern(s.of))
		case s.bytes:
			add("contentEncoding", "base64")
		case s.of == reflect.TypeFor[time.Time]():
			add("format", "date-time")
		}
	case isArray:
		parts = append(parts, `"items":`+w.object(s.element, ""))
	case isRecord:
		if s.key == "number" {
			parts = append(parts, `"propertyNames":{"pattern":"^-?[0-9]+$"}`)
		}
		parts = append(parts, `"additionalProperties":`+w.object(s.element, ""))
	case isObject:
		var properties, required []string
		for _, m := range s.members {
			properties = append(properties, quote(m.name)+":"+w.object(&m.shape, m.mark))
			if !m.optional {
				required = append(required, m.name)
			}
		}
		parts = append(parts, `"properties":{`+strings.Join(properties, ",")+"}")
		if required != nil {
			add("required", required)
		}
	}
	return withParts(parts)
}

// refTo returns where the schema of a shape is that holds itself.
func (w *schema) refTo(s *shape) string {
	if s == w.root {
		return "#"
	}
	return "#/$defs/" + w.nameOf(s)
}

// nameOf names a shape that holds itself, and notes that it needs a definition.
func (w *schema) nameOf(s *shape) string {
	at := -1
	name, _, _ := strings.Cut(s.of.Name(), "[")
	for i, other := range w.inner {
		if other.of == s.of {
			at = i
		}
	}
	if at < 0 {
		at = len(w.inner)
		w.inner = append(w.inner, s)
	}
	return fmt.Sprint(name, at+1) // types of several packages may have one name
}

func withParts(parts []string, more ...string) string {
	return "{" + strings.Join(append(parts, more...), ",") + "}"
}

func quote(text string) string {
	encoded, _ := json.Marshal(text) // a string encodes
	return string(encoded)
}

// bare returns what a mark names.
func bare(mark string) string {
	return strings.TrimSuffix(strings.TrimPrefix(mark, "/*go "), "*/")
}

// bounds returns the range of a kind of integers. That of 64 bits is left out, since programs that check schemas count
// in floating point.
func bounds(k reflect.Kind) []string {
	for _, of := range []struct {
		kind reflect.Kind
		bits int
	}{{reflect.Int8, 8}, {reflect.Int16, 16}, {reflect.Int32, 32}} {
		if k == of.kind {
			return []string{fmt.Sprintf(`"minimum":%d,"maximum":%d`, -int64(1)<<(of.bits-1), int64(1)<<(of.bits-1)-1)}
		}
	}
	switch k {
	case reflect.Uint8:
		return []string{`"minimum":0,"maximum":255`}
	case reflect.Uint16:
		return []string{`"minimum":0,"maximum":65535`}
	case reflect.Uint32:
		return []string{`"minimum":0,"maximum":4294967295`}
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return []string{`"minimum":0`}
	}
	return nil
}

// quotedPattern returns what a text must be that holds a value of the type.
func quotedPattern(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch k := t.Kind(); {
	case k == reflect.Bool:
		return "^(true|false)$"
	case k == reflect.String:
		return `^"[^"\\]*"$`
	case k >= reflect.Uint && k <= reflect.Uintptr:
		return "^[0-9]+$"
	case jsonrule.IsInteger(k):
		return "^-?[0-9]+$"
	}
	return `^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`
}
