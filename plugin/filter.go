package plugin

import (
	"cmp"
	"fmt"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// Filter matches module IDs (specifiers, for ResolveID) and the text of modules. The zero value matches all.
type Filter struct {
	// Prefixes, Suffixes and Patterns: one of them must match the ID, if there are any. A query does not count for a
	// suffix. Patterns are regular expressions, in the syntax of package regexp.
	Prefixes, Suffixes, Patterns []string
	// Exclude are regular expressions, none of which may match the ID.
	Exclude []string
	// Contains: one of these texts must be in what the hook would get as Code, if there are any. It counts for Transform
	// and PostTransform. Transform sees a module's text behind the plugins before it.
	Contains []string
}

// HookFilters are filters of single hooks. A hook whose Filter is the zero value has the Filter of its plugin.
type HookFilters struct {
	ResolveID, Load, Transform, PostTransform Filter
}

// of returns the filter of a hook, by the hook's name on the wire.
func (f HookFilters) of(hook string) Filter {
	switch hook {
	case Hooks.ResolveID.Name:
		return f.ResolveID
	case Hooks.Load.Name:
		return f.Load
	case Hooks.Transform.Name:
		return f.Transform
	case Hooks.PostTransform.Name:
		return f.PostTransform
	}
	return Filter{}
}

// filterOf returns the filter of a hook, and whether it is the hook's own.
func (p Plugin) filterOf(hook string) (f wire.Filter, own bool) {
	if f := p.Filters.of(hook); len(f.Prefixes)+len(f.Suffixes)+len(f.Patterns)+len(f.Exclude)+len(f.Contains) > 0 {
		return wire.Filter(f), true
	}
	return wire.Filter(p.Filter), false
}

// checkFilters reports a filter of the plugin with a regular expression that cannot be read.
func (p Plugin) checkFilters() error {
	err := wire.Filter(p.Filter).Check()
	for _, hook := range hookFields {
		f, _ := p.filterOf(hook.name())
		err = cmp.Or(err, f.Check())
	}
	if err != nil {
		return fmt.Errorf("plugin %s: filter: %w", p.Name, err)
	}
	return nil
}
