package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/running"
)

// TestGuides: the server has the guides below its base, without a key, also while the configuration has mistakes. The
// panel links to them.
func TestGuides(t *testing.T) {
	for name, configuration := range map[string]string{"right": `{"base": "/shop/"}`, "with a mistake": `{"base": "/shop/", "server": {"port": "x"}}`} {
		t.Run(name, func(t *testing.T) {
			s := devtest.Start(t, devtest.App(t, devtest.Text(page+"-- main.js --\n-- devserver.config.json --\n"+configuration)))
			base := "/shop"
			if name != "right" {
				base = "" // the base is one of the options that are not used
			}
			events := s.Get(base + "/__devserver/docs/events")
			if events.Status != http.StatusOK || !strings.Contains(events.Body, "<h1 id=\"events\">") || !strings.Contains(events.Body, "devserver "+running.Version()) {
				t.Errorf("the guide answers %d: %s", events.Status, events.Body)
			}
			if strings.Contains(events.Body, s.Server().Key()) || strings.Contains(events.Body, s.Token()) {
				t.Error("the guide has a secret")
			}
			if folder := s.Get(base + "/__devserver/docs"); folder.Header.Get("Location") != base+"/__devserver/docs/" {
				t.Errorf("the folder answers %d, %v", folder.Status, folder.Header)
			}
			if none := s.Get(base + "/__devserver/docs/no/event"); !strings.Contains(none.Body, `href="`+base+`/__devserver/docs/events"`) {
				t.Error("an address without a guide has no link to the nearest:", none.Body)
			}
			if base != "" {
				if s.Get("/__devserver/docs/").Status != http.StatusNotFound {
					t.Error("the guides are outside of the base")
				}
				if !strings.Contains(s.Get(base+"/__devserver/").Body, `href="docs/"`) {
					t.Error("the panel has no link to the guides")
				}
			}
		})
	}
}
