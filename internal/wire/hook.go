package wire

import (
	"context"
	"errors"
	"time"
)

// Hook describes a hook of plugins, for everything between the server and the plugins that has to know it. A is what
// plugins are asked about, R is their answer. The zero R is no answer.
type Hook[A any, R comparable] struct {
	// Name is the hook's method on the wire, and its name in PluginInfo.Hooks.
	Name string
	// ID returns the module, page or file that the args are about. Pages and updates wait for a hook with an ID, so a
	// slow one is reported. nil: nothing waits for the hook.
	ID func(args A) string
	// Importer returns the module whose import the args are about. A plugin that has such a hook is not asked the same
	// question again while it answers. nil: there is no importer.
	Importer func(args A) string
	// Filtered says that a plugin is asked only when its Filter matches the ID.
	Filtered bool
	// Text returns the module's text, for a filter by content. nil: the args have none.
	Text func(args A) string
	// Makes says that the answer decides what a module or page is. While the plugins are away, such a question waits for
	// them.
	Makes bool
	// Join adds a plugin's answer to all, the answers of the plugins before it, and returns both. It may change what
	// the next plugins are asked. The first time all is the zero R. nil: the first answer ends the question.
	Join func(args *A, all, answer R) R
	// CallAll says that all plugins are called, also when one of them fails. Such a hook has no answer.
	CallAll bool
	// Limit is how long one plugin may take. 0 is the limit of all other hooks.
	Limit time.Duration
}

// Wants reports whether a plugin that has the hook and this filter is asked.
func (h Hook[A, R]) Wants(f Filter, args A) bool {
	return !h.Filtered || f.Matches(h.ID(args)) && (h.Text == nil || f.MatchesText(h.Text(args)))
}

// Step returns the step of a plugin that is asked. The hook has an ID.
func (h Hook[A, R]) Step(plugin string, args A) Step {
	s := Step{Plugin: plugin, Hook: h.Name, ID: h.ID(args)}
	if h.Importer != nil {
		s.Importer = h.Importer(args)
	}
	return s
}

// Asker is a host of plugins: it asks its plugins by the hook of that name. Hook.Ask calls it with types that fit: args
// is the hook's A, and answer points to an R.
type Asker interface {
	Ask(ctx context.Context, hook string, args, answer any) error
}

// Ask asks the plugins of one host.
func (h Hook[A, R]) Ask(ctx context.Context, host Asker, args A) (answer R, err error) {
	err = host.Ask(ctx, h.Name, args, &answer)
	return answer, err
}

// Combine asks the members in order, which are plugins or hosts, and combines their answers. An error ends the
// question, but a Hook with CallAll collects the errors. ask returns the zero R for a member that does not have the
// hook.
func Combine[M, A any, R comparable](h Hook[A, R], members []M, args A, ask func(M, A) (R, error)) (R, error) {
	var all, none R
	var errs []error
	for _, m := range members {
		answer, err := ask(m, args)
		switch {
		case err != nil && !h.CallAll:
			return none, err
		case err != nil:
			errs = append(errs, err)
		case answer == none:
		case h.Join == nil:
			return answer, nil
		default:
			all = h.Join(&args, all, answer)
		}
	}
	return all, errors.Join(errs...)
}
