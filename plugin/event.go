package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/seed-b8174343/devserver/hmr"
)

// Event is a handler for events or requests of one name, made by On or Handle.
type Event struct {
	// Name is what the page sends.
	Name string
	// Request tells that the page waits for an answer.
	Request bool
	// In and Out are the Go types of the payload and the answer; Out is nil for events. The types in the project's
	// devserver-env.d.ts are made from them.
	In, Out reflect.Type

	call func(ctx context.Context, c Client, data json.RawMessage) (any, error)
}

// Call decodes the payload and runs the handler, for hosts of plugins.
func (e Event) Call(ctx context.Context, c Client, data json.RawMessage) (any, error) {
	return e.call(ctx, c, data)
}

// On handles events of that name. The payload is decoded into T; one of another shape is answered with an error that
// names the place, and the handler is not called. A page sends it by import.meta.hot.send(name, data).
func On[T any](name string, fn func(ctx context.Context, c Client, in T) error) Event {
	return Event{Name: name, In: reflect.TypeFor[T](), call: func(ctx context.Context, c Client, data json.RawMessage) (any, error) {
		in, err := decode[T](name, data)
		if err != nil {
			return nil, err
		}
		return nil, fn(ctx, c, in)
	}}
}

// Handle answers requests of that name. A page asks by import.meta.hot.request(name, data), whose promise gets the
// answer or the error; return an *hmr.Error to choose its code.
func Handle[Req, Res any](name string, fn func(ctx context.Context, c Client, in Req) (Res, error)) Event {
	return Event{Name: name, Request: true, In: reflect.TypeFor[Req](), Out: reflect.TypeFor[Res](), call: func(ctx context.Context, c Client, data json.RawMessage) (any, error) {
		in, err := decode[Req](name, data)
		if err != nil {
			return nil, err
		}
		return fn(ctx, c, in)
	}}
}

// decode reads a payload as T. Data that is left out is T's zero value.
func decode[T any](name string, data json.RawMessage) (T, error) {
	var in T
	if len(data) == 0 || bytes.Equal(data, []byte("null")) {
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
	return zero, payloadError(name, data, err)
}

// payloadError tells the page what it sent wrong: event, place, what was expected and what was found.
func payloadError(name string, data json.RawMessage, err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return &hmr.Error{Code: "bad_payload", Message: fmt.Sprintf("the payload of %q cannot be read: %v", name, err)}
	}
	path := pathAt(data, wrong.Offset)
	at := path
	if at == "" {
		at = "the payload"
	}
	found := map[string]string{"bool": "a boolean", "string": "a string", "number": "a number", "array": "an array", "object": "an object"}[wrong.Value]
	if found == "" {
		found = strings.TrimPrefix(wrong.Value, "number ") // a number that does not fit
	}
	return &hmr.Error{
		Code: "bad_payload", Path: path,
		Message: fmt.Sprintf("payload of %q: %s must be %s, but is %s", name, at, jsonName(wrong.Type), found),
	}
}

// pathAt is where in the JSON the value is at whose reading the decoder was after offset bytes: `items[2].name`, as the
// page knows it. The decoder's own error has Go's names and no indices.
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

// jsonName is a Go type as who writes JSON knows it.
func jsonName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return jsonName(t.Elem())
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "an integer (" + t.Kind().String() + ")"
	default:
		return t.String()
	}
}
