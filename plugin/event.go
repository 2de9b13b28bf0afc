package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/tstype"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Event is a handler for events or requests of one name. [On] and [Handle] make it. The zero value is not valid.
type Event struct {
	// Name is the event that the page sends.
	Name string
	// Request says that the page waits for an answer.
	Request bool

	// in and out are the Go types of the payload and the answer; out is nil for events. The types in the project's
	// devserver-env.d.ts are made from them.
	in, out     reflect.Type
	description string // "" for none, see Describe
	call        func(ctx context.Context, c Client, data json.RawMessage) (any, error)

	// Of an Event on its way to the server: whose handler it is, and its description if the handler is in a child.
	plugin    string
	described wire.EventInfo
}

// Describe says what the handler does, and returns the event with that. It makes the handler a tool: agents and the panel
// see it with the JSON Schema of its payload, and may call it in the place of a page.
//
//	plugin.Handle("cart:clear", clearCart).Describe("Empties the cart")
func (e Event) Describe(text string) Event {
	e.description = text
	return e
}

// check returns an error for an Event that was not made by On or Handle.
func (e Event) check(plugin string) error {
	if e.Name == "" || e.call == nil {
		return fmt.Errorf("plugin %s: an event has no name; make it by plugin.On or plugin.Handle", plugin)
	}
	return nil
}

// info describes the event.
func (e Event) info() wire.EventInfo {
	info := wire.EventInfo{Name: e.Name, Request: e.Request, In: tstype.In(e.in), Out: tstype.Out(e.out)}
	if e.description != "" {
		info.Description, info.Schema = e.description, tstype.Schema(e.in)
	}
	return info
}

// Described returns the plugin whose handler it is, and its description, for an Event that [Server.Handle] passes to
// the server. Plugin authors have no use for it.
func (e Event) Described() (plugin string, info wire.EventInfo) {
	if e.call == nil {
		return e.plugin, e.described
	}
	return e.plugin, e.info()
}

// EventOf returns the Event that Described describes, without its handler. Plugin authors have no use for it.
func EventOf(plugin string, info wire.EventInfo) Event {
	return Event{Name: info.Name, Request: info.Request, plugin: plugin, described: info}
}

// On handles events of that name. A page sends one with import.meta.hot.send(name, data).
//
// The data is decoded into T. For data of another shape the handler is not called, and the page gets an error that
// names the place.
func On[T any](name string, fn func(ctx context.Context, c Client, in T) error) Event {
	return Event{
		Name: name, in: reflect.TypeFor[T](),
		call: func(ctx context.Context, c Client, data json.RawMessage) (any, error) {
			in, err := hmr.Decode[T](name, data)
			if err != nil {
				return nil, err
			}
			return nil, fn(ctx, c, in)
		},
	}
}

// Handle answers requests of that name. A page asks with import.meta.hot.request(name, data), whose promise gets the
// answer or the error. Return an [*hmr.Error] to choose the error's code.
func Handle[Req, Res any](name string, fn func(ctx context.Context, c Client, in Req) (Res, error)) Event {
	return Event{
		Name: name, Request: true, in: reflect.TypeFor[Req](), out: reflect.TypeFor[Res](),
		call: func(ctx context.Context, c Client, data json.RawMessage) (any, error) {
			in, err := hmr.Decode[Req](name, data)
			if err != nil {
				return nil, err
			}
			return fn(ctx, c, in)
		},
	}
}
