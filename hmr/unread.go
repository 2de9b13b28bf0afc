package hmr

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// unread is a value that a type refuses which reads itself, such as time.Time. The decoder returns the error of the
// type without the place.
type unread struct {
	path  string
	t     reflect.Type
	value json.RawMessage
	err   error
}

func (r *unread) payloadError(name string) error {
	path, expected, value, why := r.path, selfReadName(r.t), shown(r.value), ": "+r.err.Error()
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](r.err); ok {
		why = ""
		if implements(r.t, unmarshaler) { // it uses the decoder, too; places in its error count from where the value begins
			path, expected, value = join(path, pathAt(r.value, wrong.Offset)), jsonName(wrong.Type), foundName(wrong)
		}
	} else if r.t == timeType || isBytes(r.t) {
		why = "" // the error says the same in Go's words
	}
	return badPayload(name, path, expected, value, why)
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	timeType        = reflect.TypeFor[time.Time]()
)

func implements(t, what reflect.Type) bool {
	return t.Implements(what) || reflect.PointerTo(t).Implements(what)
}

func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// findUnread returns the first value that a type refuses which reads itself, nil when there is none.
func findUnread(t reflect.Type, value json.RawMessage, path string, depth int) *unread {
	value = bytes.TrimSpace(value)
	if len(value) == 0 || string(value) == "null" || depth > maxDepth {
		return nil
	}
	if t.Kind() == reflect.Pointer {
		return findUnread(t.Elem(), value, path, depth+1)
	}
	if implements(t, unmarshaler) || implements(t, textUnmarshaler) || isBytes(t) && value[0] == '"' {
		if err := json.Unmarshal(value, reflect.New(t).Interface()); err != nil {
			return &unread{path, t, value, err}
		}
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		var members map[string]json.RawMessage
		if json.Unmarshal(value, &members) == nil {
			return unreadInStruct(t, members, path, depth)
		}
	case reflect.Map:
		var members map[string]json.RawMessage
		if json.Unmarshal(value, &members) != nil {
			return nil
		}
		for key, member := range members {
			if r := findUnread(t.Elem(), member, join(path, key), depth+1); r != nil {
				return r
			}
		}
	case reflect.Slice, reflect.Array:
		var items []json.RawMessage
		if json.Unmarshal(value, &items) != nil {
			return nil
		}
		for i, item := range items {
			if r := findUnread(t.Elem(), item, path+"["+strconv.Itoa(i)+"]", depth+1); r != nil {
				return r
			}
		}
	}
	return nil
}

func unreadInStruct(t reflect.Type, members map[string]json.RawMessage, path string, depth int) *unread {
	if depth > maxDepth { // a type that embeds itself
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				if r := unreadInStruct(inner, members, path, depth+1); r != nil {
					return r
				}
				continue
			}
		}
		if !f.IsExported() || f.Tag.Get("json") == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		key, ok := name, false
		if _, ok = members[key]; !ok {
			for other := range members { // in any case, as the decoder does
				if ok = strings.EqualFold(other, name); ok {
					key = other
					break
				}
			}
		}
		if !ok {
			continue
		}
		if r := findUnread(f.Type, members[key], join(path, key), depth+1); r != nil {
			return r
		}
	}
	return nil
}

func join(path, inner string) string {
	if path == "" || inner == "" || inner[0] == '[' {
		return path + inner
	}
	return path + "." + inner
}

// selfReadName returns a type that reads itself in the words of JSON.
func selfReadName(t reflect.Type) string {
	switch {
	case t == timeType:
		return `a time ("2006-01-02T15:04:05Z", as toISOString gives)`
	case isBytes(t) && !implements(t, textUnmarshaler) && !implements(t, unmarshaler):
		return jsonName(t)
	case implements(t, textUnmarshaler) && !implements(t, unmarshaler):
		return "a string that is a " + t.String()
	}
	return "a " + t.String()
}

// shown returns a value as error messages show it: a string as it is, unless it is long.
func shown(value json.RawMessage) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case '"':
		var text string
		if json.Unmarshal(value, &text) == nil {
			if cut := []rune(text); len(cut) > 40 {
				text = string(cut[:40]) + "…"
			}
			return strconv.Quote(text)
		}
	}
	if len(value) > 40 {
		return "a number"
	}
	return "the number " + string(value)
}
