package vite

import (
	"context"
	"log/slog"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Project is the running project, as plugins of a vite.config see it. Its methods but Rewrite are called in turn, and must
// not wait for a question to the plugins. None may wait for an edit, since edits wait for plugins.
type Project interface {
	// Send sends a message of a plugin to pages.
	Send(Send) error
	// Invalidate has modules made again for pages that load them from now on. Reload updates pages with them.
	Invalidate(ids []string)
	Reload(ids []string)
	// Watch has files and folders watched. Edited takes the change of a file that a plugin reports.
	Watch(paths []string)
	Edited(Change)
	// Restart starts the project over. by is the plugin that asks for it.
	Restart(by string)
	// Listens gets the names of all events that plugins listen for.
	Listens(events []string)
	// Rewrite returns a page that a plugin has rendered as a browser gets it, but for what plugins of the vite.config do.
	Rewrite(context.Context, Page) (string, error)
	// Log prints what Vite or a plugin says.
	Log(Line)
}

// Line is what Vite or a plugin says. Level is "info", "warn" or "error", and By is the plugin, "" for Vite.
type Line struct {
	Level string `json:"level"`
	Text  string `json:"text"`
	By    string `json:"by"`
}

// Log prints the line.
func (l Line) Log(to *slog.Logger) {
	var args []any
	if l.By != "" {
		args = []any{"plugin", l.By}
	}
	level := slog.LevelInfo
	switch l.Level {
	case "error":
		level = slog.LevelError
	case "warn":
		level = slog.LevelWarn
	}
	to.Log(context.Background(), level, l.Text, args...)
}

// Methods returns the answers to what plugins want of the project.
func (h *Host) Methods(p Project) wire.Methods {
	if h == nil {
		return nil
	}
	h.serves(p)
	type named struct {
		IDs    []string `json:"ids"`
		Paths  []string `json:"paths"`
		Events []string `json:"events"`
		By     string   `json:"by"`
	}
	does := func(do func(named)) wire.MethodFunc {
		return wire.Method(func(_ context.Context, n named) (any, error) { do(n); return nil, nil })
	}
	return wire.Methods{
		"viteSend": wire.Method(func(_ context.Context, s Send) (any, error) {
			s.IDs = h.allFromVite(s.IDs)
			return nil, p.Send(s)
		}),
		"viteRequest": wire.Method(func(ctx context.Context, r wire.RequestCall) (any, error) {
			page := h.Page(r.Client)
			if page == nil {
				return nil, &wire.Error{Code: wire.PageGone, Message: hmr.ErrClosed.Error()}
			}
			return pluginhost.Request(ctx, page, r)
		}),
		"viteEmit":       wire.Method(func(_ context.Context, c Change) (any, error) { p.Edited(c); return nil, nil }),
		"viteInvalidate": does(func(n named) { h.ForgetImports(); p.Invalidate(h.allFromVite(n.IDs)) }),
		"viteReload":     does(func(n named) { h.ForgetImports(); p.Reload(h.allFromVite(n.IDs)) }),
		"viteRewrite": wire.Method(func(ctx context.Context, page Page) (any, error) {
			html, err := p.Rewrite(ctx, page)
			return map[string]string{"html": html}, err
		}),
		"viteWatch":   does(func(n named) { p.Watch(n.Paths) }),
		"viteRestart": does(func(n named) { p.Restart(n.By) }),
		"viteOn":      does(func(n named) { p.Listens(n.Events) }),
		"viteRoutes":  wire.Method(func(_ context.Context, r Routes) (any, error) { h.Serves(r); return nil, nil }),
		"viteSlow": wire.Method(func(_ context.Context, s Slow) (any, error) {
			s.Of = h.fromVite(s.Of)
			h.late.note(s)
			p.Log(Line{Level: "warn", Text: s.String() + " has not answered for 3 s", By: s.Plugin})
			return nil, nil
		}),
		"viteLog": wire.Method(func(_ context.Context, l Line) (any, error) {
			p.Log(l)
			return nil, nil
		}),
	}
}
