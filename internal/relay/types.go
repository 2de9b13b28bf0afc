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
	all := r.typed()
	dir := r.o.Layout.Root
	if info, err := os.Stat(filepath.Join(r.o.Layout.Root, "src")); err == nil && info.IsDir() {
		dir = filepath.Join(r.o.Layout.Root, "src") // what tsconfig files include, as a rule
	}
	for _, f := range client.Types(all.declarations(), r.o.Dependencies()["vite"]) {
		file := filepath.Join(dir, f.Name)
		was, err := disk.ReadFile(file)
		if string(was) == f.Text || err != nil && all.isEmpty() {
			continue
		}
		if err := os.WriteFile(file, []byte(f.Text), 0o644); err != nil {
			r.o.Logger.Warn("write "+f.Name, "error", err)
			return
		}
		r.o.Logger.Info("wrote " + r.o.Layout.Shown(file) + " (" + f.About + ")")
	}
}

// WriteTypes writes the types of the plugins in process. With plugins in PluginDir the types are not written before
// those plugins run. Without any event the files stay as they are: an older run may have known more.
func (r *Relay) WriteTypes() {
	if all := r.typed(); (r.program == nil || r.program.Running()) && !all.isEmpty() {
		r.writeTypes()
	}
}

// typed is what has types: events and requests of pages, requests to pages, and channels.
type typed struct {
	events, asks []wire.EventInfo
	channels     []wire.ChannelInfo
}

func (t typed) isEmpty() bool { return len(t.events)+len(t.asks)+len(t.channels) == 0 }

// typed returns the events, requests and channels of all plugins, and the channels that the program around the server has
// registered. Comments and constants of their types come from the source, which only the plugins of PluginDir have
// here.
func (r *Relay) typed() (all typed) {
	r.eachPlugin(func(one wire.PluginInfo, source *goSource) {
		for _, e := range one.Events {
			// Ours are not sent by app code. Those without a type are a foreign plugin's: the project declares it, or it is any.
			if e.In == "" || strings.HasPrefix(e.Name, "devserver:") {
				continue
			}
			e.In, e.Out = source.complete(e.In), source.complete(e.Out)
			all.events = append(all.events, e)
		}
		for _, a := range one.Asks {
			a.In, a.Out = source.complete(a.In), source.complete(a.Out)
			all.asks = append(all.asks, a)
		}
		for _, c := range one.Channels {
			c.In, c.Out = source.complete(c.In), source.complete(c.Out)
			all.channels = append(all.channels, c)
		}
	})
	var none *goSource // the source of these types belongs to the program that registered them
	for _, c := range r.o.Hub.Channels() {
		if c.Out == nil || slices.ContainsFunc(all.channels, func(of wire.ChannelInfo) bool { return of.ID == c.ID }) {
			continue // a plugin's
		}
		info := wire.ChannelInfo{ID: c.ID, In: "never", Out: none.complete(tstype.Out(c.Out))}
		if c.In != nil {
			info.In = none.complete(tstype.In(c.In))
		}
		all.channels = append(all.channels, info)
	}
	return all
}

// declarations writes the types as the interfaces that the client's types are made of.
func (t typed) declarations() string {
	var sent, requests, asked, carried strings.Builder
	for _, e := range sorted(t.events) {
		if e.Request {
			requests.WriteString(typedRequest(e))
		} else {
			doc, in := cutDoc(e.In) // editors show the comment of a property, not that of its type
			sent.WriteString("  " + doc + strconv.Quote(e.Name) + ": " + in + ";\n")
		}
	}
	for _, e := range sorted(t.asks) {
		asked.WriteString(typedRequest(e))
	}
	slices.SortFunc(t.channels, func(a, b wire.ChannelInfo) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range t.channels {
		carried.WriteString("  " + strconv.Quote(c.ID) + ": { send: " + c.In + "; receive: " + c.Out + " };\n")
	}
	return "interface DevserverEvents {\n" + sent.String() + "}\n\ninterface DevserverRequests {\n" + requests.String() + "}\n\n" +
		"interface DevserverPageRequests {\n" + asked.String() + "}\n\ninterface DevserverChannels {\n" + carried.String() + "}\n"
}

// sorted returns the events by name, each once.
func sorted(events []wire.EventInfo) []wire.EventInfo {
	slices.SortStableFunc(events, func(a, b wire.EventInfo) int { return cmp.Compare(a.Name, b.Name) })
	return slices.CompactFunc(events, func(a, b wire.EventInfo) bool { return a.Name == b.Name && a.Request == b.Request })
}

func typedRequest(e wire.EventInfo) string {
	return "  " + strconv.Quote(e.Name) + ": { request: " + e.In + "; response: " + e.Out + " };\n"
}
