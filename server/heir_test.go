package server_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server/testdata/guarded"
)

// TestRequestsWaitForPlugins: a middleware that keeps requests from files, a route, modules and pages have no gap while
// plugins are replaced, crash, or start over with their project. Requests pass when the plugins cannot be built.
func TestRequestsWaitForPlugins(t *testing.T) {
	t.Parallel()
	const app = "-- index.html --\n<!doctype html>\n-- private/s.txt --\nsecret\n-- main.js --\nimport { one } from 'v:one'; one;\n"
	inBoth(t, app, "guarded", guarded.New, func(t *testing.T, app *devtest.Files, s *devtest.Server) {
		check := func(when string) {
			t.Helper()
			if res := s.Get("/main.js?" + url.QueryEscape(when)); !strings.Contains(res.Body, "of the plugin") {
				t.Errorf("%s the module is not there: %d %s", when, res.Status, res.Body)
			}
			if res := s.Get("/", "Accept", "text/html"); !strings.Contains(res.Body, "of the plugin") {
				t.Errorf("%s the page has no part of the plugin: %d %s", when, res.Status, res.Body)
			}
			if res := s.Get("/private/s.txt"); res.Status != 403 || !strings.HasPrefix(res.Body, "guarded") {
				t.Errorf("%s the middleware is passed: %d %s", when, res.Status, res.Body)
			}
			if res := s.Get("/api"); res.Body != "of the plugin" {
				t.Errorf("%s the route is not there: %d %s", when, res.Status, res.Body)
			}
		}
		check("at the start")
		app.Write("devserver.config.json", `{"define": {"A": "1"}}`)
		s.Log.Wait(t, "stopping")
		check("while its project ends")
		s.Log.Wait(t, "server restarted")
		check("after the restart")
		app.Write("may-stop", "")
		if strings.HasSuffix(t.Name(), "in_process") {
			return
		}
		for range 2 {
			if res := s.Get("/crash"); res.Status != 502 {
				t.Errorf("the crash: %d %s", res.Status, res.Body)
			}
			check("after a crash")
		}
		if n := s.Log.Count("v:one"); n > 0 {
			t.Errorf("%d errors of a module that waits for the plugins", n)
		}
		app.Edit("devserver/own.go", `"guarded", http.`, `"guarded again", http.`)
		s.Log.Wait(t, "plugins changed, building")
		check("while it is replaced")
		app.Edit("devserver/own.go", "func New()", "func New(")
		s.Log.Wait(t, "own.go:")
		_ = s.Get("/crash")
		if res := s.Get("/private/s.txt"); res.Status != 200 {
			t.Errorf("no program can be built, and requests wait: %d %s", res.Status, res.Body)
		}
	})
}
