package server

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/moduleid"
)

// The page at /__devserver/ shows the open pages and sends events. It is a page like any other: it talks over the
// socket, so the token and the check of Origin guard it.

//go:embed admin
var adminFiles embed.FS

func (p *project) serveAdmin(w http.ResponseWriter, r *http.Request, name string) {
	if name == "" || name == strings.TrimSuffix(adminPath, "/") {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(w, r, path.Join(p.layout.Base, adminPath)+"/", http.StatusFound) // a constant, not the request's path
			return
		}
		name = "index.html"
	}
	text, err := adminFiles.ReadFile("admin/" + name)
	if err != nil {
		http.Error(w, "404 not found", http.StatusNotFound)
		return
	}
	w.Header().Add("Content-Security-Policy", "frame-ancestors 'self'") // a click in a foreign page must not land on our buttons
	w.Header().Set("Content-Type", moduleid.ContentType(name))
	serveText(w, r, text)
}

// adminClient describes a page to the admin page.
type adminClient struct {
	ID        string `json:"id"`
	URL       string `json:"url"`
	User      string `json:"user"`
	UserAgent string `json:"userAgent"`
	Self      bool   `json:"self"`
}

// adminMessage is a message that the admin page or `devserver events send` sends to pages: to "all", "page:ID",
// "user:NAME", or "any:ID or NAME".
type adminMessage struct {
	To           string            `json:"to"`
	Kind         string            `json:"kind"`
	Notification *hmr.Notification `json:"notification"`
	Event        string            `json:"event"`
	Data         json.RawMessage   `json:"data"`
}

// handleAdmin registers the requests of the admin page.
func (s *Server) handleAdmin() error {
	if _, err := s.hub.Handle("devserver:admin:clients", func(_ context.Context, c *hmr.Client, _ json.RawMessage) (any, error) {
		list := []adminClient{}
		for _, other := range s.hub.Clients() {
			list = append(list, adminClient{
				ID: other.ID(), URL: other.URL(), User: other.User(), UserAgent: other.UserAgent(),
				Self: other == c || strings.Contains(other.URL(), adminPath),
			})
		}
		return map[string]any{"clients": list, "events": s.hub.Events()}, nil
	}); err != nil {
		return err
	}
	changed := func(context.Context, *hmr.Client) { s.refreshAdmins() }
	s.hub.OnConnect(changed)
	s.hub.OnDisconnect(changed)
	s.hub.OnIdentify(changed)
	_, err := s.hub.Handle("devserver:admin:send", func(_ context.Context, _ *hmr.Client, data json.RawMessage) (any, error) {
		sent, err := s.adminSend(data)
		return map[string]int{"sent": sent}, err
	})
	return err
}

// refreshAdmins has admin pages load their list again.
func (s *Server) refreshAdmins() {
	for _, c := range s.hub.Clients() {
		if strings.Contains(c.URL(), adminPath) {
			_ = c.Send("devserver:admin:changed", nil) // a page that is gone has nothing to refresh
		}
	}
}

// adminSend sends an adminMessage to the pages that it names, and returns how many pages got it.
func (s *Server) adminSend(message json.RawMessage) (sent int, err error) {
	var m adminMessage
	if err := json.Unmarshal(message, &m); err != nil {
		return 0, &hmr.Error{Code: "bad_payload", Message: "not a message to send: " + err.Error()}
	}
	event, data := m.Event, m.Data
	if m.Kind == "notification" {
		if m.Notification == nil || m.Notification.Title == "" {
			return 0, &hmr.Error{Code: "bad_payload", Message: "a notification needs a title"}
		}
		event = hmr.NotificationEvent
		if data, err = json.Marshal(m.Notification); err != nil {
			return 0, err
		}
	}
	if event == "" {
		return 0, &hmr.Error{Code: "bad_payload", Message: "the event has no name"}
	}
	pages := s.appPages()
	chosen, err := choosePages(pages, m.To)
	if err != nil {
		return 0, err
	}
	for _, c := range chosen {
		if c.Publish(&hmr.Custom{Event: event, Data: data}) == nil {
			sent++
		}
	}
	return sent, nil
}

// appPages returns the open pages of the project, without admin pages.
func (s *Server) appPages() []*hmr.Client {
	return slices.DeleteFunc(s.hub.Clients(), func(c *hmr.Client) bool { return strings.Contains(c.URL(), adminPath) })
}

// choosePages returns the pages that a message is to. Only for "all" the list may be empty.
func choosePages(pages []*hmr.Client, to string) ([]*hmr.Client, error) {
	kind, name, _ := strings.Cut(to, ":")
	var chosen []*hmr.Client
	for _, c := range pages {
		if kind == "all" || (kind == "page" || kind == "any") && c.ID() == name {
			chosen = append(chosen, c)
		}
	}
	if chosen == nil && (kind == "user" || kind == "any") && name != "" { // "" is a guest
		for _, c := range pages {
			if c.User() == name {
				chosen = append(chosen, c)
			}
		}
	}
	if chosen == nil && kind != "all" {
		return nil, &hmr.Error{Code: "nobody", Message: fmt.Sprintf("no open page is %q; %s", strings.TrimPrefix(to, "any:"), openPages(pages))}
	}
	return chosen, nil
}

// openPages lists the open pages, for the error about a page that does not exist.
func openPages(pages []*hmr.Client) string {
	if len(pages) == 0 {
		return "none is open"
	}
	const most = 10
	var list []string
	for i, c := range pages {
		if i == most {
			list = append(list, fmt.Sprintf("and %d more", len(pages)-most))
			break
		}
		one := c.ID()
		if u, err := url.Parse(c.URL()); err == nil && u.Path != "" {
			one += " " + u.Path
		}
		if c.User() != "" {
			one += fmt.Sprintf(" (user %q)", c.User())
		}
		list = append(list, one)
	}
	return "open: " + strings.Join(list, ", ")
}
