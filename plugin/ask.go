package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/tstype"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Request asks a page, and returns the answer read as Out. A module of the page answers with
// import.meta.hot.handle(event, fn). Errors are those of [hmr.Client.Request]. [NewPageRequest] declares the types of a
// request, so that editors know them, too.
func Request[Out any](ctx context.Context, c Client, event string, in any) (Out, error) {
	data, err := c.Request(ctx, event, in)
	if err != nil {
		var none Out
		return none, err
	}
	return hmr.DecodeAnswer[Out](event, data)
}

// None is the payload or the answer of a [PageRequest] that has none.
type None struct{}

// PageRequest is a request to pages, with the Go types of its payload and its answer. In the Asks of a plugin it gives
// import.meta.hot.handle its types. Make it with [NewPageRequest].
type PageRequest[In, Out any] struct{ name string }

// AnyPageRequest is a [PageRequest] of any types.
type AnyPageRequest interface{ info() wire.EventInfo }

// NewPageRequest declares a request to pages. [None] stands for no payload, or no answer.
func NewPageRequest[In, Out any](name string) PageRequest[In, Out] {
	return PageRequest[In, Out]{name}
}

// Ask asks a page as the func [Request] does.
func (r PageRequest[In, Out]) Ask(ctx context.Context, c Client, in In) (Out, error) {
	var payload any = in
	if _, none := payload.(None); none {
		payload = hmr.NoData
	}
	var none Out
	if _, nothing := any(none).(None); nothing {
		_, err := c.Request(ctx, r.name, payload)
		return none, err
	}
	return Request[Out](ctx, c, r.name, payload)
}

func (r PageRequest[In, Out]) info() wire.EventInfo {
	info := wire.EventInfo{Name: r.name, Request: true, In: "void", Out: "void"}
	none := reflect.TypeFor[None]()
	if t := reflect.TypeFor[In](); t != none {
		info.In = tstype.Out(t) // the page gets it
	}
	if t := reflect.TypeFor[Out](); t != none {
		info.Out = tstype.In(t)
	}
	return info
}

// Request asks the page by the server.
func (r *remote) Request(ctx context.Context, event string, in any) (json.RawMessage, error) {
	call := wire.RequestCall{Client: r.info.ID, User: r.info.User, Event: event}
	data, err := hmr.EncodeData(in)
	if err != nil {
		return nil, fmt.Errorf("send request %q: %w", event, err)
	}
	call.Data = data
	if end, limited := ctx.Deadline(); limited {
		call.Timeout = max(time.Until(end).Milliseconds(), 1)
	}
	var answer wire.RequestAnswer
	switch err := r.conn.Call(ctx, "request", call, &answer); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &hmr.Error{Code: "timeout", Message: fmt.Sprintf("page %s did not answer %q in time", r.ID(), event)}
	case err != nil:
		return nil, ofServer(err)
	case answer.Error != nil:
		return nil, &hmr.Error{Code: answer.Error.Code, Message: answer.Error.Message, Path: answer.Error.Path}
	}
	return answer.Data, nil
}
