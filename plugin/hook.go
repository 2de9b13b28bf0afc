package plugin

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/sourcemap"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Hooks describes the hooks of [Plugin] for the hosts of plugins. Plugin authors have no use for it.
var Hooks = describeHooks()

type hooks struct {
	ResolveID     wire.Hook[ResolveArgs, *ResolveResult]
	Load          wire.Hook[LoadArgs, *LoadResult]
	Transform     wire.Hook[TransformArgs, *TransformResult]
	PostTransform wire.Hook[TransformArgs, *TransformResult]
	TransformHTML wire.Hook[TransformHTMLArgs, *TransformHTMLResult]
	HotUpdate     wire.Hook[HotUpdateArgs, *HotUpdateResult]
	Connect       wire.Hook[Client, struct{}]
	Disconnect    wire.Hook[Client, struct{}]
	Identified    wire.Hook[Client, struct{}]
	Identify      wire.Hook[*http.Request, string]
}

func describeHooks() hooks {
	return hooks{
		ResolveID: wire.Hook[ResolveArgs, *ResolveResult]{
			Name: "resolveID", Filtered: true, Makes: true,
			ID:       func(a ResolveArgs) string { return a.Specifier },
			Importer: func(a ResolveArgs) string { return a.Importer },
		},
		Load: wire.Hook[LoadArgs, *LoadResult]{
			Name: "load", Filtered: true, Makes: true,
			ID: func(a LoadArgs) string { return a.ID },
		},
		Transform: wire.Hook[TransformArgs, *TransformResult]{
			Name: "transform", Filtered: true, Makes: true,
			ID:   func(a TransformArgs) string { return a.ID },
			Text: func(a TransformArgs) string { return a.Code },
			Join: joinTransforms,
		},
		PostTransform: wire.Hook[TransformArgs, *TransformResult]{
			Name: "postTransform", Filtered: true, Makes: true,
			ID:   func(a TransformArgs) string { return a.ID },
			Text: func(a TransformArgs) string { return a.Code },
			Join: joinTransforms,
		},
		TransformHTML: wire.Hook[TransformHTMLArgs, *TransformHTMLResult]{
			Name: "transformHTML", Makes: true,
			ID: func(a TransformHTMLArgs) string { return a.Path },
			Join: func(a *TransformHTMLArgs, all, r *TransformHTMLResult) *TransformHTMLResult {
				a.HTML = cmp.Or(r.HTML, a.HTML)
				if all == nil {
					return r
				}
				return &TransformHTMLResult{HTML: cmp.Or(r.HTML, all.HTML), Tags: slices.Concat(all.Tags, r.Tags)}
			},
		},
		HotUpdate: wire.Hook[HotUpdateArgs, *HotUpdateResult]{
			Name: "hotUpdate",
			ID:   func(a HotUpdateArgs) string { return a.File },
			Join: func(a *HotUpdateArgs, _, r *HotUpdateResult) *HotUpdateResult {
				a.Modules = r.Modules
				return r
			},
		},
		Connect:    wire.Hook[Client, struct{}]{Name: "connect", CallAll: true},
		Disconnect: wire.Hook[Client, struct{}]{Name: "disconnect", CallAll: true},
		Identified: wire.Hook[Client, struct{}]{Name: "identified", CallAll: true},
		Identify:   wire.Hook[*http.Request, string]{Name: "identify", Limit: IdentifyTimeout},
	}
}

// joinTransforms hands the next plugin the code of this plugin, and chains the source maps.
func joinTransforms(a *TransformArgs, all, r *TransformResult) *TransformResult {
	a.Code = r.Code
	if all == nil {
		return r
	}
	return &TransformResult{
		Code: r.Code, Watch: slices.Concat(r.Watch, all.Watch), Map: sourcemap.Chain(r.Map, all.Map, a.ID, a.File),
		By: slices.Concat(all.By, r.By),
	}
}

// signed notes which plugin has made or changed a module.
func signed[R any](plugin string, answer R) R {
	switch a := any(answer).(type) {
	case *LoadResult:
		if a != nil {
			a.By = []string{plugin}
		}
	case *TransformResult:
		if a != nil {
			a.By = []string{plugin}
		}
	}
	return answer
}

