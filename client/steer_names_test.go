package client_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// named are elements of class "x", whose names and roles the browser knows, too.
const named = `
<span id="l1">First <b>label</b></span><span id="l2" hidden>Second</span><span id="l3" aria-label="Third">no</span>
<button class="x">Plain</button>
<button class="x">Two <span>parts</span><span>joined</span></button>
<button class="x"><div>Block</div><div>parts</div></button>
<button class="x"><img alt="Pic" src="data:,"> text</button>
<button class="x"><svg><title>Icon</title></svg></button>
<button class="x" aria-label="  Label  ">no</button>
<button class="x" aria-label="">Content</button>
<button class="x" aria-labelledby="l1 l2 l3">no</button>
<button class="x" aria-labelledby="nowhere">Content</button>
<button class="x" id="self" aria-label="Self" aria-labelledby="self l1">no</button>
<button class="x" title="Tip"></button>
<button class="x"><span hidden>no</span><span style="visibility:hidden">no</span><span aria-hidden="true">no</span>Yes</button>
<button class="x"><input value="typed"> rest</button>
<button class="x"><select><option>one<option selected>two</select></button>
<button class="x"><a href="#" title="tip"></a></button>
<input class="x" type="submit"><input class="x" type="reset"><input class="x" type="button" value="Val"><input class="x" type="submit" value="Send" title="no">
<input class="x" type="image" alt="Alt" src="data:,"><input class="x" type="image" src="data:,">
<label>Wrapped <input class="x"> after</label>
<label for="i1">For</label><label for="i1">and more</label><input class="x" id="i1">
<label>Volume <input class="x" type="range" value="3"> percent</label>
<label>Flash the screen <input value="3"> times <input class="x" type="checkbox"></label>
<input class="x" placeholder="Place"><input class="x" placeholder="no" title="Title"><input class="x" aria-label="Aria" placeholder="no">
<label><input class="x" type="radio"> One <a href="#">link</a></label>
<textarea class="x" title="Area">content</textarea>
<label>Pick <select class="x"><option>a<option>b</select></label>
<a class="x" href="#">Link <em>text</em></a><a class="x" href="#"><img src="data:," alt=""></a><a class="x" href="#" title="T"><img src="data:," alt="Logo"></a>
<h2 class="x">Head <small>small</small></h2><h3 class="x"><a href="#">Linked</a> head</h3>
<img class="x" src="data:," alt="Cat" title="no"><img class="x" src="data:," title="Only title">
<svg class="x" role="img" aria-label="Graph" width="10" height="10"><title>no</title></svg>
<fieldset class="x"><legend>Legend <b>b</b></legend></fieldset>
<table class="x"><caption>Caption</caption><tr><td>1<td>2</table><table class="x" aria-label="Named" title="no"><caption>no</caption><tr><td>1<td>2</table>
<div class="x" role="button">Div <span>button</span></div><div class="x" role="checkbox" aria-checked="true">Check</div>
<div class="x" role="switch" aria-checked="false">Switch</div><div class="x" role="tab">Tab</div><div class="x" role="link">Role link</div>
<div class="x" role="heading" aria-level="4">Role heading</div><div class="x" role="img" aria-label="Stars"></div>
<div class="x" role="textbox" aria-label="Edit" contenteditable>text</div><div class="x" role="slider" aria-valuenow="5" aria-label="Slide" tabindex="0"></div>
<div class="x" role="dialog" aria-labelledby="l1">D</div><div class="x" role="alert" aria-label="A">B</div><div class="x" role="group" aria-label="G">B</div>
<nav class="x" aria-label="Nav">n</nav><main class="x">m</main><section class="x" aria-label="Sec">s</section>
<progress class="x" aria-label="P" value=".5"></progress><meter class="x" title="M" value=".5"></meter><output class="x" aria-label="O">5</output>
<ul role="listbox" class="x" aria-label="LB"><li role="option" class="x" aria-selected="true">Opt <b>one</b></li></ul>
<ul role="menu" class="x" aria-label="Menu"><li role="menuitem" class="x">Item</li><li role="menuitemcheckbox" class="x" aria-checked="true">MC</li></ul>
<a class="x" href="#" style="display:flex"><span>flex</span><span>items</span></a><button class="x">line<br>break</button><button class="x">a<span style="display:block">b</span>c</button>
<button class="x">"quoted" &amp; more</button><div class="x" role="button" aria-label="Named"><button class="x">Inner</button></div>
<iframe class="x" title="Frame" src="about:blank"></iframe><details class="x" aria-label="Det" open><summary>Sum</summary>d</details>
`

// roles are roles that the browser names otherwise.
var roles = map[string]string{"image": "img", "LabelText": "label", "Iframe": "iframe", "ColorWell": "color", "DisclosureTriangle": "summary"}

// The names and roles of elements are those of the browser's own tree for assistive technology.
func TestNamesAreTheBrowsers(t *testing.T) {
	p := plainPage(t)
	p.html(named)
	count, err := chromedp.Run(p.Context(), chromedp.Evaluate[int](`document.querySelectorAll(".x").length`))
	if err != nil || count < 70 {
		t.Fatal(count, err)
	}
	for i := range count {
		object, err := chromedp.Call(p.Context(), runtime.Evaluate, runtime.EvaluateParams{
			Expression: fmt.Sprintf(`(document.querySelectorAll(".y").forEach((e) => e.classList.remove("y")), window.e = document.querySelectorAll(".x")[%d], e.classList.add("y"), e)`, i),
		})
		if err != nil {
			t.Fatal(err)
		}
		alone := false
		tree, err := chromedp.Call(p.Context(), accessibility.GetPartialAXTree, accessibility.GetPartialAXTreeParams{ObjectID: object.Result.ObjectID, FetchRelatives: &alone})
		if err != nil {
			t.Fatal(err)
		}
		var name, role string
		if n := tree.Nodes[0]; n.Name != nil && n.Role != nil {
			_ = json.Unmarshal(n.Name.Value, &name)
			_ = json.Unmarshal(n.Role.Value, &role)
		}
		if other := roles[role]; other != "" {
			role = other
		}
		a := p.ask("inspect", map[string]any{"selector": ".y"})
		if a.Name != strings.Join(strings.Fields(name), " ") || a.Role != role {
			t.Errorf("have %s %q, the browser has %s %q: %s", a.Role, a.Name, role, name, a.HTML)
		}
	}
}
