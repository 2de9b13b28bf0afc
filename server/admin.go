package server

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/seed-b8174343/devserver/hmr"
)

// The page at /__devserver/ shows who is connected and sends events. It is a page like any other: it talks over the
// socket, so the token and the Origin check guard it.

//go:embed admin
var adminFiles embed.FS

func (p *project) serveAdmin(w http.ResponseWriter, r *http.Request, name string) {
	if name == "" || name == strings.TrimSuffix(adminPath, "/") {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(w, r, path.Join(p.base, adminPath)+"/", http.StatusFound) // a constant, not the request's path
			return
		}
		name = "index.html"
	}
	text, err := adminFiles.ReadFile("admin/" + name)
	if err != nil {
		http.Error(w, "404 not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	p.serveText(w, r, text)
}

// adminClient describes a page to the admin page.
type adminClient struct {
	ID        string `json:"id"`
	URL       string `json:"url"`
	User      string `json:"user"`
	UserAgent string `json:"userAgent"`
	Self      bool   `json:"self"`
}

// adminMessage is what the admin page and `devserver events send` ask to be sent: to "all", "page:ID" or "user:NAME".
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
			list = append(list, adminClient{ID: other.ID(), URL: other.URL(), User: other.User(), UserAgent: other.UserAgent(), Self: other == c || strings.Contains(other.URL(), adminPath)})
		}
		return map[string]any{"clients": list, "events": s.hub.Events()}, nil
	}); err != nil {
		return err
	}
	tell := func(context.Context, *hmr.Client) { s.tellAdmins() }
	s.hub.OnConnect(tell)
	s.hub.OnDisconnect(tell)
	_, err := s.hub.Handle("devserver:admin:send", func(_ context.Context, _ *hmr.Client, data json.RawMessage) (any, error) {
		var m adminMessage
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, &hmr.Error{Code: "bad_payload", Message: "not a message to send: " + err.Error()}
		}
		sent, err := s.adminSend(m)
		return map[string]int{"sent": sent}, err
	})
	return err
}

// tellAdmins lets admin pages refresh their list.
func (s *Server) tellAdmins() {
	for _, c := range s.hub.Clients() {
		if strings.Contains(c.URL(), adminPath) {
			_ = c.Send("devserver:admin:changed", nil) // it is gone: nothing to refresh
		}
	}
}

// adminSend sends the message to the pages that it is for and tells how many those are.
func (s *Server) adminSend(m adminMessage) (sent int, err error) {
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
	kind, name, _ := strings.Cut(m.To, ":")
	for _, c := range s.hub.Clients() {
		if strings.Contains(c.URL(), adminPath) {
			continue
		}
		if kind == "all" || kind == "page" && c.ID() == name || kind == "user" && name != "" && c.User() == name {
			if c.Publish(&hmr.Custom{Event: event, Data: data}) == nil {
				sent++
			}
		}
	}
	if sent == 0 && kind != "all" {
		return 0, &hmr.Error{Code: "nobody", Message: fmt.Sprintf("no open page is %q", m.To)}
	}
	return sent, nil
}
