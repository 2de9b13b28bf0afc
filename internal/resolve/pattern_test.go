package resolve

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/pattern"
)

// TestTargets: what patterns behind aliases, "paths" and "imports" mean.
func TestTargets(t *testing.T) {
	root := tree(t, `
-- tsconfig.json --
{ "compilerOptions": { "baseUrl": ".", "paths": { "~/*": ["./src/*"], "two/*": ["./src/*", "./gen/*"], "#ts/*": ["./src/*"] } } }
-- package.json --
{ "imports": { "#src/*": "./src/*", "#json/*.json": "./src/*.json", "#pkg/*": "pkg/*", "#up/*": "../*", "#page/*": "./src/pages/*/index.ts" } }
-- src/main.ts --
-- src/[s]/x.ts --
-- node_modules/dep/package.json --
{ "imports": { "#own/*": "./lib/*" } }
-- node_modules/dep/index.js --
`)
	icons, err := pattern.Compile("^icon:(.*)$")
	if err != nil {
		t.Fatal(err)
	}
	r := newResolver(t, Options{Root: root, Alias: []Alias{
		{Find: "@", Replacement: filepath.Join(root, "src")},
		{Find: "rooted", Replacement: "/src"},
		{Find: "dotted", Replacement: "./src/[s]"},
		{Find: "web", Replacement: "https://example.com"},
		{Find: "again", Replacement: "~/sub"},
		{Expression: icons, Replacement: filepath.Join(root, "src", "icons") + "/$1"},
	}})
	for _, c := range []struct{ importer, pattern, want string }{
		{"src/main.ts", "@/*.ts", "src/*.ts"},
		{"src/main.ts", "@/(a|b)/!(c).ts", "src/(a|b)/!(c).ts"},
		{"src/main.ts", `@/\\[s\\]/*.ts`, `src/\\[s\\]/*.ts`},
		{"src/main.ts", "rooted/*.ts", "src/*.ts"},
		{"src/main.ts", "dotted/*.ts", `src/\[s\]/*.ts`},
		{"src/main.ts", "icon:*.svg", "src/icons/*.svg"},
		{"src/main.ts", "again/*.ts", "src/sub/*.ts"},
		{"src/main.ts", "web/*.ts", ""},
		{"src/main.ts", "~/*.ts", "src/*.ts"},
		{"src/main.ts", "two/*.ts", "src/*.ts gen/*.ts"},
		{"src/main.ts", "#ts/*.ts", "src/*.ts"},
		{"src/main.ts", "src/*.ts", "src/*.ts"},
		{"src/main.ts", "none/*.ts", ""},
		{"src/main.ts", "*.ts", ""},
		{"src/main.ts", "#src/*.ts", "src/*.ts"},
		{"src/main.ts", "#json/*.json", "src/*.json"},
		{"src/main.ts", "#page/*", "src/pages/*/index.ts"},
		{"src/main.ts", "#page/a-(b|c)", "src/pages/a-(b|c)/index.ts"},
		{"src/main.ts", "#pkg/*.js", ""},
		{"src/main.ts", "#up/*.js", ""},
		{"src/main.ts", "#none/*.js", ""},
		{"node_modules/dep/index.js", "#own/*.js", "node_modules/dep/lib/*.js"},
		{"node_modules/dep/index.js", "#src/*.js", ""},
		{"node_modules/dep/index.js", "~/*.js", ""},
	} {
		c.pattern = strings.ReplaceAll(c.pattern, `\\`, `\`)
		c.want = strings.ReplaceAll(c.want, `\\`, `\`)
		var got []string
		for _, target := range r.Targets(c.pattern, filepath.Join(root, filepath.FromSlash(c.importer))) {
			got = append(got, strings.TrimPrefix(target.Pattern(), filepath.ToSlash(root)+"/"))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s in %s means %q, want %q", c.pattern, c.importer, text, c.want)
		}
	}
}
