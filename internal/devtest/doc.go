// Package devtest runs apps for tests. An app's files come from a txtar text or a folder, and a server serves them on a
// free port. Sockets speak the protocol of pages, and pages run in a real browser.
//
//	app := devtest.App(t, devtest.Dir("../testdata/apps/hello"))
//	srv := devtest.Start(t, app)
//	page := srv.Page(t, "/")
//	page.Click("#counter")
//	app.Edit("src/counter.ts", "count is", "clicks:")
//	page.WaitText("#counter", "clicks: 1")
//
// Everything waits for states, with one generous limit, and ends with the test. Only external test packages import
// devtest. A package that opens pages calls Main from its TestMain; Main closes the browser that all tests share.
package devtest

import (
	"os"
	"testing"
	"time"
)

// waitLimit is the longest time that a test waits for a state. Tests pass in milliseconds; the limit is for busy
// machines.
const waitLimit = time.Minute

// A state is checked after checkInterval at first, and less and less often up to slowInterval: what takes long is mostly
// waiting for a processor that the checks would take away from it.
const (
	checkInterval = 10 * time.Millisecond
	slowInterval  = 100 * time.Millisecond
)

// Soak returns how often a test does what it does: usual, or long when DEVSERVER_SOAK is set. The long tests find what
// shows once in thousands of times, and take more than the time that each change has.
func Soak(usual, long int) int {
	if Soaking() {
		return long
	}
	return usual
}

// Soaking reports whether DEVSERVER_SOAK is set.
func Soaking() bool { return os.Getenv("DEVSERVER_SOAK") != "" }

// Eventually calls ok until it returns true. After a minute the test fails, with the text of state. what names the
// awaited state; state may be nil.
func Eventually(t testing.TB, what string, ok func() bool, state func() string) {
	t.Helper()
	limit := time.NewTimer(waitLimit)
	defer limit.Stop()
	pause := checkInterval
	for !ok() {
		select {
		case <-time.After(pause):
			pause = min(pause+pause/2, slowInterval)
		case <-limit.C:
			if ok() {
				return
			}
			detail := ""
			if state != nil {
				detail = "\n" + state()
			}
			t.Fatalf("%s: not after %v%s", what, waitLimit, detail)
		}
	}
}
