package server_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// reactApp serves a project that renders the component App of src/App.tsx, with React from npm.
func reactApp(t *testing.T, files string) *devtest.Server {
	t.Helper()
	return devtest.Start(t, devtest.App(t, npmPackages(t, "react", "react-dom", "scheduler", "react-refresh"), devtest.Text(`
-- package.json --
{"type": "module", "dependencies": {"react": "*", "react-dom": "*"}}
-- tsconfig.json --
{"compilerOptions": {"jsx": "react-jsx"}}
-- index.html --
<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/src/main.tsx"></script>
-- src/main.tsx --
import { createRoot } from "react-dom/client";
import { App } from "./App";
createRoot(document.getElementById("root")!).render(<App />);
`+files)))
}

// reactKinds has a component with a counter for every way in which people write components.
const reactKinds = `
-- src/App.tsx --
import { lazy, Suspense } from "react";
import { Arrow, Second } from "./Arrow";
import Anonymous from "./Anonymous";
import Named from "./Named";
import { Wrapped } from "./Wrapped";
import { Nested } from "./Nested";
import { Reader } from "./Reader";
import { Theme } from "./theme";
import { Resets } from "./Resets";
import { Plain } from "./Plain";
const Lazy = lazy(() => import("./Lazy"));
export function App() {
  return <Theme value="dark"><Arrow /><Second /><Anonymous /><Named /><Wrapped /><Nested /><Reader /><Resets /><Plain /><Suspense fallback="..."><Lazy /></Suspense></Theme>;
}
-- src/count.tsx --
import { useState } from "react";
export function useCount() { const [n, set] = useState(0); return [n, () => set(n + 1)] as const; }
-- src/Arrow.tsx --
import { useCount } from "./count";
export const Arrow = () => { const [n, up] = useCount(); return <button id="arrow" onClick={up}>arrow {n}</button>; };
export const Second = () => { const [n, up] = useCount(); return <button id="second" onClick={up}>second {n}</button>; };
-- src/Anonymous.tsx --
import { memo } from "react";
import { useCount } from "./count";
export default memo(() => { const [n, up] = useCount(); return <button id="anonymous" onClick={up}>anonymous {n}</button>; });
-- src/Named.tsx --
import { useCount } from "./count";
export default function Named() { const [n, up] = useCount(); return <button id="named" onClick={up}>named {n}</button>; }
-- src/Wrapped.tsx --
import { useCount } from "./count";
import { withBorder } from "./withBorder";
function Inner() { const [n, up] = useCount(); return <button id="wrapped" onClick={up}>wrapped {n}</button>; }
export const Wrapped = withBorder(Inner);
-- src/withBorder.tsx --
export function withBorder(Component: () => unknown) {
  function WithBorder() { return <div className="border"><Component /></div>; }
  return WithBorder;
}
-- src/Nested.tsx --
import { useCount } from "./count";
function Leaf({ text }: { text: string }) { const [n, up] = useCount(); return <button id="nested" onClick={up}>{text} {n}</button>; }
function Middle() { return <Leaf text="nested" />; }
export function Nested() { return <section><Middle /></section>; }
-- src/theme.tsx --
import { createContext } from "react";
export const ThemeContext = createContext("none");
export function Theme({ value, children }: { value: string; children: unknown }) { return <ThemeContext.Provider value={value}>{children}</ThemeContext.Provider>; }
-- src/Reader.tsx --
import { useContext } from "react";
import { useCount } from "./count";
import { ThemeContext } from "./theme";
export function Reader() { const [n, up] = useCount(); const theme = useContext(ThemeContext); return <button id="reader" onClick={up}>reader {theme} {n}</button>; }
-- src/Resets.tsx --
// @refresh reset
import { useCount } from "./count";
export function Resets() { const [n, up] = useCount(); return <button id="resets" onClick={up}>resets {n}</button>; }
-- src/Plain.jsx --
import { useCount } from "./count";
export function Plain() { const [n, up] = useCount(); return <button id="plain" onClick={up}>plain {n}</button>; }
-- src/Lazy.tsx --
import { useCount } from "./count";
export default function Lazy() { const [n, up] = useCount(); return <button id="lazy" onClick={up}>lazy {n}</button>; }
`

