package plugin

import (
	"context"
	"encoding/json"
)

// Call decodes the payload and runs the handler.
func (e Event) Call(ctx context.Context, c Client, data json.RawMessage) (any, error) {
	return e.call(ctx, c, data)
}
