package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// generate writes an app of n modules of about 2 KB. The modules form a tree in which each imports ten others. Every
// tenth module imports a stylesheet.
func generate(dir string, n int) error {
	write := func(name, text string) error {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, []byte(text), 0o644)
	}
	if err := write("index.html", `<!doctype html><script type="module" src="/src/d0/m0.ts"></script>`); err != nil {
		return err
	}
	for i := range n {
		if err := write(name(i), module(i, n)); err != nil {
			return err
		}
		if i%10 == 0 {
			css := fmt.Sprintf(".m%d { color: rgb(%d, 1, 2) }\n", i, i%256)
			if err := write(fmt.Sprintf("src/d%d/m%d.css", i/100, i), css); err != nil {
				return err
			}
		}
	}
	return nil
}

// name returns a module's file. Each folder has a hundred files.
func name(i int) string { return fmt.Sprintf("src/d%d/m%d.ts", i/100, i) }

func module(i, n int) string {
	var b strings.Builder
	var calls []string
	for child := i*10 + 1; child <= i*10+10 && child < n; child++ {
		fmt.Fprintf(&b, "import { value%d } from \"../d%d/m%d\";\n", child, child/100, child)
		calls = append(calls, fmt.Sprintf("value%d()", child))
	}
	if i%10 == 0 {
		fmt.Fprintf(&b, "import \"./m%d.css\";\n", i)
	}
	fmt.Fprintf(&b, "\ninterface Item { id: number; label: string; tags?: readonly string[] }\n\n")
	for k := range 8 {
		fmt.Fprintf(&b, "function step%d(items: readonly Item[]): Item[] {\n  return items.filter((item) => item.id %% %d !== 0)", k, k+2)
		fmt.Fprintf(&b, ".map((item) => ({ ...item, label: `${item.label}-%d`, tags: [...(item.tags ?? []), \"%d\"] }));\n}\n", k, i)
	}
	fmt.Fprintf(&b, "\nexport function value%d(): number {\n  const items = step%d([{ id: %d, label: \"item\" }]);\n", i, i%8, i)
	fmt.Fprintf(&b, "  return items.length + [%s].length;\n}\n\nimport.meta.hot?.accept();\n", strings.Join(calls, ", "))
	return b.String()
}
