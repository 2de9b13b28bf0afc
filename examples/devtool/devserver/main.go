// Command devserver puts a panel into the pages of the app. The app has no code for it.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/plugin"
)

// The panel is two modules without a file: its script, and the list of the app's stores, which changes with the folder.
const (
	panelID  = "virtual:devtool/panel.ts"
	storesID = "virtual:devtool/stores.js"
)

//go:embed panel.ts
var panel string

// Interaction is what a user did in a page, and how long the page took until it showed a result.
type Interaction struct {
	Event    string  `json:"event"`
	Target   string  `json:"target"`
	Duration float64 `json:"duration"` // milliseconds
}

// state asks a page for the state of its stores. The panel answers.
var state = plugin.NewPageRequest[plugin.None, map[string]any]("devtool:state")

func main() {
	plugin.Main(plugin.Plugin{
		Name:          "devtool",
		TransformHTML: addPanel,
		Connect:       missPanel,
		Filter:        plugin.Filter{Prefixes: []string{"virtual:devtool/"}},
		ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
			return &plugin.ResolveResult{ID: a.Specifier}, nil
		},
		Load:      load,
		HotUpdate: followStores,
		Asks:      []plugin.AnyPageRequest{state},
		Events: []plugin.Event{
			plugin.On("devtool:slow", func(_ context.Context, c plugin.Client, in Interaction) error {
				took := time.Duration(in.Duration * float64(time.Millisecond)).Round(time.Millisecond)
				log.Printf("%s: %s of %s took %v", c.ID(), in.Event, in.Target, took)
				return nil
			}),
			plugin.On("devtool:print", printState),
			plugin.Handle("devtool:users", users),
		},
	})
}

// addPanel adds the panel's script to each page.
func addPanel(context.Context, plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error) {
	return &plugin.TransformHTMLResult{Tags: []plugin.HTMLTag{
		{Name: "script", Attrs: map[string]string{"type": "module", "src": "/@id/" + panelID}, Place: "body"},
	}}, nil
}

var missing sync.Once

// missPanel reloads the pages that were loaded while this program was built: they have no panel. It does so once, so
// that a mistake in panel.ts does not reload pages forever.
func missPanel(ctx context.Context, c plugin.Client) {
	_, err := state.Ask(ctx, c, plugin.None{})
	if e, ok := errors.AsType[*hmr.Error](err); !ok || e.Code != "unknown_event" {
		return
	}
	missing.Do(func() {
		if err := plugin.ServerFrom(ctx).ReloadPages("", "the devtool is there now"); err != nil {
			log.Println(err)
		}
	})
}

func load(ctx context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
	if a.ID == panelID {
		return &plugin.LoadResult{Code: panel}, nil
	}
	// The stores are the modules that the app has, and no copies: a module exists once in a page.
	var imports, names strings.Builder
	for i, id := range storeIDs(ctx) {
		fmt.Fprintf(&imports, "import * as s%d from %q;\n", i, id)
		fmt.Fprintf(&names, "%q: s%d, ", strings.TrimSuffix(path.Base(id), ".ts"), i)
	}
	return &plugin.LoadResult{Code: imports.String() + "export const modules = { " + names.String() + "};\n"}, nil
}

// storeIDs returns the IDs of the app's stores: the ID of a file is its path below the root.
func storeIDs(ctx context.Context) (ids []string) {
	files, _ := os.ReadDir(filepath.Join(plugin.ServerFrom(ctx).Root(), "src", "stores")) // without the folder, no stores
	for _, file := range files {
		if filepath.Ext(file.Name()) == ".ts" {
			ids = append(ids, "/src/stores/"+file.Name())
		}
	}
	return ids
}

// followStores makes the list of stores again when one was added or removed.
func followStores(ctx context.Context, a plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error) {
	folder := filepath.Join(plugin.ServerFrom(ctx).Root(), "src", "stores")
	if filepath.Dir(a.File) == folder && a.Kind != "update" {
		return nil, plugin.ServerFrom(ctx).Reload(storesID)
	}
	return nil, nil
}

// printState asks the page for its stores and prints them.
func printState(ctx context.Context, c plugin.Client, _ plugin.None) error {
	stores, err := state.Ask(ctx, c, plugin.None{})
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(stores, "", "  ")
	log.Printf("state of %s, %s\n%s", c.ID(), c.URL(), text)
	return err
}

// users returns the modules that import each store, by the server's module graph.
func users(ctx context.Context, _ plugin.Client, _ plugin.None) (map[string][]string, error) {
	found := map[string][]string{}
	for _, id := range storeIDs(ctx) {
		importers, err := plugin.ServerFrom(ctx).Importers(id)
		if err != nil {
			return nil, err
		}
		list := []string{} // a nil slice would be null in the page
		for _, importer := range importers {
			if importer != storesID { // that is us
				list = append(list, importer)
			}
		}
		found[id] = list
	}
	return found, nil
}
