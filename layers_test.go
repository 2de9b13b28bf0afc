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

// layers tells which packages of ours each package may import. Imports point one way, down this list; siblings never
// import each other, the server passes values between them. A new package gets a line here.
var layers = map[string][]string{
	"cmd/devserver": {"server", "hmr", "internal/builtin", "internal/config", "internal/terminal"},
	"server": {
		"client", "hmr", "plugin", "internal/builtin", "internal/cache", "internal/cert", "internal/config", "internal/env", "internal/gate",
		"internal/disk", "internal/graph", "internal/guard", "internal/html", "internal/moduleid", "internal/pluginhost", "internal/proxy", "internal/resolve",
		"internal/transform", "internal/tstype", "internal/watch", "internal/wire",
	},
	"internal/pluginhost": {"plugin", "hmr", "internal/wire"},
	"plugin":              {"hmr", "internal/tstype", "internal/wire"},
	"hmr":                 {},
	"client":              {},
	"internal/builtin":    {"plugin", "hmr"},
	"internal/cache":      {},
	"internal/cert":       {},
	"internal/config":     {"internal/nearest", "internal/pattern", "internal/disk"},
	"internal/env":        {"internal/disk"},
	"internal/gate":       {"internal/disk"},
	"internal/graph":      {},
	"internal/guard":      {},
	"internal/html":       {},
	"internal/moduleid":   {},
	"internal/nearest":    {},
	"internal/pattern":    {},
	"internal/proxy":      {"internal/pattern"},
	"internal/disk":       {},
	"internal/resolve":    {"internal/nearest", "internal/disk"},
	"internal/terminal":   {},
	"internal/transform":  {},
	"internal/tstype":     {},
	"internal/watch":      {},
	"internal/wire":       {},
	"internal/devtest":    {"server", "hmr", "internal/config", "internal/terminal"},
}

// light lists what packages must not depend on: what costs seconds to build, or do not belong in a production backend. Who builds a plugin or mounts the hub
// must not compile them.
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
	// With a profile beside cmd/devserver each package is listed again, under a name of its own.
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
			t.Errorf("%s is a new package: say in layers_test.go which packages it may import", name)
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
