package devtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Page is a tab of the shared browser, with cookies and storage of its own.
type Page struct {
	t   testing.TB
	srv *Server
	ctx context.Context

	mu       sync.Mutex
	console  []string                     // guarded by mu
	failures []string                     // guarded by mu
	requests map[network.RequestID]string // guarded by mu; URL of each
	urls     []string                     // guarded by mu; of requests, in order
	loads    int                          // guarded by mu; number of documents that the tab has loaded
	gotos    int                          // guarded by mu; number of loads that the test made
}

// Page opens a path of the server in a new tab and waits until it has loaded. The tab is closed after the test. If the
// test fails, the tab's console is logged. Without a browser the test is skipped.
func (s *Server) Page(t testing.TB, path string) *Page {
	t.Helper()
	p := s.Tab(t)
	p.Goto(path)
	return p
}

// Tab opens an empty tab.
func (s *Server) Tab(t testing.TB) *Page {
	t.Helper()
	NeedBrowser(t)
	return s.tab(t, browser.ctx, chromedp.WithNewBrowserContext())
}

// Beside opens another tab of the same browser profile. The tab shares cookies, storage and shared workers with p.
func (p *Page) Beside(path string) *Page {
	p.t.Helper()
	other := p.srv.tab(p.t, p.ctx)
	other.Goto(path)
	return other
}

func (s *Server) tab(t testing.TB, parent context.Context, opts ...chromedp.ContextOption) *Page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, opts...)
	p := &Page{t: t, srv: s, ctx: ctx, requests: map[network.RequestID]string{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("console:\n%s\nfailed requests:\n%s", strings.Join(p.Console(), "\n"), strings.Join(p.Failures(), "\n"))
			p.keepScreenshot()
		}
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	// chromedp keeps a copy of the page, in a time that grows with the square of an element's children: half a minute
	// for 5,000 of them with the race detector. Nothing here needs the copy.
	if _, err := chromedp.Call(ctx, css.Disable, cdp.Empty{}); err != nil {
		t.Fatalf("stop following styles: %v", err)
	}
	if _, err := chromedp.Call(ctx, dom.Disable, cdp.Empty{}); err != nil {
		t.Fatalf("stop following the page: %v", err)
	}
	if err := chromedp.Listen(ctx, p.note); err != nil {
		t.Fatalf("listen to the tab: %v", err)
	}
	return p
}

// Close closes the tab, as the user does.
func (p *Page) Close() {
	p.t.Helper()
	if err := chromedp.Cancel(p.ctx); err != nil {
		p.t.Fatalf("close the tab: %v", err)
	}
}

// note records an event of the tab. It runs on the goroutine that reads from the browser.
func (p *Page) note(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		parts := make([]string, len(e.Args))
		for i, arg := range e.Args {
			parts[i] = argText(arg)
		}
		p.console = append(p.console, fmt.Sprintf("%s: %s", e.Type, strings.Join(parts, " ")))
	case *runtime.EventExceptionThrown:
		p.console = append(p.console, "exception: "+(&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *log.EventEntryAdded:
		p.console = append(p.console, fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			p.loads++
		}
	case *network.EventRequestWillBeSent:
		p.requests[e.RequestID] = e.Request.URL
		p.urls = append(p.urls, e.Request.URL)
	case *network.EventResponseReceived:
		if e.Response.Status >= http.StatusBadRequest && !strings.HasSuffix(e.Response.URL, "/favicon.ico") {
			p.failures = append(p.failures, fmt.Sprintf("%d %s", e.Response.Status, e.Response.URL))
		}
	case *network.EventLoadingFailed:
		if !e.Canceled {
			p.failures = append(p.failures, e.ErrorText+" "+p.requests[e.RequestID])
		}
	}
}

// argText returns the text of a console argument: a text unchanged, another value as JSON, an object's description.
func argText(arg *runtime.RemoteObject) string {
	var text string
	if json.Unmarshal(arg.Value, &text) == nil && len(arg.Value) > 0 {
		return text
	}
	if len(arg.Value) > 0 {
		return string(arg.Value)
	}
	if arg.Description != "" {
		return arg.Description
	}
	return string(arg.Type)
}

// Do runs browser actions and fails the test with the first error.
func (p *Page) Do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := p.try(actions...); err != nil {
		p.t.Fatalf("%v", err)
	}
}

func (p *Page) try(actions ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	return chromedp.Do(ctx, actions...)
}

// Context returns the tab's context, for actions that Page has no method for.
func (p *Page) Context() context.Context { return p.ctx }

