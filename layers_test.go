// Package devserver_test holds the tests that concern the repository as a whole.
package devserver_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seed-b8174343/devserver"

// layers holds the packages of ours that each package may import. Imports point down this list and never back up. A new
// package gets a line here.
var layers = map[string][]string{
	"cmd/devserver": {
		"server", "config", "hmr", "internal/agent", "internal/builtin", "internal/config", "internal/guides", "internal/nearest", "internal/running", "internal/steer",
		"internal/terminal",
	},

	// The server wires the parts and answers over HTTP.
	"server": {
		"client", "config", "hmr", "plugin", "internal/agent", "internal/builtin", "internal/cache", "internal/cert", "internal/compile", "internal/config", "internal/disk",
		"internal/edit", "internal/env", "internal/gate", "internal/graph", "internal/guard", "internal/guides", "internal/html", "internal/journal", "internal/look", "internal/moduleid", "internal/pack",
		"internal/parallel", "internal/pluginhost", "internal/problems", "internal/proxy", "internal/relay", "internal/resolve", "internal/running",
		"internal/steer", "internal/transform", "internal/vite", "internal/viteconfig", "internal/watch", "internal/wire",
	},

	// What tools see and ask: the core, and the face of it that agents have.
	"internal/agent": {"hmr", "internal/journal", "internal/steer"},
	"internal/steer": {
		"config", "hmr", "internal/builtin", "internal/compile", "internal/disk", "internal/edit", "internal/graph", "internal/journal",
		"internal/moduleid", "internal/pack", "internal/pluginhost", "internal/problems",
	},

	// The guides, as pages and as text.
	"internal/guides": {"internal/look", "internal/moduleid", "internal/nearest", "internal/terminal"},

	// The parts of a project. Each part may use the parts below it.
	"internal/relay": {
		"client", "plugin", "hmr", "internal/disk", "internal/graph", "internal/journal", "internal/moduleid", "internal/parallel", "internal/pluginhost",
		"internal/problems", "internal/transform", "internal/tstype", "internal/wire",
	},
	"internal/edit": {
		"config", "plugin", "hmr", "internal/compile", "internal/disk", "internal/gate", "internal/glob", "internal/graph", "internal/journal", "internal/moduleid",
		"internal/pack", "internal/parallel", "internal/problems", "internal/resolve", "internal/transform", "internal/vite", "internal/watch",
		"internal/wire",
	},
	"internal/pack": {
		"client", "hmr", "internal/compile", "internal/graph", "internal/moduleid", "internal/parallel", "internal/problems", "internal/sourcemap", "internal/transform",
	},
	"internal/compile": {
		"client", "config", "plugin", "internal/cache", "internal/disk", "internal/gate", "internal/glob", "internal/graph", "internal/moduleid",
		"internal/pattern", "internal/problems", "internal/resolve", "internal/sourcemap", "internal/transform", "internal/vite", "internal/wire",
	},
	"internal/viteconfig": {
		"config", "internal/cache", "internal/config", "internal/disk", "internal/env", "internal/gate", "internal/pluginhost", "internal/problems", "internal/vite", "internal/wire",
	},
	"internal/vite": {"plugin", "hmr", "internal/cache", "internal/disk", "internal/gate", "internal/glob", "internal/moduleid", "internal/parallel", "internal/pluginhost", "internal/proxy", "internal/wire"},
	"internal/problems": {
		"hmr", "internal/config", "internal/gate", "internal/journal", "internal/moduleid", "internal/resolve", "internal/transform", "internal/wire",
	},
	"internal/running":    {"hmr", "internal/guard"},
	"internal/builtin":    {"plugin", "hmr"},
	"internal/pluginhost": {"plugin", "hmr", "internal/disk", "internal/wire"},

	// What Go programs import.
	"plugin": {"hmr", "internal/sourcemap", "internal/tstype", "internal/wire"},
	"hmr":    {"internal/jsonrule"},
	"config": {"internal/pattern"},
	"client": {},

	// The leaves. Each knows one thing.
	"internal/cache":     {},
	"internal/cert":      {},
	"internal/config":    {"config", "internal/disk", "internal/glob", "internal/nearest", "internal/pattern"},
	"internal/disk":      {},
	"internal/env":       {"internal/disk"},
	"internal/gate":      {"internal/disk", "internal/glob", "internal/moduleid"},
	"internal/glob":      {},
	"internal/graph":     {"internal/parallel"},
	"internal/guard":     {},
	"internal/html":      {},
	"internal/journal":   {"hmr"},
	"internal/jsonrule":  {},
	"internal/look":      {},
	"internal/moduleid":  {},
	"internal/nearest":   {},
	"internal/parallel":  {},
	"internal/pattern":   {},
	"internal/proxy":     {"internal/pattern"},
	"internal/resolve":   {"internal/disk", "internal/glob", "internal/nearest"},
	"internal/terminal":  {},
	"internal/sourcemap": {},
	"internal/transform": {"internal/glob", "internal/sourcemap"},
	"internal/tstype":    {"internal/jsonrule"},
	"internal/watch":     {"internal/disk", "internal/glob"},
	"internal/wire":      {},

	// Go code of the examples, as their users write it.
	"examples/chat/devserver":        {"hmr", "plugin"},
	"examples/console-log/devserver": {"plugin"},
	"examples/devtool/devserver":     {"hmr", "plugin"},
	"examples/playground/devserver":  {"plugin"},

	// What tests use.
	"internal/agent/agenttest": {},
	"internal/devtest":         {"server", "hmr", "internal/terminal"},
}

