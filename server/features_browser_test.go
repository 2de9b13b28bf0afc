package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

// features returns an app that uses every feature of the module pipeline, with a package whose file depends on
// conditions.
func features(t *testing.T) *devtest.Files {
	app := devtest.App(t, devtest.Dir("../testdata/apps/features"))
	app.Package("conditional", `{"name": "conditional", "exports": {"custom": "./custom.js", "default": "./default.js"}}`, map[string]string{
		"custom.js": `export default "custom";`, "default.js": `export default "default";`,
	})
	return app
}

// TestFeatures loads the app and reads the page: each module shows what it got.
func TestFeatures(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, features(t))
	p := s.Page(t, "/app/")
	shows := func(name, value string) { t.Helper(); p.WaitText(`#out [data-name="`+name+`"]`, name+": "+value) }
	for name, value := range map[string]string{
		"all": "ran", "inline script": "ran",
		"asset": "/app/src/icon.svg", "?url": "true", "?raw": "true", "?inline": "true",
		"new URL": "/app/src/icon.svg", "new URL with a template": "/app/src/icon.svg",
		"json": "[42,[1,2]]", "text": "a note", "source as text": "true", "public": "a text in public", "wasm": "5",
		"env": `["from .env","development","from .env!","hidden"]`, "mode": `["development",true,false,false,"/app/"]`, "define": `["1.2.3",true,"development"]`,
		"lazy glob": `["./pages/one.ts","./pages/two.ts"]`, "eager glob": `{"./lang/de.ts":"hallo","./lang/en.ts":"hello"}`, "raw glob": "3",
		"page": "page one", "import with a template": "page two",
		"alias": `["default","CommonJS behind an alias"]`, "imports": "package imports", "paths": "tsconfig paths", "conditions": "custom",
		"directory index": "ran", "js for ts": "decorated size 2",
		"unique names": "true", "css ?inline": "true", "css ?url": "/app/src/plain.css",
		"worker": "40", "?worker": "40", "?worker&inline": "40", "?sharedworker": "40",
	} {
		shows(name, value)
	}
	p.Wait(`document.title === "from .env"`)
	p.Wait(`document.querySelector("#public").naturalWidth === 4`)
	for property, value := range map[string]string{"color": "rgb(1, 1, 1)", "font-weight": "700", "letter-spacing": "3px", "outline-color": "rgb(9, 9, 9)", "text-indent": "1px"} {
		p.WaitStyle("#styled", property, value)
	}
	p.Wait(`getComputedStyle(document.querySelector("#styled")).backgroundImage.includes("/app/src/icon.svg")`)
	s.WaitPages(1)

	// Edits that need no reload.
	s.Edit("src/card.module.css", "1, 1, 1", "3, 3, 3")
	p.WaitStyle("#styled", "color", "rgb(3, 3, 3)")
	s.Edit("src/imported.css", "9, 9, 9", "8, 8, 8")
	p.WaitStyle("#styled", "outline-color", "rgb(8, 8, 8)")
	s.Edit("src/linked.css", "1px", "2px")
	p.WaitStyle("#styled", "text-indent", "2px")
	s.Write("src/lang/fr.ts", "export default \"bonjour\";\n")
	shows("eager glob", `{"./lang/de.ts":"hallo","./lang/en.ts":"hello","./lang/fr.ts":"bonjour"}`)
	s.Remove("src/lang/de.ts")
	shows("eager glob", `{"./lang/en.ts":"hello","./lang/fr.ts":"bonjour"}`)
	p.NoReload()
	p.NoErrors()

	// Edits that reload the page, with a reason.
	s.Edit("src/double.ts", "n * 2", "n * 3")
	p.WaitReload(1)
	p.WaitConsole("page was reloaded: /src/double.ts changed in the worker /src/")
	shows("worker", "60")
	shows("?sharedworker", "60")
	s.Edit(".env", "from .env", "from an edited .env")
	s.Log.Wait(t, ".env changed")
	p.WaitReload(2)
	p.Wait(`document.title === "from an edited .env"`)
	p.NoErrors()
}

// TestMode reads the .env files of another mode.
func TestMode(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, features(t), func(o *server.Options) { o.Config.Mode = "staging" })
	p := s.Page(t, "/app/")
	p.WaitText(`#out [data-name="env"]`, `env: ["from .env","staging","from .env!","hidden"]`)
	p.WaitText(`#out [data-name="mode"]`, `mode: ["staging",true,false,false,"/app/"]`)
}

// TestPagesAndRoutes opens another page, a route of the single-page app, and a route with a dot in its path. A missing
// script is not answered with a page.
func TestPagesAndRoutes(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, features(t))
	p := s.Page(t, "/app/about/")
	p.WaitText(`#out [data-name="about"]`, "about: /app/")
	for _, path := range []string{"/app/users/42", "/app/files/report.v1.2"} {
		p = s.Page(t, path)
		p.WaitText(`#out [data-name="all"]`, "all: ran")
	}
	if res := s.Get("/app/src/missing.ts", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors"); res.Status != 404 {
		t.Errorf("a missing script: status %d, want 404", res.Status)
	}
}
