package server_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"mime"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// panelApp has a module that takes its edits, and a chain of modules of which none does.
const panelApp = `
-- package.json --
{"name": "shop"}
-- index.html --
<!doctype html><title>Shop</title><link rel="icon" href="data:,"><h1>Shop</h1><p id="cart"></p><p id="total"></p>
<script type="module" src="/src/main.js"></script>
-- src/main.js --
import { total } from "./total.js";
import "./cart.js";

document.querySelector("#total").textContent = total();
-- src/total.js --
// The price counts twice: "./price.js" is imported below.
import { price } from "./price.js";

export const total = () => 2 * price();
-- src/price.js --
export const price = () => 7;
-- src/cart.js --
document.querySelector("#cart").textContent = "2 items";
import.meta.hot.accept();
`

// startPanelApp starts panelApp and opens its page, which the panel shows.
func startPanelApp(t *testing.T) (*devtest.Server, *devtest.Page) {
	t.Helper()
	s := devtest.Start(t, devtest.App(t, devtest.Text(panelApp)))
	page := s.Page(t, "/")
	page.WaitText("#total", "14")
	s.WaitPages(1)
	return s, page
}

// panel opens the panel at a place, such as "updates/1".
func panel(t *testing.T, s *devtest.Server, place string) *devtest.Page {
	t.Helper()
	p := s.Page(t, "/__devserver/#"+place)
	p.WaitText("#state", "connected")
	return p
}

func press(p *devtest.Page, keys string, opts ...chromedp.KeyOption) {
	p.Do(chromedp.KeyEvent(keys, opts...))
}

