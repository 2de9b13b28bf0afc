package hmr

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Rooms gather clients under a name that the server chooses: the readers of an article, the players of a game. A room is
// there while somebody is in it. Only the server lets clients in, so a room is also a permission; guests may be in one.

// mostRoom bounds a room's name in bytes: names are often made from what pages send.
const mostRoom = 256

// roomHook is told of a client that has come into a room, or left it.
type roomHook struct {
	fn func(ctx context.Context, c *Client, room string)
}

// checkRoom refuses names that are a mistake: empty, longer than 256 bytes, with blanks around, or not printable, such as
// a name made of an ID that is missing.
func checkRoom(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a room has no name")
	case len(name) > mostRoom:
		return fmt.Errorf("room %q…: the name is longer than %d bytes", name[:32], mostRoom)
	case !utf8.ValidString(name), strings.TrimSpace(name) != name, strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("room %q: a name is printable text without blanks around it", name)
	}
	return nil
}

// Join lets the client into the room until it leaves, is gone, or its user changes; being in it already is fine. The
// error is about the name (printable text of up to 256 bytes), or ErrClosed.
func (c *Client) Join(room string) error {
	if err := checkRoom(room); err != nil {
		return err
	}
	c.moving.Lock()
	defer c.moving.Unlock()
	h := c.hub
	h.mu.Lock()
	if h.sessions[c.session] != c {
		h.mu.Unlock()
		return ErrClosed
	}
	if c.rooms[room] {
		h.mu.Unlock()
		return nil
	}
	if c.rooms == nil {
		c.rooms = map[string]bool{}
	}
	if h.rooms[room] == nil {
		h.rooms[room] = map[*Client]bool{}
	}
	c.rooms[room], h.rooms[room][c] = true, true
	hooks := h.hooks.join
	h.mu.Unlock()
	c.tellRoom(hooks, "join", room)
	return nil
}

// Leave takes the client out of the room; not being in it is fine.
func (c *Client) Leave(room string) { c.leave(room) }

// leave takes the client out of these rooms.
func (c *Client) leave(rooms ...string) {
	c.moving.Lock()
	defer c.moving.Unlock()
	h := c.hub
	for _, room := range rooms {
		h.mu.Lock()
		was := c.rooms[room]
		h.removeFrom(room, c)
		hooks := h.hooks.leave
		h.mu.Unlock()
		if was {
			c.tellRoom(hooks, "leave", room)
		}
	}
}

// removeFrom takes the client out of the room, and the room away when that was the last one. The caller holds mu.
func (h *Hub) removeFrom(room string, c *Client) {
	delete(c.rooms, room)
	delete(h.rooms[room], c)
	if len(h.rooms[room]) == 0 {
		delete(h.rooms, room)
	}
}

// tellRoom calls the hooks behind those of earlier moves of this client, so that they see a join before its leave. The
// caller holds moving, which keeps moves in order, and not Hub.mu, which the hooks need.
func (c *Client) tellRoom(hooks []*roomHook, verb, room string) {
	if len(hooks) == 0 {
		return
	}
	c.hub.lane(c, "rooms").add(c.hub, func() {
		for _, k := range hooks {
			c.hub.call(c, verb+" "+room, func(ctx context.Context) error { k.fn(ctx, c, room); return nil })
		}
	})
}

// Rooms returns the rooms that the client is in, sorted.
func (c *Client) Rooms() []string {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	return sortedKeys(c.rooms)
}

// Rooms returns the rooms that somebody is in, sorted.
func (h *Hub) Rooms() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return sortedKeys(h.rooms)
}

// ClientsIn returns the clients that are in the room, in the order in which they connected; none for a room that is not
// there.
func (h *Hub) ClientsIn(room string) []*Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*Client, 0, len(h.rooms[room]))
	for c := range h.rooms[room] {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *Client) int { return a.number - b.number })
	return list
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// SendToRoom sends an event to every client in the room, encoded once. An empty room is no error: its clients may just
// have left. What still waits for a client when its user changes is dropped, see Reidentify.
func (h *Hub) SendToRoom(room, event string, data any) error {
	if err := checkRoom(room); err != nil {
		return fmt.Errorf("send to room: %w", err)
	}
	f, err := newEventFrame(event, data)
	if err != nil {
		return err
	}
	f.private = true
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.rooms[room] {
		c.send(f)
	}
	return nil
}

// SendToRoom sends to the clients in the room that listen to the channel.
func (c *Channel[In, Out]) SendToRoom(room string, out Out) error {
	if err := checkRoom(room); err != nil {
		return fmt.Errorf("channel %s: send to room: %w", c.id, err)
	}
	return c.sendPrivate(out, func(cl *Client) bool { return cl.rooms[room] })
}

// OnJoin calls fn for each client that came into a room. The calls for one client are in order, and a slow one holds up
// no other client. off ends it.
func (h *Hub) OnJoin(fn func(ctx context.Context, c *Client, room string)) (off func()) {
	return addHook(h, &h.hooks.join, &roomHook{fn})
}

// OnLeave calls fn for each client that left a room; one that is gone for good or changed its user leaves all of them.
// See OnJoin for the order. off ends it.
func (h *Hub) OnLeave(fn func(ctx context.Context, c *Client, room string)) (off func()) {
	return addHook(h, &h.hooks.leave, &roomHook{fn})
}
