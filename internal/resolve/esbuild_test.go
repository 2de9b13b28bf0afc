package resolve

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/evanw/esbuild/pkg/api"
)

// TestAgainstEsbuild resolves every import in a folder of packages with both esbuild and this package. It needs a
// folder where npm installed many: RESOLVE_DIFF=dir go test -run AgainstEsbuild -v ./internal/resolve
func TestAgainstEsbuild(t *testing.T) {
	root := os.Getenv("RESOLVE_DIFF")
	if root == "" {
		t.Skip("RESOLVE_DIFF names no folder with a node_modules")
	}
	imports := collect(t, root)
	r := newResolver(t, Options{Root: root})
	ours := make([]string, len(imports))
	began := time.Now()
	for i, s := range imports {
		res, err := r.ResolveKind(s.kind, s.spec, s.file)
		switch {
		case err != nil:
			ours[i] = "missing"
		case res.Empty:
			ours[i] = "empty"
		case res.Builtin != "":
			ours[i] = "builtin"
		case res.External:
			ours[i] = "external"
		default:
			ours[i] = res.File
		}
	}
	took := time.Since(began)
	began = time.Now()
	theirs := withEsbuild(root, imports, Import, defaultExtensions)
	for i, answer := range withEsbuild(root, imports, Require, commonJSFirst(defaultExtensions)) {
		if imports[i].kind == Require {
			theirs[i] = answer
		}
	}
	t.Logf("%d imports: %v, esbuild %v", len(imports), took, time.Since(began))
	for i, s := range imports {
		if ours[i] == theirs[i] || ours[i] == "empty" { // esbuild does not report emptied modules to its plugins
			continue
		}
		rel, _ := filepath.Rel(root, s.file)
		t.Errorf("%s from %s\n    ours:    %s\n    esbuild: %s", s.spec, rel, strings.TrimPrefix(ours[i], root), strings.TrimPrefix(theirs[i], root))
	}
}

type site struct {
	kind       Kind
	spec, file string
}

var importSyntax = regexp.MustCompile(`(?:\bfrom|\bimport)\s*\(?\s*["']([^"'\n]+)["']|\brequire\(\s*["']([^"'\n]+)["']\s*\)`)

func collect(t *testing.T, root string) []site {
	var list []site
	seen := map[site]bool{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch filepath.Ext(file) {
		case ".js", ".mjs", ".cjs":
		default:
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil || len(text) > 300_000 {
			return err
		}
		for _, m := range importSyntax.FindAllSubmatch(text, -1) {
			s := site{Import, string(m[1]), file}
			if len(m[2]) > 0 {
				s = site{Require, string(m[2]), file}
			}
			key := s
			key.file = filepath.Dir(file)
			if s.spec != "" && !strings.ContainsAny(s.spec, "${}?! ") && !seen[key] {
				seen[key] = true
				list = append(list, s)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].file < list[j].file })
	return list
}

func withEsbuild(root string, imports []site, kind Kind, extensions []string) []string {
	answers := make([]string, len(imports))
	plugin := api.Plugin{Name: "diff", Setup: func(b api.PluginBuild) {
		b.OnStart(func() (api.OnStartResult, error) {
			for i, s := range imports {
				if s.kind != kind {
					continue
				}
				kind := api.ResolveJSImportStatement
				if s.kind == Require {
					kind = api.ResolveJSRequireCall
				}
				res := b.Resolve(s.spec, api.ResolveOptions{ResolveDir: filepath.Dir(s.file), Importer: s.file, Kind: kind, Namespace: "file"})
				switch {
				case strings.HasPrefix(s.spec, "node:"), len(res.Errors) > 0 && isBuiltin(s.spec):
					answers[i] = "builtin"
				case len(res.Errors) > 0:
					answers[i] = "missing"
				case res.External:
					answers[i] = "external"
				case res.Namespace != "file" || strings.Contains(res.Path, "(disabled)"):
					answers[i] = "empty"
				default:
					answers[i] = res.Path
				}
			}
			return api.OnStartResult{}, nil
		})
	}}
	api.Build(api.BuildOptions{
		AbsWorkingDir: root, Stdin: &api.StdinOptions{Contents: ""}, Bundle: true, LogLevel: api.LogLevelSilent,
		Platform: api.PlatformBrowser, Conditions: []string{"module", "development"}, ResolveExtensions: extensions,
		Plugins: []api.Plugin{plugin},
	})
	return answers
}
