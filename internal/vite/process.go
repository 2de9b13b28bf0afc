package vite

import (
	"context"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
)

// process is a process of Node.
type process interface {
	Call(ctx context.Context, method string, params, result any) error
	Exited() <-chan struct{}
}

// nodeProcess is a process of package pluginhost.
type nodeProcess struct {
	*pluginhost.Child
	node *pluginhost.Node
}

func (p nodeProcess) Call(ctx context.Context, method string, params, result any) error {
	return p.node.CallOf(ctx, p.Child, method, params, result)
}

// process returns the running process, and waits for it when one is about to run.
func (h *Host) process(ctx context.Context) (process, error) {
	child, err := h.running(ctx)
	if err != nil {
		return nil, err
	}
	return nodeProcess{child, h.o.Node}, nil
}
