package server_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/internal/steer"
	"github.com/seed-b8174343/devserver/server"
)

// BenchmarkTools measures what a tool waits for: the status of a project with two pages, and the snapshot of a page of
// 5,000 elements, which is to have at most 8,000 bytes.
func BenchmarkTools(b *testing.B) {
	devtest.NeedBrowser(b)
	var rows strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&rows, "<tr><td>Row %d</td><td>%d euro</td><td><button>Buy %d</button></td></tr>", i, i, i)
	}
	app := devtest.App(b, devtest.Text("-- index.html --\n<title>Rows</title><h1>Rows</h1><table>"+rows.String()+"</table>\n"))
	dir := b.TempDir()
	s := devtest.Start(b, app, func(o *server.Options) { o.CacheDir = dir })
	s.Page(b, "/").Wait("document.querySelectorAll('*').length > 5000")
	s.Page(b, "/")
	s.WaitPages(2)
	root, err := filepath.EvalSymlinks(s.Root)
	if err != nil {
		b.Fatal(err)
	}
	list, err := running.Find(root, dir)
	if err != nil || len(list) != 1 {
		b.Fatalf("%v, %v", list, err)
	}
	do := func(b *testing.B, verb string, args, answer any) {
		if err := list[0].Do(b.Context(), verb, args, answer); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("status", func(b *testing.B) {
		var status steer.Status
		for b.Loop() {
			do(b, steer.VerbStatus, steer.None{}, &status)
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		var snapshot steer.Snapshot
		for b.Loop() {
			do(b, steer.VerbSnapshot, steer.SnapshotArgs{PageArgs: steer.PageArgs{Page: "c1"}}, &snapshot)
		}
		b.ReportMetric(float64(len(snapshot.Text)), "bytes")
	})
}
