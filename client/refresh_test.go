package client_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// packages copies npm packages of the client's tests into an app.
func packages(t *testing.T, names ...string) devtest.Source {
	t.Helper()
	if _, err := os.Stat("node_modules"); err != nil {
		t.Skip("npm packages are not installed: run npm ci in client/")
	}
	return func(root string) error {
		for _, name := range names {
			dir := filepath.Join("node_modules", filepath.FromSlash(name))
			if err := os.CopyFS(filepath.Join(root, dir), os.DirFS(dir)); err != nil {
				return err
			}
		}
		return nil
	}
}

const reactApp = `
-- package.json --
{"type": "module", "dependencies": {"react": "*", "react-dom": "*"}}
-- tsconfig.json --
{"compilerOptions": {"jsx": "react-jsx"}}
-- index.html --
<!doctype html><div id="root"></div><script type="module" src="/src/main.tsx"></script>
-- src/main.tsx --
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);
-- src/App.tsx --
import { useState } from "react";
import { Other } from "./Other";
import { useLabel } from "./useLabel";
export function App() {
  const [n, setN] = useState(0);
  const label = useLabel();
  return <><button id="n" onClick={() => setN(n + 1)}>first {n} {label}</button><Other /></>;
}
-- src/Other.tsx --
import { memo, forwardRef, useState } from "react";
const Inner = forwardRef(function Inner(_props: object, _ref) {
  const [k, setK] = useState(10);
  return <button id="k" onClick={() => setK(k + 1)}>other {k}</button>;
});
export const Other = memo(Inner);
-- src/useLabel.ts --
import { useState } from "react";
export function useLabel() {
  const [l] = useState("label");
  return l;
}
`

func TestBrowserReact(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, packages(t, "react", "react-dom", "scheduler", "react-refresh"), devtest.Text(reactApp)))
	p := s.Page(t, "/")
	p.WaitText("#n", "first 0 label")
	s.WaitPages(1)
	p.Click("#n")
	p.Click("#k")
	p.WaitText("#n", "first 1 label")
	p.WaitText("#k", "other 11")

	s.Save("src/App.tsx", "first", "second") // text: state stays
	p.WaitText("#n", "second 1 label")
	s.Save("src/Other.tsx", ">other", ">changed")
	p.WaitText("#k", "changed 11")
	p.WaitText("#n", "second 1 label")

	s.Save("src/useLabel.ts", `return l;`, `return l + "!";`) // a custom hook's text: state stays
	p.WaitText("#n", "second 1 label!")

	s.Save("src/useLabel.ts", `const [l]`, `const [, ] = useState(1); const [l]`) // its hooks: the component mounts again, with what it renders
	p.WaitText("#n", "second 0 label!")
	p.WaitText("#k", "changed 10")
	p.Click("#n")
	p.WaitText("#n", "second 1 label!")

	s.Save("src/Other.tsx", "const [k, setK] = useState(10)", "const [k, setK] = useState(20)")
	p.WaitText("#k", "changed 20")
	p.WaitText("#n", "second 1 label!")

	s.Save("src/App.tsx", "return <>", "throw new Error('in render'); return <>") // a render error ends with the next save
	p.WaitConsole("in render")
	s.Save("src/App.tsx", "throw new Error('in render'); ", "")
	p.WaitText("#n", "second 0 label!")
	p.NoReload()

	s.Save("src/Other.tsx", "export const Other", "export const constant = {};\nexport const Other")
	p.WaitConsole(`Could not Fast Refresh (new export "constant")`)
}

// TestBrowserReactBoundary: the edit that fixes an error mounts the error boundary again that shows it, wherever the
// mistake was. Components beside it keep their state, and a class component mounts again.
func TestBrowserReactBoundary(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, packages(t, "react", "react-dom", "scheduler", "react-refresh"), devtest.Text(reactApp+`
-- src/Bad.tsx --
import { useState } from "react";
export function Bad() {
  const [k, setK] = useState(5);
  return <button id="k" onClick={() => setK(k + 1)}>good {k}</button>;
}
-- src/Boundary.tsx --
import { Component } from "react";
export class Boundary extends Component<{ children: unknown }> {
  state = { error: "" };
  static getDerivedStateFromError(e: Error) { return { error: e.message }; }
  render() { return this.state.error ? <p id="e">{this.state.error}</p> : this.props.children; }
}
`)))
	s.Write("src/App.tsx", `
import { useState } from "react";
import { Boundary } from "./Boundary";
import { Bad } from "./Bad";
export function App() {
  const [n, setN] = useState(0);
  return <><button id="n" onClick={() => setN(n + 1)}>count {n}</button><Boundary><Bad /></Boundary></>;
}
`)
	p := s.Page(t, "/")
	p.WaitText("#k", "good 5")
	s.WaitPages(1)
	p.Click("#n")
	p.Click("#k")
	p.WaitText("#k", "good 6")
	s.Save("src/Bad.tsx", "  return", "  if (k > 0) throw new Error(\"broken\");\n  return")
	p.WaitText("#e", "broken")
	s.Save("src/Bad.tsx", "  if (k > 0) throw new Error(\"broken\");\n", "")
	p.WaitText("#k", "good 5")
	p.WaitText("#n", "count 1")
	s.Save("src/Bad.tsx", "good", "better") // no error: state stays
	p.Click("#k")
	p.WaitText("#k", "better 6")
	s.Save("src/Boundary.tsx", `<p id="e">`, `<p id="e" class="new">`) // a class component
	p.WaitText("#k", "better 5")
	p.WaitText("#n", "count 1")
	p.NoReload()
}

