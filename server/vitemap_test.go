package server_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// blockApp is a project whose plugin takes the script of a file of blocks, as component frameworks do.
const blockApp = `-- index.html --
<script type="module" src="/main.js"></script>
-- package.json --
{"type":"module"}
-- vite.config.js --
export default { plugins: [{
  name: 'blocks',
  transform(code, id) {
    if (!id.endsWith('.block')) return
    const script = code.split('<script>\n')[1]
    const first = 'A'.repeat(2) + 'ACEGIKM'[code.split('\n').indexOf('<script>') + 1] + 'A'
    const mappings = ';' + first + ';AACA'.repeat(script.split('\n').length - 1)
    return { code: '/* made */\n' + script, map: { version: 3, sources: [id], sourcesContent: [code], names: [], mappings } }
  },
}] }
-- main.js --
import { fail } from "./App.block";
Object.assign(globalThis, { fail });
-- App.block --
<template>
 text
<script>
export const one = 1;
export function fail() {
  throw new Error("APP" + one);
}
`

// TestViteSourceMaps: a place in a module that plugins of the vite.config have made leads to the file that they made it
// from, also when the module comes from the cache.
func TestViteSourceMaps(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(blockApp))
	tools(t, app)
	s := devtest.Start(t, app)
	check := func(when string, want int) {
		t.Helper()
		if file, line := markedAt(t, s, `"APP"`); file != "/App.block" || line != want {
			t.Errorf("%s: it comes from %s:%d, want /App.block:%d", when, file, line, want)
		}
	}
	check("first start", 6)
	s.Stop()
	s.Again()
	check("second start", 6)
}

// TestErrorsBehindViteMaps: an error in code that plugins of the vite.config have made names the place in the file.
func TestErrorsBehindViteMaps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, now string
		want     []string
	}{
		"syntax": {"const one = 1", "const one = = 1", []string{"App.block:4:", "> 4 | export const one = = 1;", "2 |  text"}},
		"import": {"export const one = 1", "import './missing'; const one = 1", []string{"App.block:4:1: no file", "> 4 | import './missing'"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t, devtest.Text(blockApp))
			tools(t, app)
			app.Edit("App.block", c.old, c.now)
			s := devtest.Start(t, app)
			s.Get("/main.js", "Sec-Fetch-Dest", "script")
			for _, want := range c.want {
				s.Log.Wait(t, want)
			}
			if strings.Contains(s.Log.String(), "/* made */") {
				t.Errorf("the error quotes what the plugin made:\n%s", s.Log)
			}
		})
	}
}