// TestReactComponents edits each kind of component. The component's text changes, and all components keep their state.
func TestReactComponents(t *testing.T) {
	t.Parallel()
	s := reactApp(t, reactKinds)
	p := s.Page(t, "/")
	p.WaitText("#lazy", "lazy 0")
	s.WaitPages(1)
	kinds := []struct{ id, file, old, text string }{
		{"arrow", "src/Arrow.tsx", ">arrow", "arrow"},
		{"second", "src/Arrow.tsx", ">second", "second"},
		{"anonymous", "src/Anonymous.tsx", ">anonymous", "anonymous"},
		{"named", "src/Named.tsx", ">named", "named"},
		{"wrapped", "src/Wrapped.tsx", ">wrapped", "wrapped"},
		{"nested", "src/Nested.tsx", `text="nested`, "nested"},
		{"reader", "src/Reader.tsx", ">reader", "reader dark"},
		{"plain", "src/Plain.jsx", ">plain", "plain"},
		{"lazy", "src/Lazy.tsx", ">lazy", "lazy"},
	}
	for _, k := range kinds {
		p.WaitText("#"+k.id, k.text+" 0")
		p.Click("#" + k.id)
		p.WaitText("#"+k.id, k.text+" 1")
	}
	for _, k := range kinds {
		s.Edit(k.file, k.old, k.old+"!")
		p.WaitContains("#"+k.id, "!")
		p.WaitContains("#"+k.id, " 1")
	}
	for _, k := range kinds {
		p.WaitContains("#"+k.id, " 1")
	}

	s.Edit("src/App.tsx", `value="dark"`, `value="light"`) // a provider: consumers get the new value and keep their state
	p.WaitText("#reader", "reader! light 1")
	s.Edit("src/withBorder.tsx", `className="border"`, `className="border wide"`) // a higher-order component: its components mount again
	p.Wait(`document.querySelector("#wrapped").parentElement.className === "border wide"`)
	p.WaitText("#named", "named! 1")

	p.Click("#resets")
	p.WaitText("#resets", "resets 1")
	s.Edit("src/Resets.tsx", ">resets", ">reset")
	p.WaitText("#resets", "reset 0")
	p.WaitText("#named", "named! 1")

	// When the hooks in a custom hook change, its components lose their state. All other components keep theirs.
	s.Write("src/own.tsx", "import { useState } from \"react\";\nexport function useOwn() { const [n, set] = useState(5); return [n, () => set(n + 1)] as const; }\n")
	s.Write("src/Named.tsx", "import { useOwn } from \"./own\";\nexport default function Named() { const [n, up] = useOwn(); return <button id=\"named\" onClick={up}>own {n}</button>; }\n")
	p.WaitText("#named", "own 5")
	p.Click("#named")
	p.WaitText("#named", "own 6")
	s.Edit("src/own.tsx", "useState(5);", "useState(5); useState(1);")
	p.WaitText("#named", "own 5")
	p.WaitText("#arrow", "arrow! 1")
	p.NoReload()
	p.NoErrors()

	s.Edit("src/theme.tsx", "export function Theme", "export const themes = [];\nexport function Theme") // a new export that is not a component
	p.WaitConsole(`Could not Fast Refresh (new export "themes")`)
}

// TestReactClasses edits modules that export nothing but a class. The component mounts again, and the page stays.
func TestReactClasses(t *testing.T) {
	t.Parallel()
	s := reactApp(t, `
-- src/main.tsx --
import { createRoot } from "react-dom/client";
import { Named } from "./Named";
import Anonymous from "./Anonymous";
import { Assigned } from "./Assigned";
createRoot(document.getElementById("root")!).render(<><Named /><Anonymous /><Assigned /></>);
-- src/Named.tsx --
import { Component } from "react";
export class Named extends Component { state = { n: 0 }; render() { return <p id="named" onClick={() => this.setState({ n: 1 })}>named {this.state.n}</p>; } }
-- src/Anonymous.tsx --
import { Component } from "react";
export default class extends Component { state = { n: 0 }; render() { return <p id="anonymous" onClick={() => this.setState({ n: 1 })}>anonymous {this.state.n}</p>; } }
-- src/Assigned.tsx --
import React from "react";
export const Assigned = class extends React.PureComponent { state = { n: 0 }; render() { return <p id="assigned" onClick={() => this.setState({ n: 1 })}>assigned {this.state.n}</p>; } };
`)
	p := s.Page(t, "/")
	p.WaitText("#named", "named 0")
	s.WaitPages(1)
	for _, name := range []string{"Named", "Anonymous", "Assigned"} {
		id := strings.ToLower(name)
		p.Click("#" + id)
		p.WaitText("#"+id, id+" 1")
		s.Edit("src/"+name+".tsx", ">"+id, ">new "+id)
		p.WaitText("#"+id, "new "+id+" 0")
	}
	p.NoReload()
	p.NoErrors()
}

