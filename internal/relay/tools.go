package relay

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// Tool is a handler of a plugin that has a description. [hmr.Hub.Call] calls it in the place of a page.
type Tool struct {
	// Plugin is the plugin's name, Event the event or request that it handles.
	Plugin, Event, Description string
	// Request says that the handler answers.
	Request bool
	// Input is the JSON Schema of the payload; nil when nothing is known of it.
	Input json.RawMessage
}

// tools is what Options.ToolsChanged was told last.
type tools struct {
	mu    sync.Mutex
	known string
}

// Tools returns the handlers that have a description and that run now, by name.
func (r *Relay) Tools() []Tool {
	var list []Tool
	r.eachPlugin(func(one wire.PluginInfo, source *goSource) {
		for _, e := range one.Events {
			if e.Description != "" && !strings.HasPrefix(e.Name, "devserver:") {
				list = append(list, Tool{one.Name, e.Name, e.Description, e.Request, source.completeSchema(e.Schema)})
			}
		}
	})
	slices.SortStableFunc(list, func(a, b Tool) int { return cmp.Compare(a.Event, b.Event) })
	return slices.CompactFunc(list, func(a, b Tool) bool { return a.Event == b.Event && a.Request == b.Request })
}

// noteTools calls Options.ToolsChanged if the list of tools has changed.
func (r *Relay) noteTools() {
	if r.o.ToolsChanged == nil {
		return
	}
	text, _ := json.Marshal(r.Tools()) // texts and JSON encode
	r.tools.mu.Lock()
	changed := r.tools.known != string(text)
	r.tools.known = string(text)
	r.tools.mu.Unlock()
	if changed {
		r.o.ToolsChanged()
	}
}

// eachPlugin calls fn for each plugin that runs, with the events that it has added, and with what is known of its
// source: only the plugins of PluginDir have theirs here.
func (r *Relay) eachPlugin(fn func(one wire.PluginInfo, source *goSource)) {
	var ofFolder *goSource
	if r.o.PluginDir != "" {
		ofFolder = newGoSource(r.o.PluginDir)
	}
	added := r.addedEvents()
	for _, one := range r.o.Hosts.Plugins() {
		source := ofFolder
		if r.inProcess != nil && slices.ContainsFunc(r.inProcess.Info().Plugins, func(i wire.PluginInfo) bool { return i.Name == one.Name }) {
			source = nil
		}
		one.Events = slices.Concat(one.Events, added[one.Name])
		fn(one, source)
	}
}