func TestBrowserReactIncompatibleExport(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, packages(t, "react", "react-dom", "scheduler", "react-refresh"), devtest.Text(reactApp)))
	s.Save("src/App.tsx", "export function App", "export const options = { x: 1 };\nexport function App")
	p := s.Page(t, "/")
	p.WaitText("#n", "first 0 label")
	s.WaitPages(1)
	s.Save("src/App.tsx", "first", "second")
	p.WaitReload(1)
	p.WaitText("#n", "second 0 label")
	p.WaitConsole(`[devserver] page was reloaded: /src/App.tsx: Could not Fast Refresh ("options" export is incompatible)`)
}

// preactApp is reactApp for Preact.
var preactApp = strings.NewReplacer(
	`{"react": "*", "react-dom": "*"}`, `{"preact": "*", "@prefresh/core": "*"}`,
	`"jsx": "react-jsx"`, `"jsx": "react-jsx", "jsxImportSource": "preact"`,
	`import { StrictMode } from "react";`+"\n", "", `import { createRoot } from "react-dom/client";`, `import { render } from "preact";`,
	`createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);`, `render(<App />, document.getElementById("root")!);`,
	`import { memo, forwardRef, useState } from "react";`, `import { useState } from "preact/hooks";`,
	`import { useState } from "react";`, `import { useState } from "preact/hooks";`,
	`const Inner = forwardRef(function Inner(_props: object, _ref) {`, `export function Other() {`, "});\nexport const Other = memo(Inner);", "}",
).Replace(reactApp)

func TestBrowserPreact(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, packages(t, "preact", "@prefresh/core", "@prefresh/utils"), devtest.Text(preactApp)))
	p := s.Page(t, "/")
	p.WaitText("#n", "first 0 label")
	s.WaitPages(1)
	p.Click("#n")
	p.Click("#k")
	p.WaitText("#n", "first 1 label")
	s.Save("src/App.tsx", "first", "second")
	p.WaitText("#n", "second 1 label")
	p.WaitText("#k", "other 11")
	s.Save("src/Other.tsx", "useState(10)", "useState(30)")
	p.WaitText("#k", "other 30")
	p.WaitText("#n", "second 1 label")
	p.NoReload()
}

// TestBrowserPreactWithoutRuntime: without @prefresh/core edits reload the page, and the terminal says what to install.
func TestBrowserPreactWithoutRuntime(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, packages(t, "preact"), devtest.Text(preactApp)))
	p := s.Page(t, "/")
	p.WaitText("#n", "first 0 label")
	s.WaitPages(1)
	s.Log.Wait(t, "the refresh runtime of preact is not installed")
	s.Log.Wait(t, "npm install -D @prefresh/core @prefresh/utils")
	s.Save("src/App.tsx", "first", "second")
	p.WaitReload(1)
	p.WaitText("#n", "second 0 label")
	p.WaitConsole("[devserver] page was reloaded: no boundary for /src/App.tsx")
	p.NoErrors()
}

// TestBrowserContext edits a file that apps have for themes and sessions: a context, its provider, and a hook that
// reads it. Its consumers, in any file, must read the new context.
func TestBrowserContext(t *testing.T) {
	const theme = `
-- src/theme.tsx --
import { createContext, useContext, useState } from "react";
const Theme = createContext("none");
export function ThemeProvider({ children }: { children: any }) {
  const [name] = useState("dark");
  return <Theme.Provider value={name + " one"}>{children}</Theme.Provider>;
}
export const useTheme = () => useContext(Theme);
-- src/Reader.tsx --
import { useState } from "react";
import { useTheme } from "./theme";
export function Reader() {
  const [n, setN] = useState(0);
  return <button id="n" onClick={() => setN(n + 1)}>{useTheme()} {n}</button>;
}
-- src/Themed.tsx --
import { useState } from "react";
import { Reader } from "./Reader";
import { ThemeProvider } from "./theme";
export function App() {
  const [k, setK] = useState(0);
  return <><button id="k" onClick={() => setK(k + 1)}>outside {k}</button><ThemeProvider><Reader /></ThemeProvider></>;
}
`
	for name, app := range map[string]struct {
		packages []string
		text     string
		edited   string // the reader's text after an edit of the context's file
		clicked  string
	}{
		"react": {[]string{"react", "react-dom", "scheduler", "react-refresh"}, reactApp + theme, "dark two 0", "dark two 1"},
		"preact": {[]string{"preact", "@prefresh/core", "@prefresh/utils"}, preactApp + strings.NewReplacer(
			`import { createContext, useContext, useState } from "react"`, `import { createContext } from "preact"; import { useContext, useState } from "preact/hooks"`,
			`import { useState } from "react"`, `import { useState } from "preact/hooks"`).Replace(theme), "dark two 1", "dark two 2"},
	} {
		t.Run(name, func(t *testing.T) {
			files := devtest.App(t, packages(t, app.packages...), devtest.Text(app.text))
			files.Edit("src/main.tsx", `"./App"`, `"./Themed"`)
			s := devtest.Start(t, files)
			p := s.Page(t, "/")
			p.WaitText("#n", "dark one 0")
			s.WaitPages(1)
			p.Click("#k")
			p.Click("#n")
			p.WaitText("#n", "dark one 1")
			s.Save("src/Reader.tsx", "<button", `<button title="x"`) // a consumer keeps its provider, and its state
			p.Wait(`document.querySelector("#n").title === "x"`)
			p.WaitText("#n", "dark one 1")
			s.Save("src/theme.tsx", " one", " two") // another context: React mounts again what is below its provider
			p.WaitText("#n", app.edited)
			p.WaitText("#k", "outside 1")
			p.Click("#n")
			p.WaitText("#n", app.clicked)
			p.NoReload()
			p.NoErrors()
		})
	}
}
