// Package devtest runs apps for tests: files from a txtar text or a folder, a server on a free port, sockets that speak
// the wire, and pages in a real browser.
//
//	app := devtest.App(t, devtest.Dir("../testdata/apps/hello"))
//	srv := devtest.Start(t, app)
//	page := srv.Page(t, "/")
//	page.Click("#counter")
//	app.Edit("src/counter.ts", "count is", "clicks:")
//	page.WaitText("#counter", "clicks: 1")
//
// Everything waits for states, with one generous limit, and ends with the test. Only external test packages import it.
// A package that opens pages calls Main from its TestMain, which closes the browser that all tests share.
package devtest

import (
	"testing"
	"time"
)

// patience is how long anything is waited for. Tests pass in milliseconds; the limit is for machines that do much else.
const patience = time.Minute

// pause is the time between two looks at a state that nobody announces.
const pause = 10 * time.Millisecond

// Eventually looks until ok returns true. After too long the test fails with what state returns.
func Eventually(t testing.TB, what string, ok func() bool, state func() string) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			if ok() {
				return
			}
			detail := ""
			if state != nil {
				detail = "\n" + state()
			}
			t.Fatalf("%s: not after %v%s", what, patience, detail)
		}
	}
}
