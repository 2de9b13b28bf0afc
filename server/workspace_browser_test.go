package server_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// workspace is a monorepo in npm's layout: the packages lie beside each other, and node_modules at the top links them.
const workspace = `
-- package.json --
{"private": true, "workspaces": ["apps/*", "packages/*"]}
-- packages/ui/package.json --
{"name": "@acme/ui", "type": "module", "exports": {".": "./src/index.ts", "./styles.css": "./src/styles.css"}, "peerDependencies": {"react": "*"}}
-- packages/ui/src/index.ts --
export { Button } from "./Button";
export { format } from "@acme/text";
-- packages/ui/src/Button.tsx --
import { useState } from "react";
import styles from "./Button.module.css";
export function Button({ label }: { label: string }) {
  const [n, setN] = useState(0);
  return <button id="b" className={styles.button} onClick={() => setN(n + 1)}>{label} {n} times</button>;
}
-- packages/ui/src/Button.module.css --
.button { color: rgb(1, 2, 3) }
-- packages/ui/src/styles.css --
body { background-color: rgb(4, 5, 6) }
-- packages/text/package.json --
{"name": "@acme/text", "main": "./src/format.ts"}
-- packages/text/src/format.ts --
export const format = (s: string) => s.toUpperCase();
-- packages/tsconfig.json --
{"compilerOptions": {"jsx": "react-jsx"}}
-- apps/web/package.json --
{"name": "web", "type": "module", "dependencies": {"@acme/ui": "*", "react": "*", "react-dom": "*"}}
-- apps/web/tsconfig.json --
{"compilerOptions": {"jsx": "react-jsx"}}
-- apps/web/index.html --
<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/src/main.tsx"></script>
-- apps/web/src/main.tsx --
import { createRoot } from "react-dom/client";
import "@acme/ui/styles.css";
import { App } from "./App";
createRoot(document.getElementById("root")!).render(<App />);
-- apps/web/src/App.tsx --
import { Button, format } from "@acme/ui";
export function App() { return <><h1>{format("web app")}</h1><Button label="clicked" /></>; }
`

// npmPackages copies npm packages of the client's tests into a project.
func npmPackages(t *testing.T, names ...string) devtest.Source {
	t.Helper()
	from := filepath.Join("..", "client", "node_modules")
	if _, err := os.Stat(from); err != nil {
		t.Skip("npm packages are not installed: run npm ci in client/")
	}
	return func(root string) error {
		for _, name := range names {
			dir := filepath.FromSlash(name)
			if err := os.CopyFS(filepath.Join(root, "node_modules", dir), os.DirFS(filepath.Join(from, dir))); err != nil {
				return err
			}
		}
		return nil
	}
}

// TestWorkspace serves an app of a monorepo. Edits of linked packages are hot, and there is only one React.
func TestWorkspace(t *testing.T) {
	t.Parallel()
	all := devtest.App(t, devtest.Text(workspace), npmPackages(t, "react", "react-dom", "scheduler", "react-refresh"))
	all.Link("../../packages/ui", "node_modules/@acme/ui")
	all.Link("../../packages/text", "node_modules/@acme/text")
	app := *all
	app.Root = all.Path("apps/web")
	s := devtest.Start(t, &app)
	p := s.Page(t, "/")
	p.WaitText("#b", "clicked 0 times")
	p.WaitText("h1", "WEB APP")
	s.WaitPages(1)
	p.Click("#b")
	p.WaitText("#b", "clicked 1 times")

	all.Edit("packages/ui/src/Button.tsx", " times", " x") // a component of a package keeps its state
	p.WaitText("#b", "clicked 1 x")
	all.Edit("packages/ui/src/Button.module.css", "1, 2, 3", "7, 8, 9")
	p.WaitStyle("#b", "color", "rgb(7, 8, 9)")
	all.Edit("packages/ui/src/styles.css", "4, 5, 6", "6, 5, 4")
	p.WaitStyle("body", "background-color", "rgb(6, 5, 4)")
	all.Edit("packages/text/src/format.ts", "s.toUpperCase()", "s.toUpperCase() + \"!\"") // reaches the app through two packages
	p.WaitText("h1", "WEB APP!")
	p.WaitText("#b", "clicked 1 x")
	all.Edit("apps/web/src/App.tsx", "web app", "my app")
	p.WaitText("h1", "MY APP!")
	p.WaitText("#b", "clicked 1 x")
	p.NoErrors()

	all.Edit("packages/ui/src/Button.tsx", "useState(0)", "useState(")
	p.WaitOverlay("../../packages/ui/src/Button.tsx:4:")
	all.Edit("packages/ui/src/Button.tsx", "useState(", "useState(0)")
	p.WaitNoOverlay()
	p.WaitText("#b", "clicked 1 x")
	p.NoReload()
}

// TestRootBelowItsPackage serves a folder of a package (`devserver src`), whose npm packages lie above it. Of the
// other files above, pages can read what a module imports.
func TestRootBelowItsPackage(t *testing.T) {
	t.Parallel()
	all := devtest.App(t, devtest.Text(`
-- package.json --
{}
-- notes.js --
export default "above";
-- src/index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="/main.js"></script>
-- src/main.js --
import text from "lib";
document.querySelector("#text").textContent = text;
`))
	all.Package("lib", `{"name":"lib","version":"1.0.0","main":"index.js"}`, map[string]string{"index.js": `module.exports = "from above";`})
	app := *all
	app.Root = all.Path("src")
	s := devtest.Start(t, &app)
	p := s.Page(t, "/")
	p.WaitText("#text", "from above")
	p.NoErrors()
	notes := func() int { return s.Get("/@fs" + all.Path("notes.js")).Status }
	if got := notes(); got != 403 {
		t.Errorf("notes.js, which nothing imports: status %d, want 403", got)
	}
	s.Edit("main.js", `from "lib"`, `from "../notes.js"`)
	p.WaitText("#text", "above")
	if got := notes(); got != 200 {
		t.Errorf("notes.js, imported: status %d, want 200", got)
	}
	if got := s.Get("/@fs" + all.Path("package.json")).Status; got != 403 {
		t.Errorf("package.json, beside an imported file: status %d, want 403", got)
	}
}
