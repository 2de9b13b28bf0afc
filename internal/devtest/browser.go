package devtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// browser is the only browser of a test process, since starting a browser costs more than most tests. Each page has a
// context of its own, so that pages share no cookies and no storage.
var browser struct {
	once  sync.Once
	ctx   context.Context
	err   error
	close func()
}

// Main runs the tests of a package that opens pages, and then closes the browser. Call it from TestMain and exit with
// its result. CI is unset, since packages of npm do something else where it is set: laravel-vite-plugin refuses to serve.
func Main(m interface{ Run() int }) int {
	if err := os.Unsetenv("CI"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if browser.close != nil {
		browser.close()
	}
	return code
}

// FindBrowser returns the browser's executable. DEVSERVER_BROWSER may name it. Otherwise it is a Chromium or Chrome in
// its usual place, or "" when there is no browser. The headless shell comes first: it needs less processor time.
func FindBrowser() string {
	if named := os.Getenv("DEVSERVER_BROWSER"); named != "" && named != "required" {
		return named
	}
	for _, name := range []string{
		"chromium-headless-shell", "chrome-headless-shell",
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
	} {
		if file, err := exec.LookPath(name); err == nil {
			return file
		}
	}
	var places []string
	switch runtime.GOOS {
	case "darwin":
		places = []string{
			"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
			"/Applications/Chromium.app/Contents/MacOS/Chromium",
		}
	case "windows":
		for _, env := range []string{"ProgramFiles", "ProgramFiles(x86)", "LocalAppData"} {
			places = append(places, filepath.Join(os.Getenv(env), "Google", "Chrome", "Application", "chrome.exe"))
		}
	}
	for _, file := range places {
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// NeedBrowser skips the test when there is no browser, or fails it when DEVSERVER_BROWSER is set.
func NeedBrowser(t testing.TB) {
	t.Helper()
	browser.once.Do(startBrowser)
	if browser.err == nil {
		return
	}
	if os.Getenv("DEVSERVER_BROWSER") != "" {
		t.Fatal(browser.err)
	}
	t.Skipf("no browser: %v (./check.sh installs one; DEVSERVER_BROWSER=/path/to/chrome names one)", browser.err)
}

func startBrowser() {
	file := FindBrowser()
	if file == "" {
		browser.err = fmt.Errorf("neither Chromium nor Chrome is installed")
		return
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(file),
		chromedp.NoSandbox, // containers run tests as root
		chromedp.DisableGPU,
		chromedp.IgnoreCertErrors, // tests make their own certificates
		// The last starts a process for a page that may come, which each context then throws away.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,SpareRendererForSitePerProcess"),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-first-run", true),
		chromedp.WindowSize(1000, 700),
	)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, cancel := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		cancelAllocator()
		browser.err = fmt.Errorf("start %s: %w", file, err)
		return
	}
	browser.ctx = ctx
	browser.close = func() {
		_ = chromedp.Cancel(ctx) // the process ends, and no test is left to report an error to
		cancelAllocator()
	}
}