// rows returns the expression for the texts of the rows of a view that are in sight, from the top.
func rows(view string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".view-%s .row")].sort((a, b) => a.dataset.index - b.dataset.index).map((row) => row.textContent)`, view)
}

// waitRow waits until a row of a view has all texts.
func waitRow(p *devtest.Page, view string, index int, texts ...string) {
	for _, text := range texts {
		p.Wait(fmt.Sprintf(`%s[%d].includes(%q)`, rows(view), index, text))
	}
}

// clickRow clicks a row as the user does.
func clickRow(p *devtest.Page, view string, index int) {
	p.Click(fmt.Sprintf(`.view-%s .row[data-index="%d"]`, view, index))
}

// TestPanelFilesHaveTheirTypes: what a system says of file names does not keep a browser from running the panel.
func TestPanelFilesHaveTheirTypes(t *testing.T) {
	was := mime.TypeByExtension(".js")
	t.Cleanup(func() { _ = mime.AddExtensionType(".js", was) })
	if err := mime.AddExtensionType(".js", "text/plain; charset=utf-8"); err != nil { // as some registries of Windows do
		t.Fatal(err)
	}
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+"-- main.js --\n")))
	for file, want := range map[string]string{"": "text/html", "main.js": "text/javascript", "style.css": "text/css", "icons.svg": "image/svg+xml"} {
		if got := s.Get("/__devserver/" + file).Header.Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("%q is %q, want %s", file, got, want)
		}
	}
}

// TestPanelPages: the panel lists the open pages, follows changes of their users, and sends to them with the keyboard
// alone. It is itself no page.
func TestPanelPages(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	at, identify := signBackend(t)
	app := devtest.App(t, devtest.Text(identityApp))
	app.Edit("main.js", `window.ready = true;`, `window.ready = true; window.greetings = []; connection().on("greet", (data) => greetings.push(data.text));`)
	app.Write("devserver.config.json", fmt.Sprintf(`{"server": {"proxy": {"/api": %q}}}`, at))
	s := devtest.Start(t, app, func(o *server.Options) { o.Identify = identify })
	p := panel(t, s, "pages")
	p.WaitContains(".view-pages .empty", "No page is open")

	page := s.Page(t, "/")
	p.WaitContains(".cards", s.URL+"/") // the page sends its address after it has connected
	p.WaitContains(".cards", "guest")
	p.Wait(`(document.querySelector(".cards button").focus(), true)`)
	page.Wait("window.ready")
	devtest.Eval[bool](page, `sign("ann").then(() => true)`)
	p.WaitContains(".cards", "ann")
	p.WaitContains("select[name=to]", "user ann")
	p.Wait(`document.activeElement.dataset.page === "c1"`) // the focus stays, although the card was built again

	press(p, "e")
	p.Wait(`(document.activeElement.select(), document.activeElement.name === "event")`) // through devtools the key also types an e into the field
	press(p, "greet")
	press(p, kb.Tab)
	p.Wait(`(document.activeElement.select(), document.activeElement.name === "data")`)
	press(p, `{"text": "hello"}`)
	press(p, kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl))
	p.WaitText("output", "Sent to 1 page.")
	page.Wait(`greetings.length > 0`)

	p.Wait(`(document.querySelector(".cards button").focus(), true)`)
	press(p, kb.Enter) // "Send to" this page
	p.Wait(`document.querySelector("select[name=to]").value === "page:c1"`)
	p.Wait(`(document.querySelector("form button").focus(), true)`)
	press(p, kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl))
	page.Wait(`greetings.length > 1`)
	devtest.Eval[bool](p, `document.querySelector("textarea").value = "{", true`)
	press(p, kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl))
	p.WaitContains("output", "Data is not JSON")
	page.Wait(`greetings.join() === "hello,hello"`) // sent twice, received twice

	page.Close()
	p.WaitContains(".view-pages .empty", "No page is open")
	p.NoErrors()
}

// TestPanelUpdates: each edit shows what became of it. The place to change for a reload is two clicks away, and the
// keyboard gets there, too.
func TestPanelUpdates(t *testing.T) {
	devtest.NeedBrowser(t)
	opened := editor(t, "code")
	s := devtest.Start(t, devtest.App(t, devtest.Text(panelApp)))
	p := panel(t, s, "updates")
	p.WaitContains(".view-updates .empty", "Save a file")
	page := s.Page(t, "/")
	page.WaitText("#total", "14")

	s.Edit("src/cart.js", "2 items", "3 items")
	waitRow(p, "updates", 0, "hot", "src/cart.js", "1 page updated")
	p.WaitContains("#news", "src/cart.js: 1 page updated")
	s.Edit("src/price.js", "7", "8")
	page.WaitText("#total", "16")
	waitRow(p, "updates", 0, "reload", "src/price.js", "1 page reloaded")
	waitRow(p, "updates", 1, "src/cart.js")

	clickRow(p, "updates", 0)
	p.Wait(`[...document.querySelectorAll(".chain .path")].map((name) => name.title).join() === "src/price.js,src/total.js,src/main.js"`)
	p.WaitText(".advice .open", "src/total.js:2")
	p.Click(".advice .open")
	goTo := "<--goto><" + s.Path("src/total.js") + ":2:1>\n"
	devtest.Eventually(t, "the editor", func() bool { return opened() == goTo }, opened)
	press(p, kb.Escape)
	p.Wait(`location.hash === "#updates"`)
	press(p, kb.Escape) // nothing left to close
	press(p, "j")
	p.Wait(`location.hash !== "#updates" && document.querySelector(".doc h2").textContent === "src/cart.js"`)
	press(p, "k")
	p.Wait(`document.querySelector(".doc h2").textContent === "src/price.js"`)
	press(p, "o")
	devtest.Eventually(t, "the editor again", func() bool { return opened() == goTo+goTo }, opened)
	link := devtest.Eval[string](p, "location.hash.slice(1)")
	panel(t, s, link).WaitText(".doc h2", "src/price.js")

	s.Edit("src/price.js", "=> 8", "=> (8")
	waitRow(p, "updates", 0, "error", "src/price.js", "does not compile")
	clickRow(p, "updates", 0)
	p.WaitContains(".side .error-card", "src/price.js:")
	p.WaitContains(".nav", "Errors1")
	press(p, "5")
	p.WaitContains(".view-errors .frame", "export const price = () => (8")
	p.WaitContains(".view-errors .count", "1 error")
	s.Edit("src/price.js", "=> (8", "=> 9")
	p.WaitContains(".view-errors .empty", "No errors")
	press(p, "g")
	press(p, "u")
	waitRow(p, "updates", 1, "error") // the history keeps it
	clickRow(p, "updates", 1)
	p.WaitContains(".view-updates .advice", "The error was fixed since")
	p.Click(`.view-updates .choice button:nth-child(3)`)
	p.Wait(rows("updates") + `.length === 1`)
	p.WaitText(".view-updates .foot", "1 of 4 records")
	p.NoErrors()
}

// TestPanelEvents: events show while they pass, the filter finds them, and each can be sent again to whom it went.
func TestPanelEvents(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	var added atomic.Int32
	shop := plugin.Plugin{Name: "shop", Events: []plugin.Event{
		plugin.On("cart:add", func(_ context.Context, c plugin.Client, in struct{ SKU string }) error {
			return c.Send("cart:count", map[string]any{"count": added.Add(1), "last": in.SKU})
		}),
		plugin.Handle("cart:total", func(_ context.Context, _ plugin.Client, in struct{ Rate int }) (int, error) { return 10 * in.Rate, nil }),
	}}
	app := devtest.App(t, devtest.Text(panelApp))
	app.Write("src/cart.js", `
