package relay

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// What plugins ask about modules.

func (b *backend) Modules() ([]string, error) { return b.r.o.Graph.IDs(), nil }

func (b *backend) Importers(id string) ([]string, error) { return b.r.o.Graph.Importers(id), nil }

func (b *backend) ModuleInfo(id string) (*plugin.ModuleInfo, error) {
	return b.r.o.Modules.Info(id), nil
}

// mostSteps bounds the hooks that ask within each other. Real plugins need a few.
const mostSteps = 50

func (b *backend) Resolve(ctx context.Context, specifier, importer string) (*plugin.Resolved, error) {
	steps := wire.Steps(ctx)
	if len(steps) > mostSteps {
		var last []string
		for _, s := range steps[len(steps)-4:] {
			last = append(last, fmt.Sprintf("%s of plugin %s asks about %q", s.Hook, s.Plugin, s.ID))
		}
		return nil, fmt.Errorf("resolve %q: the hooks of plugins ask each other without an end: %s", specifier, strings.Join(last, ", "))
	}
	b.r.o.Hosts.AsksForModules(b.host)
	return b.r.o.Modules.Resolve(ctx, specifier, importer)
}

// Load loads the module within a context of its own: what ends the caller must not leave a broken module behind. Only
// the steps go on, by which a module that waits for itself is found.
func (b *backend) Load(ctx context.Context, id string) (*plugin.ModuleInfo, error) {
	type answer struct {
		info *plugin.ModuleInfo
		err  error
	}
	b.r.o.Hosts.AsksForModules(b.host)
	done := make(chan answer, 1)
	own := wire.Within(context.WithoutCancel(b.r.o.Context), wire.Steps(ctx)...)
	b.r.tasks.Go(func() {
		info, err := b.r.o.Modules.Load(own, wire.Loading(ctx), id)
		done <- answer{info, err}
	})
	select {
	case a := <-done:
		return a.info, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-b.r.o.Context.Done():
		return nil, context.Cause(b.r.o.Context)
	}
}

func (b *backend) WaitForModules(ctx context.Context) error {
	if id := wire.Loading(ctx); id != "" {
		return fmt.Errorf("wait for modules: the hook is a part of loading %q, and would wait for itself", id)
	}
	b.r.o.Hosts.AsksForModules(b.host)
	return b.r.o.Graph.Settle(ctx)
}