// TestReactLazyFixed fixes what React.lazy could not load. React keeps the rejected promise, so the module that called
// lazy runs again. Parts of the page that do not depend on it keep their state.
func TestReactLazyFixed(t *testing.T) {
	t.Parallel()
	s := reactApp(t, `
-- src/App.tsx --
import { Component, useState } from "react";
import { Late, Routes } from "./Routes";
class Boundary extends Component<{ children: unknown }> {
  state = { failed: false };
  static getDerivedStateFromError() { return { failed: true }; }
  render() { return this.state.failed ? <p id="lazy">sorry</p> : this.props.children; }
}
export function App() {
  const [n, set] = useState(0);
  return <><button id="n" onClick={() => set(n + 1)}>count {n}</button><Boundary><Routes /></Boundary><Boundary><Late /></Boundary></>;
}
-- src/Routes.tsx --
import { lazy, Suspense } from "react";
const Lazy = lazy(() => import("./Lazy"));
export function Routes() { return <Suspense fallback="..."><Lazy /></Suspense>; }
const NotYet = lazy(() => import("./NotYet"));
export function Late() { return <Suspense fallback="..."><NotYet /></Suspense>; }
-- src/Lazy.tsx --
import { text } from "./text";
export default function Lazy() { return <p id="lazy">{text}</p>; }
-- src/text.ts --
export const text = = "compiles";
`)
	p := s.Page(t, "/")
	p.WaitText("#lazy", "sorry")
	s.WaitPages(1)
	devtest.Eval[any](p, `document.querySelector("#n").click()`) // the overlay is over it
	p.WaitText("#n", "count 1")
	s.Edit("src/text.ts", "= =", "=")
	p.WaitText("#lazy", "compiles")
	s.Write("src/NotYet.tsx", `export default function NotYet() { return <p id="late">exists</p>; }`)
	p.WaitText("#late", "exists")
	p.WaitText("#n", "count 1")
	p.WaitNoOverlay()
	p.NoReload()
}

// TestReactClassic compiles JSX with the classic runtime, in modules that import React as a default and as a namespace.
func TestReactClassic(t *testing.T) {
	t.Parallel()
	s := reactApp(t, `
-- tsconfig.json --
{"compilerOptions": {"jsx": "react"}}
-- src/main.tsx --
import React from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
createRoot(document.getElementById("root")!).render(<App />);
-- src/App.tsx --
import * as React from "react";
export function App() {
  const [n, set] = React.useState(0);
  return <><button id="n" onClick={() => set(n + 1)}>classic {n}</button></>;
}
`)
	p := s.Page(t, "/")
	p.WaitText("#n", "classic 0")
	s.WaitPages(1)
	p.Click("#n")
	p.WaitText("#n", "classic 1")
	s.Edit("src/App.tsx", "classic", "old")
	p.WaitText("#n", "old 1")
	p.NoReload()
	p.NoErrors()
}

