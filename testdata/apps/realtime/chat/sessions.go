package chat

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Sessions signs users in by a cookie. It believes every name; a real app asks for a password.
//
// GET returns the user, POST signs in the user with the given name, DELETE signs out. In the zero value nobody is
// signed in.
type Sessions struct {
	mu    sync.Mutex
	users map[string]string // guarded by mu; by the cookie's value
}

const cookie = "realtime-session"

// User returns the user of a request, "" for a guest. It is the hub's Options.Identify.
func (s *Sessions) User(r *http.Request) (string, error) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return "", nil // no cookie: a guest
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[c.Value], nil
}

func (s *Sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		user, _ := s.User(r)
		fmt.Fprint(w, user)
	case http.MethodPost:
		name := strings.TrimSpace(r.FormValue("name"))
		if name == "" || len(name) > 50 {
			http.Error(w, "a name has 1 to 50 bytes", http.StatusBadRequest)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: cookie, Value: s.add(name), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	case http.MethodDelete:
		s.remove(r)
		http.SetCookie(w, &http.Cookie{Name: cookie, Path: "/", MaxAge: -1})
	default:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

func (s *Sessions) add(name string) (session string) {
	session = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == nil {
		s.users = map[string]string{}
	}
	s.users[session] = name
	return session
}

func (s *Sessions) remove(r *http.Request) {
	if c, err := r.Cookie(cookie); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.users, c.Value)
	}
}
