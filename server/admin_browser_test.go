package server_test

import (
	"fmt"
	"mime"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

// TestAdminFilesHaveTheirTypes: what a system says of file names does not keep a browser from running the admin page.
func TestAdminFilesHaveTheirTypes(t *testing.T) {
	was := mime.TypeByExtension(".js")
	t.Cleanup(func() { _ = mime.AddExtensionType(".js", was) })
	if err := mime.AddExtensionType(".js", "text/plain; charset=utf-8"); err != nil { // as some registries of Windows do
		t.Fatal(err)
	}
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+"-- main.js --\n")))
	for file, want := range map[string]string{"": "text/html", "admin.js": "text/javascript", "admin.css": "text/css"} {
		if got := s.Get("/__devserver/" + file).Header.Get("Content-Type"); got != want+"; charset=utf-8" {
			t.Errorf("%q is %q, want %s", file, got, want)
		}
	}
}

// TestAdminPage: the admin page lists the open pages, follows changes of their users, and sends to them with the
// keyboard alone.
func TestAdminPage(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	at, identify := signBackend(t)
	app := devtest.App(t, devtest.Text(identityApp))
	app.Edit("main.js", `window.ready = true;`, `window.ready = true; window.greetings = []; connection().on("greet", (data) => greetings.push(data.text));`)
	app.Write("devserver.config.json", fmt.Sprintf(`{"server": {"proxy": {"/api": %q}}}`, at))
	s := devtest.Start(t, app, func(o *server.Options) { o.Identify = identify })
	admin := s.Page(t, "/__devserver/")
	admin.WaitText("#empty", "No page is open. Open your app in another tab and it appears here.")

	page := s.Page(t, "/")
	admin.WaitContains("#pages", s.URL+"/") // the page sends its address after it has connected
	admin.WaitContains("#pages", "guest")
	admin.Wait(`(document.querySelector("#pages button").focus(), true)`)
	page.Wait("window.ready")
	devtest.Eval[bool](page, `sign("ann").then(() => true)`)
	admin.WaitContains("#pages", "ann")
	admin.WaitContains("#to", "user ann")
	admin.Wait(`document.activeElement.dataset.page === "c2"`) // the focus stays, although the row was built again

	press := func(keys string, opts ...chromedp.KeyOption) {
		t.Helper()
		admin.Do(chromedp.KeyEvent(keys, opts...))
	}
	press("e")
	admin.Wait(`(document.activeElement.select(), document.activeElement.name === "event")`) // through devtools the key also types an e into the field
	press("greet")
	press(kb.Tab)
	press(kb.Delete)
	admin.Wait(`(document.activeElement.select(), document.activeElement.name === "data")`)
	press(`{"text": "hello"}`)
	press(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl))
	admin.WaitText("#result", "Sent to 1 page.")
	page.Wait(`greetings.length > 0`)

	admin.Wait(`(document.querySelector("#pages button").focus(), true)`)
	press(kb.Enter) // "Send to" this page
	admin.Wait(`document.querySelector("#to").value === "page:c2"`)
	admin.Wait(`(document.querySelector("form button").focus(), true)`)
	press(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl))
	devtest.Eval[bool](admin, `document.querySelector("textarea").value = "{", true`)
	press(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl))
	admin.WaitContains("#result", "Data is not JSON")
	page.Wait(`greetings.join() === "hello,hello"`) // sent twice, received twice

	page.Close()
	admin.WaitText("#count", "0")
	admin.NoErrors()
}
