package server_test

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// writes is the source of a PostCSS plugin that appends a rule with the word WORD.
const writes = `{ postcssPlugin: "writes", Once(root, { Rule }) { root.append({ selector: ".told", nodes: [] }); root.last.append({ prop: "--told", value: "WORD" }) } }`

// TestPostCSSConfigAbove finds the PostCSS configuration in Vite's order: from the root upward, to the top of the
// workspace or package. Edits of the configuration and of the files that it requires count, and so do its creation and
// removal.
func TestPostCSSConfigAbove(t *testing.T) {
	t.Parallel()
	plugin := func(word string) string { return strings.Replace(writes, "WORD", word, 1) }
	cjs := func(word string) string { return "module.exports = { plugins: [" + plugin(word) + "] }\n" }
	for name, c := range map[string]struct {
		files string
		want  string // the word in the page's stylesheet
		no    bool   // there is no configuration
		edit  func(app *devtest.Files)
		then  string // the word after the edit
	}{
		"in the package": {
			files: "-- package.json --\n{}\n-- postcss.config.cjs --\n" + cjs("package"), want: "package",
			edit: func(app *devtest.Files) { app.Edit("postcss.config.cjs", "package", "edited") }, then: "edited",
		},
		"an ES module": {
			files: "-- package.json --\n{\"type\": \"module\"}\n-- postcss.config.js --\nexport default () => ({ plugins: [" + plugin("module") + "] })\n", want: "module",
			edit: func(app *devtest.Files) { app.Edit("postcss.config.js", "module\"", "edited\"") }, then: "edited",
		},
		"TypeScript": {
			files: "-- package.json --\n{\"type\": \"module\"}\n-- postcss.config.ts --\nconst word: string = 'typed';\nexport default { plugins: [" + strings.Replace(writes, `"WORD"`, "word", 1) + "] }\n", want: "typed",
			edit: func(app *devtest.Files) { app.Edit("postcss.config.ts", "typed", "edited") }, then: "edited",
		},
		"what it requires": {
			files: "-- package.json --\n{}\n-- postcss.config.cjs --\nmodule.exports = { plugins: [require('./own.cjs')] }\n-- own.cjs --\nmodule.exports = " + plugin("required") + "\n", want: "required",
			edit: func(app *devtest.Files) { app.Edit("own.cjs", "required", "edited") }, then: "edited",
		},
		"package.json": {
			files: "-- package.json --\n{ \"postcss\": { \"plugins\": { \"./own.cjs\": {} } } }\n-- own.cjs --\nmodule.exports = () => (" + plugin("own") + ")\n-- other.cjs --\nmodule.exports = () => (" + plugin("other") + ")\n", want: "own",
			edit: func(app *devtest.Files) { app.Edit("package.json", "own.cjs", "other.cjs") }, then: "other",
		},
		"a plugin in the vite.config": {
			files: "-- package.json --\n{}\n-- vite.config.mjs --\nexport default { css: { postcss: { plugins: [" + plugin("vite") + "] } } }\n", want: "vite",
			edit: func(app *devtest.Files) { app.Edit("vite.config.mjs", "\"vite\"", "\"edited\"") }, then: "edited",
		},
		"a nearer one wins": {
			files: "-- package.json --\n{}\n-- postcss.config.cjs --\n" + cjs("above") + "-- client/.postcssrc.cjs --\n" + cjs("near"), want: "near",
			edit: func(app *devtest.Files) {
				if err := os.Remove(app.Path("client/.postcssrc.cjs")); err != nil {
					t.Fatal(err)
				}
			}, then: "above",
		},
		"one that comes": {
			files: "-- package.json --\n{}\n", no: true,
			edit: func(app *devtest.Files) { app.Write("postcss.config.cjs", cjs("came")) }, then: "came",
		},
		"the workspace's": {
			files: "-- package.json --\n{}\n-- ../package.json --\n{ \"workspaces\": [\"app\"] }\n-- ../postcss.config.cjs --\n" + cjs("workspace"), want: "workspace",
			edit: func(app *devtest.Files) { app.Edit("../postcss.config.cjs", "workspace", "edited") }, then: "edited",
		},
		"beyond the package": {
			files: "-- package.json --\n{}\n-- ../postcss.config.cjs --\n" + cjs("beyond"), no: true,
			edit: func(app *devtest.Files) { app.Write(".postcssrc.cjs", cjs("inside")) }, then: "inside",
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := devtest.App(t, devtest.Text("-- devserver.config.json --\n{ \"root\": \"client\" }\n-- client/index.html --\n<script type=\"module\" src=\"/main.ts\"></script>\n-- client/main.ts --\nimport './a.css'\n-- client/a.css --\n.a { color: red }\n"+c.files))
			tools(t, app)
			s := devtest.Start(t, app)
			pack := module(t, s)
			if c.no && strings.Contains(pack, "--told") || !c.no && !strings.Contains(pack, "--told: "+c.want) {
				t.Fatalf("want the word %q in:\n%s", c.want, pack)
			}
			c.edit(app)
			devtest.Eventually(t, "the stylesheet of the edited configuration", func() bool {
				return strings.Contains(module(t, s), "--told: "+c.then)
			}, func() string { return s.Log.String() })
		})
	}
}

