package client_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/internal/devtest"
)

// steered is a page that has the script for tools.
type steered struct {
	*devtest.Page
	t *testing.T
}

// steer gives the page the script, as the client does at the first request of a tool.
func steer(t *testing.T, p *devtest.Page) steered {
	t.Helper()
	code, err := json.Marshal(client.Steer())
	if err != nil {
		t.Fatal(err)
	}
	devtest.Eval[bool](p, fmt.Sprintf(`(async () => {
		const { answer } = await import(URL.createObjectURL(new Blob([%s], { type: "text/javascript" })));
		const host = { idle: () => Promise.resolve(), evaluate: (code) => (0, eval)(code) };
		window.ask = (verb, args) =>
			answer(verb, args, host).catch((e) => ({ code: e.code ?? "thrown", message: e.code ? e.message : e.stack, path: e.path }));
		return true;
	})()`, code))
	return steered{Page: p, t: t}
}

// snapshot, inspected, acted and failed are all that a page may answer.
type answer struct {
	ID, URL, Title, Text, Ref, Role, Name, HTML, Hidden, Component, Source, Error string
	Left                                                                          int
	Unchanged, Whole, Visible                                                     bool
	Box                                                                           [4]float64
	Styles                                                                        map[string]string
	Props, Value                                                                  json.RawMessage
	Owners                                                                        []string
	SourcePosition                                                                *struct {
		URL          string
		Line, Column int
	}
	Code, Message, Path string
}

// ask asks the page and returns its answer, also an error.
func (p steered) ask(verb string, args map[string]any) answer {
	p.t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		p.t.Fatal(err)
	}
	return devtest.Eval[answer](p.Page, fmt.Sprintf(`ask(%q, %s)`, verb, text))
}

// do asks the page to act, and fails the test unless the answer has the text.
func (p steered) do(act, selector, value, want string) {
	p.t.Helper()
	a := p.ask("act", map[string]any{"do": act, "selector": selector, "value": value})
	if have := strings.TrimPrefix(a.Code+": "+a.Message, ": ") + a.Text; have != want {
		p.t.Errorf("%s %s %q:\n  have %s\n  want %s", act, selector, value, have, want)
	}
}

func (p steered) html(body string) {
	p.t.Helper()
	text, _ := json.Marshal(body) // a string always encodes
	devtest.Eval[bool](p.Page, fmt.Sprintf(`((document.body.innerHTML = %s), document.activeElement?.blur(), true)`, text))
}

