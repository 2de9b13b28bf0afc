package hmr

import (
	"fmt"
	"net/http"
)

// Disconnect ends all sessions of the user: signed out, revoked. The reason reaches the pages' consoles. It returns how
// many pages there were.
func (h *Hub) Disconnect(user, reason string) int {
	if user == "" {
		return 0 // guests are nobody's pages
	}
	n := 0
	for _, c := range h.Clients() {
		if c.User() == user {
			c.Close(reason)
			n++
		}
	}
	return n
}

// Reidentify asks Options.Identify again for a page, with a request that carries its new cookies. The page stays
// connected. What waits for the user that it was is dropped: a message for one user never reaches another one.
func (h *Hub) Reidentify(c *Client, r *http.Request) error {
	user := ""
	if h.o.Identify != nil {
		var err error
		if user, err = h.o.Identify(r); err != nil {
			return fmt.Errorf("identify page %s: %w", c.ID(), err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.user == user {
		return nil
	}
	c.user = user
	c.forgetPrivate()
	return nil
}
