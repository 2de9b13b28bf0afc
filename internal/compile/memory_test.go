package compile

import (
	"runtime/debug"
	"testing"
)

// TestRelaxedGCIsRestored overlaps the first crawls of two servers in one process.
func TestRelaxedGCIsRestored(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	current := func() int {
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		return now
	}
	one, two := &Compiler{}, &Compiler{}
	endOne := one.RelaxGC()
	endTwo := two.RelaxGC()
	endOne()
	if got := current(); got != crawlGC {
		t.Errorf("while the second crawl runs: %d, want %d", got, crawlGC)
	}
	one.RelaxGC()() // not its first crawl
	endTwo()
	if got := current(); got != 100 {
		t.Errorf("after both: %d, want 100", got)
	}
}