func plainPage(t *testing.T) steered {
	t.Helper()
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><title>Test</title><link rel="icon" href="data:,"><body></body>
`)))
	return steer(t, s.Page(t, "/"))
}

// linkPackages links npm packages of the repository's test projects into an app.
func linkPackages(t *testing.T, app *devtest.Files, project string, packages ...string) {
	t.Helper()
	for _, name := range packages {
		to, err := filepath.Abs("../testdata/" + project + "/node_modules/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(to); err != nil {
			t.Skipf("%s is not installed: run npm install --no-save in testdata/%s/", name, project)
		}
		app.Link(to, "node_modules/"+name)
	}
}

// compact returns JSON as Go writes it, without escapes of HTML.
func compact(text json.RawMessage) string {
	if len(text) == 0 {
		return ""
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err.Error()
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

const formPage = `
-- package.json --
{"type": "module"}
-- index.html --
<!doctype html><title>Form</title><link rel="icon" href="data:,"><div id="app"></div>
`

// frameworks are the same form in each framework. It shows its state as JSON in #state.
var frameworks = map[string]struct {
	project  string
	packages []string
	files    string

	component, props, source string
	position                 string // the end of the URL of the compiled code
	owners                   []string
}{
	"react": {project: "tools", packages: []string{"react", "react-dom", "scheduler"}, files: `
-- index.html --
<!doctype html><title>Form</title><link rel="icon" href="data:,"><div id="app"></div><script type="module" src="/main.jsx"></script>
-- main.jsx --
import { createRoot } from "react-dom/client";
import { Form } from "./form.jsx";
function App() { return <main><Form title="Order" onDone={() => {}} tags={["a"]} icon={<b/>} /></main>; }
createRoot(document.querySelector("#app")).render(<App />);
-- form.jsx --
import { useState } from "react";
export function Form({ title }) {
  const [s, set] = useState({ name: "", agree: false, size: "s", color: "", clicks: 0, sent: "" });
  const put = (key) => ({ target: { type, checked, value } }) => set((s) => ({ ...s, [key]: type === "checkbox" ? checked : value }));
  return (
    <form onSubmit={(e) => { e.preventDefault(); set((s) => ({ ...s, sent: s.name })); }}>
      <label>Name <input id="name" value={s.name} onChange={(e) => put("name")({ target: { value: e.target.value.toUpperCase() } })} /></label>
      <label><input id="agree" type="checkbox" checked={s.agree} onChange={put("agree")} /> Agree</label>
      <select id="size" aria-label="Size" value={s.size} onChange={put("size")}><option value="s">Small</option><option value="l">Large</option></select>
      <label><input type="radio" id="red" name="c" value="red" checked={s.color === "red"} onChange={put("color")} /> Red</label>
      <div id="count" onClick={() => set((s) => ({ ...s, clicks: s.clicks + 1 }))}>Count</div>
      <button id="send">Send</button>
      <pre id="state">{JSON.stringify(s)}</pre>
    </form>
  );
}
`, component: "Form", props: `{"icon":"<b>","onDone":"ƒ onDone","tags":["a"],"title":"Order"}`, owners: []string{"App"}, position: "/main.jsx"},

	"preact": {project: "tools", packages: []string{"preact"}, files: `
-- tsconfig.json --
{"compilerOptions": {"jsx": "react-jsx", "jsxImportSource": "preact"}}
-- index.html --
<!doctype html><title>Form</title><link rel="icon" href="data:,"><div id="app"></div><script type="module" src="/main.jsx"></script>
-- main.jsx --
import { render } from "preact";
import { Form } from "./form.jsx";
function App() { return <main><Form title="Order" /></main>; }
render(<App />, document.querySelector("#app"));
-- form.jsx --
import { useState } from "preact/hooks";
export function Form({ title }) {
  const [s, set] = useState({ name: "", agree: false, size: "s", color: "", clicks: 0, sent: "" });
  const put = (key, value) => set((s) => ({ ...s, [key]: value }));
  return (
    <form onSubmit={(e) => { e.preventDefault(); set((s) => ({ ...s, sent: s.name })); }}>
      <label>Name <input id="name" value={s.name} onInput={(e) => put("name", e.target.value.toUpperCase())} /></label>
      <label><input id="agree" type="checkbox" checked={s.agree} onChange={(e) => put("agree", e.target.checked)} /> Agree</label>
      <select id="size" aria-label="Size" value={s.size} onChange={(e) => put("size", e.target.value)}><option value="s">Small</option><option value="l">Large</option></select>
      <label><input type="radio" id="red" name="c" value="red" checked={s.color === "red"} onChange={(e) => put("color", e.target.value)} /> Red</label>
      <div id="count" onClick={() => put("clicks", s.clicks + 1)}>Count</div>
      <button id="send">Send</button>
      <pre id="state">{JSON.stringify(s)}</pre>
    </form>
  );
}
`, component: "Form", props: `{"title":"Order"}`, owners: []string{"App"}},

	"vue": {project: "plugins", packages: []string{"vue", "vite", "@vitejs/plugin-vue"}, files: `
-- vite.config.js --
import vue from "@vitejs/plugin-vue";
export default { plugins: [vue()] };
-- index.html --
<!doctype html><title>Form</title><link rel="icon" href="data:,"><div id="app"></div><script type="module" src="/main.js"></script>
-- main.js --
import { createApp } from "vue";
import App from "./App.vue";
createApp(App).mount("#app");
-- App.vue --
<script setup>
import Form from "./Form.vue";
</script>
<template><main><Form title="Order" /></main></template>
-- Form.vue --
<script setup>
import { reactive, watch } from "vue";
defineProps({ title: String });
const s = reactive({ name: "", agree: false, size: "s", color: "", clicks: 0, sent: "" });
watch(() => s.name, (name) => { s.name = name.toUpperCase(); });
</script>
<template>
  <form @submit.prevent="s.sent = s.name">
    <label>Name <input id="name" v-model="s.name"></label>
    <label><input id="agree" type="checkbox" v-model="s.agree"> Agree</label>
    <select id="size" aria-label="Size" v-model="s.size"><option value="s">Small</option><option value="l">Large</option></select>
    <label><input type="radio" id="red" name="c" value="red" v-model="s.color"> Red</label>
    <div id="count" @click="s.clicks++">Count</div>
    <button id="send">Send</button>
    <pre id="state">{{ JSON.stringify(s) }}</pre>
  </form>
</template>
`, component: "Form", props: `{"title":"Order"}`, source: "Form.vue", owners: []string{"App"}},

	"svelte": {project: "plugins", packages: []string{"svelte", "vite", "@sveltejs/vite-plugin-svelte"}, files: `
-- vite.config.js --
import { svelte } from "@sveltejs/vite-plugin-svelte";
export default { plugins: [svelte()] };
-- index.html --
<!doctype html><title>Form</title><link rel="icon" href="data:,"><div id="app"></div><script type="module" src="/main.js"></script>
-- main.js --
import { mount } from "svelte";
import App from "./App.svelte";
mount(App, { target: document.querySelector("#app") });
-- App.svelte --
<script>
import Form from "./Form.svelte";
</script>
<main><Form title="Order" /></main>
-- Form.svelte --
<script>
let { title } = $props();
let s = $state({ name: "", agree: false, size: "s", color: "", clicks: 0, sent: "" });
</script>
<form onsubmit={(e) => { e.preventDefault(); s.sent = s.name; }}>
  <label>Name <input id="name" bind:value={() => s.name, (name) => { s.name = name.toUpperCase(); }}></label>
  <label><input id="agree" type="checkbox" bind:checked={s.agree}> Agree</label>
  <select id="size" aria-label="Size" bind:value={s.size}><option value="s">Small</option><option value="l">Large</option></select>
  <label><input type="radio" id="red" name="c" value="red" bind:group={s.color}> Red</label>
  <div id="count" onclick={() => s.clicks++}>Count</div>
  <button id="send">Send</button>
  <pre id="state">{JSON.stringify(s)}</pre>
</form>
`, component: "Form", source: "Form.svelte:11:3", owners: []string{"App"}},

	"lit": {project: "tools", packages: []string{"lit", "lit-element", "lit-html", "@lit"}, files: `
-- index.html --
<!doctype html><title>Form</title><link rel="icon" href="data:,"><x-form heading="Order"></x-form><script type="module" src="/main.js"></script>
-- main.js --
import { LitElement, html } from "lit";
import { live } from "lit/directives/live.js";
class XForm extends LitElement {
  static properties = { heading: {}, s: { state: true } };
  constructor() { super(); this.s = { name: "", agree: false, size: "s", color: "", clicks: 0, sent: "" }; }
  put(key, value) { this.s = { ...this.s, [key]: value }; }
  render() {
    const { s } = this;
    return html` + "`" + `<form @submit=${(e) => { e.preventDefault(); this.put("sent", s.name); }}>
      <label>Name <input id="name" .value=${live(s.name)} @input=${(e) => this.put("name", e.target.value.toUpperCase())}></label>
      <label><input id="agree" type="checkbox" .checked=${s.agree} @change=${(e) => this.put("agree", e.target.checked)}> Agree</label>
      <select id="size" aria-label="Size" .value=${s.size} @change=${(e) => this.put("size", e.target.value)}><option value="s">Small</option><option value="l">Large</option></select>
      <label><input type="radio" id="red" name="c" value="red" .checked=${s.color === "red"} @change=${() => this.put("color", "red")}> Red</label>
      <div id="count" style="cursor: pointer" @click=${() => this.put("clicks", s.clicks + 1)}>Count</div>
      <button id="send">Send</button>
      <pre id="state">${JSON.stringify(s)}</pre>
    </form>` + "`" + `;
  }
}
customElements.define("x-form", XForm);
`, component: "XForm <x-form>", props: `{"heading":"Order"}`},
}

// Fields that a framework controls take what a tool does, and the framework tells which component made an element.
func TestSteerFrameworks(t *testing.T) {
	for name, f := range frameworks {
		t.Run(name, func(t *testing.T) {
			app := devtest.App(t, devtest.Text(formPage), devtest.Text(f.files))
			linkPackages(t, app, f.project, f.packages...)
			p := steer(t, devtest.Start(t, app).Page(t, "/"))
			p.Wait(`(document.querySelector("x-form")?.shadowRoot ?? document).querySelector("#state")`)

			text := p.ask("snapshot", nil).Text
			for _, want := range []string{`textbox "Name" #e`, `checkbox "Agree" #e`, `combobox "Size" = "Small" #e`, `clickable "Count" #e`, `button "Send" #e`} {
				if !strings.Contains(text, want) {
					t.Errorf("no %s in the snapshot:\n%s", want, text)
				}
			}
			p.do("fill", "#name", "anna", `filled textbox "Name" with "anna"; the page made it "ANNA"`)
			p.do("fill", "#agree", "true", `checked checkbox "Agree"`)
			p.do("fill", "#agree", "true", `checkbox "Agree" was checked already`)
			p.do("select", "#size", "Large", `selected "Large" in combobox "Size"`)
			p.do("click", "#red", "", `clicked radio "Red"`)
			p.do("click", "#count", "", `clicked <div> "Count"`)
			p.do("press", "#name", "Enter", `pressed Enter in textbox "Name": clicked button "Send"`)
			state := devtest.Eval[string](p.Page, `(document.querySelector("x-form")?.shadowRoot ?? document).querySelector("#state").textContent`)
			if want := `{"name":"ANNA","agree":true,"size":"l","color":"red","clicks":1,"sent":"ANNA"}`; state != want {
				t.Errorf("have %s\nwant %s", state, want)
			}
			p.NoErrors()

			a := p.ask("inspect", map[string]any{"selector": "#send"})
			if a.Component != f.component || compact(a.Props) != f.props || !slices.Equal(a.Owners, f.owners) || !strings.HasSuffix(a.Source, f.source) {
				t.Errorf("component %q props %s owners %q source %q", a.Component, a.Props, a.Owners, a.Source)
			}
			if a.Code != "" || !a.Visible || a.Role != "button" || a.Name != "Send" || a.HTML == "" {
				t.Errorf("inspected %+v", a)
			}
			if position := a.SourcePosition; f.position != "" && (position == nil || !strings.HasSuffix(position.URL, f.position)) {
				t.Errorf("the place is %+v", position)
			}
		})
	}
}

