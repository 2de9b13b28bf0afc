package server

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/seed-b8174343/devserver/hmr"
)

// reported prints what a page made of an update, once for all pages that made the same of it.
func (p *project) reported(c *hmr.Client, r hmr.Report) {
	line := ""
	switch r.Kind {
	case "updated":
		line = "hmr update " + strings.Join(r.Paths, ", ")
	case "reloaded":
		line = p.reloadLine(r.Reason)
	case "failed":
		line = "hmr failed " + strings.Join(r.Paths, ", ") + ": " + r.Reason
	default:
		return
	}
	if p.lastReport.Swap(fmt.Sprint(r.Seq, line)) != fmt.Sprint(r.Seq, line) {
		p.log.Info(line)
	}
}

// tell prints the change when no page will report what it made of it.
func (p *project) tell(e *edit) {
	why := "no page is open"
	if p.cfg.Server.HMR.Off {
		why = "hot updates are off"
	} else if len(p.server.hub.Clients()) > 0 {
		return
	}
	for _, id := range slices.Concat(e.changed, e.styles, e.deleted) {
		p.log.Info("changed " + id + " (" + why + ")")
	}
}

// reloadLine is what the terminal says when pages must reload.
func (p *project) reloadLine(why string) string {
	if p.cfg.Server.HMR.Reload == "ask" {
		return "page asks to reload (" + why + ")"
	}
	return "page reload (" + why + ")"
}

// atomicString is an atomic.Value of strings whose zero value is "".
type atomicString struct{ v atomic.Value }

func (a *atomicString) Swap(s string) string {
	old, _ := a.v.Swap(s).(string)
	return old
}
