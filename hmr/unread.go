package hmr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/seed-b8174343/devserver/internal/jsonrule"
)

// unread looks in a payload for a value whose error the decoder returns without the place: the value of a type that
// reads itself, such as time.Time, a value in a string, or the name of a map's member. It reads the payload once.
type unread struct {
	name string // of the event
	data []byte // valid JSON
	*json.Decoder
}

// findUnread returns the error about the first such value, nil when there is none. The payload is valid JSON.
func findUnread(name string, t reflect.Type, data json.RawMessage) error {
	u := &unread{name, data, json.NewDecoder(bytes.NewReader(data))}
	return u.value(reflect.PointerTo(t), "", 0)
}

// next returns the byte with which the next value or name begins.
func (u *unread) next() byte { return bytes.TrimLeft(u.data[u.InputOffset():], " \t\r\n:,")[0] }

// whole reads a value without looking into it.
func (u *unread) whole() (value json.RawMessage) {
	_ = u.Decode(&value) // the payload is valid
	return value
}

func (u *unread) value(t reflect.Type, path string, depth int) error {
	first := u.next()
	pointed := false
	for ; t.Kind() == reflect.Pointer && first != 'n'; t = t.Elem() {
		pointed = true
	}
	if t.Kind() == reflect.Pointer || depth > maxDepth {
		u.whole()
		return nil
	}
	switch form := jsonrule.Read(t, pointed); {
	case form == jsonrule.Itself || form == jsonrule.ByText && first != 'n':
		return u.try(t, u.whole(), path)
	case t.Kind() == reflect.Struct && first == '{':
		return u.inStruct(jsonrule.Fields(t), path, depth)
	case t.Kind() == reflect.Map && first == '{' && jsonrule.ReadKey(t.Key()) != jsonrule.NoKey:
		return u.inMap(t, path, depth)
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && first == '[':
		return u.inList(t, path, depth)
	}
	value := u.whole()
	if first == '"' { // base64 or a json.Number
		if err := decodeAs(t, value); err != nil && !isPlaced(err) {
			return badPayload(u.name, path, jsonName(t), shown(value), "")
		}
	}
	return nil
}

// try reads the value of a type that reads itself.
func (u *unread) try(t reflect.Type, value json.RawMessage, path string) error {
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
	return badPayload(u.name, path, expected, found, why)
}

// members calls fn for the name of each member of an object, in the order of the text, until fn returns an error. Fn
// reads the value.
func (u *unread) members(fn func(name string) error) error {
	_, _ = u.Token()
	for u.More() {
		name, _ := u.Token()
		if err := fn(name.(string)); err != nil {
			return err
		}
	}
	_, _ = u.Token()
	return nil
}

func (u *unread) inStruct(fields []jsonrule.Field, path string, depth int) error {
	return u.members(func(name string) error {
		f, at := jsonrule.Find(fields, name), join(path, name)
		switch {
		case f == nil:
			u.whole()
		case f.Unreadable:
			return &Error{
				Code: "bad_payload", Path: at,
				Message: fmt.Sprintf("payload of %q: %s must be left out: %s has it, an unexported struct that is embedded as a pointer", u.name, at, f.Owner),
			}
		case f.Quoted:
			value := u.whole()
			quoted := reflect.StructOf([]reflect.StructField{{Name: "F", Type: f.Type, Tag: `json:",string"`}})
			if decodeAs(quoted, fmt.Appendf(nil, `{"F":%s}`, value)) != nil {
				return badPayload(u.name, at, "a string that holds "+selfReadName(f.Type), shown(value), "")
			}
		default:
			return u.value(f.Type, at, depth+1)
		}
		return nil
	})
}

func (u *unread) inMap(t reflect.Type, path string, depth int) error {
	anyName := t.Key().Kind() == reflect.String && jsonrule.Read(t.Key(), true) == jsonrule.ByKind
	keys := reflect.MapOf(t.Key(), reflect.TypeFor[any]())
	return u.members(func(name string) error {
		at := join(path, name)
		if err := u.value(t.Elem(), at, depth+1); err != nil || anyName {
			return err
		}
		key, _ := json.Marshal(name) // a string encodes
		err := decodeAs(keys, fmt.Appendf(nil, `{%s:null}`, key))
		if err == nil {
			return nil
		}
		why := ": " + err.Error()
		if isPlaced(err) {
			why = ""
		}
		e := badPayload(u.name, "the name of "+at, selfReadName(t.Key()), shown(key), why)
		e.Path = at
		return e
	})
}

func (u *unread) inList(t reflect.Type, path string, depth int) error {
	_, _ = u.Token()
	for i := 0; u.More(); i++ {
		if t.Kind() == reflect.Array && i >= t.Len() {
			u.whole() // the decoder drops what is beyond the array
			continue
		}
		if err := u.value(t.Elem(), path+"["+strconv.Itoa(i)+"]", depth+1); err != nil {
			return err
		}
	}
	_, _ = u.Token()
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