// snapshots are pages and their snapshots. A number in an ID stands for any number.
var snapshots = map[string]struct{ html, want string }{
	"names by the usual rules": {
		`<h1>Cart</h1><button disabled>Save</button><button aria-label="Close">×</button><button><svg class="icon x"></svg></button>
		<span id="l" hidden>Hidden label</span><button aria-labelledby="l"></button><input type="submit"><input type="image" alt="Go">`,
		`heading 1 "Cart" #e
button "Save" [disabled] #e
button "Close" #e
button <svg.icon.x> #e
button "Hidden label" #e
button "Submit" #e
button "Go" #e`,
	},
	"text with what stands in it": {
		`<p>You have <b>3</b> items,<br><a href="/home">go home</a> now.</p><p>three <em>four</em> <code>five</code></p><pre>a
b</pre>`,
		`"You have 3 items,"
link "go home" -> /home #e
"now."
"three four five"
"a b"`,
	},
	"a name cannot look like more than a name": {
		"<button>Line\n\"break\" #e99 [disabled]</button><p>text \"quoted\" #e1\nnext</p><a href='javascript: void #e3'>JS</a>",
		`button "Line \"break\" #e99 [disabled]" #e
"text \"quoted\" #e1 next"
link "JS" -> javascript:%20void%20#e3 #e`,
	},
	"fields": {
		`<label>Email <input type="email" value="a@b.c" required></label><textarea placeholder="Say">Hello
you</textarea><input type="range" value="3" max="10"><input type="date" value="2026-01-02" aria-label="Day" aria-invalid="true">
		<div contenteditable aria-label="Editor">abc <b>def</b></div><progress value="0.3"></progress><input type="hidden" value="x">`,
		`textbox "Email" = "a@b.c" [required] #e
textbox "Say" = "Hello you" #e
slider <input> = "3" #e
date "Day" = "2026-01-02" [invalid] #e
textbox "Editor" = "abc def" #e
progressbar = "0.3/1"`,
	},
	"passwords are never told": {
		`<label for="p">Password</label><input id="p" type="password" value="geheim"><input type="text" autocomplete="new-password" value="geheim" aria-label="Shown">
		<label>Empty <input type="password"></label>`,
		`textbox "Password" = "••••" #e
textbox "Shown" = "••••" #e
textbox "Empty" #e`,
	},
	"choices": {
		`<select aria-label="Country"><option>DE<option selected>France<option disabled>IT</select><fieldset><legend>Size</legend><label><input type="radio" name="a"> S</label><label><input type="radio" name="a" checked> L</label></fieldset>
		<div role="switch" aria-checked="true" tabindex="0">Dark</div><label>Custom <input type="checkbox" checked style="display:none"></label>`,
		`combobox "Country" = "France" #e
  options "DE" | "France" | "IT" [disabled]
group "Size"
  radio "S" #e
  radio "L" [checked] #e
switch "Dark" [checked] #e
checkbox "Custom" [checked] #e`,
	},
	"a long list of options": {
		`<select aria-label="Year">` + strings.Repeat("<option>2000", 30) + `<option selected>2031</select>`,
		`combobox "Year" = "2031" #e
  options ` + strings.Repeat(`"2000" | `, 11) + `"2031" | … 19 more`,
	},
	"landmarks and lists": {
		`<nav aria-label="Main"><ul><li><a href="/a">A</a></li><li><a href="https://x.org/">B</a></li><li>plain</li></ul></nav>
		<main><section aria-labelledby="h"><h2 id="h">Part</h2><article><header>Head</header></article></section></main><section>no name</section>`,
		`navigation "Main" #e
  list
    listitem
      link "A" -> /a #e
    listitem
      link "B" -> https://x.org/ #e
    listitem "plain"
main #e
  region "Part" #e
    heading 2 "Part" #e
    article
      "Head"
"no name"`,
	},
	"tables": {
		`<table><caption>Users</caption><thead><tr><th>Name<th>Age<tbody><tr><td>Anna<td>3<td><button>Delete</button><tr><th>Bob<td><input value="4" aria-label="Age"><td></table>
		<table role="presentation"><tr><td>layout<td>cells</table><table><tr><td>1<td><ul><li>x<li>y</ul></table>`,
		`table "Users"
  headers "Name" | "Age"
  row "Anna" | "3" | button "Delete" #e
  row "Bob" | textbox "Age" = "4" #e | ""
"layout"
"cells"
table
  row
    cell "1"
    cell
      list
        listitem "x"
        listitem "y"`,
	},
	"what is hidden is left out": {
		`<details><summary>More</summary>closed <button>no</button></details><details open><summary>Less</summary>shown</details><dialog>no</dialog>
		<div style="display:none">no</div><div style="visibility:hidden">no<span style="visibility:visible">yes</span></div>
		<div aria-hidden="true">no</div><div inert><button>no</button></div><div style="display:contents">contents <button>in</button></div><devserver-mark>no</devserver-mark>`,
		`summary "More" [collapsed] #e
summary "Less" [expanded] #e
"shown"
"yes"
"contents"
button "in" #e`,
	},
	"what has a handler": {
		`<div onclick="1">Card <b>title</b></div><div style="cursor:pointer"><span>Pointer</span></div><div onclick="1"><h3>Title</h3><button>B</button></div><div tabindex="0">focus me</div>`,
		`clickable "Card title" #e
clickable "Pointer" #e
clickable #e
  heading 3 "Title" #e
  button "B" #e
focusable "focus me" #e`,
	},
	"widgets of ARIA": {
		`<div role="dialog" aria-modal="true" aria-label="Sure"><p>Really?</p></div><div role="alert">Failed</div><div role="tablist"><button role="tab" aria-selected="true">One</button></div>
		<ul role="tree"><li role="treeitem" aria-expanded="true">Root<ul role="group"><li role="treeitem">Leaf</li></ul></li></ul><div role="grid"><div role="row"><span role="columnheader" aria-sort="ascending">H</span></div></div>`,
		`dialog "Sure" [modal] #e
  "Really?"
alert "Failed" #e
tablist
  tab "One" [selected] #e
tree
  treeitem "Root" [expanded] #e
    treeitem "Leaf" #e
grid
  headers columnheader [ascending] "H"`,
	},
	"a wide row": {
		`<table><tr>` + strings.Repeat("<td>0123456789", 500) + `</table>`,
		`table
  row ` + strings.Repeat(`"0123456789" | `, 67) + `… 433 more`,
	},
	"pictures": {
		`<figure><img src="data:," alt="Cat"><figcaption>A cat</figcaption></figure><canvas width="20" height="10"></canvas><svg><title>Logo</title></svg><img alt="" src="data:,"><img src="data:,"><a href="/x"><img src="data:," alt="Pic"><h3>Card</h3></a>`,
		`figure "A cat"
  img "Cat"
canvas 20x10 #e
img "Logo"
link "Pic Card" -> /x #e
  heading 3 "Card" #e`,
	},
	"drawings": {
		`<svg width="50" height="50"><text y="20">axis</text><defs><a href="/no"><text>no</text></a></defs><a href="/bar"><title>Bar</title><rect width="9" height="9"/></a><g onclick="1" aria-label="Node"><circle r="5"/></g></svg>
		<button><svg><path d=""/></svg>Icon</button>`,
		`link "Bar" -> /bar #e
clickable "Node" #e
button "Icon" #e`,
	},
	"fields that hide the properties of their form": {
		`<form tabindex="0"><input name="id" aria-label="A"><input name="title" aria-label="B"><input name="children" aria-label="C"><input name="action" aria-label="D"></form>`,
		`focusable #e
  textbox "A" #e
  textbox "B" #e
  textbox "C" #e
  textbox "D" #e`,
	},
	"nothing": {`<div></div><script></script>`, `(nothing is visible)`},
}

var anyRef = regexp.MustCompile(` #e\d+( \||$|\n)`)

func TestSnapshot(t *testing.T) {
	p := plainPage(t)
	for name, c := range snapshots {
		t.Run(name, func(t *testing.T) {
			p.html(c.html)
			a := p.ask("snapshot", nil)
			if have := anyRef.ReplaceAllString(a.Text, " #e$1"); have != c.want || a.Left != 0 {
				t.Errorf("have\n%s%s\nwant\n%s", have, a.Message, c.want)
			}
			if a.Title != "Test" || !strings.HasPrefix(a.URL, "http") || a.ID == "" {
				t.Errorf("answer %+v", a)
			}
		})
	}
}

// React gives its roots an empty handler, which makes nothing clickable.
func TestSnapshotOfEmptyHandler(t *testing.T) {
	p := plainPage(t)
	p.html(`<div>root</div>`)
	for handler, want := range map[string]string{"function noop$1() {}": `"root"`, "() => {\n}": `"root"`, "() => go()": `clickable "root" #e`} {
		devtest.Eval[bool](p.Page, `((document.querySelector("div").onclick = `+handler+`), true)`)
		if have := anyRef.ReplaceAllString(p.ask("snapshot", nil).Text, " #e$1"); have != want {
			t.Errorf("%s: have %s, want %s", handler, have, want)
		}
	}
}

