package relay

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/tstype"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// writeTypes writes the declaration files with the types of the plugins' events, which editors read. Files that are up
// to date stay as they are, and projects without TypeScript get none.
func (r *Relay) writeTypes() {
	r.typing.Lock()
	defer r.typing.Unlock()
	if !slices.ContainsFunc([]string{r.o.Layout.Root, r.o.Layout.Dir}, func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, "tsconfig.json"))
		return err == nil
	}) {
		return
	}
	events, channels := r.typed()
	dir := r.o.Layout.Root
	if info, err := os.Stat(filepath.Join(r.o.Layout.Root, "src")); err == nil && info.IsDir() {
		dir = filepath.Join(r.o.Layout.Root, "src") // what tsconfig files include, as a rule
	}
	for _, f := range client.Types(declarations(events, channels), r.o.Dependencies()["vite"]) {
		file := filepath.Join(dir, f.Name)
		was, err := disk.ReadFile(file)
		if string(was) == f.Text || err != nil && len(events)+len(channels) == 0 {
			continue
		}
		if err := os.WriteFile(file, []byte(f.Text), 0o644); err != nil {
			r.o.Logger.Warn("write "+f.Name, "error", err)
			return
		}
		r.o.Logger.Info("wrote " + r.o.Layout.Shown(file) + " (the types of your events)")
	}
}

// WriteTypes writes the types of the plugins in process. With plugins in PluginDir the types are not written before
// those plugins run. Without any event the files stay as they are: an older run may have known more.
func (r *Relay) WriteTypes() {
	events, channels := r.typed()
	if (r.program == nil || r.program.Running()) && len(events)+len(channels) > 0 {
		r.writeTypes()
	}
}

// typed returns the events and channels of all plugins, and the channels that the program around the server has
// registered. Comments and constants of their types come from the source, which only the plugins of PluginDir have
// here.
func (r *Relay) typed() (events []wire.EventInfo, channels []wire.ChannelInfo) {
	var ofFolder *goSource
	if r.o.PluginDir != "" {
		ofFolder = newGoSource(r.o.PluginDir)
	}
	for _, e := range r.addedEvents() {
		if e.In == "" {
			continue // a foreign plugin's: the project declares the type, or it is any
		}
		e.In, e.Out = ofFolder.complete(e.In), ofFolder.complete(e.Out)
		events = append(events, e)
	}
	for _, one := range r.o.Hosts.Plugins() {
		source := ofFolder
		if r.inProcess != nil && slices.ContainsFunc(r.inProcess.Info().Plugins, func(i wire.PluginInfo) bool { return i.Name == one.Name }) {
			source = nil
		}
		for _, e := range one.Events {
			if strings.HasPrefix(e.Name, "devserver:") {
				continue // ours: app code does not send it
			}
			e.In, e.Out = source.complete(e.In), source.complete(e.Out)
			events = append(events, e)
		}
		for _, c := range one.Channels {
			c.In, c.Out = source.complete(c.In), source.complete(c.Out)
			channels = append(channels, c)
		}
	}
	var none *goSource // the source of these types belongs to the program that registered them
	for _, c := range r.o.Hub.Channels() {
		if c.Out == nil || slices.ContainsFunc(channels, func(of wire.ChannelInfo) bool { return of.ID == c.ID }) {
			continue // a plugin's
		}
		info := wire.ChannelInfo{ID: c.ID, In: "never", Out: none.complete(tstype.Out(c.Out))}
		if c.In != nil {
			info.In = none.complete(tstype.In(c.In))
		}
		channels = append(channels, info)
	}
	return events, channels
}

// declarations writes the events and channels as the interfaces that the client's types are made of.
func declarations(events []wire.EventInfo, channels []wire.ChannelInfo) string {
	slices.SortStableFunc(events, func(a, b wire.EventInfo) int { return cmp.Compare(a.Name, b.Name) })
	events = slices.CompactFunc(events, func(a, b wire.EventInfo) bool { return a.Name == b.Name && a.Request == b.Request })
	var sent, requests strings.Builder
	for _, e := range events {
		name := strconv.Quote(e.Name)
		if e.Request {
			requests.WriteString("  " + name + ": { request: " + e.In + "; response: " + e.Out + " };\n")
		} else {
			doc, in := cutDoc(e.In) // editors show the comment of a property, not that of its type
			sent.WriteString("  " + doc + name + ": " + in + ";\n")
		}
	}
	slices.SortFunc(channels, func(a, b wire.ChannelInfo) int { return cmp.Compare(a.ID, b.ID) })
	var carried strings.Builder
	for _, c := range channels {
		carried.WriteString("  " + strconv.Quote(c.ID) + ": { send: " + c.In + "; receive: " + c.Out + " };\n")
	}
	return "interface DevserverEvents {\n" + sent.String() + "}\n\ninterface DevserverRequests {\n" + requests.String() + "}\n\n" +
		"interface DevserverChannels {\n" + carried.String() + "}\n"
}
