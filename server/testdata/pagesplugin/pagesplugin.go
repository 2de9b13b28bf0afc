// Package pagesplugin holds a plugin that tests run in process. Tests also run its source in a child.
package pagesplugin

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/seed-b8174343/devserver/plugin"
)

type shown struct {
	Key, Message, File string
	Line               int
}

// New returns the plugin. Pages tell it by events what to do to pages.
func New() plugin.Plugin {
	var early, removeB func()
	greet := func(name, answer string) plugin.Event {
		return plugin.On(name, func(_ context.Context, c plugin.Client, _ any) error { return c.Send("pages:answer", answer) })
	}
	echo := plugin.NewChannel[json.RawMessage, json.RawMessage]("pages", "data", "echo")
	echo.Handle(func(_ context.Context, _ plugin.Conn[json.RawMessage], in json.RawMessage) error {
		return echo.Retain(in)
	})
	return plugin.Plugin{
		Name:     "pages",
		Channels: []plugin.AnyChannel{echo},
		Start: func(_ context.Context, s plugin.Server) (err error) {
			early, err = s.Handle(greet("pages:early", "early"))
			return err
		},
		Events: []plugin.Event{
			plugin.On("pages:show", func(ctx context.Context, _ plugin.Client, in shown) error {
				return plugin.ServerFrom(ctx).ShowError(in.Key, plugin.Error{Message: in.Message, Hint: "fix it", File: in.File, Line: in.Line})
			}),
			plugin.On("pages:clear", func(ctx context.Context, _ plugin.Client, key string) error {
				return plugin.ServerFrom(ctx).ClearError(key)
			}),
			plugin.On("pages:reload", func(ctx context.Context, _ plugin.Client, path string) error {
				return plugin.ServerFrom(ctx).ReloadPages(path, "there is more")
			}),
			plugin.On("pages:reload me", func(ctx context.Context, c plugin.Client, _ any) error {
				return plugin.ServerFrom(ctx).ReloadPage(c, "")
			}),
			plugin.Handle("pages:handle", func(ctx context.Context, _ plugin.Client, _ any) (string, error) {
				s := plugin.ServerFrom(ctx)
				removeA, err := s.Handle(greet("pages:late", "a"))
				if err == nil {
					removeB, err = s.Handle(greet("pages:late", "b"))
				}
				if err != nil {
					return "", err
				}
				removeA() // the name stays: b has it
				removeA()
				_, err = s.Handle(plugin.Handle("pages:asked", func(context.Context, plugin.Client, any) (int, error) { return 7, nil }))
				return "handled", err
			}),
			plugin.Handle("pages:remove", func(context.Context, plugin.Client, any) (string, error) {
				removeB()
				early()
				return "removed", nil
			}),
			plugin.Handle("pages:twice", func(ctx context.Context, _ plugin.Client, _ any) (string, error) {
				_, err := plugin.ServerFrom(ctx).Handle(plugin.Handle("pages:twice", func(context.Context, plugin.Client, any) (int, error) { return 0, nil }))
				return "", err
			}),
			plugin.On("pages:echo", func(_ context.Context, c plugin.Client, in json.RawMessage) error {
				return errors.Join(c.Send("pages:echoed", in), c.Send("pages:nil", nil))
			}),
			plugin.On("pages:pointer", func(_ context.Context, c plugin.Client, in *shown) error {
				return c.Send("pages:pointed", in == nil)
			}),
			plugin.Handle("pages:answer me", func(_ context.Context, _ plugin.Client, in json.RawMessage) (json.RawMessage, error) {
				return in, nil
			}),
			plugin.Handle("pages:server", func(ctx context.Context, _ plugin.Client, _ any) ([]any, error) {
				s := plugin.ServerFrom(ctx)
				return []any{s.Base(), s.Mode(), s.URLs()}, nil
			}),
			plugin.On("pages:restart", func(ctx context.Context, _ plugin.Client, _ any) error {
				return plugin.ServerFrom(ctx).Restart("new data")
			}),
			plugin.Handle("pages:fails", func(context.Context, plugin.Client, any) (string, error) {
				return "", &plugin.Error{Message: "on purpose", File: "main.js", Line: 1}
			}),
		},
	}
}