// A snapshot passes through shadow roots, slots and frames of this origin. Its IDs work there.
func TestSnapshotOfFlatTree(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><title>Test</title><link rel="icon" href="data:,"><body>
<x-card><span slot="title">Title</span><button>Slotted</button></x-card><iframe src="/frame.html" title="Inner"></iframe><iframe src="data:text/html,other" title="Other"></iframe>
<script>
customElements.define("x-card", class extends HTMLElement {
  constructor() {
    super();
    this.attachShadow({ mode: "open" }).innerHTML = '<h2><slot name="title">None</slot></h2><section><slot></slot><slot name="foot">Fallback</slot><button>Shadow</button></section>';
    this.shadowRoot.addEventListener("click", (e) => (this.clicked = e.target.textContent));
  }
});
</script>
-- frame.html --
<!doctype html><button onclick="this.textContent = 'Pressed'">In frame</button><p>Text</p>
`)))
	p := steer(t, s.Page(t, "/"))
	a := p.ask("snapshot", nil)
	want := `heading 2 "Title" #e1
button "Slotted" #e2
"Fallback"
button "Shadow" #e3
iframe "Inner" #e4
  button "In frame" #e5
  "Text"
iframe "Other" (of another origin) #e6`
	if a.Text != want {
		t.Fatalf("have\n%s\nwant\n%s", a.Text, want)
	}
	for ref, text := range map[string]string{"e3": `clicked button "Shadow"`, "e5": `clicked button "In frame"`} {
		if a := p.ask("act", map[string]any{"do": "click", "ref": ref}); a.Text != text {
			t.Errorf("%s: %+v", ref, a)
		}
	}
	p.Wait(`document.querySelector("x-card").clicked === "Shadow"`)
	p.Wait(`frames[0].document.querySelector("button").textContent === "Pressed"`)
	if a := p.ask("inspect", map[string]any{"ref": "e5"}); a.Name != "Pressed" || !a.Visible || a.Box[0] < 8 {
		t.Errorf("in the frame: %+v", a)
	}
	if a := p.ask("snapshot", map[string]any{"selector": "section"}); !strings.HasPrefix(a.Text, `button "Slotted" #e2`) {
		t.Errorf("below a selector in a shadow root: %s", a.Text)
	}
	if a := p.ask("snapshot", map[string]any{"selector": "e4"}); !strings.HasPrefix(a.Text, "iframe") || strings.Contains(a.Text, "Slotted") {
		t.Errorf("below an ID: %s", a.Text)
	}
	// The page is another after a reload: its IDs are other IDs.
	p.Reload()
	p = steer(t, p.Page)
	if a := p.ask("inspect", map[string]any{"ref": "e3"}); a.Code != "no_element" {
		t.Errorf("an ID of an earlier page: %+v", a)
	}
	again := p.ask("snapshot", map[string]any{"since": a.ID})
	if !again.Whole || again.ID == a.ID || strings.Contains(again.Text, "#e3\n") {
		t.Errorf("since a snapshot of an earlier page: %+v", again)
	}
}

// A tool that asks again gets what differs, while IDs stay.
func TestSnapshotSince(t *testing.T) {
	p := plainPage(t)
	p.html(`<main><ul><li>A</li><li>B</li></ul><button>Buy</button></main>`)
	first := p.ask("snapshot", nil)
	if a := p.ask("snapshot", map[string]any{"since": first.ID}); !a.Unchanged || a.Text != "" {
		t.Errorf("nothing changed: %+v", a)
	}
	devtest.Eval[bool](p.Page, `((document.querySelector("button").disabled = true), document.querySelector("li").remove(), document.querySelector("ul").append(Object.assign(document.createElement("li"), { textContent: "C" })), true)`)
	second := p.ask("snapshot", map[string]any{"since": first.ID})
	ref := regexp.MustCompile(`button "Buy" (#e\d+)`).FindStringSubmatch(first.Text)[1]
	want := "  main #e\n    list\n-     listitem \"A\"\n+     listitem \"C\"\n~   button \"Buy\" [disabled] " + ref
	if have := strings.Replace(second.Text, regexp.MustCompile(`main #e\d+`).FindString(second.Text), "main #e", 1); have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
	devtest.Eval[bool](p.Page, `((document.querySelector("li").firstChild.nodeValue = "B2"), true)`)
	if a := p.ask("snapshot", map[string]any{"since": second.ID}); !strings.Contains(a.Text, "~     listitem \"B2\"") || strings.Contains(a.Text, "Buy") {
		t.Errorf("since the second: %s", a.Text)
	}
	if a := p.ask("snapshot", map[string]any{"since": second.ID, "selector": "ul"}); !a.Whole {
		t.Errorf("the earlier snapshot is of another part: %+v", a)
	}
	if a := p.ask("snapshot", map[string]any{"since": "s0"}); !a.Whole || a.Text == "" {
		t.Errorf("an unknown snapshot: %+v", a)
	}
}

// What is in view comes before what is not, also in a list that is cut.
func TestSnapshotOfView(t *testing.T) {
	p := plainPage(t)
	devtest.Eval[bool](p.Page, `((document.body.innerHTML = `+largePages["list"]+`), document.querySelectorAll("li")[2500].scrollIntoView(), true)`)
	text := p.ask("snapshot", map[string]any{"max": 2000}).Text
	for _, want := range []string{`heading 1 "List"`, `"Item 0"`, `"Item 2500"`, `"Item 2510"`, `"Item 4999"`, `button "Last"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// largePages are pages of about 5,000 elements.
var largePages = map[string]string{
	"list":    `"<h1>List</h1><ul>" + Array.from({ length: 5000 }, (_, i) => "<li>Item " + i + "</li>").join("") + "</ul><button>Last</button>"`,
	"cards":   `Array.from({ length: 625 }, (_, i) => "<div><h3>Card " + i + "</h3><p>Some <b>text</b></p><button>Buy " + i + "</button><a href=/" + i + ">More</a><div>é</div></div>").join("") + "<button>Last</button>"`,
	"table":   `"<table>" + Array.from({ length: 830 }, (_, i) => "<tr><td>" + i + "<td>b<td>c<td><button>Delete</button></tr>").join("") + "</table><button>Last</button>"`,
	"layout":  `"<div>".repeat(300) + Array.from({ length: 2500 }, (_, i) => "<div><span>" + i + "</span></div>").join("") + "</div>".repeat(300) + "<button>Last</button>"`,
	"buttons": `Array.from({ length: 5000 }, (_, i) => "<button>" + i + "</button>").join("") + "<dialog open><button>Last</button></dialog>"`,
}

func TestSnapshotOfLargePages(t *testing.T) {
	p := plainPage(t)
	for name, expression := range largePages {
		t.Run(name, func(t *testing.T) {
			devtest.Eval[bool](p.Page, `((document.body.innerHTML = `+expression+`), true)`)
			a := p.ask("snapshot", nil)
			if len(a.Text) > 8000 || len(a.Text) < 7000 {
				t.Errorf("%d bytes, want at most 8000 and not much less", len(a.Text))
			}
			if a.Left == 0 || !regexp.MustCompile(`… [\d,]+ more`).MatchString(a.Text) {
				t.Errorf("the snapshot does not say how many elements are left out: %d\n%s", a.Left, a.Text)
			}
			if !strings.Contains(a.Text, `button "Last"`) {
				t.Error("the last button is not in the snapshot: one of its kind is worth more than the 500th of another")
			}
			if whole := p.ask("snapshot", map[string]any{"max": 100000}); len(whole.Text) > 100000 || whole.Left >= a.Left {
				t.Errorf("with more room %d bytes, and %d left", len(whole.Text), whole.Left)
			}
			took := devtest.Eval[float64](p.Page, `(async () => { const from = performance.now(); await ask("snapshot", {}); return performance.now() - from })()`)
			t.Logf("%.0f ms", took)
		})
	}
}

// A browser updates live lists at each change of the page, until it collects them: with those of 5,000 buttons the next
// change of the page takes about ten times as long.
func TestSnapshotLeavesNoLiveLists(t *testing.T) {
	p := plainPage(t)
	made := devtest.Eval[[]string](p.Page, `(async () => {
		document.body.innerHTML = '<form><fieldset><label>Name <input id="a"></label><label for="b">Age</label><input id="b">' +
			'<label for="c">First</label><label>then <input id="c"></label>' +
			'<select><option>A</option></select><input type="radio" name="r"><button>Save</button><output>1</output></fieldset></form>';
		const made = [];
		const watch = (type, name) => {
			const { get, value } = Object.getOwnPropertyDescriptor(type.prototype, name);
			const note = (f) => function (...args) { made.push(type.name + "." + name); return f.apply(this, args) };
			Object.defineProperty(type.prototype, name, get ? { get: note(get) } : { value: note(value) });
		};
		for (const type of [HTMLInputElement, HTMLButtonElement, HTMLSelectElement, HTMLOutputElement]) watch(type, "labels");
		for (const type of [HTMLFormElement, HTMLFieldSetElement]) watch(type, "elements");
		for (const name of ["getElementsByTagName", "getElementsByClassName"]) { watch(Document, name); watch(Element, name) }
		for (const name of ["getElementsByName", "createNodeIterator", "createRange"]) watch(Document, name);
		const { text } = await ask("snapshot", {});
		for (const name of ["Name", "Age", "First then"]) if (!text.includes("textbox " + JSON.stringify(name))) made.push(text);
		return made;
	})()`)
	if len(made) > 0 {
		t.Errorf("the snapshot uses %q", made)
	}
}

func TestInspectWhyHidden(t *testing.T) {
	p := plainPage(t)
	for name, c := range map[string]struct{ html, hidden string }{
		"visible":                  {`<button id="x">B</button>`, ""},
		"display, by a rule":       {`<style>.gone { display: none }</style><div class="gone"><b id="x">B</b></div>`, "display: none on <div.gone> (.gone in <style>)"},
		"display, by a module":     {`<style data-vite-dev-id="/src/a.css">@media all { #x { display: none } }</style><b id="x">B</b>`, "display: none on it (#x in /src/a.css)"},
		"the attribute hidden":     {`<b id="x" hidden>B</b>`, "display: none on it (its attribute hidden)"},
		"its style attribute":      {`<b id="x" style="display: none">B</b>`, "display: none on it (its style attribute)"},
		"a closed dialog":          {`<dialog id="d"><b id="x">B</b></dialog>`, "in a closed <dialog#d>"},
		"closed details":           {`<details id="d"><summary>S</summary><b id="x">B</b></details>`, "in a closed <details#d>"},
		"visibility":               {`<div id="d" style="visibility: hidden"><b id="x">B</b></div>`, "visibility: hidden on <div#d> (its style attribute)"},
		"visible in a hidden":      {`<div style="visibility: hidden"><b id="x" style="visibility: visible">B</b></div>`, ""},
		"opacity":                  {`<div id="d" style="opacity: 0"><b id="x">B</b></div>`, "opacity: 0 on <div#d> (its style attribute)"},
		"no size":                  {`<div id="x" style="height: 0; width: 20px"></div>`, "it has no size: 20 × 0 px"},
		"no size, but content":     {`<div id="x" style="height: 0">text <b>x</b></div>`, ""},
		"covered":                  {`<button id="x">B</button><div class="overlay" style="position: fixed; inset: 0"></div>`, "covered by <div.overlay> at its centre"},
		"covered by what it holds": {`<button id="x"><span><b>B</b></span></button>`, ""},
		"covered by a component":   {`<button id="x">B</button><x-over></x-over>`, "covered by <x-over> at its centre"},
		"an overlay without mouse": {`<button id="x">B</button><div style="position: fixed; inset: 0; pointer-events: none"></div>`, ""},
		"below the view":           {`<div style="height: 3000px"></div><b id="x">B</b>`, "below the part of the page that is in view: scroll to see it"},
		"far left":                 {`<b id="x" style="position: absolute; left: -9999px; top: 0">B</b>`, "off screen at -9999, 0: scrolling does not reach it"},
		"clipped":                  {`<div id="d" style="overflow: hidden; height: 20px"><div style="height: 50px"></div><b id="x">B</b></div>`, "clipped by overflow: hidden of <div#d> (its style attribute)"},
		"scrolled out":             {`<div id="d" style="overflow: auto; height: 20px"><div style="height: 50px"></div><b id="x">B</b></div>`, "scrolled out of <div#d>"},
		"fixed in what clips":      {`<div style="overflow: hidden; height: 20px"><b id="x" style="position: fixed; top: 100px">B</b></div>`, ""},
		"contents":                 {`<div id="x" style="display: contents"><b>B</b></div>`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p.html(c.html)
			if strings.Contains(c.html, "x-over") {
				devtest.Eval[bool](p.Page, `((document.querySelector("x-over").attachShadow({ mode: "open" }).innerHTML = '<div style="position:fixed;inset:0"></div>'), true)`)
			}
			a := p.ask("inspect", map[string]any{"selector": "#x"})
			if a.Hidden != c.hidden || a.Visible != (c.hidden == "") || a.Code != "" {
				t.Errorf("have %q %s, want %q", a.Hidden, a.Message, c.hidden)
			}
		})
	}
}

