package vite

import (
	"encoding/json"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// Info is what a started Vite says of itself and of its plugins. It is kept with the values of the vite.config, so that
// the next start knows who has to be asked before Node runs.
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
	// Hot reports whether a plugin has a say in what an edit updates.
	Hot bool `json:"hot"`
	// Routes are the requests that plugins want to see.
	Routes
	// Events are the names of events that plugins listen for.
	Events []string `json:"events"`
	// Packages are the versions of Vite and of the plugins' packages, by name.
	Packages map[string]string `json:"packages"`
	// Exclude are the packages whose files are offered to plugins, although they are plain JavaScript.
	Exclude []string `json:"exclude"`
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

// Filter is the filter of a hook.
type Filter struct {
	All bool `json:"all"`
	// ID holds regular expressions for IDs. Code and ModuleType are left to Node.
	ID struct {
		Include []string `json:"include"`
		Exclude []string `json:"exclude"`
	} `json:"id"`
	Code       json.RawMessage `json:"code,omitempty"`
	ModuleType json.RawMessage `json:"moduleType,omitempty"`
}

// wants reports whether the hook may have an answer for the ID.
func (f *Filter) wants(id string) bool {
	switch {
	case f == nil:
		return false
	case f.All:
		return true
	}
	return wire.Filter{Patterns: f.ID.Include, Exclude: f.ID.Exclude}.Matches(id)
}

// wantsModule reports whether some plugin may load or change the module.
func (i *Info) wantsModule(id string) bool {
	for _, p := range i.Plugins {
		if p.Load.wants(id) || p.Transform.wants(id) {
			return true
		}
	}
	return false
}

// wantsImport reports whether some plugin may say what the specifier means. late asks the plugins behind Vite's
// resolver.
func (i *Info) wantsImport(specifier string, late bool) bool {
	for _, p := range i.Plugins {
		if (p.Order == "pre") != late && p.ResolveID.wants(specifier) {
			return true
		}
	}
	return false
}
