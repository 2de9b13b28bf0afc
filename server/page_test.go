package server_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestTransformHTMLRunsOnceForEachLoad has a plugin that writes another page for each load. The inline scripts are
// those of the page that was served last, although the plugin moves them.
func TestTransformHTMLRunsOnceForEachLoad(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- page.html --
<!doctype html>
<script type="module">import "./dep.js"; console.log("one of load N")</script>
<script type="module">console.log("two of load N")</script>
-- dep.js --
console.log("dep")
`)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "counts",
			TransformHTML: func(_ context.Context, a plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error) {
				n := runs.Add(1)
				page := strings.ReplaceAll(a.HTML, "load N", fmt.Sprint("load ", n))
				if n%2 == 0 {
					page = strings.Replace(page, "<script", fmt.Sprintf("<script type=module>console.log('first of load %d')</script><script", n), 1)
				}
				return &plugin.TransformHTMLResult{HTML: page}, nil
			},
		}}
	})
	scriptsOf := func(n int, own ...string) []string {
		if n%2 == 0 {
			return append([]string{"first"}, own...)
		}
		return own
	}
	src := regexp.MustCompile(`src="(/page.html[^"]+)"`)
	load := func(n int, want ...string) {
		t.Helper()
		scripts := src.FindAllStringSubmatch(s.Get("/page.html", "Accept", "text/html").Body, -1)
		if len(scripts) != len(want) {
			t.Fatalf("load %d has the scripts %q, want %q", n, scripts, want)
		}
		for i, script := range scripts {
			pack := s.Get(strings.ReplaceAll(script[1], "&amp;", "&"), "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors").Body
			if part := fmt.Sprint(want[i], " of load ", n); !strings.Contains(pack, part) {
				t.Errorf("script %d lacks %q: %s", i, part, pack)
			}
		}
		if now := runs.Load(); int(now) != n {
			t.Errorf("the hook ran %d times until load %d", now, n)
		}
	}
	for n := range 3 {
		load(n+1, scriptsOf(n+1, "one", "two")...)
	}

	c := s.Socket(t)
	s.Edit("page.html", "two of", "another of")
	c.WaitFor(devtest.Is("full-reload"))
	n := int(runs.Load()) // the edit has compiled the scripts
	load(n+1, scriptsOf(n+1, "one", "another")...)
	load(n+2, scriptsOf(n+2, "one", "another")...)
}