func TestInspect(t *testing.T) {
	p := plainPage(t)
	p.html(`<div id="x" class="card" style="color: rgb(1, 2, 3); width: 100px; height: 50px; position: absolute; left: 10px; top: 20px">Text <b>&lt;b&gt;</b><input type="password" value="geheim"><img src="data:,` + strings.Repeat("x", 500) + `"><x-made></x-made></div>`)
	devtest.Eval[bool](p.Page, `((window.made = 0), customElements.define("x-made", class extends HTMLElement { constructor() { super(); made++ } }), true)`)
	a := p.ask("inspect", map[string]any{"selector": "#x", "styles": []string{"width"}})
	if a.Box != [4]float64{10, 20, 100, 50} || a.Styles["color"] != "rgb(1, 2, 3)" || a.Styles["width"] != "100px" || a.Styles["z-index"] != "auto" {
		t.Errorf("%+v", a)
	}
	if !strings.HasPrefix(a.HTML, `<div id="x" class="card"`) || !strings.Contains(a.HTML, `Text <b>&lt;b&gt;</b><input type="password" value="••••"><img src="data:,xxx`) || strings.Contains(a.HTML, strings.Repeat("x", 400)) {
		t.Errorf("HTML %s", a.HTML)
	}
	if n := devtest.Eval[int](p.Page, "made"); n != 1 {
		t.Errorf("the constructor of the custom element ran %d times, want that of the page only", n)
	}
	p.html(`<ul id="x">` + strings.Repeat("<li>Item</li>", 1000) + `</ul>`)
	if a := p.ask("inspect", map[string]any{"selector": "#x"}); len(a.HTML) > 2010 || !strings.HasSuffix(a.HTML, "…") {
		t.Errorf("%d bytes of HTML: %s", len(a.HTML), a.HTML)
	}
	for args, want := range map[string]string{
		`{}`:                                    "bad_args",
		`{"selector": "#none"}`:                 "no_element",
		`{"selector": "#["}`:                    "bad_selector",
		`{"ref": "e9999"}`:                      "no_element",
		`{"ref": 5}`:                            "bad_args",
		`{"selector": "#x", "styles": "width"}`: "bad_args",
	} {
		if a := devtest.Eval[answer](p.Page, `ask("inspect", `+args+`)`); a.Code != want || a.Message == "" {
			t.Errorf("%s: %+v", args, a)
		}
	}
	if a := p.ask("other", nil); a.Code != "unknown_event" {
		t.Errorf("an unknown verb: %+v", a)
	}
}

// What a framework gave a component may hold anything.
func TestInspectProps(t *testing.T) {
	p := plainPage(t)
	p.html(`<input type="password" value="geheim"><x-props></x-props>`)
	devtest.Eval[bool](p.Page, `(() => {
		customElements.define("x-props", class XProps extends HTMLElement {});
		const cycle = { name: "c" };
		cycle.self = cycle;
		Object.assign(document.querySelector("x-props"), {
			cycle, fn() {}, arrow: () => 1, nan: NaN, none: undefined, big: 12n, date: new Date(0), node: document.body,
			map: new Map([[1, 2]]), text: "t".repeat(1000), secret: "geheim", state: '{"password":"geheim"}', error: new Error("geheim"), nested: { secret: ["geheim"] }, list: Array(100).fill(1),
			deep: { a: { b: { c: { d: 1 } } } }, _own: 1, "__proto": 1,
		});
		Object.defineProperty(document.querySelector("x-props").nested = {}, "get", { enumerable: true, get() { window.ran = true; } });
		document.querySelector("x-props").nested.secret = ["geheim"];
		return true;
	})()`)
	a := p.ask("inspect", map[string]any{"selector": "x-props"})
	var props map[string]any
	if err := json.Unmarshal(a.Props, &props); err != nil {
		t.Fatalf("%v: %s %+v", err, a.Props, a)
	}
	for name, want := range map[string]string{
		"cycle": `{"name":"c","self":"[cycle]"}`, "fn": `"ƒ fn"`, "arrow": `"ƒ arrow"`, "nan": `"NaN"`, "none": `"undefined"`, "big": `"12"`,
		"date": `"1970-01-01T00:00:00.000Z"`, "node": `"<body>"`, "map": `"Map(1) { 1 => 2 }"`, "secret": `"••••"`, "state": `"{\"password\":\"••••\"}"`,
		"nested": `{"get":"[getter]","secret":["••••"]}`, "deep": `{"a":{"b":{"c":"{…}"}}}`,
	} {
		text, _ := json.Marshal(props[name]) // it was JSON
		if have := compact(text); have != want {
			t.Errorf("%s: have %s, want %s", name, have, want)
		}
	}
	if strings.Contains(string(a.Props), "geheim") {
		t.Errorf("the password is told: %s", a.Props)
	}
	if props["_own"] != nil || len(a.Props) > 10000 || devtest.Eval[bool](p.Page, "!!window.ran") {
		t.Errorf("%d bytes: %s", len(a.Props), a.Props)
	}
}

