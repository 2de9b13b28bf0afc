package wire

import (
	"context"
	"slices"
)

// Step is a part of what a call is made within: a hook that runs, or a module that is being loaded. By it the server
// sees that a hook asks for what waits for the hook.
type Step struct {
	// Plugin and Hook name a hook, ID is what the hook was asked about. Without a Hook, ID is a module that is being
	// loaded.
	Plugin string `json:"plugin,omitempty"`
	Hook   string `json:"hook,omitempty"`
	ID     string `json:"id,omitempty"`
	// Importer belongs to the question of resolveID.
	Importer string `json:"importer,omitempty"`
}

type withinKey struct{}

// Within returns a context for what happens within the steps too. Calls carry the steps of their context to the other
// side.
func Within(ctx context.Context, steps ...Step) context.Context {
	return context.WithValue(ctx, withinKey{}, slices.Concat(Steps(ctx), steps))
}

// Steps returns the steps of a context, the outermost first.
func Steps(ctx context.Context) []Step {
	steps, _ := ctx.Value(withinKey{}).([]Step)
	return steps
}

// Loading returns the module whose loading the context is a part of, the innermost one, "" outside of loading.
func Loading(ctx context.Context) string {
	for _, s := range slices.Backward(Steps(ctx)) {
		if s.Hook == "" {
			return s.ID
		}
	}
	return ""
}
