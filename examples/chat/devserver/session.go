package main

import (
	"fmt"
	"net/http"
	"regexp"
)

const cookie = "chat-user"

// user returns the user of a request, "" for a guest. It believes the cookie. A real app looks up a session, which its
// backend began with a password.
func user(r *http.Request) (string, error) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return "", nil // no cookie: a guest
	}
	if !validName.MatchString(c.Value) {
		return "", nil
	}
	return c.Value, nil
}

// validName matches names that can be mentioned.
var validName = regexp.MustCompile(`^\w{1,20}$`)

// session signs in and out. GET returns the user, POST signs in the user with the given name, DELETE signs out. The
// server sees that the cookie has changed, and tells the page its new user.
type session struct{}

func (session) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	set := func(value string, age int) {
		http.SetCookie(w, &http.Cookie{
			Name: cookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
	}
	switch r.Method {
	case http.MethodGet:
		name, _ := user(r)
		fmt.Fprint(w, name)
	case http.MethodPost:
		name := r.FormValue("name")
		if !validName.MatchString(name) {
			http.Error(w, "a name has 1 to 20 letters, digits or underscores", http.StatusBadRequest)
			return
		}
		set(name, 0)
	case http.MethodDelete:
		set("", -1)
	default:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}