func TestEvaluate(t *testing.T) {
	p := plainPage(t)
	p.html(`<p id="p" class="a">text</p>`)
	for expression, want := range map[string]string{
		`1 + 1`:                           `2`,
		`({ a: [1, "x", null, true] })`:   `{"a":[1,"x",null,true]}`,
		`{ a: 1 }`:                        `{"a":1}`,
		`await Promise.resolve(3)`:        `3`,
		`Promise.resolve({ b: 1 })`:       `{"b":1}`,
		`const x = 2; x * 2`:              `4`,
		`const y = await 5; return y + 1`: `6`,
		`if (true) { "yes" }`:             `"yes"`,
		`// comment`:                      `text undefined`,
		`undefined`:                       `text undefined`,
		`NaN`:                             `text NaN`,
		`document.querySelector("p")`:     `text <p#p.a>`,
		`[document.body]`:                 `text [<body>]`,
		`new Map([[1, 2]])`:               `text Map(1) { 1 => 2 }`,
		`(function f() {})`:               `text [function f]`,
		`const c = {}; c.c = c; c`:        `text { c: [Circular] }`,
		`throw new TypeError("bad")`:      `error TypeError: bad`,
		`Promise.reject(new Error("no"))`: `error Error: no`,
		`JSON.parse("{")`:                 `error SyntaxError: `,
		`1 +`:                             `error SyntaxError: `,
		`window.n = (window.n ?? 0) + 1; JSON.parse("{")`: `error SyntaxError: `,
		` `: `bad_args`,
	} {
		a := p.ask("evaluate", map[string]any{"expression": expression})
		have := compact(a.Value)
		switch {
		case a.Code != "":
			have = a.Code
		case a.Error != "":
			have = "error " + a.Error
		case a.Text != "":
			have = "text " + a.Text
		}
		if have != want && !(strings.HasPrefix(want, "error ") && strings.HasPrefix(have, want)) {
			t.Errorf("%s: have %s, want %s", expression, have, want)
		}
	}
	if n := devtest.Eval[int](p.Page, "n"); n != 1 {
		t.Errorf("statements that throw ran %d times", n)
	}
	if a := p.ask("evaluate", map[string]any{"expression": `"x".repeat(200000)`}); len(a.Text) > 100100 || !strings.HasSuffix(a.Text, "… (200002 characters)") {
		t.Errorf("a long text has %d bytes", len(a.Text))
	}
}

func TestEvaluateUnderPolicy(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><meta http-equiv="Content-Security-Policy" content="script-src 'self' blob:"><title>Test</title>
`)))
	p := steer(t, s.Page(t, "/"))
	// DevTools, by which tests ask, may evaluate what they like. The page may not.
	a := devtest.Eval[answer](p.Page, `new Promise((resolve) => setTimeout(() => resolve(ask("evaluate", { expression: "1" }))))`)
	if a.Code != "refused" || !strings.Contains(a.Message, "Content-Security-Policy") {
		t.Errorf("%+v", a)
	}
}

// actPage notes the events that reach its elements.
const actPage = `<style>body { margin: 0; font: 16px sans-serif }</style><script>window.heard = []</script>
<button id="b"><span>Save</span></button> <input id="t" aria-label="Name" value="old"> <input id="c" type="checkbox" aria-label="Box">
<select id="s" aria-label="Pick"><option value="1">One<option value="2">Two<option value="3" disabled>Three</select>
<select id="m" aria-label="Many" multiple><option>a<option>b<option>c</select>
<textarea id="a" aria-label="Area"></textarea> <div id="e" contenteditable aria-label="Editor">old</div>`

func (p steered) listen(selector string, types ...string) {
	p.t.Helper()
	text, _ := json.Marshal(types) // texts always encode
	devtest.Eval[bool](p.Page, fmt.Sprintf(`(() => {
		window.deaf?.abort();
		window.deaf = new AbortController();
		window.heard = [];
		for (const type of %s) document.querySelector(%q).addEventListener(type, () => heard.push(type), deaf);
		return true;
	})()`, text, selector))
}

func (p steered) heard(want string) {
	p.t.Helper()
	if have := devtest.Eval[string](p.Page, `heard.join(" ")`); have != want {
		p.t.Errorf("events:\n  have %s\n  want %s", have, want)
	}
}

func TestActClick(t *testing.T) {
	p := plainPage(t)
	p.html(actPage)
	p.listen("#b", "pointerover", "pointerenter", "mouseover", "mouseenter", "pointermove", "mousemove", "pointerdown", "mousedown", "focus", "pointerup", "mouseup", "click")
	p.do("click", "#b", "", `clicked button "Save"`)
	p.heard("pointerover pointerenter mouseover mouseenter pointermove mousemove pointerdown mousedown focus pointerup mouseup click")
	p.do("click", "#c", "", `clicked checkbox "Box"`)
	p.Wait(`document.querySelector("#c").checked && document.activeElement.id === "c"`)

	// What closes covers the page until its animation ends.
	p.html(`<button id="x">Go</button><div style="position:fixed;inset:0"></div>`)
	devtest.Eval[bool](p.Page, `{
		const over = document.querySelector("div");
		over.animate([{ opacity: 1 }, { opacity: 0 }], 150).finished.then(() => setTimeout(() => over.remove(), 20));
		true;
	}`)
	p.do("click", "#x", "", `clicked button "Go"`)

	for name, c := range map[string]struct{ html, want string }{
		"disabled":         {`<fieldset disabled><button id="x">Go</button></fieldset>`, `not_actionable: button "Go" is disabled`},
		"aria-disabled":    {`<button id="x" aria-disabled="true">Go</button>`, `not_actionable: button "Go" is disabled`},
		"inert":            {`<div inert><button id="x">Go</button></div>`, `not_actionable: button "Go" is inert`},
		"hidden":           {`<style>.no { display: none }</style><button id="x" class="no">Go</button>`, `not_actionable: button "Go" is hidden: display: none on it (.no in <style>)`},
		"covered":          {`<button id="x">Go</button><div id="over" style="position:fixed;inset:0"></div>`, `not_actionable: button "Go" is covered by <div#over> at its centre`},
		"behind a dialog":  {`<button id="x">Go</button><dialog id="d" style="inset:0;width:100%;height:100%">D</dialog><img src="data:," onerror="d.showModal(); this.remove()">`, `not_actionable: button "Go" is covered by <dialog#d> at its centre`},
		"pointer-events":   {`<button id="x" style="pointer-events:none">Go</button>`, `not_actionable: button "Go" takes no clicks: pointer-events: none`},
		"off screen":       {`<button id="x" style="position:absolute;left:-999px;top:0">Go</button>`, `not_actionable: button "Go" is hidden: off screen at -999, 0: scrolling does not reach it`},
		"a file":           {`<input id="x" type="file" aria-label="Upload">`, `refused: file "Upload": the browser opens the dialog for files for users only`},
		"a select":         {actPage + `<select id="x" aria-label="X"></select>`, `not_actionable: combobox "X": its list opens for users only; use select`},
		"another origin":   {`<a id="x" href="https://example.org/a">Out</a>`, `refused: link "Out" leads to another origin: https://example.org/a`},
		"a drawing's link": {`<svg width="50" height="50"><a href="https://example.org/a"><title>Out</title><rect id="x" width="50" height="50"/></a></svg>`, `refused: link "Out" leads to another origin: https://example.org/a`},
		"a mail":           {`<a href="mailto:a@b.c"><b id="x">Mail</b></a>`, `refused: link "Mail" leads to another origin: mailto:a@b.c`},
		"below the view":   {`<div style="height:3000px"></div><button id="x">Go</button>`, `clicked button "Go"`},
		"in what scrolls":  {`<div style="height:50px;overflow:auto"><div style="height:300px"></div><button id="x">Go</button></div>`, `clicked button "Go"`},
		"under a header":   {`<div style="position:fixed;inset:0 0 auto;height:80px;background:red">H</div><button id="x" style="margin-top:10px">Go</button><div style="height:3000px"></div><script></script>`, `not_actionable: button "Go" is covered by <div> at its centre`},
		"opacity":          {`<input id="x" type="checkbox" aria-label="Box" style="opacity:0">`, `clicked checkbox "Box"`},
		"by its label":     {`<label>Dark <input id="x" type="checkbox" style="display:none"></label>`, `clicked checkbox "Dark"`},
		"in a widget":      {`<div onclick="1" id="w"><input id="x" role="combobox" aria-label="Fruit"><span style="position:absolute;left:0;width:300px">Choose</span></div>`, `clicked combobox "Fruit" by <div#w> around it`},
		"drawn by another": {`<div onclick="1" id="w" style="height:20px"><input id="x" type="checkbox" role="switch" aria-label="Dark" style="width:0;height:0;margin:0"></div>`, `clicked switch "Dark" by <div#w> around it`},
		"not the only one": {`<div onclick="1" style="height:20px"><input id="x" type="checkbox" aria-label="A" style="width:0;height:0;margin:0"><input type="checkbox"></div>`, `not_actionable: checkbox "A" is hidden: it has no size: 0 × 0 px`},
		"a label around":   {`<label style="display:block;padding:20px">Dark <input id="x" type="checkbox" style="position:absolute;opacity:0;left:-999px"></label>`, `clicked checkbox "Dark"`},
		"only for readers": {`<div style="position:relative"><input id="x" type="checkbox" style="position:absolute;clip-path:inset(50%);width:1px;height:1px"><label for="x" style="position:absolute;top:100px">Dark</label></div>`, `clicked checkbox "Dark"`},
		"an option":        {`<select><option id="x">One</select>`, `not_actionable: option "One": an option is chosen by select, with its <select>`},
		"removed by mouse": {`<button id="x" onmousedown="this.remove()">Go</button>`, `clicked button "Go" (the page took it away before the click)`},
		"no element":       {``, `no_element: no element matches "#x"`},
	} {
		t.Run(name, func(t *testing.T) {
			p := p
			p.t = t
			p.html(c.html)
			if name == "behind a dialog" {
				p.Wait(`document.querySelector(":modal")`)
			}
			p.do("click", "#x", "", c.want)
			if strings.Contains(c.want, "clicked checkbox") && !devtest.Eval[bool](p.Page, `document.querySelector("#x").checked`) {
				t.Error("it is not checked")
			}
		})
	}
	p.html(`<label>Dark <input id="x" type="checkbox" style="display:none"></label>`)
	ref := regexp.MustCompile(`#(e\d+)`).FindStringSubmatch(p.ask("snapshot", nil).Text)[1]
	if a := p.ask("act", map[string]any{"do": "fill", "ref": ref, "value": "true"}); a.Text != `checked checkbox "Dark"` {
		t.Errorf("the label that stands for a checkbox: %+v", a)
	}
	p.Wait(`document.querySelector("#x").checked`)
}

