package edit

import (
	"fmt"
	"strings"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/journal"
)

// What the terminal says of an edit.

// Reported prints what a page did with an update, once for all pages that did the same. The journal has it for each.
func (u *Updater) Reported(c *hmr.Client, r hmr.Report) {
	u.recordReport(c, r)
	line := ""
	switch r.Kind {
	case "updated":
		line = "hmr update " + shown(strings.Join(r.Paths, ", "))
	case "reloaded":
		line = u.reloadLine(r.Reason)
	case "failed":
		line = "hmr failed " + shown(strings.Join(r.Paths, ", ")) + ": " + r.Reason
	default:
		return
	}
	now := fmt.Sprint(r.Seq, line)
	if was, _ := u.lastReport.Swap(now).(string); was != now {
		u.o.Logger.Info(line)
	}
}

// shown returns IDs for people. A NUL begins the IDs of modules that plugins of Vite make.
func shown(ids string) string { return strings.ReplaceAll(ids, "\x00", "") }

// printUnseen prints the changed modules when no page will report what it did with them.
func (u *Updater) printUnseen(ids []string) {
	why := "no page is open"
	if u.o.HMR.Off {
		why = "hot updates are off"
	} else if len(u.o.Hub.Clients()) > 0 {
		return
	}
	for _, id := range ids {
		u.o.Logger.Info("changed " + shown(id) + " (" + why + ")")
	}
}

// PrintReload prints that pages reload, and why.
func (u *Updater) PrintReload(why string) {
	u.o.Journal.Add(journal.Record{Kind: journal.KindReload, Reload: &journal.Reload{Reason: why}})
	u.o.Logger.Info(u.reloadLine(why))
}

// ReloadPages reloads the pages at a path, or all. It is for a reload that somebody asked for, and no edit.
func (u *Updater) ReloadPages(send func(hmr.Payload) error, path, why string) error {
	if path == "" {
		path = "*"
	}
	if path != "*" && !strings.HasPrefix(path, "/") {
		return fmt.Errorf("reload pages: the path %q does not begin with a slash, so no page has it", path)
	}
	if err := send(&hmr.FullReload{Path: path, Reason: why}); err != nil {
		return fmt.Errorf("reload pages: %w", err)
	}
	if path != "*" {
		why = path + ", " + why
	}
	u.PrintReload(why)
	return nil
}

func (u *Updater) reloadLine(why string) string {
	if u.o.HMR.Reload == "ask" {
		return "page asks to reload (" + why + ")"
	}
	return "page reload (" + why + ")"
}
