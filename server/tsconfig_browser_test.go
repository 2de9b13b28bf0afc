package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestMistakesInTSConfig: a tsconfig that cannot be read as a whole keeps no module from being served. The terminal shows
// the mistake once. Modules are compiled again when the file is fixed, whichever file of the chain it is.
func TestMistakesInTSConfig(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="/src/main.ts"></script>
-- src/main.ts --
import { text } from "@/text";
document.querySelector("#text")!.textContent = text;
import.meta.hot?.accept();
-- src/other.ts --
export const other: string = "";
-- a/text.ts --
import { other } from "../src/other";
export const text: string = "a" + other;
-- b/text.ts --
export const text: string = "b";
-- c/text.ts --
export const text: string = "c";
-- tsconfig.json --
{
  "compilerOptions": {
    "paths": { "@/*": ["./a/*"] },
    "strict" true
  }
}
`))
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	p.WaitText("#text", "a") // what comes before the mistake counts
	s.WaitPages(1)
	warned := func(text string, n int) {
		t.Helper()
		devtest.Eventually(t, text, func() bool { return s.Log.Count(text) == n }, s.Log.String)
	}
	warned("warn tsconfig.json:4:14: ", 1)
	app.Write("tsconfig.json", `{"compilerOptions": {"paths": {"@/*": ["./b/*"]}}}`)
	p.WaitText("#text", "b")
	warned("tsconfig.json has no mistakes any more", 1)

	// An extended file that is missing, and comes.
	app.Write("tsconfig.json", `{"extends": "./base", "compilerOptions": {"strict": true}}`)
	p.WaitOverlay(`no alias for "@/text"`)
	warned(`tsconfig.json:1:13: extends "./base", which does not exist`, 1)
	app.Write("base.json", `{"compilerOptions": {"paths": {"@/*": ["./c/*"]}}}`)
	p.WaitText("#text", "c")
	p.WaitNoOverlay()
	warned("tsconfig.json has no mistakes any more", 2)

	// A circle, whose other options count.
	app.Write("base.json", `{"extends": "./tsconfig.json", "compilerOptions": {"paths": {"@/*": ["./a/*"]}}}`)
	p.WaitText("#text", "a")
	warned(`base.json:1:13: extends "./tsconfig.json", which extends this file`, 1)

	// A package that is installed later.
	app.Write("tsconfig.json", `{"extends": "@acme/tsconfig"}`)
	p.WaitOverlay(`no alias for "@/text"`)
	warned(`extends "@acme/tsconfig", which does not exist`, 1)
	app.Package("@acme/tsconfig", "", map[string]string{"tsconfig.json": `{"compilerOptions": {"paths": {"@/*": ["${configDir}/b/*"]}}}`})
	p.WaitText("#text", "b")
	p.WaitNoOverlay()
	p.NoReload()
}