// light holds the packages that hmr and plugin must not depend on. They cost seconds to build, or do not belong in a
// production backend. A program that has a plugin or mounts the hub must not compile them.
var light = map[string][]string{
	"hmr":    {"github.com/evanw/esbuild", "github.com/fsnotify/fsnotify", module + "/internal/transform", module + "/server"},
	"plugin": {"github.com/evanw/esbuild", "github.com/fsnotify/fsnotify", module + "/internal/transform", module + "/server"},
}

type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
	Deps                               []string
}

func list(t *testing.T) []goPackage {
	t.Helper()
	// Without -pgo=off, go list lists each package again for the profile beside cmd/devserver, under another name.
	out, err := exec.Command("go", "list", "-e", "-pgo=off", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// ours returns the names of our own packages among imports.
func ours(imports []string) []string {
	var names []string
	for _, path := range imports {
		if name, found := strings.CutPrefix(path, module+"/"); found {
			names = append(names, name)
		}
	}
	return names
}

func TestLayers(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if p.ImportPath == module {
			continue
		}
		allowed, known := layers[name]
		if !known {
			t.Errorf("%s is a new package: add a line to layers in layers_test.go", name)
			continue
		}
		for _, dep := range ours(p.Imports) {
			if !slices.Contains(allowed, dep) {
				t.Errorf("%s imports %s, which layers_test.go does not allow: pass the value from above, or declare an interface where it is used", name, dep)
			}
		}
		for _, dep := range ours(p.TestImports) {
			if dep == "internal/devtest" {
				t.Errorf("the tests inside package %s import devtest: move them to package %s_test", name, name[strings.LastIndexByte(name, '/')+1:])
			}
		}
	}
}

func TestLightPackages(t *testing.T) {
	for _, p := range list(t) {
		for _, heavy := range light[strings.TrimPrefix(p.ImportPath, module+"/")] {
			if slices.ContainsFunc(p.Deps, func(dep string) bool { return dep == heavy || strings.HasPrefix(dep, heavy+"/") }) {
				t.Errorf("%s depends on %s: it must build fast and fit in any Go backend", p.ImportPath, heavy)
			}
		}
	}
}