func TestActFill(t *testing.T) {
	p := plainPage(t)
	p.html(actPage)
	p.listen("#t", "focus", "beforeinput", "input", "change", "blur")
	p.do("fill", "#t", "new", `filled textbox "Name" with "new"`)
	p.heard("focus beforeinput input change")
	p.do("fill", "#a", "two\nlines", `filled textbox "Area" with "two lines"`)
	p.Wait(`document.querySelector("#a").value === "two\nlines"`)
	p.listen("#e", "beforeinput", "input")
	p.do("fill", "#e", "new text", `filled textbox "Editor" with "new text"`)
	p.heard("beforeinput input")
	p.Wait(`document.querySelector("#e").textContent === "new text"`)
	p.do("fill", "#c", "true", `checked checkbox "Box"`)
	p.do("fill", "#c", "false", `unchecked checkbox "Box"`)
	p.do("fill", "#c", "yes", `bad_args: checkbox "Box" takes true or false`)
	p.do("fill", "#b", "x", `not_actionable: button "Save" takes no text`)

	// What the field opens when it is entered knows the value from before.
	p.html(`<input id="x" aria-label="X" value="old" onfocus="Promise.resolve().then(() => (this.dataset.was = this.value))">`)
	p.do("fill", "#x", "new", `filled textbox "X" with "new"`)
	p.Wait(`document.querySelector("#x").dataset.was === "old"`)
	for field, c := range map[string][3]string{
		`type="date"`:                              {"2026-01-31", "2026-01-31", `filled date "X" with "2026-01-31"`},
		`type="date" value="2020-01-01"`:           {"31.1.2026", "2020-01-01", `bad_args: date "X" does not take "31.1.2026": such as 2026-01-31`},
		`type="number"`:                            {"1.50", "1.50", `filled spinbutton "X" with "1.50"`},
		`type="number" value="1"`:                  {"abc", "1", `bad_args: spinbutton "X" does not take "abc": such as 12.5`},
		`type="range" min="10" max="20"`:           {"15", "15", `filled slider "X" with "15"`},
		`type="range" min="10" max="2 0"`:          {"5", "55", `bad_args: slider "X" does not take "5": such as 50, from 10 to 2 0`},
		`type="color"`:                             {"#FF0000", "#ff0000", `filled color "X" with "#ff0000"`},
		`type="password"`:                          {"geheim", "geheim", `filled textbox "X" with "••••"`},
		`type="file"`:                              {"a.txt", "", `refused: file "X": only users choose files`},
		`type="text" readonly`:                     {"x", "", `not_actionable: textbox "X" is read-only`},
		`type="text" maxlength="3"`:                {"long", "", `bad_args: textbox "X" takes at most 3 characters`},
		`type="text" disabled`:                     {"x", "", `not_actionable: textbox "X" is disabled`},
		`type="submit"`:                            {"x", "", `not_actionable: button "X" takes no text`},
		`type="text" onbeforeinput="return false"`: {"x", "", `filled textbox "X" with "x"; the page made it ""`},
		`type="radio"`:                             {"false", "on", `radio "X" was unchecked already`},
	} {
		p.html(`<input id="x" aria-label="X" ` + field + `>`)
		p.do("fill", "#x", c[0], c[2])
		if have := devtest.Eval[string](p.Page, `document.querySelector("#x").value`); have != c[1] {
			t.Errorf("%s has %q, want %q", field, have, c[1])
		}
	}
}

func TestActSelect(t *testing.T) {
	p := plainPage(t)
	p.html(actPage)
	p.listen("#s", "input", "change")
	p.do("select", "#s", "Two", `selected "Two" in combobox "Pick"`)
	p.heard("input change")
	p.do("select", "#s", "1", `selected "One" in combobox "Pick"`)
	p.do("select", "#s", "Three", `not_actionable: option "Three" is disabled`)
	p.do("select", "#s", "Four", `bad_args: combobox "Pick" has no option "Four", but "One", "Two", "Three"`)
	p.do("select", "#s", `["1", "2"]`, `bad_args: combobox "Pick" takes one option`)
	p.do("select", "#m", `["a", "c"]`, `selected "a", "c" in listbox "Many"`)
	p.do("select", "#m", `[]`, `selected nothing in listbox "Many"`)
	p.do("select", "#b", `x`, `not_actionable: button "Save" is no <select>: click it, and then the option`)
}