// Goto opens a path of the server, or a whole URL, and waits until it has loaded. A page that reloads itself meanwhile
// aborts that, and Goto begins again.
func (p *Page) Goto(path string) {
	p.t.Helper()
	p.mu.Lock()
	p.gotos++
	p.mu.Unlock()
	url := path
	if strings.HasPrefix(path, "/") {
		url = p.srv.URL + path
	}
	limit := time.Now().Add(waitLimit)
	err := p.try(chromedp.Navigate(url))
	for err != nil && strings.Contains(err.Error(), "net::ERR_ABORTED") && time.Now().Before(limit) {
		err = p.try(chromedp.Navigate(url))
	}
	if err != nil {
		p.t.Fatalf("%v", err)
	}
}

// Reload loads the page again, as the user does.
func (p *Page) Reload() {
	p.t.Helper()
	p.mu.Lock()
	p.gotos++
	p.mu.Unlock()
	p.Do(chromedp.Reload())
}

// Reloads returns how often the page has reloaded by itself.
func (p *Page) Reloads() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loads - p.gotos
}

// WaitReload waits until the page has reloaded n times by itself and is complete.
func (p *Page) WaitReload(n int) {
	p.t.Helper()
	Eventually(p.t, fmt.Sprintf("%d reloads", n), func() bool { return p.Reloads() >= n }, p.state)
	p.Wait(`document.readyState === "complete"`)
}

// NoReload fails the test when the page has reloaded by itself.
func (p *Page) NoReload() {
	p.t.Helper()
	if n := p.Reloads(); n != 0 {
		p.t.Errorf("the page has reloaded %d times\n%s", n, p.state())
	}
}

// Click clicks the centre of the first element that the CSS selector matches, as soon as the element has a size.
func (p *Page) Click(selector string) {
	p.t.Helper()
	x, y := p.centre(selector)
	p.Do(chromedp.MouseClickXY(x, y))
}

// Press presses the mouse on an element, until release. It waits for the element like Click.
func (p *Page) Press(selector string) (release func()) {
	p.t.Helper()
	x, y := p.centre(selector)
	send := func(typ input.DispatchMouseEventType) {
		p.Do(chromedp.MouseEvent(typ, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	}
	send(chromedp.MousePressed)
	return func() { send(chromedp.MouseReleased) }
}

// centre scrolls to an element and returns where its centre is, once two looks find it there.
func (p *Page) centre(selector string) (x, y float64) {
	p.t.Helper()
	quoted, _ := json.Marshal(selector) // a string always encodes
	var centre, before []float64
	Eventually(p.t, "element "+selector, func() bool {
		before = centre
		centre, _ = try[[]float64](p, fmt.Sprintf(`(() => {
			const e = document.querySelector(%s);
			e?.scrollIntoViewIfNeeded();
			const box = e?.getBoundingClientRect();
			return box?.width && box.height ? [box.x + box.width / 2, box.y + box.height / 2] : [];
		})()`, quoted))
		return len(centre) == 2 && slices.Equal(centre, before)
	}, p.state)
	return centre[0], centre[1]
}

// Type types into the first element that the CSS selector matches, as soon as there is one.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	quoted, _ := json.Marshal(selector) // a string always encodes
	p.Wait(fmt.Sprintf(`(() => {
		const e = document.querySelector(%s);
		e?.focus();
		return !!e && document.activeElement === e;
	})()`, quoted))
	p.Do(chromedp.KeyEvent(text))
}

// Back goes back in the tab's history, as the user does. The tab may still show the page for a moment.
func (p *Page) Back() {
	p.t.Helper()
	// Later: a page that is left at once does not answer.
	Eval[*int](p, "void setTimeout(() => history.back())")
}

// textOf returns the expression for the text of the first element that the CSS selector matches, "" without an element.
func textOf(selector string) string {
	quoted, _ := json.Marshal(selector) // a string always encodes
	return fmt.Sprintf(`(document.querySelector(%s)?.textContent ?? "").trim()`, quoted)
}

// WaitText waits until the element's text is exactly want.
func (p *Page) WaitText(selector, want string) {
	p.t.Helper()
	have := ""
	Eventually(p.t, fmt.Sprintf("text %q in %s", want, selector), func() bool {
		text, err := try[string](p, textOf(selector))
		if err == nil {
			have = text
		}
		return err == nil && text == want
	}, func() string { return fmt.Sprintf("it is %q\n%s", have, p.state()) })
}

// WaitContains waits until the element's text holds want.
func (p *Page) WaitContains(selector, want string) {
	p.t.Helper()
	quoted, _ := json.Marshal(want)
	p.Wait(fmt.Sprintf("%s.includes(%s)", textOf(selector), quoted))
}

// Wait waits until a JavaScript expression is truthy, also across reloads. The expression may be a promise.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	var last error
	Eventually(p.t, expression, func() bool {
		ok, err := try[bool](p, "(async () => !!(await ("+expression+")))()")
		last = err
		return err == nil && ok
	}, func() string { return fmt.Sprintf("last error: %v\n%s", last, p.state()) })
}

