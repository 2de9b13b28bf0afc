package server_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestGuidesPage: the search by keys alone, the theme, code that is copied, and a phone.
func TestGuidesPage(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+"-- main.js --\n")))
	p := s.Page(t, "/__devserver/docs/panel")

	// The first of the hits is chosen. Escape closes the list, then leaves the field.
	p.Wait(`document.querySelector("#_theme").title !== ""`) // the script runs
	press(p, "/")
	p.Wait(`document.activeElement.name === "q" && (document.activeElement.select(), true)`) // through devtools the key also types a / into the field
	press(p, "wait ask")
	p.WaitText(`#_hits [aria-selected="true"] b`, "Ask and wait")
	press(p, kb.ArrowDown)
	p.Wait(`document.querySelectorAll("#_hits a")[1].getAttribute("aria-selected") === "true" && document.activeElement.getAttribute("aria-activedescendant") === "_hit-1"`)
	press(p, kb.ArrowUp)
	press(p, kb.Escape)
	p.Wait(`document.querySelector("#_hits").hidden && document.activeElement.name === "q"`)
	press(p, kb.Escape)
	p.Wait(`document.activeElement === document.body`)
	p.Wait(`(document.querySelector("[name=q]").focus(), true)`)
	p.WaitText(`#_hits:not([hidden]) [aria-selected="true"] b`, "Ask and wait")
	press(p, kb.Enter)
	p.Wait(`location.pathname === "/__devserver/docs/events" && location.hash === "#ask-and-wait"`)
	p.Wait(`document.querySelector("#ask-and-wait").getBoundingClientRect().top < 200`)
	p.WaitText(`.outline.long [aria-current]`, "Ask and wait")

	// While the answer for a changed word is not there, Enter opens no hit of the words before.
	p.Goto("/__devserver/docs/panel")
	p.Wait(`document.querySelector("#_theme").title !== "" && (document.querySelector("[name=q]").focus(), true)`)
	press(p, "wait ask")
	p.WaitText(`#_hits [aria-selected="true"] b`, "Ask and wait")
	p.Wait(`(window.fetch = () => new Promise(() => {}), true)`)
	press(p, "x")
	press(p, kb.Enter)
	p.Wait(`location.pathname === "/__devserver/docs/search"`)
	p.Goto("/__devserver/docs/events")

	// Copied code is the code of the block.
	p.Wait(`(Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => (window.copied = text) } }), document.querySelector(".copy").click(), true)`)
	p.Wait(`window.copied === document.querySelector(".block code").textContent && document.querySelector(".copy.done") !== null`)

	// The chosen theme stays, and the pictures follow it.
	p.Goto("/__devserver/docs/panel")
	p.Wait(`document.querySelector("#_theme").title === "Theme: the system's (t)"`)
	press(p, "t")
	p.Wait(`document.documentElement.dataset.theme === "light" && document.querySelector("picture img").currentSrc.includes("-light")`)
	light := devtest.Eval[string](p, `getComputedStyle(document.body).backgroundColor`)
	press(p, "t")
	p.Wait(`document.documentElement.dataset.theme === "dark" && document.querySelector("picture img").currentSrc.includes("-dark")`)
	p.Reload()
	p.Wait(`document.querySelector("picture img").currentSrc.includes("-dark")`)
	if dark := devtest.Eval[string](p, `getComputedStyle(document.body).backgroundColor`); dark == light {
		t.Error("dark is", dark, "like light")
	}

	// On a phone no page is wider than the window, and the list of guides opens by a button.
	p.Do(chromedp.EmulateViewport(375, 700))
	for _, name := range []string{"", "readme", "speed", "plugins"} {
		p.Goto("/__devserver/docs/" + name)
		if wide := devtest.Eval[int](p, `document.documentElement.scrollWidth`); wide > 375 {
			t.Errorf("the page %q is %d pixels wide", name, wide)
		}
	}
	p.Wait(`getComputedStyle(document.querySelector("#_nav")).display === "none"`)
	p.Click(".menu")
	p.Wait(`document.querySelector("#_nav").matches(":popover-open") && document.querySelector("#_nav").getBoundingClientRect().width > 200`)
	p.NoErrors()
	for _, request := range p.Requests() {
		if !strings.Contains(request, s.URL+"/__devserver/docs/") {
			t.Error("the guides ask for", request)
		}
	}
}
