// Package guarded holds a plugin that tests run in process. Tests also run its source in a child.
package guarded

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-b8174343/devserver/plugin"
)

// New returns the plugin. It keeps requests from a folder, makes the module v:one and a part of pages, and stops when
// there is a file may-stop, or its time is over.
func New() plugin.Plugin {
	var server plugin.Server
	return plugin.Plugin{
		Name:  "guarded",
		Start: func(_ context.Context, s plugin.Server) error { server = s; return nil },
		Stop: func(ctx context.Context) error {
			server.Logger().Info("stopping")
			for ctx.Err() == nil {
				if _, err := os.Stat(filepath.Join(server.Root(), "may-stop")); err == nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			return nil
		},
		Middleware: []plugin.MiddlewareDef{plugin.Middleware("/private/", func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "guarded", http.StatusForbidden) })
		})},
		ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
			if a.Specifier != "v:one" {
				return nil, nil
			}
			return &plugin.ResolveResult{ID: a.Specifier}, nil
		},
		Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
			if a.ID != "v:one" {
				return nil, nil
			}
			return &plugin.LoadResult{Code: "export const one = 'of the plugin'"}, nil
		},
		TransformHTML: func(_ context.Context, a plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error) {
			return &plugin.TransformHTMLResult{HTML: a.HTML + "<p>of the plugin</p>"}, nil
		},
		Routes: []plugin.RouteDef{
			plugin.Route("/api", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "of the plugin") })),
			plugin.Route("/crash", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { os.Exit(1) })),
		},
	}
}
