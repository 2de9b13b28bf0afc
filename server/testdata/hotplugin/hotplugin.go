// Package hotplugin holds a plugin that tests run in process. Tests also run its source in a child.
package hotplugin

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/seed-b8174343/devserver/plugin"
)

// New returns the plugin. Its virtual module holds the number of its loads, and its HotUpdate changes two updates.
func New() plugin.Plugin {
	var server plugin.Server
	var made atomic.Int32
	return plugin.Plugin{
		Name:   "hot",
		Filter: plugin.Filter{Prefixes: []string{"virtual:"}},
		Start:  func(_ context.Context, s plugin.Server) error { server = s; return nil },
		ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
			return &plugin.ResolveResult{ID: a.Specifier}, nil
		},
		Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
			return &plugin.LoadResult{Code: fmt.Sprintf("export default 'made %d'", made.Add(1))}, nil
		},
		HotUpdate: func(_ context.Context, a plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error) {
			switch {
			case strings.HasSuffix(a.File, "quiet.js"):
				return &plugin.HotUpdateResult{}, server.Broadcast("hot:quiet", a.Modules)
			case strings.HasSuffix(a.File, "other.js"):
				return &plugin.HotUpdateResult{Modules: []string{"/quiet.js"}}, nil
			case strings.HasSuffix(a.File, ".txt"):
				err := server.Broadcast("hot:file", []any{a.Kind, path.Base(filepath.ToSlash(a.File)), a.Modules})
				if a.Kind == "delete" {
					return nil, err
				}
				return &plugin.HotUpdateResult{Modules: []string{"/other.js"}}, err
			}
			return nil, nil
		},
		Connect: func(_ context.Context, c plugin.Client) { _ = c.Send("hot:connect", c.URL()) }, // a page that is gone needs no greeting
		Events: []plugin.Event{
			plugin.On("hot:reload", func(context.Context, plugin.Client, any) error { return server.Reload("virtual:count") }),
			plugin.On("hot:invalidate", func(context.Context, plugin.Client, any) error { return server.Invalidate("virtual:count") }),
			plugin.On("hot:missing", func(context.Context, plugin.Client, any) error { return server.Invalidate("virtual:missing") }),
			plugin.Handle("hot:graph", func(context.Context, plugin.Client, any) ([]string, error) {
				all, err := server.Modules()
				if err != nil || !slices.Contains(all, "virtual:count") {
					return nil, fmt.Errorf("modules are %q: %w", all, err)
				}
				return server.Importers("virtual:count")
			}),
		},
	}
}
