package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// The schemas of our own tools are short: a model reads them all before its first call. They have the types and the
// descriptions of fields, and leave the form of nested answers to the answers.

// inputSchema returns the JSON Schema of a verb's arguments.
func inputSchema(t reflect.Type) json.RawMessage { return objectSchema(t, true) }

// outputSchema returns the JSON Schema of a verb's answer.
func outputSchema(t reflect.Type) json.RawMessage { return objectSchema(t, false) }

func objectSchema(t reflect.Type, input bool) json.RawMessage {
	var b bytes.Buffer
	var required []string
	b.WriteString(`{"type":"object"`)
	for i, f := range fieldsOf(t) {
		b.WriteString([]string{`,"properties":{`, `,`}[min(i, 1)])
		fmt.Fprintf(&b, `%q:%s`, f.name, typeSchema(f.typ))
		if f.about != "" && input {
			b.Truncate(b.Len() - 1)
			if b.Bytes()[b.Len()-1] != '{' {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"description":%s}`, quote(f.about))
		}
		if f.required {
			required = append(required, f.name)
		}
	}
	if b.Len() > len(`{"type":"object"`) {
		b.WriteByte('}')
	}
	if len(required) > 0 {
		text, _ := json.Marshal(required) // strings
		fmt.Fprintf(&b, `,"required":%s`, text)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// quote returns a text as JSON, with < and > as they are.
func quote(text string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string
	return strings.TrimSpace(b.String())
}

// jsonField is a member of a struct's JSON.
type jsonField struct {
	name, about string
	typ         reflect.Type
	required    bool
}

func fieldsOf(t reflect.Type) (list []jsonField) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			list = append(list, fieldsOf(f.Type)...)
			continue
		}
		list = append(list, jsonField{name, f.Tag.Get("jsonschema"), f.Type, !strings.Contains(options, "omit")})
	}
	return list
}

// typeSchema returns the JSON Schema of a field's type.
func typeSchema(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return `{}`
	case t == reflect.TypeFor[time.Time]():
		return `{"type":"string"}`
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeSchema(t.Elem())
	case reflect.Bool:
		return `{"type":"boolean"}`
	case reflect.String:
		return `{"type":"string"}`
	case reflect.Float64:
		return `{"type":"number"}`
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Struct {
			return `{"type":"array"}`
		}
		return fmt.Sprintf(`{"type":"array","items":%s}`, typeSchema(t.Elem()))
	case reflect.Struct, reflect.Map:
		return `{"type":"object"}`
	default:
		return `{"type":"integer"}`
	}
}

// decodeArguments reads the arguments of a call into a new value of the type. The error names the argument that is
// wrong.
func decodeArguments(t reflect.Type, raw json.RawMessage) (json.RawMessage, error) {
	if len(bytes.TrimSpace(raw)) == 0 || string(bytes.TrimSpace(raw)) == "null" {
		raw = json.RawMessage("{}")
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(raw, &given); err != nil {
		return nil, fmt.Errorf("the arguments must be an object")
	}
	fields := fieldsOf(t)
	for _, f := range fields {
		value, ok := given[f.name]
		if f.required && (!ok || string(value) == `""` || string(value) == "null") {
			return nil, fmt.Errorf("the argument %q is missing", f.name)
		}
		if ok && json.Unmarshal(value, reflect.New(f.typ).Interface()) != nil {
			return nil, fmt.Errorf("the argument %q is wrong; it must fit %s", f.name, typeSchema(f.typ))
		}
		delete(given, f.name)
	}
	for name := range given {
		var known []string
		for _, f := range fields {
			known = append(known, f.name)
		}
		if len(known) == 0 {
			return nil, fmt.Errorf("there is no argument %q; the tool takes none", clean(bounded(name, 60)))
		}
		return nil, fmt.Errorf("there is no argument %q; the arguments are %s", clean(bounded(name, 60)), strings.Join(known, ", "))
	}
	return raw, nil
}
