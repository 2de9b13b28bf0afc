package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

const sloppyApp = `
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="sum"></p><p id="place"></p><button id="later">later</button>
<script type="module" src="/main.js"></script>
-- main.js --
import sum, { fail } from "old";
import { label } from "./label.js";
document.querySelector("#sum").textContent = label + sum({ a: 1, b: 2 });
document.querySelector("#later").onclick = async () => {
  document.querySelector("#later").textContent = (await import("older")).default;
};
try { fail() } catch (e) { document.querySelector("#place").textContent = e.stack }
import.meta.hot.accept("./label.js", (m) => { document.querySelector("#sum").textContent = m.label + sum({ a: 2, b: 2 }) });
-- label.js --
export const label = "sum ";
-- package.json --
{}
`

// withSloppyPackages returns an app with packages that run only in sloppy (non-strict) mode.
func withSloppyPackages(t *testing.T) *devtest.Files {
	app := devtest.App(t, devtest.Text(sloppyApp))
	app.Package("old", `{"name":"old","version":"0.1.0"}`, map[string]string{
		"index.js": "/* A line. */\n\n\nexports = module.exports = function (o) { with (o) { return a + b; } };\n" +
			"exports.fail = function fail() {\n  // A comment.\n  throw new Error(010);\n};\n",
	})
	app.Package("older", `{"name":"older","version":"0.0.1"}`, map[string]string{
		"index.js": "module.exports = later(1, 2);\nfunction later(x, x) { return arguments.callee.name + x; }\n",
	})
	return app
}

// TestSloppyPackages runs packages that strict mode does not allow. They are loaded with the page and later, and edits
// of the project do not run them again. The project's own code is strict, and an error names the place where it is not.
func TestSloppyPackages(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, withSloppyPackages(t))
	p := s.Page(t, "/")
	p.WaitText("#sum", "sum 3")
	p.WaitContains("#place", "at fail (/node_modules/old/index.js:")
	p.Click("#later")
	p.WaitText("#later", "later2")
	s.Edit("label.js", "sum ", "total ")
	p.WaitText("#sum", "total 4")

	s.Edit("label.js", "export const", "delete Window;\nexport const")
	p.WaitOverlay("label.js:1:8", "ECMAScript module")
	s.Write("label.js", "const unused = 1;\ndelete unused;\n") // without import and export
	p.WaitOverlay("label.js:2:8", "modules always run in strict mode")
	s.Write("label.js", "export const label = 'all ';\n")
	p.WaitNoOverlay()
	p.WaitText("#sum", "all 4")
	p.NoReload()
}

// TestSloppyPackagesUnderCSP: if a page's Content-Security-Policy forbids evaluating strings, the console names the
// package that needs it.
func TestSloppyPackagesUnderCSP(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := withSloppyPackages(t)
	app.Edit("index.html", `<link rel="icon"`, `<meta http-equiv="Content-Security-Policy" content="script-src 'self'"><link rel="icon"`)
	p := devtest.Start(t, app).Page(t, "/")
	p.WaitConsole("/node_modules/old/index.js runs only in sloppy mode (With statements cannot be used in strict mode)")
}
