package vite

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/internal/moduleid"
)

// Import is what a plugin says that an import means.
type Import struct {
	ID       string
	External bool
}

// imports is what plugins have said about imports.
type imports struct {
	mu sync.Mutex
	of map[string]*importer // by ID
	// forgotten means that answers of an earlier run do not count any more.
	forgotten bool
}

type importer struct {
	answers map[question]*Import
}

type question struct {
	specifier string
	late      bool
}

// Imports asks the plugins about all imports of a module at once, ahead of Import.
func (h *Host) Imports(ctx context.Context, importer string, specifiers []string) error {
	if h == nil || !h.o.Info.resolvesEarly() {
		return nil
	}
	h.readKept(importer)
	known := h.imports.about(importer)
	unknown := slices.DeleteFunc(slices.Clone(specifiers), func(s string) bool {
		_, ok := known[question{s, false}]
		return ok || !h.o.Info.wantsImport(s, false) || !h.offersImport(s, importer)
	})
	slices.Sort(unknown)
	_, err := h.askImports(ctx, importer, false, slices.Compact(unknown))
	return h.owe(importer, err)
}

// Import returns the module that an import means, nil when no plugin says so. late asks the plugins that Vite asks when
// it has found no file.
func (h *Host) Import(ctx context.Context, specifier, importer string, late bool) (*Import, error) {
	if h == nil || !h.o.Info.wantsImport(specifier, late) || !h.offersImport(specifier, importer) {
		return nil, nil
	}
	h.readKept(importer)
	if found, ok := h.imports.find(importer, question{specifier, late}); ok {
		return found, nil
	}
	answers, err := h.askImports(ctx, importer, late, []string{specifier})
	if err != nil {
		return nil, h.owe(importer, err)
	}
	return answers[0], nil
}

// offersImport reports whether plugins see the import. What Vite bundles of packages keeps its imports of stylesheets,
// components and assets, so plugins see them.
func (h *Host) offersImport(specifier, importer string) bool {
	name := moduleid.Name(specifier)
	return h.offers(importer) || strings.Contains(importer, "/node_modules/") &&
		(moduleid.IsStyle(name) || moduleid.IsAsset(name) || unbundled[path.Ext(name)])
}

var unbundled = map[string]bool{
	".vue": true, ".svelte": true, ".marko": true, ".astro": true, ".imba": true, ".jsx": true, ".tsx": true,
}

// askImports has plugins answer questions about the imports of a module.
func (h *Host) askImports(ctx context.Context, importer string, late bool, specifiers []string) ([]*Import, error) {
	if len(specifiers) == 0 {
		return nil, nil
	}
	var answers []*struct {
		ID       string `json:"id"`
		External bool   `json:"external"`
	}
	params := map[string]any{"importer": h.toVite(importer), "specifiers": specifiers, "late": late}
	if err := h.callAbout(ctx, importer, "viteResolve", params, &answers); err != nil {
		return nil, err
	}
	if len(answers) != len(specifiers) {
		return nil, fmt.Errorf("vite answered %d of %d imports of %s", len(answers), len(specifiers), importer)
	}
	found := make([]*Import, len(answers))
	said := map[question]*Import{}
	for i, a := range answers {
		if a != nil {
			found[i] = &Import{External: a.External, ID: a.ID}
			if !a.External {
				found[i].ID = h.fromVite(a.ID)
				h.noteChosen(a.ID)
			}
		}
		said[question{specifiers[i], late}] = found[i]
	}
	h.imports.add(importer, said)
	h.keepImports(importer)
	return found, nil
}

// readKept makes known what plugins said about imports of a module in an earlier run.
func (h *Host) readKept(importer string) {
	if h.o.Cache == nil || h.again.isOver() || !h.imports.begin(importer) {
		return
	}
	kept := map[question]*Import{}
	for _, k := range h.keptImports(importer) {
		kept[question{k.Specifier, k.Late}] = k.Found
		if k.Found != nil && !k.Found.External {
			h.noteChosen(h.toVite(k.Found.ID))
		}
	}
	if len(kept) == 0 {
		return
	}
	h.imports.add(importer, kept)
	h.again.note(h, importer, func(it *item) { it.imports = kept })
}

// begin reports whether nothing was asked about the imports of the module in this run.
func (i *imports) begin(id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.forgotten || i.of[id] != nil {
		return false
	}
	i.of[id] = &importer{answers: map[question]*Import{}}
	return true
}

func (i *imports) add(id string, answers map[question]*Import) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.of[id] == nil {
		i.of[id] = &importer{answers: map[question]*Import{}}
	}
	maps.Copy(i.of[id].answers, answers)
}

func (i *imports) find(id string, q question) (found *Import, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if known := i.of[id]; known != nil {
		found, ok = known.answers[q]
	}
	return found, ok
}

// about returns all that is known of the imports of a module.
func (i *imports) about(id string) map[question]*Import {
	i.mu.Lock()
	defer i.mu.Unlock()
	if known := i.of[id]; known != nil {
		return maps.Clone(known.answers)
	}
	return nil
}

func (i *imports) all() map[string]map[question]*Import {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := map[string]map[question]*Import{}
	for id, known := range i.of {
		if len(known.answers) > 0 {
			all[id] = maps.Clone(known.answers)
		}
	}
	return all
}

// ForgetImports drops what Import knows: files have come or gone, or plugins have other answers.
func (h *Host) ForgetImports() {
	if h == nil {
		return
	}
	h.imports.mu.Lock()
	defer h.imports.mu.Unlock()
	h.imports.of, h.imports.forgotten = map[string]*importer{}, true
}
