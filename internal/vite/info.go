package vite

import (
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// Info is what a started Vite says of itself and of its plugins. It is kept with the values of the vite.config, so that
// the next start knows which questions are for plugins before Node runs.
type Info struct {
	// Version is the version of Vite, and Root the folder that it serves.
	Version string `json:"version"`
	Root    string `json:"root"`
	// Needed reports whether some plugin has work that devserver does not do itself.
	Needed  bool     `json:"needed"`
	Plugins []Plugin `json:"plugins"`
	// HTML says which hooks for pages there are: those before our own work on the page, and the rest.
	HTML struct {
		Pre  bool `json:"pre"`
		Rest bool `json:"rest"`
	} `json:"html"`
	// Routes are the requests that plugins want to see.
	Routes
	// Events are the names of events that plugins listen for.
	Events []string `json:"events"`
	// Packages are the versions of Vite and of the plugins' packages, by name.
	Packages map[string]string `json:"packages"`
	// Exclude are the packages whose files are offered to plugins, although they are plain JavaScript.
	Exclude []string `json:"exclude"`
	Bundled Bundled  `json:"bundled"`

	asked hooks
}

// Bundled is what Vite does to packages when it bundles them, whether it runs or not.
type Bundled struct {
	// Define replaces names by code, and Prelude is the text of a module that runs before them.
	Define  map[string]string `json:"define"`
	Prelude string            `json:"prelude"`
	// Languages has the language of files by extension, as another extension: "jsx" for ".js".
	Languages map[string]string `json:"languages"`
	// JSX says how JSX is compiled.
	JSX struct {
		Runtime      string `json:"runtime"`
		ImportSource string `json:"importSource"`
		Factory      string `json:"factory"`
		Fragment     string `json:"fragment"`
	} `json:"jsx"`
}

// Plugin is a plugin of the vite.config that runs in Node. A nil Filter means that the plugin does not have the hook.
type Plugin struct {
	Name string `json:"name"`
	// Order is "pre", "normal" or "post".
	Order     string  `json:"order"`
	ResolveID *Filter `json:"resolveId"`
	Load      *Filter `json:"load"`
	Transform *Filter `json:"transform"`
}

// Filter is the filter of a hook: regular expressions for IDs. The zero value lets all IDs through. What filters say of
// code is left to Node.
type Filter struct {
	Include []string `json:"include,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
}

// picks reports whether the filter lets only some IDs through.
func (f *Filter) picks() bool { return len(f.Include)+len(f.Exclude) > 0 }

// wants reports whether the hook may have an answer for the ID. An expression that Go cannot read lets all IDs through.
func (f *Filter) wants(id string) bool {
	return wire.Filter{Patterns: f.Include, Exclude: f.Exclude}.Matches(id)
}

// asks are hooks that may have an answer. The zero value has none.
type asks struct {
	all     bool
	filters []*Filter
	known   sync.Map // ID -> bool: each module is compiled many times
}

func (a *asks) add(f *Filter) {
	switch {
	case f == nil:
	case !f.picks():
		a.all = true
	default:
		a.filters = append(a.filters, f)
	}
}

// wants reports whether some of the hooks may have an answer for the ID.
func (a *asks) wants(id string) bool {
	if a.all || len(a.filters) == 0 {
		return a.all
	}
	if known, ok := a.known.Load(id); ok {
		return known.(bool)
	}
	wants := slices.ContainsFunc(a.filters, func(f *Filter) bool { return f.wants(id) })
	a.known.Store(id, wants)
	return wants
}

// hooks are the hooks of all plugins by what they are asked.
type hooks struct {
	once              sync.Once
	early, late, code asks
}

func (i *Info) hooks() *hooks {
	i.asked.once.Do(func() {
		for _, p := range i.Plugins {
			if p.Order == "pre" {
				i.asked.early.add(p.ResolveID)
			} else {
				i.asked.late.add(p.ResolveID)
			}
			i.asked.code.add(p.Load)
			i.asked.code.add(p.Transform)
		}
	})
	return &i.asked
}

// wantsModule reports whether some plugin may load or change the module.
func (i *Info) wantsModule(id string) bool { return i.hooks().code.wants(id) }

// wantsImport reports whether some plugin may say what the specifier means. late asks the plugins behind Vite's
// resolver.
func (i *Info) wantsImport(specifier string, late bool) bool {
	if late {
		return i.hooks().late.wants(specifier)
	}
	return i.hooks().early.wants(specifier)
}

// resolvesEarly reports whether some plugin is asked about imports before Vite's resolver.
func (i *Info) resolvesEarly() bool {
	early := &i.hooks().early
	return early.all || len(early.filters) > 0
}
