package hmr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A room is a group of clients under a name that the server chooses: the readers of an article, the players of a game.
// A room exists while a client is in it. Only the server lets clients in, so that a room is also a permission. Guests
// may be in rooms.

// mostRoom bounds a room's name in bytes, since names are often made from what pages send.
const mostRoom = 256

// roomHook is a hook of OnJoin or OnLeave.
type roomHook struct {
	fn func(ctx context.Context, c *Client, room string)
}

// checkRoom refuses names that are a mistake: empty, longer than 256 bytes, not printable, or with blanks around. Such
// a name is often made from an ID that is missing.
func checkRoom(name string) error {
	switch {
	case name == "":
		return errors.New("the room has no name")
	case len(name) > mostRoom:
		return fmt.Errorf("room %q…: the name is longer than %d bytes", name[:32], mostRoom)
	case !utf8.ValidString(name), strings.TrimSpace(name) != name, strings.ContainsFunc(name, notPrintable):
		return fmt.Errorf("room %q: a name is printable text without blanks around it", name)
	}
	return nil
}

func notPrintable(r rune) bool { return !unicode.IsPrint(r) }

// Join lets the client into the room, until it leaves, is gone for good, or its user changes. A client that is in the
// room stays there. The name is printable text of up to 256 bytes, without blanks around it. The error says what is
// wrong with the name, or is [ErrClosed] or [ErrUserChanged].
func (c *Client) Join(room string) error {
	if err := checkRoom(room); err != nil {
		return err
	}
	c.moving.Lock()
	defer c.moving.Unlock()
	h := c.hub
	h.mu.Lock()
	if h.sessions[c.session] != c.page {
		h.mu.Unlock()
		return ErrClosed
	}
	c.mu.Lock()
	err := c.check() // the user stays: identifyAs, which empties the page's rooms, holds moving, too
	c.mu.Unlock()
	if err != nil {
		h.mu.Unlock()
		return err
	}
	if c.rooms[room] {
		h.mu.Unlock()
		return nil
	}
	if c.rooms == nil {
		c.rooms = map[string]bool{}
	}
	if h.rooms[room] == nil {
		h.rooms[room] = map[*page]bool{}
	}
	c.rooms[room], h.rooms[room][c.page] = true, true
	hooks := h.hooks.join
	h.mu.Unlock()
	c.callRoomHooks(hooks, "join", c.client(), room)
	return nil
}

// Leave takes the client out of the room. It does nothing for a client that is not in the room.
func (c *page) Leave(room string) { c.leave(room) }

// leave takes the client out of the rooms.
func (c *page) leave(rooms ...string) {
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
			c.callRoomHooks(hooks, "leave", c.client(), room)
		}
	}
}

// removeFrom takes the client out of the room, and deletes the room when it was the last client. The caller holds mu.
func (h *Hub) removeFrom(room string, c *page) {
	delete(c.rooms, room)
	delete(h.rooms[room], c)
	if len(h.rooms[room]) == 0 {
		delete(h.rooms, room)
	}
}

// callRoomHooks calls the hooks after those of the client's earlier moves, so that they see a join before its leave.
// as is the page with the user that it had when it moved. The caller holds moving, which keeps moves in order. It must
// not hold Hub.mu, which the hooks need.
func (c *page) callRoomHooks(hooks []*roomHook, verb string, as *Client, room string) {
	if len(hooks) == 0 {
		return
	}
	c.hub.lane(c, roomsLane, "").add(c.hub, nil, func() {
		for _, k := range hooks {
			c.hub.call(as, verb+" "+room, func(ctx context.Context, as *Client) { k.fn(ctx, as, room) })
		}
	})
}

// Rooms returns the names of the rooms that the client is in, sorted.
func (c *page) Rooms() []string {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	return sortedKeys(c.rooms)
}

// Rooms returns the names of the rooms that have a client, sorted.
func (h *Hub) Rooms() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return sortedKeys(h.rooms)
}

// ClientsIn returns the clients in the room, in the order in which they connected. A room that does not exist has none.
func (h *Hub) ClientsIn(room string) []*Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*page, 0, len(h.rooms[room]))
	for c := range h.rooms[room] {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *page) int { return a.number - b.number })
	return clients(list)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// SendToRoom sends an event to every client in the room, encoded once. It waits as [Hub.Broadcast] does, for these
// clients only. A room without clients is not an error, since
// they may just have left. What still waits for a client when its user changes is dropped, see [Hub.Reidentify]. The
// error says what is wrong with the name, or is that of [Hub.Broadcast].
func (h *Hub) SendToRoom(room, event string, data any) error {
	if err := checkRoom(room); err != nil {
		return fmt.Errorf("send to room: %w", err)
	}
	f, err := newEventFrame(event, data)
	if err != nil {
		return err
	}
	_, err = h.deliver(delivery{frame: f, room: room, private: true})
	return err
}

// SendToRoom sends to the clients in the room that listen to the channel. The error says what is wrong with the name,
// or is that of Broadcast.
func (c *Channel[In, Out]) SendToRoom(room string, out Out) error {
	if err := checkRoom(room); err != nil {
		return fmt.Errorf("channel %s: send to room: %w", c.id, err)
	}
	_, err := c.publish(out, false, delivery{room: room, private: true})
	return err
}

// OnJoin calls fn for each client that has joined a room. Calls for one client are in order, also with those of OnLeave
// and OnIdentify. A slow call delays no other client. off removes fn.
func (h *Hub) OnJoin(fn func(ctx context.Context, c *Client, room string)) (off func()) {
	return addHook(h, &h.hooks.join, &roomHook{fn})
}

// OnLeave calls fn for each client that has left a room. A client that is gone for good, or whose user changes, leaves
// all its rooms; fn gets the client with the user before. OnJoin says in which order fn is called. off removes fn.
func (h *Hub) OnLeave(fn func(ctx context.Context, c *Client, room string)) (off func()) {
	return addHook(h, &h.hooks.leave, &roomHook{fn})
}
