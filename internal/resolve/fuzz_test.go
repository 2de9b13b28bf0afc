package resolve

import (
	"path/filepath"
	"testing"
)

// FuzzResolve finds specifiers that crash the resolver, or that get neither a file nor an error.
func FuzzResolve(f *testing.F) {
	root := tree(f, pnpm)
	r := newResolver(f, Options{Root: root, Public: root, Alias: []Alias{{Find: "@", Replacement: "/src"}, {Find: "none", Replacement: ""}}})
	for _, spec := range []string{
		"", "?", "#", "#x", "@", "@/", "@x", "@x/", "/", "//", ".", "./", "..", "../../../../..", "a", "a/", "a//b",
		"a/../b", "none", "%", "%2e", "./%00", "node:", "file://", "file:///", "/@fs/", "~", "~a", "?x#y", "ui/",
		"@/main?raw#x", "data:", "\\x", "./\x00",
	} {
		f.Add(spec, uint8(len(spec)%4))
	}
	importer := filepath.Join(root, "src", "main.ts")
	f.Fuzz(func(t *testing.T, spec string, kind uint8) {
		res, err := r.ResolveKind(Kind(kind%4), spec, importer)
		if err == nil && res.File == "" && !res.External && !res.Empty && res.Builtin == "" {
			t.Errorf("%q is answered with nothing", spec)
		}
		if err != nil && err.Error() == "" {
			t.Errorf("%q fails without a word", spec)
		}
	})
}
