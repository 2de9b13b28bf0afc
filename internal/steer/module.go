package steer

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/moduleid"
)

// What is known of modules: who imports whom, and how pages would take an update.

// moduleAnswer is how a page takes updates of a module: the twin of ModuleAnswer in client/src/page/answers.ts.
type moduleAnswer struct {
	Runs     bool     `json:"runs"`
	Self     bool     `json:"self"`
	Deps     []string `json:"deps"`
	Exports  []string `json:"exports"`
	Decision struct {
		Kind       string   `json:"kind"`
		Reason     string   `json:"reason"`
		Chain      []string `json:"chain"`
		Boundaries []struct {
			Path string `json:"path"`
		} `json:"boundaries"`
	} `json:"decision"`
}

func (c *Core) module(ctx context.Context, a ModuleArgs) (Module, error) {
	p := c.o.Project()
	p.Edits.CatchUp()
	id, err := findModule(p, a.Module)
	if err != nil {
		return Module{}, err
	}
	entry, _ := p.Graph.Entry(id)
	v := p.Graph.Version(id)
	m := Module{ID: id, Importers: p.Graph.Importers(id), Imports: []string{}}
	if file := p.Compiler.File(id); file != "" {
		m.File = p.Layout.Shown(file)
	}
	if m.Importers == nil {
		m.Importers = []string{}
	}
	for _, d := range entry.Deps {
		if !slices.Contains(m.Imports, d.ID) {
			m.Imports = append(m.Imports, d.ID)
		}
	}
	if v != nil {
		m.Size, m.Rev, m.Plugins = len(v.Code), v.Rev, v.By
		for _, e := range v.Edges {
			if e.To == "" && e.Lazy == nil {
				m.Unresolved = append(m.Unresolved, e.Specifier)
			}
		}
		m.Lines = importLines(p.Compiler.File(id), v.Edges)
		for _, file := range v.Inputs {
			m.Inputs = append(m.Inputs, p.Layout.Shown(file))
		}
		if a.Code {
			m.Code = v.Code
		}
	}
	for _, info := range p.Problems.Now() {
		if info.Module == id {
			e := errorOf(p, info)
			m.Error = &e
		}
	}
	m.Accepts = c.accepts(ctx, id)
	m.Reload = c.lastReload(id)
	return m, nil
}

// importLines finds imports in the source by their specifiers: a compiled module knows their places in its code only.
func importLines(file string, edges []graph.Edge) map[string]int {
	if file == "" || len(edges) == 0 {
		return nil
	}
	text, err := disk.ReadFile(file)
	if err != nil {
		return nil // it was removed just now
	}
	lines := map[string]int{}
	for i, line := range strings.Split(string(text), "\n") {
		for _, e := range edges {
			if e.To != "" && lines[e.To] == 0 && imports(line, e.Specifier) {
				lines[e.To] = i + 1
			}
		}
	}
	return lines
}

// imports reports whether a line of source has the end of an import: its specifier in quotes, and before it a word that
// imports have.
func imports(line, specifier string) bool {
	for _, quote := range []string{`"`, `'`} {
		before, _, found := strings.Cut(line, quote+specifier+quote)
		if found && importWord.MatchString(before) {
			return true
		}
	}
	return false
}

var importWord = regexp.MustCompile(`\b(import|from|require|url|URL)\b[^"';]*$`)

// accepts asks the pages how they would take an update of a module.
func (c *Core) accepts(ctx context.Context, id string) (list []Accepts) {
	ctx, cancel := context.WithTimeout(ctx, 100*quick)
	defer cancel()
	clients := c.o.Hub.Clients()
	answers := make([]*Accepts, len(clients))
	var all sync.WaitGroup
	for i, page := range clients {
		all.Go(func() {
			var a moduleAnswer
			if c.ask(ctx, page, "module", map[string]string{"id": id}, &a) != nil {
				return // it is told of the other pages
			}
			one := &Accepts{Page: page.ID(), Runs: a.Runs, Self: a.Self, Deps: a.Deps, Exports: a.Exports, Reload: a.Decision.Reason, Chain: a.Decision.Chain}
			for _, b := range a.Decision.Boundaries {
				one.Boundaries = append(one.Boundaries, b.Path)
			}
			answers[i] = one
		})
	}
	all.Wait()
	for _, one := range answers {
		if one != nil {
			list = append(list, *one)
		}
	}
	return list
}

// lastReload returns the newest report of a reload that the module led to.
func (c *Core) lastReload(id string) *journal.Report {
	records, _, _ := c.o.Journal.Since(0, journal.KindReport)
	for _, r := range slices.Backward(records) {
		if r.Report.Kind == "reloaded" && (slices.Contains(r.Report.Paths, id) || slices.Contains(r.Report.Chain, id)) {
			return r.Report
		}
	}
	return nil
}

// findModule returns the ID of the module that a name means: an ID, a file, or the end of a path that one module has.
func findModule(p Project, name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return "", badArgs(VerbModule, "module", "name a module, such as src/App.tsx")
	}
	if p.Graph.Version(name) != nil {
		return name, nil
	}
	file := filepath.FromSlash(name)
	for _, full := range []string{file, filepath.Join(p.Layout.Dir, file), filepath.Join(p.Layout.Root, file)} {
		if ids := p.Graph.ByFile(full); filepath.IsAbs(full) && len(ids) > 0 {
			slices.SortFunc(ids, func(a, b string) int { return len(a) - len(b) }) // without a query comes first
			return ids[0], nil
		}
	}
	var found []string
	end := "/" + strings.TrimPrefix(name, "/")
	for _, id := range p.Graph.IDs() {
		if strings.HasSuffix(moduleid.Path(id), end) {
			found = append(found, id)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", &hmr.Error{Code: "no_module", Message: fmt.Sprintf("%q may be %s", name, strings.Join(found[:min(len(found), 8)], ", "))}
	}
	return "", &hmr.Error{Code: "no_module", Message: fmt.Sprintf(
		"no page has loaded a module %q; a file that nothing imports is no module, and modules are known once a page was opened", name)}
}

func (c *Core) modules(_ context.Context, a ModulesArgs) (Modules, error) {
	p := c.o.Project()
	ids := p.Graph.IDs()
	m := Modules{Modules: []ModuleLine{}, Total: len(ids)}
	limit := bound(a.Limit, 20_000, 100_000)
	search := strings.ToLower(a.Search)
	for _, id := range ids {
		if len(m.Modules) == limit {
			break
		}
		if search != "" && !strings.Contains(strings.ToLower(id), search) {
			continue
		}
		v := p.Graph.Version(id)
		if v == nil {
			continue
		}
		m.Modules = append(m.Modules, ModuleLine{
			ID: id, Size: len(v.Code), Importers: len(p.Graph.Importers(id)), Imports: importsOf(v), Broken: v.Err != nil,
			Package: moduleid.IsDependency(id),
		})
	}
	return m, nil
}

func importsOf(v *graph.Version) (n int) {
	for _, e := range v.Edges {
		if e.To != "" {
			n++
		}
	}
	return n
}
