package server

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/tstype"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// writeTypes refreshes the declaration files that tell editors the types of the plugins' events, when they differ from
// what is there. Projects without TypeScript have no use for them.
func (p *project) writeTypes() {
	if !slices.ContainsFunc([]string{p.layout.Root, p.layout.Dir}, func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, "tsconfig.json"))
		return err == nil
	}) {
		return
	}
	events, channels := p.typed()
	dir := p.layout.Root
	if info, err := os.Stat(filepath.Join(p.layout.Root, "src")); err == nil && info.IsDir() {
		dir = filepath.Join(p.layout.Root, "src") // what tsconfig files include, as a rule
	}
	for _, f := range client.Types(declarations(events, channels), p.resolver.Dependencies()["vite"]) {
		file := filepath.Join(dir, f.Name)
		was, err := disk.ReadFile(file)
		if string(was) == f.Text || err != nil && len(events)+len(channels) == 0 {
			continue
		}
		if err := os.WriteFile(file, []byte(f.Text), 0o644); err != nil {
			p.log.Warn("write "+f.Name, "error", err)
			return
		}
		p.log.Info("wrote " + p.layout.Shown(file) + " (the types of your events)")
	}
}

// writeTypesInProcess writes them at the start for what the program itself has registered. Where the plugins of devserver/
// are still being built they are written with theirs, and where there is nothing an older run may have known more.
func (p *project) writeTypesInProcess() {
	events, channels := p.typed()
	if p.goPlugins == nil && len(events)+len(channels) > 0 {
		p.writeTypes()
	}
}

// typed returns the events and channels of all plugins, and the channels that the program has registered, with what the
// source tells of their types. Only the plugins of devserver/ have their source here; the package main of others is
// another one.
func (p *project) typed() (events []wire.EventInfo, channels []wire.ChannelInfo) {
	ofFolder := newGoSource(filepath.Join(p.layout.Dir, pluginhost.Folder))
	for _, one := range p.plugins.Plugins() {
		source := ofFolder
		if p.inProcess != nil && slices.ContainsFunc(p.inProcess.Info().Plugins, func(i wire.PluginInfo) bool { return i.Name == one.Name }) {
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
	var none *goSource // the source of others is that of the program which registered them
	for _, c := range p.server.hub.Channels() {
		if c.Out == nil || slices.ContainsFunc(channels, func(of wire.ChannelInfo) bool { return of.ID == c.ID }) {
			continue // a plugin's
		}
		info := wire.ChannelInfo{ID: c.ID, In: "never", Out: none.complete(tstype.Text(c.Out))}
		if c.In != nil {
			info.In = none.complete(tstype.Text(c.In))
		}
		channels = append(channels, info)
	}
	return events, channels
}

// declarations writes the events and channels as the interfaces that the client's types are made of.
func declarations(events []wire.EventInfo, channels []wire.ChannelInfo) string {
	slices.SortStableFunc(events, func(a, b wire.EventInfo) int { return cmp.Compare(a.Name, b.Name) })
	events = slices.CompactFunc(events, func(a, b wire.EventInfo) bool { return a.Name == b.Name && a.Request == b.Request })
	var sent, asked strings.Builder
	for _, e := range events {
		name := strconv.Quote(e.Name)
		if e.Request {
			asked.WriteString("  " + name + ": { request: " + e.In + "; response: " + e.Out + " };\n")
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
	return "interface DevserverEvents {\n" + sent.String() + "}\n\ninterface DevserverRequests {\n" + asked.String() + "}\n\n" +
		"interface DevserverChannels {\n" + carried.String() + "}\n"
}
