package resolve

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"
)

// tree writes the files of a txtar archive. A file whose text begins with "-> " becomes a symbolic link.
func tree(t testing.TB, archive string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		write(t, filepath.Join(root, f.Name), string(f.Data))
	}
	return root
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	var err error
	if to, ok := strings.CutPrefix(strings.TrimSpace(text), "-> "); ok {
		err = os.Symlink(filepath.FromSlash(to), file)
	} else {
		err = os.WriteFile(file, []byte(text), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func newResolver(t testing.TB, o Options) *Resolver {
	t.Helper()
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answerText returns an answer in the form of the tables below.
func answerText(root string, res Resolved, err error) string {
	query := ""
	if res.Query != "" {
		query = "?" + res.Query
	}
	switch {
	case err != nil:
		text := err.Error()
		if missing, ok := err.(*NotFound); ok && missing.Hint != "" {
			text += "; " + missing.Hint
		}
		return "error: " + strings.ReplaceAll(filepath.ToSlash(text), filepath.ToSlash(root)+"/", "")
	case res.External:
		return "external " + res.URL + query
	case res.Empty:
		return "empty" + query
	case res.Builtin != "":
		return "builtin " + res.Builtin
	case res.Public:
		return "public " + res.URL + query
	}
	rel, _ := filepath.Rel(root, res.File)
	return filepath.ToSlash(rel) + query
}

type resolution struct{ spec, importer, want string }

func check(t *testing.T, r *Resolver, root string, kind Kind, table []resolution) {
	t.Helper()
	for _, c := range table {
		res, err := r.ResolveKind(kind, c.spec, filepath.Join(root, c.importer))
		if got := answerText(root, res, err); got != c.want {
			t.Errorf("%q from %s\n got: %s\nwant: %s", c.spec, c.importer, got, c.want)
		}
	}
}

func TestRelative(t *testing.T) {
	root := tree(t, `
-- index.html --
-- public/vite.svg --
-- public/data/x.json --
-- src/main.ts --
-- src/App.tsx --
-- src/both.js --
-- src/both.ts --
-- src/only.ts --
-- src/view.jsx --
-- src/mod.mts --
-- src/data.json --
-- src/logo.svg --
-- src/icon.vue --
-- src/components/index.ts --
-- src/components/Button.tsx --
-- src/name/index.js --
-- src/name.ts --
-- src/pkg/package.json --
{"main": "lib/entry"}
-- src/pkg/lib/entry.js --
-- src/empty/readme.md --
-- src/a b.js --
-- src/q?mark.ts --
-- src/q.ts --
-- src/logo.svg?url --
-- src/sprite.svg#icon --
-- src/sprite.svg --
-- src/100%25.ts --
-- src/100%.ts --
-- src/c.js --
-- src/c#.js --
-- src/link.ts --
-> only.ts
-- src/linked --
-> components
-- other.ts --
`)
	r := newResolver(t, Options{Root: root, Public: filepath.Join(root, "public")})
	check(t, r, root, Import, []resolution{
		{"./App.tsx", "src/main.ts", "src/App.tsx"},
		{"./App", "src/main.ts", "src/App.tsx"},
		{"./both", "src/main.ts", "src/both.js"},
		{"./both.js", "src/main.ts", "src/both.js"},
		{"./only.js", "src/main.ts", "src/only.ts"},
		{"./App.js", "src/main.ts", "src/App.tsx"},
		{"./view.js", "src/main.ts", "src/view.jsx"},
		{"./mod.mjs", "src/main.ts", "src/mod.mts"},
		{"./data", "src/main.ts", "src/data.json"},
		{"./logo.svg?raw", "src/main.ts", "src/logo.svg?raw"},
		{"./components", "src/main.ts", "src/components/index.ts"},
		{"./components/", "src/main.ts", "src/components/index.ts"},
		{".", "src/components/Button.tsx", "src/components/index.ts"},
		{"..", "src/name/index.js", "error: no file \"..\": it is a folder without an index file"},
		{"./name", "src/main.ts", "src/name.ts"},
		{"./name/", "src/main.ts", "src/name/index.js"},
		{"./pkg", "src/main.ts", "src/pkg/lib/entry.js"},
		{"./a b", "src/main.ts", "src/a b.js"},
		{"./a%20b.js", "src/main.ts", "src/a b.js"},
		{"./q?mark.ts", "src/main.ts", "src/q?mark.ts"}, // the name as it is wins
		{"./q%3Fmark.ts", "src/main.ts", "src/q?mark.ts"},
		{"/src/q%3Fmark", "src/main.ts", "src/q?mark.ts"},
		{"./q%3Fmark.ts?raw", "src/main.ts", "src/q?mark.ts?raw"},
		{"./q?raw", "src/main.ts", "src/q.ts?raw"},
		{"./100%25.ts", "src/main.ts", "src/100%25.ts"},
		{"./100%2525.ts", "src/main.ts", "src/100%25.ts"},
		{"./100%.ts", "src/main.ts", "src/100%.ts"},
		{"./App.tsx#part", "src/main.ts", "src/App.tsx"},
		{"./App#part", "src/main.ts", "src/App.tsx"},
		{"./App.tsx?raw#part", "src/main.ts", "src/App.tsx?raw"},
		{"/vite.svg#part", "src/main.ts", "public /vite.svg"},
		{"./c#", "src/main.ts", "src/c#.js"},
		{"./link", "src/main.ts", "src/only.ts"},
		{"./linked/Button", "src/main.ts", "src/components/Button.tsx"},
		{"../other", "src/main.ts", "other.ts"},
		{"/src/App.tsx", "src/main.ts", "src/App.tsx"},
		{"/src/App", "index.html", "src/App.tsx"},
		{"/vite.svg", "src/main.ts", "public /vite.svg"},
		{"/data/x.json?raw", "src/main.ts", "public /data/x.json?raw"},
		{root + "/src/only.ts", "src/main.ts", "src/only.ts"},
		{"/@fs" + root + "/src/only.ts?v=1", "src/main.ts", "src/only.ts?v=1"},
		{"file://" + root + "/src/only.ts", "src/main.ts", "src/only.ts"},
		{"/@vite/client", "src/main.ts", "external /@vite/client"},
		{"https://esm.sh/react?x=1", "src/main.ts", "external https://esm.sh/react?x=1"},
		{"//cdn/x.js", "src/main.ts", "external //cdn/x.js"},
		{"data:text/javascript,1?2", "src/main.ts", "external data:text/javascript,1?2"},

		{"./Ap", "src/main.ts", `error: no file "./Ap" (did you mean "./App"?)`},
		{"./components/Buton", "src/main.ts", `error: no file "./components/Buton" (did you mean "./components/Button"?)`},
		{"./components/button", "src/main.ts",
			`error: no file "./components/button": the file's name is "Button.tsx", and case matters (did you mean "./components/Button"?)`},
		{"./app.tsx", "src/main.ts", `error: no file "./app.tsx": the file's name is "App.tsx", and case matters (did you mean "./App.tsx"?)`},
		{"./componets/Button", "src/main.ts", `error: no file "./componets/Button": there is no folder "src/componets" (did you mean "./components/Button"?)`},
		{"./icon", "src/main.ts", `error: no file "./icon" (did you mean "./icon.vue"?)`},
		{"./data.jsn", "src/main.ts", `error: no file "./data.jsn" (did you mean "./data.json"?)`},
		{"./empty", "src/main.ts", `error: no file "./empty": it is a folder without an index file`},
		{"./nothing-like-it", "src/main.ts", `error: no file "./nothing-like-it"`},
		{"/src/Apq.tsx", "src/main.ts", `error: no file "/src/Apq.tsx" (did you mean "/src/App.tsx"?)`},
		{"src/App", "src/main.ts", `error: no package "src" (did you mean "/src/App"?)`},
		{"components", "src/main.ts", `error: no package "components" (did you mean "./components"?)`},
	})
	check(t, r, root, URL, []resolution{
		{"logo.svg", "src/main.ts", "src/logo.svg"},
		{"./sprite.svg#icon", "src/main.ts", "src/sprite.svg#icon"},
		{"./sprite.svg#other", "src/main.ts", "src/sprite.svg"},
		{"components/Button.tsx", "src/main.ts", "src/components/Button.tsx"},
	})
}

func TestPackages(t *testing.T) {
	root := tree(t, `
-- package.json --
{"name": "app", "dependencies": {"lodash": "1", "gone": "1"}, "imports": {"#config": "./src/config.ts", "#lib/*": "./src/lib/*.ts", "#dep": "dep", "#env": {"browser": "./src/browser.ts", "default": "./src/node.ts"}}}
-- src/main.ts --
-- src/config.ts --
-- src/lib/a.ts --
-- src/browser.ts --
-- node_modules/lodash/package.json --
{"name": "lodash", "main": "lodash.js"}
-- node_modules/lodash/lodash.js --
-- node_modules/lodash/map.js --
-- node_modules/noext/package.json --
{"main": "./lib/index"}
-- node_modules/noext/lib/index.js --
-- node_modules/dir/package.json --
{"main": "./lib"}
-- node_modules/dir/lib/index.js --
-- node_modules/bare/index.js --
-- node_modules/esm/package.json --
{"main": "main.cjs", "module": "module.mjs"}
-- node_modules/esm/main.cjs --
-- node_modules/esm/module.mjs --
-- node_modules/umd/package.json --
{"main": "main.js", "module": "module.js", "browser": "umd.js"}
-- node_modules/umd/main.js --
-- node_modules/umd/module.js --
export default 1
-- node_modules/umd/umd.js --
!function(){ window.importedFrom = 1 }()
-- node_modules/next/package.json --
{"main": "main.js", "jsnext:main": "next.js"}
-- node_modules/next/main.js --
-- node_modules/next/next.js --
-- node_modules/besm/package.json --
{"main": "main.js", "module": "module.js", "browser": "browser.js"}
-- node_modules/besm/main.js --
-- node_modules/besm/module.js --
-- node_modules/besm/browser.js --
import x from "y"
-- node_modules/missingmodule/package.json --
{"main": "main.js", "module": "gone.js"}
-- node_modules/missingmodule/main.js --
-- node_modules/missingmain/package.json --
{"main": "gone.js"}
-- node_modules/dep/package.json --
{"name": "dep", "type": "module", "version": "1.2.3", "exports": {
  ".": {"types": "./d.ts", "node": "./node.js", "development": {"import": "./dev.js", "require": "./dev.cjs"}, "default": "./prod.js"},
  "./package.json": "./package.json",
  "./sub": "./lib/sub.js",
  "./features/*": "./lib/*.js",
  "./features/*.css": "./css/*.css",
  "./features/private/*": null,
  "./deep/": "./lib/",
  "./list": ["not-valid", "./lib/sub.js"],
  "./broken": "./lib/gone.js",
  "./server": {"node": "./node.js"},
  "./out": "./../x.js",
  "./ts": "./lib/typed.js"
 }}
-- node_modules/dep/dev.js --
-- node_modules/dep/dev.cjs --
-- node_modules/dep/node.js --
-- node_modules/dep/prod.js --
-- node_modules/dep/lib/sub.js --
-- node_modules/dep/lib/typed.ts --
-- node_modules/dep/lib/private/x.js --
-- node_modules/dep/css/x.css --
-- node_modules/wild/package.json --
{"exports": {".": "./lib/index.js", "./*": "./lib/*.js", "./internal/*": null, "./none/*": "./none/*.js", "./node/*": {"node": "./lib/*.js"}}}
-- node_modules/wild/lib/index.js --
-- node_modules/wild/lib/thing.js --
-- node_modules/wild/lib/thing.d.ts --
-- node_modules/wild/lib/internal/thing.js --
-- node_modules/single/package.json --
{"exports": "./x.js"}
-- node_modules/single/x.js --
-- node_modules/browserish/package.json --
{"name": "browserish", "main": "./index.js", "browser": {"./index.js": "./web.js", "./lib/node.js": false, "fs": false, "ws": "./ws-web.js", "stream": "readable"}}
-- node_modules/browserish/index.js --
-- node_modules/browserish/web.js --
-- node_modules/browserish/ws-web.js --
-- node_modules/browserish/lib/node.js --
-- node_modules/browserish/lib/deep.js --
-- node_modules/readable/index.js --
-- node_modules/@scope/ui/package.json --
{"exports": {".": "./index.js", "./style.css": "./style.css"}}
-- node_modules/@scope/ui/index.js --
-- node_modules/@scope/ui/style.css --
-- node_modules/nested/package.json --
{"main": "index.js"}
-- node_modules/nested/index.js --
-- node_modules/nested/node_modules/lodash/index.js --
-- node_modules/buffer/index.js --
-- node_modules/broken/package.json --
{
  "main": index.js
}
-- src/Close.tsx --
`)
	r := newResolver(t, Options{Root: root})
	check(t, r, root, Import, []resolution{
		{"lodash", "src/main.ts", "node_modules/lodash/lodash.js"},
		{"lodash/map", "src/main.ts", "node_modules/lodash/map.js"},
		{"lodash/map.js?x", "src/main.ts", "node_modules/lodash/map.js?x"},
		{"noext", "src/main.ts", "node_modules/noext/lib/index.js"},
		{"dir", "src/main.ts", "node_modules/dir/lib/index.js"},
		{"bare", "src/main.ts", "node_modules/bare/index.js"},
		{"esm", "src/main.ts", "node_modules/esm/module.mjs"},
		{"umd", "src/main.ts", "node_modules/umd/module.js"},
		{"next", "src/main.ts", "node_modules/next/next.js"},
		{"besm", "src/main.ts", "node_modules/besm/browser.js"},
		{"missingmodule", "src/main.ts", "node_modules/missingmodule/main.js"},
		{"dep", "src/main.ts", "node_modules/dep/dev.js"},
		{"dep/package.json", "src/main.ts", "node_modules/dep/package.json"},
		{"dep/sub", "src/main.ts", "node_modules/dep/lib/sub.js"},
		{"dep/features/sub", "src/main.ts", "node_modules/dep/lib/sub.js"},
		{"dep/features/x.css", "src/main.ts", "node_modules/dep/css/x.css"},
		{"dep/deep/sub", "src/main.ts", "node_modules/dep/lib/sub.js"},
		{"dep/list", "src/main.ts", "node_modules/dep/lib/sub.js"},
		{"dep/ts", "src/main.ts", "node_modules/dep/lib/typed.ts"},
		{"single", "src/main.ts", "node_modules/single/x.js"},
		{"dep", "node_modules/dep/lib/sub.js", "node_modules/dep/dev.js"},
		{"browserish", "src/main.ts", "node_modules/browserish/web.js"},
		{"./lib/node", "node_modules/browserish/web.js", "empty"},
		{"./node.js", "node_modules/browserish/lib/deep.js", "empty"},
		{"fs", "node_modules/browserish/web.js", "empty"},
		{"ws", "node_modules/browserish/lib/deep.js", "node_modules/browserish/ws-web.js"},
		{"stream", "node_modules/browserish/web.js", "node_modules/readable/index.js"},
		{"@scope/ui", "src/main.ts", "node_modules/@scope/ui/index.js"},
		{"@scope/ui/style.css", "src/main.ts", "node_modules/@scope/ui/style.css"},
		{"lodash", "node_modules/nested/index.js", "node_modules/nested/node_modules/lodash/index.js"},
		{"#config", "src/main.ts", "src/config.ts"},
		{"#lib/a", "src/main.ts", "src/lib/a.ts"},
		{"#dep", "src/main.ts", "node_modules/dep/dev.js"},
		{"#env", "src/main.ts", "src/browser.ts"},
		{"fs", "src/main.ts", "builtin fs"},
		{"node:fs/promises", "src/main.ts", "builtin fs/promises"},
		{"node:buffer", "src/main.ts", "builtin buffer"},
		{"buffer", "src/main.ts", "node_modules/buffer/index.js"},

		{"loadsh", "src/main.ts", `error: no package "loadsh" (did you mean "lodash"?); run: npm install loadsh`},
		{"zustand/middleware", "src/main.ts", `error: no package "zustand"; run: npm install zustand`},
		{"gone", "src/main.ts", `error: package "gone" is not installed; run: npm install`},
		{"missingmain", "src/main.ts", `error: package "missingmain" has no entry: the file that its package.json names does not exist` +
			`; the installed package may be incomplete: install it again`},
		{"lodash/mop", "src/main.ts", `error: package "lodash" has no file "./mop" (did you mean "lodash/map"?)`},
		{"dep/subb", "src/main.ts", `error: package "dep" does not export "./subb" (did you mean "dep/sub"?)` +
			`; it exports "dep/sub", "dep/list", "dep/ts", "dep", "dep/deep/sub.js" and 3 more`},
		{"dep/lib/sub.js", "src/main.ts", `error: package "dep" does not export "./lib/sub.js" (did you mean "dep/sub"?)` +
			`; it exports "dep/sub", "dep/deep/sub.js", "dep/list", "dep/ts", "dep/deep/typed.ts" and 3 more`},
		{"dep/features/private/x", "src/main.ts", `error: package "dep" forbids imports of "./features/private/x"` +
			`; it exports "dep/features/sub", "dep/features/x.css", "dep/deep/sub.js", "dep/deep/typed.ts", "dep/list" and 3 more`},
		{"wild/dist/thing", "src/main.ts", `error: package "wild" names the file "./lib/dist/thing.js" for "wild/dist/thing", but has no such file (did you mean "wild/thing"?)` +
			`; it exports "wild/thing", "wild/index", "wild"`},
		{"wild/lib/thing.js", "src/main.ts", `error: package "wild" names the file "./lib/lib/thing.js.js" for "wild/lib/thing.js", but has no such file (did you mean "wild/thing"?)` +
			`; it exports "wild/thing", "wild/index", "wild"`},
		{"wild/internal/thing", "src/main.ts", `error: package "wild" forbids imports of "./internal/thing" (did you mean "wild/thing"?)` +
			`; it exports "wild/thing", "wild/index", "wild"`},
		{"wild/thin", "src/main.ts", `error: package "wild" names the file "./lib/thin.js" for "wild/thin", but has no such file (did you mean "wild/thing"?)` +
			`; it exports "wild/thing", "wild", "wild/index"`},
		{"single/x.js", "src/main.ts", `error: package "single" does not export "./x.js"; it exports "single"`},
		{"dep/server", "src/main.ts", `error: package "dep" does not export "./server" under the conditions of a browser`},
		{"dep/broken", "src/main.ts", `error: package "dep" names the file "./lib/gone.js" for "dep/broken", but has no such file` +
			`; the installed package may be incomplete: install it again`},
		{"dep/out", "src/main.ts", `error: package "dep" does not export "./out" under the conditions of a browser`},
		{"#nope", "src/main.ts", `error: "#nope" is not in "imports" of package.json`},
		{"broken", "src/main.ts", "error: node_modules/broken/package.json:2:11: invalid character 'i' looking for beginning of value"},
		{"@/x", "src/main.ts", `error: no alias for "@/x"; add "@" to "resolve.alias" of the config, or to "paths" of tsconfig.json; or install the plugin that resolves it`},
		{"virtual:pages", "src/main.ts", `error: no plugin resolves "virtual:pages"; install the plugin that makes the module, and list it in the vite.config; ` +
			`or write its ResolveID in devserver/`},
		{"Close", "src/main.ts", `error: no package "Close" (did you mean "./Close"?)`},
		{"", "src/main.ts", `error: the import specifier is empty`},
	})
	check(t, r, root, Require, []resolution{
		{"dep", "src/main.ts", "node_modules/dep/dev.cjs"},
		{"esm", "src/main.ts", "node_modules/esm/module.mjs"}, // the file that an import gets: one copy in the page
		{"umd", "src/main.ts", "node_modules/umd/module.js"},
		{"next", "src/main.ts", "node_modules/next/next.js"},
	})
}

func TestConditions(t *testing.T) {
	root := tree(t, `
-- main.ts --
-- node_modules/a/package.json --
{"exports": {"own": "./own.js", "development": "./development.js", "style": "./a.css", "module": "./module.js", "browser": "./browser.js", "default": "./a.js"}}
-- node_modules/a/a.js --
-- node_modules/a/own.js --
-- node_modules/a/development.js --
-- node_modules/a/browser.js --
-- node_modules/a/a.css --
-- node_modules/b/package.json --
{"exports": {"import": {"module": "./module.js", "browser": "./browser.js", "default": "./b.js"}}}
-- node_modules/b/b.js --
-- node_modules/b/browser.js --
`)
	for _, c := range []struct {
		specifier, want string
		kind            Kind
		o               Options
	}{
		{"a", "own.js", Import, Options{Conditions: []string{"own"}}},
		{"a", "a.js", Import, Options{NoDefaultConditions: true}},
		{"b", "b.js", Import, Options{NoDefaultConditions: true}},
		{"a", "development.js", Style, Options{NoDefaultConditions: true}}, // stylesheets have conditions of their own
		{"b", "browser.js", Import, Options{NoDefaultConditions: true, Conditions: []string{"browser"}}},
		{"a", "development.js", Import, Options{NoDefaultConditions: true, Conditions: []string{"development|production"}}},
	} {
		c.o.Root = root
		check(t, newResolver(t, c.o), root, c.kind, []resolution{{c.specifier, "main.ts", "node_modules/" + c.specifier + "/" + c.want}})
	}
}

func TestStyle(t *testing.T) {
	root := tree(t, `
-- package.json --
{}
-- src/a.css --
-- src/b.css --
-- src/x.png --
-- src/tailwindcss.css --
-- node_modules/tailwindcss/package.json --
{"exports": {".": {"style": "./index.css", "import": "./lib.js"}, "./theme.css": "./theme.css", "./theme": {"style": "./theme.css"}}}
-- node_modules/tailwindcss/index.css --
-- node_modules/tailwindcss/theme.css --
-- node_modules/tailwindcss/lib.js --
-- node_modules/normalize.css/package.json --
{"main": "normalize.css", "style": "normalize.css"}
-- node_modules/normalize.css/normalize.css --
-- node_modules/boots/package.json --
{"main": "x.js", "style": "dist/css/x.css"}
-- node_modules/boots/dist/css/x.css --
-- node_modules/boots/x.js --
-- node_modules/@fontsource/inter/index.css --
-- node_modules/@fontsource/inter/files/a.woff2 --
-- node_modules/@fontsource/inter/package.json --
{"main": "index.css"}
-- node_modules/jsonly/package.json --
{"exports": {".": "./x.js"}, "style": "x.css"}
-- node_modules/jsonly/x.css --
`)
	r := newResolver(t, Options{Root: root, Alias: []Alias{{Find: "@", Replacement: "/src"}}})
	check(t, r, root, Style, []resolution{
		{"./b.css", "src/a.css", "src/b.css"},
		{"b.css", "src/a.css", "src/b.css"},
		{"b", "src/a.css", "src/b.css"},
		{"x.png", "src/a.css", "src/x.png"},
		{"./x.png#icon", "src/a.css", "src/x.png"},
		{"@/x.png", "src/a.css", "src/x.png"},
		{"tailwindcss/theme.css", "src/a.css", "node_modules/tailwindcss/theme.css"},
		{"tailwindcss/theme", "src/a.css", "node_modules/tailwindcss/theme.css"},
		{"~tailwindcss", "src/a.css", "node_modules/tailwindcss/index.css"},
		{"normalize.css", "src/a.css", "node_modules/normalize.css/normalize.css"},
		{"boots", "src/a.css", "node_modules/boots/dist/css/x.css"},
		{"@fontsource/inter", "src/a.css", "node_modules/@fontsource/inter/index.css"},
		{"files/a.woff2", "node_modules/@fontsource/inter/index.css", "node_modules/@fontsource/inter/files/a.woff2"},
		{"https://fonts/x.css", "src/a.css", "external https://fonts/x.css"},
	})
}

// TestStyleLanguages holds what Sass and Less have besides the rules of CSS.
func TestStyleLanguages(t *testing.T) {
	root := tree(t, `
-- package.json --
{"imports": {"#theme/*": "./src/theme/*"}}
-- tsconfig.json --
{"compilerOptions": {"paths": {"styles/*": ["./src/*"]}}}
-- src/a.scss --
-- src/a.less --
-- src/both.scss --
-- src/both.less --
-- src/both.css --
-- src/_part.scss --
-- src/theme/_index.sass --
-- src/theme/_dark.scss --
-- src/theme/dark.less --
-- src/plain/index.css --
-- node_modules/fields/package.json --
{"main": "x.js", "sass": "x.scss", "less": "x.less", "style": "x.css"}
-- node_modules/fields/x.js --
-- node_modules/fields/x.css --
-- node_modules/fields/x.scss --
-- node_modules/fields/x.less --
-- node_modules/fields/deep/_y.scss --
-- node_modules/exports/package.json --
{"exports": {".": {"browser": "./x.js", "sass": "./x.scss", "less": "./x.less", "style": "./x.css"}, "./deep/*": "./lib/*"}}
-- node_modules/exports/x.js --
-- node_modules/exports/x.css --
-- node_modules/exports/x.scss --
-- node_modules/exports/x.less --
-- node_modules/exports/lib/_y.scss --
-- node_modules/exports/lib/y.less --
-- node_modules/script/package.json --
{"exports": "./x.js", "style": "x.css"}
-- node_modules/script/x.js --
-- node_modules/script/x.css --
-- node_modules/mains/package.json --
{"main": "all.scss"}
-- node_modules/mains/all.scss --
-- node_modules/indexes/_index.scss --
`)
	r := newResolver(t, Options{Root: root, Alias: []Alias{{Find: "@", Replacement: "/src"}}})
	check(t, r, root, Sass, []resolution{
		{"both", "src/a.scss", "src/both.scss"},
		{"./both.css", "src/a.scss", "src/both.css"},
		{"part", "src/a.scss", "src/_part.scss"},
		{"part.scss", "src/a.scss", "src/_part.scss"},
		{"_part", "src/a.scss", "src/_part.scss"},
		{"theme", "src/a.scss", "src/theme/_index.sass"},
		{"plain", "src/a.scss", "src/plain/index.css"},
		{"@/theme/dark", "src/a.scss", "src/theme/_dark.scss"},
		{"~@/theme/dark", "src/a.scss", "src/theme/_dark.scss"},
		{"#theme/dark", "src/a.scss", "src/theme/_dark.scss"},
		{"styles/part", "src/theme/_dark.scss", "src/_part.scss"},
		{"/src/part", "src/theme/_dark.scss", "src/_part.scss"},
		{"fields", "src/a.scss", "node_modules/fields/x.scss"},
		{"pkg:fields", "src/a.scss", "node_modules/fields/x.scss"},
		{"~fields/deep/y", "src/a.scss", "node_modules/fields/deep/_y.scss"},
		{"pkg:fields/deep/y", "src/a.scss", "node_modules/fields/deep/_y.scss"},
		{"exports", "src/a.scss", "node_modules/exports/x.scss"},
		{"exports/deep/y", "src/a.scss", "node_modules/exports/lib/_y.scss"},
		{"script", "src/a.scss", "node_modules/script/x.css"},
		{"mains", "src/a.scss", "node_modules/mains/all.scss"},
		{"indexes", "src/a.scss", "node_modules/indexes/_index.scss"},
	})
	check(t, r, root, Less, []resolution{
		{"both", "src/a.less", "src/both.less"},
		{"@/theme/dark", "src/a.less", "src/theme/dark.less"},
		{"fields", "src/a.less", "node_modules/fields/x.less"},
		{"exports", "src/a.less", "node_modules/exports/x.less"},
		{"exports/deep/y", "src/a.less", "node_modules/exports/lib/y.less"},
		{"script", "src/a.less", "node_modules/script/x.css"},
	})
	check(t, r, root, Style, []resolution{
		{"both", "src/a.css", "src/both.css"},
		{"exports", "src/a.css", "node_modules/exports/x.css"},
		{"script", "src/a.css", "node_modules/script/x.css"},
	})
	for _, spec := range []string{"nothing", "./part.css", "pkg:nothing", "file"} {
		if to, err := r.ResolveKind(Sass, spec, filepath.Join(root, "src/a.scss")); err == nil {
			t.Errorf("Sass finds %q in %s", spec, to.File)
		}
	}
	if to, err := r.ResolveKind(Less, "part", filepath.Join(root, "src/a.less")); err == nil {
		t.Errorf("Less takes a partial of Sass: %s", to.File)
	}
}

func TestAlias(t *testing.T) {
	root := tree(t, `
-- package.json --
{}
-- src/x.ts --
-- src/lib/y.ts --
-- node_modules/preact/package.json --
{"exports": {"./compat": "./compat.js"}}
-- node_modules/preact/compat.js --
-- node_modules/@scope/a/index.js --
`)
	r := newResolver(t, Options{Root: root, Alias: []Alias{
		{Find: "@", Replacement: "/src"},
		{Find: "~/", Replacement: "./src/"},
		{Find: "abs", Replacement: filepath.Join(root, "src")},
		{Find: "react", Replacement: "preact/compat"},
		{Expression: library{}, Replacement: "/src/lib/$1.ts"},
		{Find: "cdn", Replacement: "https://cdn.example/x.js"},
		{Find: "host", Replacement: "//host.example"},
		{Find: "=", Replacement: "/"},
		{Expression: hash{}, Replacement: "/"},
	}})
	check(t, r, root, Import, []resolution{
		{"@/x", "src/lib/y.ts", "src/x.ts"},
		{"@/x.ts?raw", "src/lib/y.ts", "src/x.ts?raw"},
		{"~/x", "src/lib/y.ts", "src/x.ts"},
		{"abs/x", "src/lib/y.ts", "src/x.ts"},
		{"react", "src/x.ts", "node_modules/preact/compat.js"},
		{"lib-y", "src/x.ts", "src/lib/y.ts"},
		{"cdn", "src/x.ts", "external https://cdn.example/x.js"},
		{"host/x.js", "src/x.ts", "external //host.example/x.js"},
		{"=/src/x", "src/lib/y.ts", "src/x.ts"},
		{"##/src/x", "src/lib/y.ts", "src/x.ts"},
		{"@scope/a", "src/x.ts", "node_modules/@scope/a/index.js"},
		{"@/lib/yz", "src/x.ts", `error: no file "@/lib/yz" (did you mean "@/lib/y"?)`},
	})
}

// hash is the expression /^##/.
type hash struct{}

func (hash) Match(text string) bool { return strings.HasPrefix(text, "##") }

func (hash) Replace(text, replacement string) string { return replacement + text[2:] }

// library is the expression /^lib-(\w+)$/.
type library struct{}

func (library) Match(text string) bool { return strings.HasPrefix(text, "lib-") }

func (library) Replace(text, replacement string) string {
	return strings.Replace(replacement, "$1", strings.TrimPrefix(text, "lib-"), 1)
}

const pnpm = `
-- package.json --
{"dependencies": {"a": "1", "ui": "workspace:*"}}
-- src/main.ts --
-- pnpm-lock.yaml --
-- node_modules/a --
-> .pnpm/a@1.0.0/node_modules/a
-- node_modules/ui --
-> ../packages/ui
-- node_modules/.pnpm/a@1.0.0/node_modules/a/package.json --
{"name": "a", "version": "1.0.0", "main": "index.js"}
-- node_modules/.pnpm/a@1.0.0/node_modules/a/index.js --
-- node_modules/.pnpm/a@1.0.0/node_modules/b --
-> ../../b@2.0.0/node_modules/b
-- node_modules/.pnpm/b@2.0.0/node_modules/b/package.json --
{"name": "b", "version": "2.0.0", "sideEffects": false}
-- node_modules/.pnpm/b@2.0.0/node_modules/b/index.js --
-- packages/ui/package.json --
{"name": "ui", "version": "0.0.0", "exports": {".": "./src/index.ts", "./built": "./dist/x.js"}, "type": "module"}
-- packages/ui/src/index.ts --
-- packages/ui/src/Button.tsx --
`

func TestLinks(t *testing.T) {
	root := tree(t, pnpm)
	r := newResolver(t, Options{Root: root})
	check(t, r, root, Import, []resolution{
		{"a", "src/main.ts", "node_modules/.pnpm/a@1.0.0/node_modules/a/index.js"},
		{"b", "node_modules/.pnpm/a@1.0.0/node_modules/a/index.js", "node_modules/.pnpm/b@2.0.0/node_modules/b/index.js"},
		{"b", "src/main.ts", `error: no package "b"; run: pnpm add b`},
		{"ui", "src/main.ts", "packages/ui/src/index.ts"},
		{"./Button", "packages/ui/src/index.ts", "packages/ui/src/Button.tsx"},
		{"a", "packages/ui/src/index.ts", "node_modules/.pnpm/a@1.0.0/node_modules/a/index.js"},
		{"ui/built", "src/main.ts", `error: package "ui" names the file "./dist/x.js" for "ui/built", but has no such file` +
			`; it is linked from this workspace: build it, or name its source in its package.json`},
	})
	ui, _ := r.Resolve("ui", filepath.Join(root, "src/main.ts"))
	if p := ui.Package; p == nil || !p.Linked || p.Name != "ui" || p.Version != "0.0.0" || !p.ESM(ui.File) {
		t.Errorf("package of ui: %+v", p)
	}
	a, _ := r.Resolve("a", filepath.Join(root, "src/main.ts"))
	if p := a.Package; p == nil || p.Linked || p.Name != "a" || p.Version != "1.0.0" || p.ESM(a.File) || p.SideEffectFree(a.File) {
		t.Errorf("package of a: %+v", p)
	}
	own, _ := r.Resolve("./main", filepath.Join(root, "src/main.ts"))
	if own.Package == nil || own.Package.Linked {
		t.Errorf("package of the project: %+v", own.Package)
	}
	if err := os.Symlink("nowhere.ts", filepath.Join(root, "src/lost.ts")); err != nil {
		t.Fatal(err)
	}
	check(t, newResolver(t, Options{Root: root}), root, Import, []resolution{
		{"./lost", "src/main.ts", `error: no file "./lost": the link "src/lost.ts" does not lead to a file`},
	})
	keep := newResolver(t, Options{Root: root, PreserveSymlinks: true})
	check(t, keep, root, Import, []resolution{
		{"a", "src/main.ts", "node_modules/a/index.js"},
		{"ui", "src/main.ts", "node_modules/ui/src/index.ts"},
	})
}

func TestDedupe(t *testing.T) {
	root := tree(t, `
-- app/package.json --
{"dependencies": {"react": "18", "lib": "1"}}
-- app/src/main.ts --
-- app/node_modules/react/index.js --
-- app/node_modules/store/index.js --
-- app/node_modules/peer/index.js --
-- app/node_modules/lib --
-> ../../lib
-- lib/package.json --
{"name": "lib", "main": "index.js"}
-- lib/index.js --
-- lib/node_modules/react/index.js --
-- lib/node_modules/store/index.js --
`)
	r := newResolver(t, Options{Root: filepath.Join(root, "app"), Dedupe: []string{"store"}})
	check(t, r, root, Import, []resolution{
		{"react", "lib/index.js", "app/node_modules/react/index.js"},
		{"store", "lib/index.js", "app/node_modules/store/index.js"},
		{"peer", "lib/index.js", "app/node_modules/peer/index.js"},
	})
	r = newResolver(t, Options{Root: filepath.Join(root, "app")})
	check(t, r, root, Import, []resolution{{"store", "lib/index.js", "lib/node_modules/store/index.js"}})
}

func TestPreactForReact(t *testing.T) {
	root := tree(t, `
-- package.json --
{"dependencies": {"preact": "10"}}
-- src/main.jsx --
-- node_modules/preact/package.json --
{"exports": {"./compat": "./compat.js", "./compat/client": "./client.js", "./jsx-runtime": "./jsx.js"}}
-- node_modules/preact/compat.js --
-- node_modules/preact/client.js --
-- node_modules/preact/jsx.js --
-- node_modules/zustand/index.js --
`)
	r := newResolver(t, Options{Root: root})
	check(t, r, root, Import, []resolution{
		{"react", "node_modules/zustand/index.js", "node_modules/preact/compat.js"},
		{"react-dom", "src/main.jsx", "node_modules/preact/compat.js"},
		{"react-dom/client", "src/main.jsx", "node_modules/preact/client.js"},
		{"react/jsx-runtime", "src/main.jsx", "node_modules/preact/jsx.js"},
	})
}

// Monorepos keep the dependencies that all projects share in the package.json at their top.
func TestDependenciesOfTheWorkspace(t *testing.T) {
	root := tree(t, `
-- package.json --
{"workspaces": ["*"], "dependencies": {"react": "19", "react-dom": "19"}, "devDependencies": {"sass": "1", "@tailwindcss/vite": "4"}}
-- app/package.json --
{"dependencies": {"ui": "*"}}
-- other/package.json --
{"dependencies": {"preact": "10"}}
-- bare/index.html --
-- broken/package.json --
{
`)
	for app, want := range map[string]string{
		"app":    "@tailwindcss/vite,react,react-dom,sass,ui",
		"other":  "@tailwindcss/vite,preact,sass", // React is for its neighbors
		"bare":   "@tailwindcss/vite,react,react-dom,sass",
		"broken": "@tailwindcss/vite,react,react-dom,sass",
	} {
		r := newResolver(t, Options{Root: filepath.Join(root, app), Workspace: root})
		if got := strings.Join(sortedKeys(r.Dependencies()), ","); got != want {
			t.Errorf("%s depends on %s, want %s", app, got, want)
		}
	}
	alone := newResolver(t, Options{Root: filepath.Join(root, "app")})
	if got := sortedKeys(alone.Dependencies()); len(got) != 1 {
		t.Errorf("a project without a workspace depends on %v, want only its own", got)
	}
}

func TestSideEffects(t *testing.T) {
	root := tree(t, `
-- package.json --
{}
-- node_modules/none/package.json --
{"name": "none", "sideEffects": false}
-- node_modules/none/esm/package.json --
{"type": "module"}
-- node_modules/some/package.json --
{"name": "some", "sideEffects": ["*.css", "./lib/polyfill.js", "dist/**/init.js"]}
-- node_modules/all/package.json --
{"name": "all", "sideEffects": true}
`)
	r := newResolver(t, Options{Root: root})
	for _, c := range []struct {
		file      string
		free, esm bool
	}{
		{"none/x.js", true, false},
		{"none/esm/x.js", true, true},
		{"none/x.mjs", true, true},
		{"some/x.js", false, false},
		{"some/lib/a.js", true, false},
		{"some/lib/polyfill.js", false, false},
		{"some/lib/a.css", false, false},
		{"some/dist/a/b/init.js", false, false},
		{"all/x.js", false, false},
		{"unknown/x.js", false, false},
	} {
		file := filepath.Join(root, "node_modules", filepath.FromSlash(c.file))
		p := r.PackageOf(file)
		if c.file == "some/x.js" {
			c.free = true
		}
		if p.SideEffectFree(file) != c.free || p.ESM(file) != c.esm {
			t.Errorf("%s: free %v, esm %v", c.file, p.SideEffectFree(file), p.ESM(file))
		}
	}
}

func TestInvalidate(t *testing.T) {
	root := tree(t, `
-- package.json --
{}
-- src/main.ts --
-- src/a.ts --
`)
	main := filepath.Join(root, "src/main.ts")
	r := newResolver(t, Options{Root: root})
	want := func(spec, want string) {
		t.Helper()
		res, err := r.Resolve(spec, main)
		if got := answerText(root, res, err); got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
	}
	want("./a", "src/a.ts")
	want("./b", `error: no file "./b"`)
	write(t, filepath.Join(root, "src/b.ts"), "")
	want("./b", "src/b.ts") // a missing file is searched again, with or without Invalidate

	write(t, filepath.Join(root, "src/a.js"), "")
	r.Invalidate(filepath.Join(root, "src/a.js"))
	want("./a", "src/a.js")

	want("dep", `error: no package "dep"; run: npm install dep`)
	write(t, filepath.Join(root, "node_modules/dep/index.js"), "")
	r.Invalidate(filepath.Join(root, "package.json"))
	want("dep", "node_modules/dep/index.js")
	write(t, filepath.Join(root, "node_modules/dep/package.json"), `{"main": "main.js"}`)
	write(t, filepath.Join(root, "node_modules/dep/main.js"), ``)
	want("dep", "node_modules/dep/index.js")
	if changed := r.Recheck(); !changed {
		t.Error("a package that was upgraded is not noticed")
	}
	want("dep", "node_modules/dep/main.js")
	if r.Recheck() {
		t.Error("no change, and one was seen")
	}
	write(t, filepath.Join(root, "node_modules/dep/package.json"), `{"main": "./index.js"}`)
	r.Invalidate(filepath.Join(root, "package.json")) // npm writes it in the same moment
	want("dep", "node_modules/dep/index.js")
	if !r.Recheck() {
		t.Error("a package that was read again after an upgrade counts as the package of before")
	}

	if err := os.Rename(filepath.Join(root, "src"), filepath.Join(root, "lib")); err != nil {
		t.Fatal(err)
	}
	r.Invalidate(filepath.Join(root, "src"), filepath.Join(root, "lib"))
	want("./a", `error: no file "./a": there is no folder "src"`)
}

// TestConcurrent is for the race detector.
func TestConcurrent(t *testing.T) {
	root := tree(t, pnpm)
	r := newResolver(t, Options{Root: root})
	main := filepath.Join(root, "src/main.ts")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				for _, spec := range []string{"a", "ui", "./main", "./gone", "nothing"} {
					_, _ = r.Resolve(spec, main)
				}
				_ = r.TSConfig(main)
				_ = r.PackageOf(main).SideEffectFree(main)
			}
		})
	}
	for range 20 {
		r.Invalidate(main)
		r.Invalidate(filepath.Join(root, "package.json"))
		r.Recheck()
	}
	wg.Wait()
	check(t, r, root, Import, []resolution{{"ui", "src/main.ts", "packages/ui/src/index.ts"}})
}
