package pluginhost

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/plugin"
)

// Folder is the name of the folder with a project's plugins.
const Folder = "devserver"

// pluginPackage is the import path of package plugin, pluginModule that of its module.
var (
	pluginPackage = reflect.TypeFor[plugin.Plugin]().PkgPath()
	pluginModule  = path.Dir(pluginPackage)
)

// Find returns the folder of a project's plugins in Go, "" without plugins. The folder is a Go module of its own, or its
// package main belongs to the module of a folder above. why says why the Go code of a folder devserver/ is not run. It
// is "" when there is no such code.
//
// A folder may have that name by chance, such as a clone of devserver, and its program must not be run. So a package main
// has to import package plugin, or the go.mod in the folder has to require its module.
func Find(root string) (dir, why string) {
	dir = filepath.Join(root, Folder)
	files, all := goFiles(dir)
	own := isFile(filepath.Join(dir, "go.mod"))
	switch {
	case own && requires(dir, pluginModule):
		return dir, ""
	case all == 0:
		return "", ""
	case len(files) == 0:
		return "", fmt.Sprintf("the Go code in %s/ is not run: the build constraints of its files leave out all of them", Folder)
	}
	imports := func(name string) bool {
		f := parseImports(filepath.Join(dir, name))
		return f != nil && f.Name.Name == "main" && slices.Contains(importsOf(f), pluginPackage)
	}
	if !slices.ContainsFunc(files, imports) {
		return "", fmt.Sprintf("the Go code in %s/ is not run: no file of package main imports %s", Folder, pluginPackage)
	}
	if !own && moduleAbove(dir) == "" {
		return "", fmt.Sprintf("the Go code in %[1]s/ is not run, since it belongs to no Go module: "+
			"run `go mod init project/%[1]s && go mod tidy` in %[1]s/, or make the project's folder a module", Folder)
	}
	return dir, ""
}

// ModuleDir returns the folder of the go.mod that a folder of plugins is built by, "" without one.
func ModuleDir(dir string) string {
	if isFile(filepath.Join(dir, "go.mod")) {
		return dir
	}
	return moduleAbove(dir)
}

// moduleAbove returns the nearest folder above that has a go.mod. Like Go it passes over the system's folder for
// temporary files, where everybody can put a go.mod.
func moduleAbove(dir string) string {
	for above := filepath.Dir(dir); above != dir; dir, above = above, filepath.Dir(above) {
		if isFile(filepath.Join(above, "go.mod")) && above != filepath.Clean(os.TempDir()) {
			return above
		}
	}
	return ""
}

// Sources returns what a program of plugins is built from beside its folder: the go.mod and go.sum of its module, and
// the folders of the module's packages that it imports. A folder of plugins that is a module of its own has no such
// Sources.
func Sources(dir string) (files, folders []string) {
	module := ModuleDir(dir)
	if module == "" || module == dir {
		return nil, nil
	}
	files = []string{filepath.Join(module, "go.mod"), filepath.Join(module, "go.sum")}
	name := ModuleName(module)
	seen := map[string]bool{dir: true}
	for queue := []string{dir}; len(queue) > 0; queue = queue[1:] {
		built, _ := goFiles(queue[0])
		for _, file := range built {
			f := parseImports(filepath.Join(queue[0], file))
			if f == nil {
				continue
			}
			for _, path := range importsOf(f) {
				below, ok := strings.CutPrefix(path+"/", name+"/")
				folder := filepath.Join(module, filepath.FromSlash(below))
				if !ok || name == "" || seen[folder] {
					continue
				}
				seen[folder] = true
				queue = append(queue, folder)
				folders = append(folders, folder)
			}
		}
	}
	return files, folders
}

// ModuleName returns the import path that the go.mod of a folder declares, "" when it declares none.
func ModuleName(dir string) string {
	for _, words := range goMod(dir) {
		if len(words) > 1 && words[0] == "module" {
			return words[1]
		}
	}
	return ""
}

// requires reports whether the go.mod of a folder names a module in another place than its own name.
func requires(dir, module string) bool {
	return slices.ContainsFunc(goMod(dir), func(words []string) bool { return slices.Contains(words, module) && words[0] != "module" })
}

// goMod returns the words of each line of the go.mod in a folder, without quotes. It returns nil for the folder "".
func goMod(dir string) (lines [][]string) {
	if dir == "" {
		return nil
	}
	text, _ := disk.ReadFile(filepath.Join(dir, "go.mod")) // without the file there are none
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.FieldsFunc(line, func(r rune) bool { return unicode.IsSpace(r) || r == '"' || r == '`' }))
	}
	return lines
}

// goFiles returns the names of the Go files that a folder's package is built from on this system, and how many Go files
// beside tests there are in all.
func goFiles(dir string) (names []string, all int) {
	entries, _ := os.ReadDir(dir) // without the folder there are none
	for _, e := range entries {
		name := e.Name()
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || !isFile(filepath.Join(dir, name)) {
			continue
		}
		all++
		if ok, err := build.Default.MatchFile(dir, name); ok || err != nil { // the compiler reports the error
			names = append(names, name)
		}
	}
	return names, all
}

// parseImports reads the package clause and the imports of a file. It returns what stands before a mistake, and nil for
// a file without package clause.
func parseImports(file string) *ast.File {
	f, _ := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.SkipObjectResolution)
	if f == nil || f.Name == nil {
		return nil
	}
	return f
}

func importsOf(f *ast.File) []string {
	paths := make([]string, 0, len(f.Imports))
	for _, spec := range f.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
