package hmr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strconv"
	"time"

	"github.com/seed-b8174343/devserver/internal/jsonrule"
)

// unread looks in a payload for a value whose error the decoder returns without the place: the value of a type that
// reads itself, such as time.Time, a value in a string, or the name of a map's member. It is the name of the event.
type unread string

// find returns the error about the first such value, nil when there is none.
func (u unread) find(t reflect.Type, value json.RawMessage, path string, depth int) error {
	value = bytes.TrimSpace(value)
	null := string(value) == "null"
	pointed := false
	for ; t.Kind() == reflect.Pointer; t = t.Elem() {
		if null {
			return nil
		}
		pointed = true
	}
	if len(value) == 0 || depth > maxDepth {
		return nil
	}
	form := jsonrule.Read(t, pointed)
	switch {
	case form == jsonrule.Itself || form == jsonrule.ByText && !null:
		return u.try(t, value, path)
	case null:
		return nil
	}
	switch kind, first := t.Kind(), value[0]; {
	case kind == reflect.Struct && first == '{':
		return u.inStruct(jsonrule.Fields(t), value, path, depth)
	case kind == reflect.Map && first == '{':
		return u.inMap(t, value, path, depth)
	case (kind == reflect.Slice || kind == reflect.Array) && first == '[':
		return u.inList(t, value, path, depth)
	case first != '{' && first != '[':
		if err := decodeAs(t, value); err != nil && !isPlaced(err) {
			return badPayload(string(u), path, jsonName(t), shown(value), "")
		}
	}
	return nil
}

// try reads the value of a type that reads itself.
func (u unread) try(t reflect.Type, value json.RawMessage, path string) error {
	err := decodeAs(t, value)
	if err == nil {
		return nil
	}
	expected, found, why := selfReadName(t), shown(value), ": "+err.Error()
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		why = ""
		if jsonrule.Read(t, true) == jsonrule.Itself { // it uses the decoder, too; places in its error count from where the value begins
			path, expected, found = join(path, pathAt(value, wrong.Offset)), jsonName(wrong.Type), foundName(wrong)
		}
	} else if t == timeType {
		why = "" // the error says the same in Go's words
	}
	return badPayload(string(u), path, expected, found, why)
}

func (u unread) inStruct(fields []jsonrule.Field, value json.RawMessage, path string, depth int) error {
	for name, member := range members(value) {
		f := jsonrule.Find(fields, name)
		if f == nil {
			continue
		}
		at := join(path, name)
		switch {
		case f.Unreadable:
			return &Error{
				Code: "bad_payload", Path: at,
				Message: fmt.Sprintf("payload of %q: %s must be left out: %s has it, an unexported struct that is embedded as a pointer", string(u), at, f.Owner),
			}
		case f.Quoted:
			quoted := reflect.StructOf([]reflect.StructField{{Name: "F", Type: f.Type, Tag: `json:",string"`}})
			if decodeAs(quoted, fmt.Appendf(nil, `{"F":%s}`, member)) != nil {
				return badPayload(string(u), at, "a string that holds "+selfReadName(f.Type), shown(member), "")
			}
		default:
			if err := u.find(f.Type, member, at, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (u unread) inMap(t reflect.Type, value json.RawMessage, path string, depth int) error {
	if jsonrule.ReadKey(t.Key()) == jsonrule.NoKey {
		return nil // the decoder refuses the object as a whole
	}
	keys := reflect.MapOf(t.Key(), reflect.TypeFor[any]())
	for name, member := range members(value) {
		at := join(path, name)
		if err := u.find(t.Elem(), member, at, depth+1); err != nil {
			return err
		}
		key, _ := json.Marshal(name) // a string encodes
		err := decodeAs(keys, fmt.Appendf(nil, `{%s:null}`, key))
		if err == nil {
			continue
		}
		why := ": " + err.Error()
		if isPlaced(err) {
			why = ""
		}
		e := badPayload(string(u), "the name of "+at, selfReadName(t.Key()), shown(key), why)
		e.Path = at
		return e
	}
	return nil
}

func (u unread) inList(t reflect.Type, value json.RawMessage, path string, depth int) error {
	var items []json.RawMessage
	_ = json.Unmarshal(value, &items) // the payload is valid
	for i, item := range items {
		if t.Kind() == reflect.Array && i == t.Len() {
			break // the decoder drops what is beyond the array
		}
		if err := u.find(t.Elem(), item, path+"["+strconv.Itoa(i)+"]", depth+1); err != nil {
			return err
		}
	}
	return nil
}

// decodeAs returns the error of the decoder for a value of the type.
func decodeAs(t reflect.Type, value json.RawMessage) error {
	return json.Unmarshal(value, reflect.New(t).Interface())
}

// isPlaced reports whether the decoder's error says where in the payload it is.
func isPlaced(err error) bool {
	_, ok := errors.AsType[*json.UnmarshalTypeError](err)
	return ok
}

// members returns the members of an object in the order of the text, which is valid.
func members(object json.RawMessage) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		d := json.NewDecoder(bytes.NewReader(object))
		_, _ = d.Token()
		for d.More() {
			name, _ := d.Token()
			var member json.RawMessage
			if d.Decode(&member) != nil || !yield(name.(string), member) {
				return
			}
		}
	}
}

var timeType = reflect.TypeFor[time.Time]()

func join(path, inner string) string {
	if path == "" || inner == "" || inner[0] == '[' {
		return path + inner
	}
	return path + "." + inner
}

// selfReadName returns a type that may read itself in the words of JSON.
func selfReadName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == timeType {
		return `a time ("2006-01-02T15:04:05Z", as toISOString gives)`
	}
	switch jsonrule.Read(t, true) {
	case jsonrule.Itself:
		return "a " + t.String()
	case jsonrule.ByText:
		return "a string that is a " + t.String()
	}
	return jsonName(t)
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
	case 'n':
		return "null"
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