func TestActPress(t *testing.T) {
	p := plainPage(t)
	p.html(actPage)
	p.listen("#t", "keydown", "keypress", "beforeinput", "input", "keyup", "change")
	p.do("press", "#t", "x", `pressed x in textbox "Name": the field has "oldx"`)
	p.heard("keydown keypress beforeinput input keyup")
	p.do("press", "#t", "Home", `pressed Home in textbox "Name"`)
	p.do("press", "#t", "Delete", `pressed Delete in textbox "Name": the field has "ldx"`)
	p.do("press", "#t", "Control+a", `pressed Control+a in textbox "Name"`)
	p.do("press", "#t", "Backspace", `pressed Backspace in textbox "Name": the field has ""`)
	p.do("press", "#t", "+", `pressed + in textbox "Name": the field has "+"`)
	p.listen("#t", "change", "blur")
	p.do("press", "#t", "Tab", `pressed Tab in textbox "Name": the focus is on checkbox "Box"`)
	p.heard("change blur")
	p.do("press", "", "Shift+Tab", `pressed Shift+Tab in checkbox "Box": the focus is on textbox "Name"`)
	p.do("press", "#c", "Space", `pressed Space in checkbox "Box"`)
	p.Wait(`document.querySelector("#c").checked`)
	p.do("press", "#s", "ArrowDown", `pressed ArrowDown in combobox "Pick": selected "Two"`)
	p.do("press", "#a", "Enter", `pressed Enter in textbox "Area": the field has ""`)
	p.Wait(`document.querySelector("#a").value === "\n"`)
	p.do("press", "#t", "Hyper+a", `bad_args: "Hyper" is no key: such as Enter, Tab, ArrowDown, a; texts are filled in by fill`)
	p.do("press", "#t", "a+b", `bad_args: "a+b": "a" is no key to hold; those are Control, Shift, Alt, Meta`)
	p.do("press", "#t", "", `bad_args: value has no key: "Enter", "Control+a", "x"`)

	p.html(`<form onsubmit="event.preventDefault(); window.sent = event.submitter?.id ?? 'none'"><input id="x" aria-label="X"><button id="go">Go</button></form>`)
	p.do("press", "#x", "Enter", `pressed Enter in textbox "X": clicked button "Go"`)
	p.Wait(`sent === "go"`)
	p.html(`<form onsubmit="event.preventDefault(); window.sent = 'alone'"><input id="x" aria-label="X"></form>`)
	p.do("press", "#x", "Enter", `pressed Enter in textbox "X": submitted the form`)
	p.Wait(`sent === "alone"`)
	p.html(`<input id="x" aria-label="X" onkeydown="if (event.key === 'Enter') { event.preventDefault(); window.code = event.keyCode }">`)
	p.do("press", "#x", "Enter", `pressed Enter in textbox "X": the page handled the key`)
	p.Wait(`code === 13`)
	p.html(`<a id="x" href="https://example.org/a">Out</a>`)
	p.do("press", "#x", "Enter", `refused: link "Out" leads to another origin: https://example.org/a`)
	p.html(`<form action="https://example.org/pay"><input id="x" aria-label="X" name="action"><button id="go">Pay</button><button id="in" formaction="/in" onclick="this.form.onsubmit = () => false">In</button></form>`)
	p.do("press", "#x", "Enter", `refused: the form is sent to another origin: https://example.org/pay`)
	p.do("click", "#go", "", `refused: the form is sent to another origin: https://example.org/pay`)
	p.do("click", "#in", "", `clicked button "In"`)
	p.html(`<dialog aria-label="Ask"><button id="x">Yes</button></dialog>`)
	devtest.Eval[bool](p.Page, `(document.querySelector("dialog").showModal(), true)`)
	p.do("press", "", "Escape", `pressed Escape in button "Yes": closed dialog "Ask"`)
	p.html(`<div popover id="pop">Menu</div><button id="x">Yes</button>`)
	devtest.Eval[bool](p.Page, `(document.querySelector("#pop").showPopover(), true)`)
	p.do("press", "#x", "Escape", `pressed Escape in button "Yes": closed the popover`)
	p.html(`<input type="radio" name="r" id="x" checked aria-label="A"><input type="radio" name="r" id="y" aria-label="B"><input type="number" id="n" value="1" aria-label="N">`)
	p.do("press", "#x", "ArrowRight", `pressed ArrowRight in radio "A": chose radio "B"`)
	p.do("press", "#n", "ArrowUp", `pressed ArrowUp in spinbutton "N": the field has "2"`)
}

func TestActScrollAndNavigate(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><title>Test</title><link rel="icon" href="data:,"><body style="margin:0"><div style="height:5000px"></div><h2 id="x">Down</h2><a href="/other.html">Other</a>
<div id="list" style="height:100px;overflow:auto"><div style="height:1000px"></div></div>
-- other.html --
<!doctype html><title>Other</title><link rel="icon" href="data:,">
`)))
	p := steer(t, s.Page(t, "/"))
	p.do("scroll", "#x", "", `scrolled to heading "Down"`)
	p.Wait(`scrollY > 4000`)
	p.do("scroll", "", "-100000", fmt.Sprintf(`scrolled the page by -%d px, to 0 of %[1]d`, devtest.Eval[int](p.Page, "document.scrollingElement.scrollHeight - innerHeight - 0 * scrollY")))
	p.do("scroll", "#list", "200", `scrolled <div#list> by 200 px, to 200 of 900`)
	p.do("scroll", "#list", "2000", `scrolled <div#list> by 700 px, to 900 of 900, the end`)
	p.do("scroll", "", "", `bad_args: say what to scroll to (ref or selector), or by how many pixels (value)`)
	p.do("scroll", "", "far", `bad_args: "far" is no number of pixels`)
	for _, to := range []string{"https://example.org/", "//example.org/x", "javascript:alert(1)", "data:text/html,x", "http://localhost:1/", "blob:" + s.URL + "/x", "file:///etc"} {
		if a := p.ask("act", map[string]any{"do": "navigate", "value": to}); a.Code != "refused" || a.Path != "value" {
			t.Errorf("%s: %+v", to, a)
		}
	}
	p.do("navigate", "", "http://[", `bad_args: "http://[" is no path or URL`)
	p.do("jump", "", "", `bad_args: do is "jump": it can be click, fill, select, press, scroll or navigate`)
	// The answer leaves before the page does.
	devtest.Eval[bool](p.Page, `(ask("act", { do: "click", selector: "a" }).then((a) => (sessionStorage.acted = a.text)), true)`)
	p.Wait(`document.title === "Other"`)
	if text := devtest.Eval[string](p.Page, "sessionStorage.acted"); text != `clicked link "Other"; the page leaves for another` {
		t.Errorf("the answer is %q", text)
	}
	p = steer(t, p.Page)
	p.do("navigate", "", "/?a=1#x", `navigates to /?a=1#x`)
	p.Wait(`document.title === "Test" && location.search === "?a=1"`)
}

// A mark shows what was done, for a moment, and is in no snapshot and in no way.
func TestActMark(t *testing.T) {
	p := plainPage(t)
	p.html(actPage)
	devtest.Eval[bool](p.Page, `((window.marks = []), new MutationObserver((l) => l.forEach((m) => m.addedNodes.forEach((n) => marks.push(n)))).observe(document.documentElement, { childList: true }), true)`)
	p.do("click", "#b", "", `clicked button "Save"`)
	p.Wait(`marks.length === 1 && marks[0].localName === "devserver-mark" && marks[0].shadowRoot === null`)
	p.Wait(`getComputedStyle(marks[0]).pointerEvents === "none"`)
	p.Wait(`!marks[0].isConnected`)
}

// A page in the background has no frames, and hears nothing of the focus.
func TestActInBackground(t *testing.T) {
	p := plainPage(t)
	p.html(actPage)
	devtest.Eval[bool](p.Page, `(() => {
		Object.defineProperty(document, "hidden", { value: true });
		window.requestAnimationFrame = () => 0;
		for (const type of ["focus", "blur", "focusin", "focusout"])
			addEventListener(type, (e) => e.isTrusted && e.stopImmediatePropagation(), true);
		return true;
	})()`)
	p.listen("#t", "focus", "focusin", "input", "change", "blur", "focusout")
	p.do("fill", "#t", "new", `filled textbox "Name" with "new"`)
	p.do("click", "#b", "", `clicked button "Save"`)
	p.heard("focus focusin input change blur focusout")
}

func TestSteerStandsAlone(t *testing.T) {
	code := client.Steer()
	t.Logf("%d bytes", len(code))
	if !regexp.MustCompile(`export\{\w+ as answer\}`).MatchString(code) || strings.Contains(code, "import{") {
		t.Errorf("the script does not stand alone: …%s", code[max(0, len(code)-200):])
	}
}