window.counts = [];
import.meta.hot.on("cart:count", ({ count }) => counts.push(count));
window.add = (sku) => import.meta.hot.send("cart:add", { sku });
window.total = (rate) => import.meta.hot.request("cart:total", { rate });
`)
	s := devtest.Start(t, app, func(o *server.Options) { o.Plugins = []plugin.Plugin{shop} })
	p := panel(t, s, "events")
	p.WaitContains(".view-events .empty", "import.meta.hot.send")
	page := s.Page(t, "/")
	page.Wait("window.total")
	devtest.Eval[bool](page, `add("a-1"), true`)
	waitRow(p, "events", 0, "cart:count", `{"count":1,"last":"a-1"}`)
	waitRow(p, "events", 1, "cart:add", "a-1")
	if got := devtest.Eval[int](page, `total(2)`); got != 20 {
		t.Fatalf("total is %d, want 20", got)
	}
	waitRow(p, "events", 0, "cart:total", "reply", "20")
	waitRow(p, "events", 1, "cart:total", "request", `{"rate":2}`)

	clickRow(p, "events", 3) // cart:add
	p.WaitText(".doc h2", "cart:add")
	p.WaitContains(".json", `sku: "a-1"`)
	p.Click(".doc button.main") // send again
	page.Wait(`counts.join() === "1,2"`)
	waitRow(p, "events", 0, `"count":2`)
	clickRow(p, "events", 0)
	p.WaitText(".doc h2", "cart:count")
	p.WaitContains(".json", `count: 2`)
	p.Click(".doc button.main")
	page.Wait(`counts.join() === "1,2,2"`)

	p.Wait(`[...document.querySelector(".view-events select").options].map((o) => o.value).join() === ",c1"`)
	press(p, "/")
	p.Wait(`document.activeElement.type === "search"`)
	devtest.Eval[bool](p, `(document.activeElement.value = "*:total", document.activeElement.dispatchEvent(new Event("input")), true)`)
	p.Wait(rows("events") + `.length === 2`)
	press(p, kb.ArrowDown) // from the field into the list
	p.Wait(`document.activeElement.role === "listbox"`)
	p.Wait(`document.querySelector(".doc h2").textContent === "cart:total"`)
	p.Click(`.doc a[href^="#events/"]`) // from the answer to its request
	p.WaitContains(".doc .over", "request")
	p.Wait(`[...document.querySelectorAll(".doc button")].find((b) => b.textContent === "Edit and send")?.click() ?? true`)
	p.Wait(`document.querySelector(".again select").value === "server:c1"`)
	devtest.Eval[bool](p, `(document.querySelector(".again textarea").value = '{"rate": 5}', true)`)
	p.Click(".again button.main")
	p.WaitText(".again .json", "50")

	press(p, kb.Escape) // out of the field
	press(p, "p")
	p.WaitContains(".view-events .hold", "Go on")
	devtest.Eval[int](page, `total(3)`)
	press(p, "p")
	p.Wait(rows("events") + `.some((row) => row.includes("30"))`)
	p.NoErrors()
}

// TestPanelNewsDuringClick: news that come between the press and the release of a click do not take the click away.
func TestPanelNewsDuringClick(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, _ := startPanelApp(t)
	p := panel(t, s, "pages")
	p.WaitContains(".view-pages .card", "guest")
	devtest.Eval[*int](p, `void (() => {
		const { fetch } = window, open = new Promise((resolve) => (window.goOn = resolve));
		window.fetch = async (...args) => {
			const response = await fetch(...args);
			if (String(args[0]).endsWith("/status")) {
				window.holds = true;
				await open;
			}
			return response;
		};
	})()`)
	s.Edit("src/cart.js", "2 items", "3 items")
	p.Wait("window.holds")
	release := p.Press(`.view-pages .card button[aria-label="Send to c1"]`)
	devtest.Eval[bool](p, `(async () => {
		document.querySelector(".view-pages .card").classList.add("old");
		goOn();
		for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
		return true;
	})()`)
	release()
	p.Wait(`document.querySelector(".view-pages form [name=to]").value === "page:c1"`)
	p.Wait(`!document.querySelector(".view-pages .old")`) // the news came after the click
	p.NoErrors()
}

// TestPanelShowsTexts: what pages say stays text, wherever the panel shows it.
func TestPanelShowsTexts(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(panelApp))
	s := devtest.Start(t, app)
	p := panel(t, s, "console")
	p.WaitContains(".view-console .empty", "No lines yet")
	page := s.Page(t, "/")
	page.WaitText("#total", "14")
	const evil = `<img src=x onerror="window.pwned = 1"><script>window.pwned = 1</script>`
	devtest.Eval[bool](page, fmt.Sprintf(`(document.title = %[1]q, history.replaceState(null, "", "/?" + %[1]q), console.error(%[1]q), true)`, evil))
	waitRow(p, "console", 0, "error", "<img src=x")
	clickRow(p, "console", 0)
	p.WaitContains(".view-console pre", "<script>window.pwned")
	devtest.Eval[bool](page, fmt.Sprintf(`(setTimeout(() => { throw new Error(%q) }), true)`, evil))
	waitRow(p, "console", 0, "uncaught", "<img src=x")
	press(p, "5")
	p.WaitContains(".view-errors .message", "<img src=x")
	press(p, "2")
	p.WaitContains(".cards h3", "<img src=x")
	press(p, "e")
	p.Wait(`(document.activeElement.value = "<b>", document.activeElement.name === "event")`)
	devtest.Eval[bool](p, fmt.Sprintf(`(document.querySelector("textarea").value = JSON.stringify({ text: %q, deep: [{}] }), true)`, evil))
	press(p, kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl))
	p.WaitText("output", "Sent to 1 page.")
	press(p, kb.Escape)
	press(p, "4")
	waitRow(p, "events", 0, "<b>", "onerror")
	clickRow(p, "events", 0)
	p.WaitContains(".json", "window.pwned")
	s.Write(`src/<i>x.js`, `export default 1;`)
	s.Edit("src/main.js", `import "./cart.js";`, `import "./cart.js"; import "./<i>x.js";`)
	page.WaitReload(1)
	s.Edit(`src/<i>x.js`, "1", "2")
	press(p, "1")
	p.Wait(rows("updates") + `.some((row) => row.includes("<i>x.js"))`)
	if n := devtest.Eval[int](p, `document.querySelectorAll("main :is(img, script, b:not(.advice b), i:not(.legend i, .edges i))").length`); n != 0 {
		t.Errorf("texts of pages became %d elements", n)
	}
	if devtest.Eval[bool](p, "!!window.pwned") {
		t.Error("a text of a page ran as a script")
	}
	p.NoErrors()
}

// TestPanelManyModules: a list of 1,200 modules has few elements, and search, order and neighbours work in it.
func TestPanelManyModules(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	const folders, files = 40, 30
	app := devtest.App(t, devtest.Text(panelApp))
	var main strings.Builder
	for i := range folders {
		var index strings.Builder
		for j := range files - 1 {
			fmt.Fprintf(&index, "import \"./part%d.js\";\n", j)
			app.Write(fmt.Sprintf("src/feature%d/part%d.js", i, j), "export {};\n")
		}
		app.Write(fmt.Sprintf("src/feature%d/index.js", i), index.String()+"export const name = \"feature\";\n")
		fmt.Fprintf(&main, "import \"./feature%d/index.js\";\n", i)
	}
	app.Write("src/main.js", main.String()+"document.body.dataset.ready = 1;\n")
	s := devtest.Start(t, app)
	p := panel(t, s, "modules")
	s.Page(t, "/").Wait("document.body.dataset.ready")
	p.WaitText(".view-modules .foot", "1,201 modules")
	if n := devtest.Eval[int](p, rows("modules")+".length"); n == 0 || n > 100 {
		t.Errorf("the list has %d elements", n)
	}
	search := func(text string) {
		devtest.Eval[bool](p, fmt.Sprintf(`{ const field = document.querySelector("[type=search]"); field.value = %q; field.dispatchEvent(new Event("input")); true }`, text))
	}
	search("FEATURE7/ part2")
	p.WaitText(".view-modules .foot", "10 of 1,201 modules") // part2, and part20 to part28
	search("nowhere")
	p.WaitContains(".view-modules .empty", "Nothing found")
	search("")
	p.Wait(`(document.querySelector(".list-modules").focus(), true)`)
	press(p, kb.End)
	p.Wait(`document.querySelector(".row.at").ariaPosInSet === "1201"`)
	p.WaitText(".doc h2", "src/main.js")
	p.WaitContains(".doc .facts", "imports 40")
	p.Click(`.around a[href="#modules/src/feature3/index.js"]`)
	p.WaitText(".doc h2", "src/feature3/index.js")
	p.WaitContains(".doc .before", "Imported by 1")
	p.Wait(`document.querySelector('.row[aria-selected="true"]').textContent.startsWith("src/feature3/index.js")`) // it scrolled there
	p.Click(".compiled summary")
	p.WaitContains(".numbered", `"./part0.js"`)
	p.Wait(`[...document.querySelectorAll(".heads button")].find((b) => b.textContent === "imports")?.click() ?? true`)
	waitRow(p, "modules", 0, "main.js", "40") // hidden rows are gone: the list is at its top, or has moved with its choice
	p.NoErrors()
}

// TestPanelNarrow: on a phone what is chosen covers the list, and no view is wider than the window.
func TestPanelNarrow(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, _ := startPanelApp(t)
	p := s.Tab(t)
	p.Do(chromedp.EmulateViewport(360, 740))
	p.Goto("/__devserver/#updates")
	s.Edit("src/price.js", "7", "8")
	waitRow(p, "updates", 0, "reload")
	press(p, "j")
	p.Wait(`document.querySelector(".row.at") && location.hash === "#updates"`) // the row is marked, and the list stays
	press(p, kb.Enter)
	covered := `document.elementFromPoint(180, 300).closest(".side, .master").className`
	p.WaitText(".advice .open", "src/total.js:2")
	p.Wait(covered + ` === "side"`)
	wide := `[...document.querySelectorAll("main :is(.master, .side, .sheet, .bar, .doc, .row)")].filter((el) => el.scrollWidth > el.clientWidth + 1).map((el) => el.className).join()`
	check := func(what string) {
		t.Helper()
		if got := devtest.Eval[string](p, wide); got != "" {
			t.Errorf("%s: wider than the window: %s", what, got)
		}
	}
	check("an edit")
	p.Click(".back")
	p.Wait(covered + ` === "master"`)
	p.Goto("/__devserver/#modules/src/total.js")
	p.WaitText(".view-modules .around .after a", "src/price.js")
	check("a module")
	for i, view := range []string{"updates", "pages", "modules", "events", "errors", "console"} {
		p.Click(fmt.Sprintf(".nav a:nth-child(%d)", i+1))
		p.Wait(fmt.Sprintf(`location.hash === "#%s" && document.querySelector(".view-%s").offsetWidth === 360`, view, view))
		check(view)
		if got := devtest.Eval[int](p, fmt.Sprintf(`document.querySelector(".view-%s > :is(.master, .sheet)").offsetWidth`, view)); got != 360 {
			t.Errorf("%s is %d pixels wide, want 360", view, got)
		}
	}
	p.NoErrors()
}

// TestPanelHidden: a panel that nobody sees asks for nothing, and shows what it missed when it is looked at again.
func TestPanelHidden(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, page := startPanelApp(t)
	p := panel(t, s, "updates")
	asked := func() (n int) {
		for _, address := range p.Requests() {
			if strings.Contains(address, "/do/") {
				n++
			}
		}
		return n
	}
	show := func(hidden bool) { hide(p, hidden) }
	s.Edit("src/cart.js", "2 items", "3 items")
	waitRow(p, "updates", 0, "1 page updated")
	show(true)
	before := asked()
	for _, n := range []string{"4", "5", "6"} {
		s.Edit("src/cart.js", "items", n+" items")
		page.WaitContains("#cart", n+" items")
	}
	if n := asked() - before; n != 0 {
		t.Errorf("the hidden panel sent %d requests", n)
	}
	show(false)
	p.Wait(rows("updates") + `.length === 4`)
	p.NoErrors()
}

// hide has a page believe that nobody sees it, or somebody.
func hide(p *devtest.Page, hidden bool) {
	devtest.Eval[bool](p, fmt.Sprintf(`(Object.defineProperty(document, "hidden", { value: %v, configurable: true }), document.dispatchEvent(new Event("visibilitychange")), true)`, hidden))
}

// TestPanelEarlyReport: a page may tell what it did before the server has recorded the edit.
func TestPanelEarlyReport(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, _ := startPanelApp(t)
	p := panel(t, s, "updates")
	hide(p, true)
	s.Edit("src/cart.js", "2 items", "3 items")
	p.Wait(`import("./api.js").then(({ ask }) => ask("history")).then(({ records }) => records.some((r) => r.kind === "report"))`)
	devtest.Eval[bool](p, `{
		const real = fetch;
		window.fetch = async (...args) => {
			const body = await (await real(...args)).json();
			body.answer.records?.sort((a, b) => (a.kind === "edit") - (b.kind === "edit"));
			return new Response(JSON.stringify(body));
		};
		true;
	}`)
	hide(p, false)
	waitRow(p, "updates", 0, "src/cart.js", "1 page updated")
}

// TestPanelPause: the panel holds updates and lets them go on. It shows a pause of others, too.
func TestPanelPause(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, page := startPanelApp(t)
	p := panel(t, s, "updates")
	resume := s.Server().Pause("a test")
	p.WaitText("#state", "updates are paused")
	waitRow(p, "updates", 0, "updates paused (a test)")
	resume()
	p.WaitText("#state", "connected")
	p.Click("#pause")
	p.WaitText("#state", "updates are paused")
	s.Edit("src/cart.js", "2 items", "3 items")
	p.Click("#pause")
	p.WaitText("#state", "connected")
	page.WaitText("#cart", "3 items")
	p.Wait(rows("updates") + `.some((row) => row.includes("src/cart.js"))`)
	p.NoErrors()
}

// TestPanelRestart: a panel tells that the server is gone, and goes on with the next server, which has another key.
func TestPanelRestart(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, page := startPanelApp(t)
	p := panel(t, s, "updates")
	s.Edit("src/cart.js", "2 items", "3 items")
	waitRow(p, "updates", 0, "src/cart.js")
	s.Stop()
	p.WaitContains("#state", "start devserver")
	s.Again()
	p.WaitText("#state", "connected")
	p.WaitReload(1)
	s.WaitPages(1)
	s.Edit("src/cart.js", "3 items", "4 items")
	page.WaitText("#cart", "4 items")
	waitRow(p, "updates", 0, "src/cart.js")
	p.Wait(rows("updates") + ".length === 1") // of the new server's log
}

// throughTunnel returns where a tunnel to the server answers: for the server, its requests come from another machine.
func throughTunnel(t *testing.T, s *devtest.Server) string {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to) // its X-Forwarded-For says that a request is not local
	proxy.ErrorLog = log.New(io.Discard, "", 0)     // a tab that is closed cancels its request
	tunnel := httptest.NewServer(proxy)
	t.Cleanup(tunnel.Close)
	return tunnel.URL
}

// TestPanelKey: elsewhere than on the server's machine the panel needs the link with the key. The key leaves the address,
// and stays in the tab.
func TestPanelKey(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Text(panelApp))
	app.Write("devserver.config.json", `{"base": "/app/"}`)
	s := devtest.Start(t, app)
	address := throughTunnel(t, s) + "/app/__devserver/"
	p := s.Tab(t)
	p.Goto(address)
	p.WaitContains("#nokey", "Open the link that the terminal prints")
	p.Wait(`document.querySelector("#nokey").offsetHeight > 0`)
	key := "key=" + s.Server().Key()
	devtest.Eval[bool](p, fmt.Sprintf(`(location.hash = %q, true)`, key))
	p.WaitText("#state", "connected")
	p.Wait(`!location.href.includes("key") && document.querySelector("#nokey").offsetHeight === 0`)
	p.Reload()
	p.WaitText("#state", "connected")
	other := s.Tab(t)
	other.Goto(address + "#" + key)
	other.WaitText("#state", "connected")
	other.Wait(`location.hash === "#updates"`)
}