// Style returns a computed style of the first element that the CSS selector matches.
func (p *Page) Style(selector, property string) string {
	p.t.Helper()
	return Eval[string](p, styleOf(selector, property))
}

// WaitStyle waits until the element's computed style is want.
func (p *Page) WaitStyle(selector, property, want string) {
	p.t.Helper()
	quoted, _ := json.Marshal(want)
	p.Wait(fmt.Sprintf("%s === %s", styleOf(selector, property), quoted))
}

func styleOf(selector, property string) string {
	s, _ := json.Marshal(selector)
	prop, _ := json.Marshal(property)
	return fmt.Sprintf(`getComputedStyle(document.querySelector(%s)).getPropertyValue(%s)`, s, prop)
}

// Overlay returns the text of the error overlay, "" without an overlay. The overlay is in a shadow root.
func (p *Page) Overlay() string {
	p.t.Helper()
	return Eval[string](p, overlayText)
}

const overlayText = `(document.querySelector("vite-error-overlay")?.shadowRoot?.textContent ?? "")`

// WaitOverlay waits until the overlay holds all of the texts.
func (p *Page) WaitOverlay(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		quoted, _ := json.Marshal(text)
		p.Wait(fmt.Sprintf("%s.includes(%s)", overlayText, quoted))
	}
}

// WaitNoOverlay waits until there is no overlay.
func (p *Page) WaitNoOverlay() {
	p.t.Helper()
	p.Wait(`!document.querySelector("vite-error-overlay")`)
}

// Eval returns the value of a JavaScript expression in the page. It awaits a promise.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	value, err := try[T](p, expression)
	if err != nil {
		p.t.Fatalf("evaluate %s: %v\n%s", expression, err, p.state())
	}
	return value
}

// try is Eval that returns errors: the page may be between two documents.
func try[T any](p *Page, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Console returns the lines of the console, as `log: text`. Uncaught errors begin with `exception:`.
func (p *Page) Console() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.console...)
}

// WaitConsole waits until a line holds text and returns the line.
func (p *Page) WaitConsole(text string) string {
	p.t.Helper()
	found := ""
	Eventually(p.t, fmt.Sprintf("console line with %q", text), func() bool {
		for _, line := range p.Console() {
			if strings.Contains(line, text) {
				found = line
				return true
			}
		}
		return false
	}, p.state)
	return found
}

// NoErrors fails the test when the console holds an error or an uncaught exception, or a request failed.
func (p *Page) NoErrors() {
	p.t.Helper()
	for _, line := range p.Console() {
		if strings.HasPrefix(line, "error:") && !strings.Contains(line, "/favicon.ico") || strings.HasPrefix(line, "exception:") {
			p.t.Errorf("console: %s", line)
		}
	}
	for _, line := range p.Failures() {
		p.t.Errorf("request: %s", line)
	}
}

// Failures returns the requests that failed or got an error as answer, in the form `404 http://…`.
func (p *Page) Failures() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.failures...)
}

// Requests returns the URLs of the page's requests, in order.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.urls...)
}

// Screenshot returns a picture of the visible page as PNG.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	picture, err := p.screenshot()
	if err != nil {
		p.t.Fatalf("screenshot: %v", err)
	}
	return picture
}

func (p *Page) screenshot() ([]byte, error) {
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}

// Prefer sets the colour scheme that the user prefers: light or dark.
func (p *Page) Prefer(scheme string) {
	p.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		p.t.Fatalf("prefer %s: %v", scheme, err)
	}
}

// keepScreenshot writes a picture of a failed test to the folder that DEVSERVER_SCREENSHOTS names.
func (p *Page) keepScreenshot() {
	dir := os.Getenv("DEVSERVER_SCREENSHOTS")
	if dir == "" {
		return
	}
	file := filepath.Join(dir, strings.NewReplacer("/", "_", " ", "_").Replace(p.t.Name())+".png")
	picture, err := p.screenshot()
	if err == nil {
		err = os.WriteFile(file, picture, 0o644)
	}
	if err != nil {
		p.t.Logf("screenshot: %v", err)
	}
}

func (p *Page) state() string {
	return "console:\n" + strings.Join(p.Console(), "\n") + "\nlog:\n" + p.srv.Log.String()
}
