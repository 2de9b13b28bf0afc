package resolve

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rules returns a TSConfig in one line: the file that applies, the options, and their meaning for JSX.
func rules(root string, r *Resolver, file string) string {
	ts := r.TSConfig(filepath.Join(root, filepath.FromSlash(file)))
	raw := strings.TrimSuffix(strings.TrimPrefix(ts.Raw, `{"compilerOptions":{`), "}}")
	rel := ""
	if ts.File != "" {
		rel, _ = filepath.Rel(root, ts.File)
	}
	line := fmt.Sprintf("[%s] %s", filepath.ToSlash(rel), strings.ReplaceAll(raw, `"`, ""))
	for _, mistake := range ts.Mistakes {
		line += "; " + strings.ReplaceAll(filepath.ToSlash(mistake.Error()), filepath.ToSlash(root)+"/", "")
	}
	return line
}

func TestTSConfig(t *testing.T) {
	// The layout of Vite's templates: tsconfig.json references the config with the options.
	template := `
-- package.json --
{"dependencies": {"react": "19"}}
-- tsconfig.json --
{ "files": [], "references": [ { "path": "./tsconfig.node.json" }, { "path": "./tsconfig.app.json" } ] }
-- tsconfig.app.json --
{
  "compilerOptions": {
    /* Bundler mode */
    "target": "ES2023", "jsx": "react-jsx", "jsxImportSource": "preact", // a comment
    "verbatimModuleSyntax": true, "baseUrl": ".", "paths": {"@/*": ["./src/*"]},
  },
  "include": ["src"]
}
-- tsconfig.node.json --
{ "compilerOptions": { "target": "es2022", "experimentalDecorators": true }, "include": ["vite.config.ts"] }
-- src/main.tsx --
-- src/lib/deep.ts --
-- vite.config.ts --
`
	app := "[tsconfig.app.json] jsx:react-jsx,jsxImportSource:preact,target:ES2023,verbatimModuleSyntax:true"
	for _, c := range []struct {
		name, tree string
		want       [][2]string
	}{
		{"referenced", template, [][2]string{
			{"src/main.tsx", app},
			{"src/lib/deep.ts", app},
			{"vite.config.ts", "[tsconfig.node.json] experimentalDecorators:true,jsx:react-jsx,target:es2022"},
			{"virtual.ts", app},
			{"index.html", app},
		}},
		{"flat, and nothing said of the target", `
-- package.json --
{"devDependencies": {"preact": "10"}}
-- tsconfig.json --
{"compilerOptions": {"strict": true, "emitDecoratorMetadata": true, "lib": ["DOM"]}}
`, [][2]string{{"src/x.ts", "[tsconfig.json] jsx:react-jsx,jsxImportSource:preact,strict:true,useDefineForClassFields:false"}}},
		{"none", `
-- package.json --
{"dependencies": {"preact": "10"}}
`, [][2]string{{"src/x.jsx", "[] jsx:react-jsx,jsxImportSource:preact"}}},
		{"none, and React", `
-- package.json --
{"dependencies": {"preact": "10", "react": "19"}}
`, [][2]string{{"src/x.jsx", "[] jsx:react-jsx"}}},
		{"none, and an old React", `
-- package.json --
{"dependencies": {"react": "16"}}
-- node_modules/react/package.json --
{"version": "16.8.0"}
`, [][2]string{{"src/x.jsx", "[] jsx:react"}}},
		{"classic", `
-- tsconfig.json --
{"compilerOptions": {"jsx": "react", "jsxFactory": "h", "jsxFragmentFactory": "Fragment", "target": "es2020"}}
`, [][2]string{{"x.tsx", "[tsconfig.json] jsx:react,jsxFactory:h,jsxFragmentFactory:Fragment,target:es2020"}}},
		{"preserve", `
-- tsconfig.json --
{"compilerOptions": {"jsx": "preserve", "jsxImportSource": "solid-js", "target": "esnext"}}
`, [][2]string{{"x.tsx", "[tsconfig.json] jsx:react-jsx,jsxImportSource:solid-js,target:esnext"}}},
		{"jsconfig", `
-- jsconfig.json --
{"compilerOptions": {"target": "es2020"}}
`, [][2]string{{"x.js", "[jsconfig.json] jsx:react-jsx,target:es2020"}}},
		{"extends", `
-- app/tsconfig.json --
{"extends": ["../base", "@scope/ts/strict.json", "conf"], "compilerOptions": {"target": "es2021"}}
-- base.json --
{"extends": "./root.json", "compilerOptions": {"target": "es2019", "experimentalDecorators": true, "jsx": "react-jsx"}}
-- root.json --
{"compilerOptions": {"jsx": "react", "useDefineForClassFields": false}}
-- node_modules/@scope/ts/strict.json --
{"compilerOptions": {"strict": true}}
-- node_modules/conf/package.json --
{"exports": {".": "./ts.json"}}
-- node_modules/conf/ts.json --
{"compilerOptions": {"alwaysStrict": true}}
`, [][2]string{{"app/src/x.ts", "[app/tsconfig.json] alwaysStrict:true,experimentalDecorators:true,jsx:react-jsx,strict:true,target:es2021,useDefineForClassFields:false"}}},
		{"nearest, and packages of their own", `
-- tsconfig.json --
{"compilerOptions": {"target": "es2020"}}
-- packages/ui/tsconfig.json --
{"compilerOptions": {"target": "es2021"}}
-- packages/ui/package.json --
{"dependencies": {"preact": "10"}}
-- node_modules/x/tsconfig.json --
{"compilerOptions": {"target": "es3"}}
`, [][2]string{
			{"packages/ui/src/x.ts", "[packages/ui/tsconfig.json] jsx:react-jsx,jsxImportSource:preact,target:es2021"},
			{"packages/x.ts", "[tsconfig.json] jsx:react-jsx,target:es2020"},
			{"node_modules/x/x.ts", "[] {}"},
		}},
		{"include and exclude", `
-- tsconfig.json --
{"include": ["lib/**/*"], "exclude": ["lib/**/*.test.ts", "**/gen"], "compilerOptions": {"target": "es2020"}, "references": [{"path": "./tests"}, {"path": "./gen.json"}, {"path": "./missing"}]}
-- tests/tsconfig.json --
{"include": ["../lib/**/*.test.ts"], "compilerOptions": {"target": "es2021"}}
-- gen.json --
{"files": ["lib/gen/a.ts"], "compilerOptions": {"target": "es2022"}}
`, [][2]string{
			{"lib/a/x.ts", "[tsconfig.json] jsx:react-jsx,target:es2020"},
			{"lib/a/x.test.ts", "[tests/tsconfig.json] jsx:react-jsx,target:es2021"},
			{"lib/gen/a.ts", "[gen.json] jsx:react-jsx,target:es2022"},
			{"other.ts", "[tsconfig.json] jsx:react-jsx,target:es2020"},
		}},
		{"broken", `
-- tsconfig.json --
{
  "extends": "./base.json",
  "compilerOptions": { // the options before the mistake count
    "strict": true, /* "}" */ "baseUrl": "a\"{b", "experimentalDecorators": true,
    "target" "es2020"
  }
}
-- base.json --
{"compilerOptions": {"alwaysStrict": true}}
`, [][2]string{{"x.ts", "[tsconfig.json] alwaysStrict:true,experimentalDecorators:true,jsx:react-jsx,strict:true,useDefineForClassFields:false; " +
			`tsconfig.json:5:14: invalid character '"' after object name`}}},
		{"cut off", `
-- tsconfig.json --
{"compilerOptions": {"strict": true, "paths": {"@/*": ["./src/*"]}, "jsx": "rea
`, [][2]string{{"x.ts", "[tsconfig.json] jsx:react-jsx,strict:true,useDefineForClassFields:false; " +
			`tsconfig.json:2:1: parsing string: unexpected EOF`}}},
		{"no object", `
-- tsconfig.json --
"strict"
`, [][2]string{{"x.ts", "[tsconfig.json] jsx:react-jsx,useDefineForClassFields:false; tsconfig.json:1:8: a string is the wrong type here"}}},
		{"an array", `
-- tsconfig.json --
[]
`, [][2]string{{"x.ts", "[tsconfig.json] jsx:react-jsx,useDefineForClassFields:false; tsconfig.json:1:1: an array is the wrong type here"}}},
		{"extends nothing", `
-- tsconfig.json --
{
  "extends": ["@tsconfig/strict", "./base"],
  "compilerOptions": {"strict": true}
}
-- base.json --
{"compilerOptions": {"target": "es2020"}}
`, [][2]string{{"x.ts", "[tsconfig.json] jsx:react-jsx,strict:true,target:es2020; " +
			`tsconfig.json:2:15: extends "@tsconfig/strict", which does not exist`}}},
		{"extends itself", `
-- tsconfig.json --
{"extends": "./b.json", "compilerOptions": {"strict": true}}
-- b.json --
{"extends": "./tsconfig.json", "compilerOptions": {"target": "es2020"}}
`, [][2]string{{"x.ts", `[tsconfig.json] jsx:react-jsx,strict:true,target:es2020; b.json:1:13: extends "./tsconfig.json", which extends this file`}}},
		{"references a broken config", `
-- tsconfig.json --
{"files": [], "references": [{"path": "./app.json"}, {"path": "./tools.json"}, {"path": "./gone.json"}]}
-- app.json --
{"compilerOptions": {"target": "es2020"}, "include": ["src"]}
-- tools.json --
{"include": ["tools"],, }
`, [][2]string{{"src/x.ts", "[app.json] jsx:react-jsx,target:es2020"}, {"tools/x.ts", "[tools.json] jsx:react-jsx,useDefineForClassFields:false; " +
			"tools.json:1:23: invalid character ',' at start of value"}}},
		{"wrong type", `
-- tsconfig.json --
{"include": "src", "compilerOptions": {"strict": true}}
`, [][2]string{{"x.ts", `[tsconfig.json] jsx:react-jsx,strict:true,useDefineForClassFields:false; tsconfig.json:1:17: "include" has the wrong type: string`}}},
		{"extends what is no name", `
-- tsconfig.json --
{"extends": ["", 3, "./base.json"], "compilerOptions": {"strict": true}}
-- base.json --
{"extends": "", "compilerOptions": {"target": "es2020"}}
-- object/tsconfig.json --
{"extends": {}, "compilerOptions": {"strict": true}}
-- empty/tsconfig.json --
{"extends": [""], "compilerOptions": {"strict": true}}
`, [][2]string{
			{"x.ts", `[tsconfig.json] jsx:react-jsx,strict:true,target:es2020; tsconfig.json:1:2: "extends" must be a text or a list of texts; ` +
				`base.json:1:13: extends "", which does not exist`},
			{"object/x.ts", `[object/tsconfig.json] jsx:react-jsx,strict:true,useDefineForClassFields:false; object/tsconfig.json:1:2: "extends" must be a text or a list of texts`},
			{"empty/x.ts", `[empty/tsconfig.json] jsx:react-jsx,strict:true,useDefineForClassFields:false; empty/tsconfig.json:1:14: extends "", which does not exist`},
		}},
		{"values that no compiler takes", `
-- tsconfig.json --
{"extends": "./base.json", "compilerOptions": {"jsx": "react", "jsxFactory": "1+2", "jsxFragmentFactory": "{}", "baseUrl": 1}}
-- base.json --
{"compilerOptions": {"jsxFactory": "preact.h", "jsxFragmentFactory": "'x'"}}
-- constant/tsconfig.json --
{"compilerOptions": {"jsx": "react", "jsxFactory": "h", "jsxFragmentFactory": "null"}}
`, [][2]string{
			{"x.ts", `[tsconfig.json] jsx:react,jsxFactory:preact.h,useDefineForClassFields:false; ` +
				`tsconfig.json:1:113: "baseUrl" must be a text, not 1; ` +
				`tsconfig.json:1:64: "jsxFactory" must be a name such as h or React.createElement, not "1+2"; ` +
				`tsconfig.json:1:85: "jsxFragmentFactory" must be a name such as h or React.createElement, not "{}"; ` +
				`base.json:1:48: "jsxFragmentFactory" must be a name such as h or React.createElement, not "'x'"`},
			{"constant/x.ts", "[constant/tsconfig.json] jsx:react,jsxFactory:h,jsxFragmentFactory:null,useDefineForClassFields:false"},
		}},
		{"jsconfig, with a byte order mark", "-- jsconfig.json --\n\ufeff{\"compilerOptions\": {\"strict\": true}}\n", [][2]string{{"x.js", "[jsconfig.json] jsx:react-jsx,strict:true,useDefineForClassFields:false"}}},
		{"empty", "-- tsconfig.json --\n", [][2]string{{"x.ts", "[tsconfig.json] jsx:react-jsx,useDefineForClassFields:false"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := tree(t, c.tree)
			r := newResolver(t, Options{Root: root})
			for _, w := range c.want {
				if got := rules(root, r, w[0]); got != w[1] {
					t.Errorf("%s\n got: %s\nwant: %s", w[0], got, w[1])
				}
			}
		})
	}
}

func TestTSConfigPaths(t *testing.T) {
	root := tree(t, `
-- package.json --
{"dependencies": {"dep": "1"}}
-- tsconfig.json --
{"files": [], "references": [{"path": "./tsconfig.app.json"}]}
-- tsconfig.app.json --
{"extends": "./config/base.json", "include": ["src"], "compilerOptions": {"baseUrl": "./src"}}
-- config/base.json --
{"compilerOptions": {"paths": {
  "@/*": ["./*"],
  "@ui/*": ["gone/*", "components/*.view"],
  "types": ["./types.d.ts"],
  "exact": ["lib/exact.ts"],
  "*-icon": ["icons/*"],
  "${x}": ["x"]
}}}
-- src/main.ts --
-- src/lib/exact.ts --
-- src/lib/util.ts --
-- src/components/Button.view.tsx --
-- src/icons/add.ts --
-- node_modules/dep/index.js --
-- node_modules/types/index.js --
-- node_modules/lib/index.js --
-- other/tsconfig.json --
{"compilerOptions": {"paths": {"~/*": ["${configDir}/in/*"]}}}
-- other/in/x.ts --
-- other/main.ts --
`)
	r := newResolver(t, Options{Root: root})
	check(t, r, root, Import, []resolution{
		{"@/lib/util", "src/main.ts", "src/lib/util.ts"},
		{"@ui/Button", "src/main.ts", "src/components/Button.view.tsx"},
		{"exact", "src/main.ts", "src/lib/exact.ts"},
		{"add-icon", "src/main.ts", "src/icons/add.ts"},
		{"lib/util", "src/main.ts", "src/lib/util.ts"},
		{"lib", "src/main.ts", "node_modules/lib/index.js"},
		{"dep", "src/main.ts", "node_modules/dep/index.js"},
		{"types", "src/main.ts", "node_modules/types/index.js"},
		{"~/x", "other/main.ts", "other/in/x.ts"},
		{"lib/util", "node_modules/dep/index.js", `error: package "lib" has no file "./util"`},
		{"@/lib/utils", "src/main.ts", `error: no file "@/lib/utils" (did you mean "@/lib/util"?)`},
	})
	ts := r.TSConfig(filepath.Join(root, "src/main.ts"))
	for _, name := range []string{"tsconfig.json", "tsconfig.app.json", "config/base.json"} {
		if !slices.Contains(ts.Files, filepath.Join(root, filepath.FromSlash(name))) {
			t.Errorf("read from %v, without %s", ts.Files, name)
		}
	}
}

func TestTSConfigInvalidate(t *testing.T) {
	root := tree(t, `
-- tsconfig.json --
{"extends": "./base.json"}
-- base.json --
{"compilerOptions": {"target": "es2020", "paths": {"@/*": ["./a/*"]}}}
-- a/x.ts --
-- b/x.ts --
-- b/main.ts --
`)
	r := newResolver(t, Options{Root: root})
	check(t, r, root, Import, []resolution{{"@/x", "b/main.ts", "a/x.ts"}})
	base := filepath.Join(root, "base.json")
	write(t, base, `{"compilerOptions": {"paths": {"@/*": ["./a/*"], "~/*": "./b/*"}}}`)
	r.Invalidate(base)
	check(t, r, root, Import, []resolution{{"@/x", "b/main.ts", "a/x.ts"}}) // the key that can be read counts
	if got := r.TSConfig(filepath.Join(root, "b/main.ts")).Mistakes; len(got) != 1 || got[0].Text != `"~/*" in "paths" must be a list of texts` || got[0].Column != 50 {
		t.Errorf("a path that is no list: %v", got)
	}
	write(t, base, `{"compilerOptions": {"target": "es2021", "paths": {"@/*": ["./b/*"]},}, oops}`)
	r.Invalidate(base)
	if got := r.TSConfig(filepath.Join(root, "b/main.ts")).Mistakes; len(got) != 1 || got[0].File != base || got[0].Line != 1 || got[0].Column == 0 {
		t.Errorf("a broken base: %v", got)
	}
	check(t, r, root, Import, []resolution{{"@/x", "b/main.ts", "b/x.ts"}}) // what comes before the mistake counts
	write(t, base, `{"compilerOptions": {"target": "es2021", "paths": {"@/*": ["./b/*"]}}}`)
	r.Invalidate(base)
	check(t, r, root, Import, []resolution{{"@/x", "b/main.ts", "b/x.ts"}})
	if got := rules(root, r, "b/main.ts"); got != "[tsconfig.json] jsx:react-jsx,target:es2021" {
		t.Error(got)
	}
	closer := filepath.Join(root, "b/tsconfig.json")
	write(t, closer, `{"compilerOptions": {"target": "es2022"}}`)
	r.Invalidate(closer)
	if got := rules(root, r, "b/main.ts"); got != "[b/tsconfig.json] jsx:react-jsx,target:es2022" {
		t.Error(got)
	}
}