// TestPostCSSSeesImportsAsOne: PostCSS gets a stylesheet together with its imports, as from Vite. So one file can use
// the definitions of another.
func TestPostCSSSeesImportsAsOne(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- index.html --
<link rel="stylesheet" href="/a.css">
-- package.json --
{}
-- postcss.config.cjs --
const define = {
  postcssPlugin: "define",
  Once(root) {
    const values = {};
    root.walkAtRules("define", (rule) => { const [name, value] = rule.params.split("="); values[name] = value; rule.remove(); });
    root.walkDecls("color", (decl) => { decl.value = values[decl.value] ?? decl.value; });
  },
};
module.exports = { plugins: [define] };
-- a.css --
@charset "utf-8";
@layer first;
@import "./defs/brand.css";
@import './parts/b.css' layer(base) supports(display: grid) screen and (min-width: 1px);
@import url(./parts/c.css);
.a { color: brand }
-- defs/brand.css --
@define brand=#010203;
-- parts/b.css --
@import "./c.css";
.b { color: brand; background: url("./pic.svg#x") }
-- parts/c.css --
@import "https://cdn.example/y.css";
@import "../a.css";
.c { color: brand; mask: url(pic.svg) }
-- parts/pic.svg --
<svg xmlns="http://www.w3.org/2000/svg"/>
`))
	tools(t, app)
	s := devtest.Start(t, app)
	css := func() string { return s.Get("/a.css", "Sec-Fetch-Dest", "style", "Accept", "text/css").Body }
	flat := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	want := `@layer first; @import "data:text/css,%40import%20%22https%3A%2F%2Fcdn.example%2Fy.css%22%3B" layer(base) supports(display: grid) screen and (min-width: 1px); ` +
		`@import "https://cdn.example/y.css"; ` +
		`@media screen and (min-width: 1px) { @supports (display: grid) { @layer base { .c { color: #010203; mask: url(/parts/pic.svg); } .b { color: #010203; background: url(/parts/pic.svg#x); } } } } ` +
		`.c { color: #010203; mask: url(/parts/pic.svg); } .a { color: #010203; }`
	if got := flat(css()); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sock := s.Socket(t)
	app.Edit("defs/brand.css", "#010203", "#040506")
	sock.WaitFor(devtest.Is("update", "/a.css"))
	if got := css(); !strings.Contains(got, "#040506") {
		t.Errorf("after the edit: %s", got)
	}
	app.Edit("parts/b.css", "./c.css", "./d.css")
	sock.WaitFor(devtest.Is("error", "parts/b.css", "./d.css"))
	app.Write("parts/d.css", ".d { color: brand }")
	sock.WaitFor(devtest.Is("update", "/a.css"))
	if got := flat(css()); !strings.Contains(got, ".d { color: #040506; }") {
		t.Errorf("after the missing file was created: %s", got)
	}
}

// TestPostCSSReadsFolders: PostCSS plugins name folders whose files they read. New files, edits, and removed files and
// folders make the stylesheet again, whatever is special in the folder's name.
func TestPostCSSReadsFolders(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"dir-dependency":     `{ type: "dir-dependency", dir, glob: "**/*.txt" }`,
		"context-dependency": `{ type: "context-dependency", file: dir }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t, devtest.Text(`-- index.html --
<link rel="stylesheet" href="/a.css">
-- package.json --
{}
-- postcss.config.cjs --
const fs = require("node:fs"), path = require("node:path");
const dir = path.join(__dirname, "content [x]");
const all = (d) => fs.readdirSync(d, { withFileTypes: true }).flatMap((e) => e.isDirectory() ? all(path.join(d, e.name)) : [fs.readFileSync(path.join(d, e.name), "utf8").trim()]);
const words = {
  postcssPlugin: "words",
  Once(root, { result }) {
    result.messages.push(`+message+`);
    root.first.append({ prop: "--words", value: all(dir).sort().join("-") });
  },
};
module.exports = { plugins: [words] };
-- a.css --
.a { color: red }
-- content [x]/one.txt --
one
`))
			tools(t, app)
			s := devtest.Start(t, app)
			css := func() string { return s.Get("/a.css", "Sec-Fetch-Dest", "style", "Accept", "text/css").Body }
			if got := css(); !strings.Contains(got, "--words: one }") {
				t.Fatalf("the stylesheet is\n%s\n%s", got, s.Log.String())
			}
			sock := s.Socket(t)
			for _, step := range []struct {
				edit func()
				want string
			}{
				{func() { app.Edit("content [x]/one.txt", "one", "first") }, "first"},
				{func() { app.Write("content [x]/deep/er/two.txt", "two") }, "first-two"},
				{func() { app.Edit("content [x]/deep/er/two.txt", "two", "second") }, "first-second"},
				{func() { app.Remove("content [x]/deep") }, "first"},
				{func() { app.Write("content [x]/three.txt", "three") }, "first-three"},
				{func() { app.Remove("content [x]/one.txt") }, "three"},
			} {
				step.edit()
				for !strings.Contains(css(), "--words: "+step.want+" }") { // an edit may be read in parts
					sock.WaitFor(devtest.Is("update", "/a.css"))
				}
			}
		})
	}
}
