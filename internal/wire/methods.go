package wire

import (
	"context"
	"encoding/json"
	"fmt"
)

// Methods holds the methods that one side answers. Its Handle is a Handler.
type Methods map[string]MethodFunc

// MethodFunc answers the calls and notices of one method.
type MethodFunc = func(ctx context.Context, params json.RawMessage) (any, error)

// Handle answers a call or takes a notice. An unknown method is an error.
func (m Methods) Handle(ctx context.Context, method string, params json.RawMessage) (any, error) {
	fn := m[method]
	if fn == nil {
		return nil, fmt.Errorf("unknown method %q", method)
	}
	return fn(ctx, params)
}

// Method makes one of Methods from a func that gets the decoded params.
func Method[A any](fn func(ctx context.Context, args A) (any, error)) MethodFunc {
	return func(ctx context.Context, params json.RawMessage) (any, error) {
		var args A
		if err := json.Unmarshal(params, &args); err != nil {
			return nil, fmt.Errorf("decode params: %w", err)
		}
		return fn(ctx, args)
	}
}
