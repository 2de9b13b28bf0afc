package wire

import (
	"context"
	"encoding/json"
	"fmt"
)

// Methods holds what one side answers, by method. Its Handle is a Handler.
type Methods map[string]func(ctx context.Context, params json.RawMessage) (any, error)

// Handle answers a call or takes a notice.
func (m Methods) Handle(ctx context.Context, method string, params json.RawMessage) (any, error) {
	fn := m[method]
	if fn == nil {
		return nil, fmt.Errorf("unknown method %q", method)
	}
	return fn(ctx, params)
}

// Method makes one of Methods from a func that takes the decoded params.
func Method[A any](fn func(ctx context.Context, args A) (any, error)) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, params json.RawMessage) (any, error) {
		var args A
		if err := json.Unmarshal(params, &args); err != nil {
			return nil, fmt.Errorf("decode params: %w", err)
		}
		return fn(ctx, args)
	}
}
