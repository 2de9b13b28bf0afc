package devserver_test

import (
	"os"
	"testing"

	gopackages "golang.org/x/tools/go/packages"
)

// TestOtherSystems checks the types of the code that only other systems compile. It reads all packages from their
// source, which takes seconds; building them for each system takes a minute.
func TestOtherSystems(t *testing.T) {
	for _, system := range []string{"windows", "darwin", "freebsd"} {
		list, err := gopackages.Load(&gopackages.Config{
			Mode: gopackages.NeedName | gopackages.NeedFiles | gopackages.NeedImports | gopackages.NeedDeps |
				gopackages.NeedTypes | gopackages.NeedSyntax | gopackages.NeedTypesInfo | gopackages.NeedTypesSizes,
			Env: append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0", "GOFLAGS="),
		}, "./...")
		if err != nil {
			t.Fatalf("%s: %v", system, err)
		}
		if len(list) < 20 {
			t.Errorf("%s: only %d packages were found", system, len(list))
		}
		gopackages.Visit(list, nil, func(p *gopackages.Package) {
			for _, e := range p.Errors {
				t.Errorf("%s: %v", system, e)
			}
		})
	}
}