// TestElementsCarryPositions: elements carry their positions for React before version 19, for other libraries, and when
// the configuration says so.
func TestElementsCarryPositions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		react, config, source string
		carried               bool
	}{
		"React 18":         {react: `{"name": "react", "version": "18.3.1"}`, carried: true},
		"React 19":         {react: `{"name": "react", "version": "19.0.0"}`},
		"a later one":      {react: `{"name": "react", "version": "20.1.0-rc.1"}`},
		"Preact for it":    {react: `{"name": "@preact/compat", "version": "19.0.0"}`, carried: true},
		"asked for":        {react: `{"name": "react", "version": "19.0.0"}`, config: `"jsxDev": true`, carried: true},
		"not wanted":       {react: `{"name": "react", "version": "18.3.1"}`, config: `"jsxDev": false`},
		"another source":   {react: `{"name": "react", "version": "19.0.0"}`, config: `"jsxImportSource": "./own"`, carried: true},
		"classic":          {react: `{"name": "react", "version": "18.3.1"}`, config: `"jsx": "classic"`, source: "import React from 'react';\n", carried: true},
		"classic 19":       {react: `{"name": "react", "version": "19.0.0"}`, config: `"jsx": "classic"`, source: "import React from 'react';\n"},
		"classic Preact":   {react: `{"name": "@preact/compat", "version": "18.0.0"}`, config: `"jsx": "classic"`, source: "import React from 'react';\n"},
		"another factory":  {react: `{"name": "react", "version": "18.3.1"}`, config: `"jsxFactory": "h.createElement"`, source: "import h from 'react';\n"},
		"a file's factory": {react: `{"name": "react", "version": "18.3.1"}`, config: `"jsx": "classic"`, source: "/** @jsx h.createElement */\nimport h from 'react';\n"},
		"one of the file":  {react: `{"name": "react", "version": "19.0.0"}`, source: "/** @jsxImportSource ./own */\n", carried: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := devtest.Start(t, devtest.App(t, devtest.Text("-- package.json --\n{\"dependencies\": {\"react\": \"*\"}}\n-- devserver.config.json --\n{\"esbuild\": {"+c.config+"}}\n"+
				"-- index.html --\n<script type=\"module\" src=\"/main.tsx\"></script>\n-- main.tsx --\n"+c.source+"export const a = <b>x</b>;\n"+
				"-- node_modules/react/package.json --\n"+c.react+"\n-- node_modules/react/index.js --\n-- node_modules/react/jsx-runtime.js --\nexports.jsx = () => {};\n"+
				"-- node_modules/react/jsx-dev-runtime.js --\nexports.jsxDEV = () => {};\n-- own/jsx-dev-runtime.js --\nexports.jsxDEV = () => {};\n")))
			pack := s.Get("/main.tsx", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors").Body
			if carried := strings.Contains(pack, "lineNumber: "); carried != c.carried {
				t.Errorf("elements carry their positions: %v, want %v\n%s", carried, c.carried, pack)
			}
		})
	}
}

// TestReactPositions: React's messages and developer tools name the line of the source, before and after an edit.
func TestReactPositions(t *testing.T) {
	t.Parallel()
	s := reactApp(t, `
-- src/App.tsx --
// a comment

type Props = { text: string };

export function App() {
  const element = <p id="p">text</p>;
  (window as any).element = element;
  return element;
}
`)
	p := s.Page(t, "/")
	p.WaitText("#p", "text")
	s.WaitPages(1)
	check := func(line int) {
		t.Helper()
		// React keeps the stack of the call that created an element.
		stack := devtest.Eval[string](p, "String(window.element._debugStack?.stack)")
		at := regexp.MustCompile(`App \((\S+):(\d+):(\d+)\)`).FindStringSubmatch(stack)
		if at == nil {
			t.Fatalf("the stack has no position in App: %s", stack)
		}
		l, _ := strconv.Atoi(at[2])
		c, _ := strconv.Atoi(at[3])
		if file, originalLine, _ := original(t, s, at[1], l, c); file != "/src/App.tsx" || originalLine != line {
			t.Errorf("the element comes from %s:%d, want /src/App.tsx:%d\n%s", file, originalLine, line, stack)
		}
	}
	check(6)
	pack := s.Get("/src/main.tsx", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors").Body
	if strings.Contains(pack, "lineNumber:") {
		t.Errorf("elements carry positions that React 19 does not read:\n%s", pack[strings.Index(pack, "a comment"):])
	}
	s.Edit("src/App.tsx", "  const element", "\n\n  const added = 1, element")
	p.WaitConsole("hot updated: /src/App.tsx")
	check(8)
}