// hookFields pairs each of Hooks with the field of Plugin that answers it, in the order of Hooks.
var hookFields = []anyHook{
	field(Hooks.ResolveID, func(p Plugin) hookFunc[ResolveArgs, *ResolveResult] { return p.ResolveID }),
	field(Hooks.Load, func(p Plugin) hookFunc[LoadArgs, *LoadResult] { return p.Load }),
	field(Hooks.Transform, func(p Plugin) hookFunc[TransformArgs, *TransformResult] { return p.Transform }),
	field(Hooks.PostTransform, func(p Plugin) hookFunc[TransformArgs, *TransformResult] { return p.PostTransform }),
	field(Hooks.TransformHTML, func(p Plugin) hookFunc[TransformHTMLArgs, *TransformHTMLResult] { return p.TransformHTML }),
	field(Hooks.HotUpdate, func(p Plugin) hookFunc[HotUpdateArgs, *HotUpdateResult] { return p.HotUpdate }),
	field(Hooks.Connect, func(p Plugin) hookFunc[Client, struct{}] { return pageHook(p.Connect) }),
	field(Hooks.Disconnect, func(p Plugin) hookFunc[Client, struct{}] { return pageHook(p.Disconnect) }),
	field(Hooks.Identified, func(p Plugin) hookFunc[Client, struct{}] { return pageHook(p.Identified) }),
	field(Hooks.Identify, func(p Plugin) hookFunc[*http.Request, string] { return requestHook(p.Identify) }),
}

// hookFunc is the hook of one plugin, nil when the plugin does not have it.
type hookFunc[A, R any] = func(context.Context, A) (R, error)

// pageHook makes a hookFunc of a hook that gets a page and has no answer.
func pageHook(fn func(context.Context, Client)) hookFunc[Client, struct{}] {
	if fn == nil {
		return nil
	}
	return func(ctx context.Context, c Client) (struct{}, error) { fn(ctx, c); return struct{}{}, nil }
}

// requestHook makes a hookFunc of a hook that has its context in a request.
func requestHook(fn func(*http.Request) (string, error)) hookFunc[*http.Request, string] {
	if fn == nil {
		return nil
	}
	return func(ctx context.Context, r *http.Request) (string, error) { return fn(r.Clone(ctx)) }
}

// anyHook is a fieldHook of any types.
type anyHook interface {
	name() string
	has(p Plugin) bool
	ask(ctx context.Context, r *Runner, args, answer any) error
	answer(ctx context.Context, c *child, params json.RawMessage) (any, error)
}

// fieldHook is a hook and the field of Plugin that answers it.
type fieldHook[A any, R comparable] struct {
	wire.Hook[A, R]
	title string // the field's name, for errors
	field func(Plugin) hookFunc[A, R]
}

func field[A any, R comparable](h wire.Hook[A, R], of func(Plugin) hookFunc[A, R]) anyHook {
	return fieldHook[A, R]{h, strings.ToUpper(h.Name[:1]) + h.Name[1:], of}
}

func (h fieldHook[A, R]) name() string { return h.Name }

func (h fieldHook[A, R]) has(p Plugin) bool { return h.field(p) != nil }

// run asks the Runner's plugins.
func (h fieldHook[A, R]) run(ctx context.Context, r *Runner, args A) (R, error) {
	return wire.Combine(h.Hook, r.plugins, args, func(p Plugin, args A) (answer R, err error) {
		fn := h.field(p)
		if fn == nil {
			return answer, nil
		}
		if filter, _ := p.filterOf(h.Name); !h.Wants(filter, args) {
			return answer, nil
		}
		call := func(ctx context.Context) (R, error) { return fn(ctx, args) }
		ctx := ctx
		if h.ID != nil {
			step := h.Step(p.Name, args)
			if h.Importer != nil && slices.Contains(wire.Steps(ctx), step) {
				return answer, nil // the plugin asks what the question means without the plugin
			}
			ctx = wire.Within(ctx, step)
			call = reportIfSlow(r, p.Name, h.title, h.ID(args), call)
		}
		answer, err = guard(ctx, r, cmp.Or(h.Limit, Timeout), p.Name, h.title, call)
		return signed(p.Name, checkMap(r, p.Name, h.title, answer)), err
	})
}

// ask is run for Runner.Ask, which does not know the types.
func (h fieldHook[A, R]) ask(ctx context.Context, r *Runner, args, answer any) (err error) {
	*answer.(*R), err = h.run(ctx, r, args.(A))
	return err
}

// answer is run for a child, which gets the args from the server.
func (h fieldHook[A, R]) answer(ctx context.Context, c *child, params json.RawMessage) (any, error) {
	args, err := received[A](c, params)
	if err != nil {
		return nil, err
	}
	return h.run(ctx, c.runner, args)
}
