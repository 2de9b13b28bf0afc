package hmr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/seed-b8174343/devserver/internal/jsonrule"
)

// NoData is the payload of a message without one: the page's listener gets undefined. Nil is another payload, null. As
// an answer to a request, NoData makes the page's promise resolve with undefined.
//
// The other way round, a handler whose payload is a [json.RawMessage] gets NoData when the page has sent none, and the
// text null when it has sent null. For other types both are the zero value.
var NoData json.RawMessage

// EncodeData returns the payload of a message as JSON, nil for [NoData].
func EncodeData(data any) (json.RawMessage, error) {
	if raw, ok := data.(json.RawMessage); ok && len(raw) == 0 {
		return nil, nil
	}
	return json.Marshal(data)
}

// Decode reads the payload of an event, a request or a channel as T. Without data ([NoData]) it is T's zero value. Null
// is read as by encoding/json, and fields are found as by it. The error is an *[Error] with the code "bad_payload". It
// has the name, the place in the payload, what was expected and what was found.
func Decode[T any](name string, data json.RawMessage) (T, error) {
	var in T
	if len(data) == 0 {
		return in, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	err := d.Decode(&in)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return in, nil
		}
		err = errors.New("more than one value")
	}
	var zero T
	return zero, payloadError(name, reflect.TypeFor[T](), data, err)
}

// payloadError makes the error about a payload that the decoder did not take.
func payloadError(name string, t reflect.Type, data json.RawMessage, err error) error {
	if json.Valid(data) {
		if err := findUnread(name, t, data); err != nil {
			return err
		}
	}
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return &Error{Code: "bad_payload", Message: fmt.Sprintf("the payload of %q cannot be read: %v", name, err)}
	}
	return badPayload(name, pathAt(data, wrong.Offset), jsonName(wrong.Type), foundName(wrong), "")
}

func badPayload(name, path, expected, found, why string) *Error {
	at := path
	if at == "" {
		at = "the payload"
	}
	return &Error{
		Code: "bad_payload", Path: path,
		Message: fmt.Sprintf("payload of %q: %s must be %s, but is %s%s", name, at, expected, found, why),
	}
}

// foundName returns what the decoder found, in the words of JSON.
func foundName(wrong *json.UnmarshalTypeError) string {
	switch wrong.Value {
	case "bool":
		return "a boolean"
	case "string", "number":
		return "a " + wrong.Value
	case "array", "object":
		return "an " + wrong.Value
	}
	return strings.TrimPrefix(wrong.Value, "number ") // a number that does not fit its type
}

// pathAt returns the place of the value that the decoder was reading after offset bytes: `items[2].name`, in the page's
// names. The decoder's own error has Go's names and no indices.
func pathAt(data []byte, offset int64) string {
	type level struct {
		key   string
		index int // -1 in an object
		name  bool
	}
	var stack []level
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	path := func() string {
		var b strings.Builder
		for _, l := range stack {
			switch {
			case l.index >= 0:
				fmt.Fprintf(&b, "[%d]", l.index)
			case b.Len() > 0:
				b.WriteString("." + l.key)
			default:
				b.WriteString(l.key)
			}
		}
		return b.String()
	}
	for {
		token, err := d.Token()
		if err != nil {
			return path()
		}
		if len(stack) > 0 && token != json.Delim('}') && token != json.Delim(']') {
			l := &stack[len(stack)-1]
			if l.index >= 0 || l.name {
				l.name = false
			} else { // a key: its value comes next
				l.key, l.name = token.(string), true
				continue
			}
		}
		if d.InputOffset() >= offset {
			return path()
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{index: -1})
			continue
		case json.Delim('['):
			stack = append(stack, level{index: 0})
			continue
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
		if len(stack) > 0 && stack[len(stack)-1].index >= 0 {
			stack[len(stack)-1].index++
		}
	}
}

// jsonName returns a Go type in the words of JSON.
func jsonName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return jsonName(t.Elem())
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		if t == reflect.TypeFor[json.Number]() {
			return "a number"
		}
		return "a string"
	case reflect.Slice, reflect.Array:
		if jsonrule.Read(t, false) == jsonrule.Bytes {
			return "a string in base64"
		}
		return "an array"
	case reflect.Map:
		if jsonrule.ReadKey(t.Key()) != jsonrule.NoKey {
			return "an object"
		}
	case reflect.Struct:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		if jsonrule.IsInteger(t.Kind()) {
			return "an integer (" + t.Kind().String() + ")"
		}
	}
	return "null (no JSON is a " + t.String() + ")"
}
