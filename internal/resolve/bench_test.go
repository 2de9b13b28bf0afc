package resolve

import (
	"fmt"
	"path/filepath"
	"testing"
)

// bigTree is a project with a folder of 2,000 modules and some packages.
func bigTree(b *testing.B) string {
	root := tree(b, `
-- package.json --
{"name": "app", "dependencies": {"react": "19"}}
-- tsconfig.json --
{"files": [], "references": [{"path": "./tsconfig.app.json"}]}
-- tsconfig.app.json --
{"compilerOptions": {"target": "es2023", "jsx": "react-jsx", "paths": {"@/*": ["./src/*"]}}, "include": ["src"]}
-- node_modules/react/package.json --
{"name": "react", "exports": {".": {"react-server": "./server.js", "default": "./index.js"}, "./jsx-dev-runtime": "./jsx.js"}}
-- node_modules/react/index.js --
-- node_modules/react/jsx.js --
`)
	for i := range 2000 {
		write(b, filepath.Join(root, "src", "components", fmt.Sprintf("C%d.tsx", i)), "")
	}
	return root
}

func BenchmarkRelative(b *testing.B) {
	root := bigTree(b)
	r := newResolver(b, Options{Root: root})
	importer := filepath.Join(root, "src/components/C0.tsx")
	specs := make([]string, 2000)
	for i := range specs {
		specs[i] = fmt.Sprintf("./C%d", i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := r.Resolve(specs[i%2000], importer); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkBare(b *testing.B) {
	root := bigTree(b)
	r := newResolver(b, Options{Root: root})
	importer := filepath.Join(root, "src/components/C0.tsx")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Resolve("react/jsx-dev-runtime", importer); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareNewFolder resolves a bare specifier for the first time in its folder.
func BenchmarkBareNewFolder(b *testing.B) {
	root := bigTree(b)
	r := newResolver(b, Options{Root: root})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		importer := filepath.Join(root, fmt.Sprintf("src/%d/x.ts", i))
		if _, err := r.Resolve("react", importer); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkStart resolves all imports of a start: 2,000 modules, each with a neighbour, an alias and a package.
func BenchmarkStart(b *testing.B) {
	root := bigTree(b)
	for b.Loop() {
		r := newResolver(b, Options{Root: root})
		for i := range 2000 {
			importer := filepath.Join(root, "src/components", fmt.Sprintf("C%d.tsx", i))
			for _, spec := range []string{fmt.Sprintf("./C%d", (i+1)%2000), "react", fmt.Sprintf("@/components/C%d", (i+2)%2000)} {
				if _, err := r.Resolve(spec, importer); err != nil {
					b.Fatal(err)
				}
			}
			if ts := r.TSConfig(importer); len(ts.Mistakes) > 0 {
				b.Fatal(ts.Mistakes)
			}
		}
	}
}
