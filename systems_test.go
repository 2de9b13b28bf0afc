package devserver_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	gopackages "golang.org/x/tools/go/packages"
)

// TestOtherSystems checks the types of the code that only other systems compile. It reads all packages from their
// source, which takes seconds; building them for each system takes a minute.
func TestOtherSystems(t *testing.T) {
	std := strings.TrimSpace(command(t, ".", "go", "env", "GOROOT")) + string(filepath.Separator)
	files := token.NewFileSet()
	var parsed sync.Map // most files belong to all systems
	for _, system := range []string{"windows", "darwin", "freebsd"} {
		list, err := gopackages.Load(&gopackages.Config{
			Mode: gopackages.NeedName | gopackages.NeedFiles | gopackages.NeedImports | gopackages.NeedDeps |
				gopackages.NeedTypes | gopackages.NeedSyntax | gopackages.NeedTypesInfo | gopackages.NeedTypesSizes,
			Env:  append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0", "GOFLAGS="),
			Fset: files,
			ParseFile: func(_ *token.FileSet, name string, src []byte) (*ast.File, error) {
				if file, ok := parsed.Load(name); ok {
					return file.(*ast.File), nil
				}
				file, err := parser.ParseFile(files, name, src, parser.SkipObjectResolution)
				if err == nil {
					if strings.HasPrefix(name, std) {
						dropBodies(file)
					}
					parsed.Store(name, file)
				}
				return file, err
			},
		}, "./...")
		if err != nil {
			t.Fatalf("%s: %v", system, err)
		}
		if len(list) < 20 {
			t.Errorf("%s: only %d packages were found", system, len(list))
		}
		gopackages.Visit(list, nil, func(p *gopackages.Package) {
			for _, e := range p.Errors {
				if e.Kind == gopackages.TypeError && strings.HasPrefix(p.GoFiles[0], std) {
					continue // an import that only the dropped bodies use
				}
				t.Errorf("%s: %v", system, e)
			}
		})
	}
}

// dropBodies drops the bodies of the standard library's functions, whose types take most of the time.
func dropBodies(file *ast.File) {
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok {
			f.Body = nil
		}
	}
}
