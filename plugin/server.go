package plugin

import (
	"context"
	"log/slog"

	"github.com/seed-b8174343/devserver/hmr"
)

// Client is one open page. Its methods are safe for concurrent use, also after the handler that got it has returned. What
// sends returns at once; its error says that data cannot be JSON, or that the page is gone (hmr.ErrClosed).
type Client interface {
	// ID names the page while it is open.
	ID() string
	// URL is the page's address, UserAgent the browser's description, User the signed-in user or "" for a guest.
	URL() string
	UserAgent() string
	User() string
	// Send sends an event to this page only.
	Send(event string, data any) error
	// Broadcast sends an event to all pages, SendToUser to every page of one user, SendToRoom to those in a room.
	Broadcast(event string, data any) error
	SendToUser(user, event string, data any) error
	SendToRoom(room, event string, data any) error
	// Join lets the page into a room until it leaves, is gone, or its user changes. Rooms are made by their name, which is
	// printable text of up to 256 bytes, and are shared by all plugins: begin it with the plugin's name.
	Join(room string) error
	Leave(room string) error
}

// Server is what a plugin can ask of the server, from Start until Stop. Its methods are safe for concurrent use.
type Server interface {
	// Root is the folder that is served, the one with the index.html.
	Root() string
	// Logger writes to the terminal.
	Logger() *slog.Logger
	// Clients are the pages that are open, ClientsIn those in a room, Rooms the rooms that somebody is in.
	Clients() []Client
	ClientsIn(room string) []Client
	Rooms() []string
	// Broadcast sends an event to all pages, SendToUser to every page of one user, SendToRoom to those in a room. That there
	// is no such page is no error.
	Broadcast(event string, data any) error
	SendToUser(user, event string, data any) error
	SendToRoom(room, event string, data any) error
	// Notify shows a notification to every page of the user, or to all pages when user is "".
	Notify(user string, n hmr.Notification) error
	// Disconnect ends the sessions of all pages of the user: signed out, revoked. The reason reaches their consoles. It returns
	// how many pages there were. A page that is loaded again, or whose user asks, comes back as whoever Identify says.
	Disconnect(user, reason string) (pages int, err error)
	// Modules are the IDs of all modules that are loaded, Importers those of the modules that import id.
	Modules() ([]string, error)
	Importers(id string) ([]string, error)
	// Invalidate has the module made anew for pages that load it from now on, and leaves those that run it alone.
	Invalidate(id string) error
	// Reload compiles the module again and updates the pages that run it: for virtual modules whose content changed.
	Reload(id string) error
}

// ServerFrom returns the server that runs the plugin. ctx is the context of a hook, of a handler of an event or a channel, or
// of a route's request; [Plugin.Identify] has it as r.Context(). The Server may be used after the hook has returned. With any
// other context ServerFrom panics.
func ServerFrom(ctx context.Context) Server {
	s, ok := ctx.Value(serverKey{}).(Server)
	if !ok {
		panic("plugin.ServerFrom: the context is not the one that a hook, a handler or a route of a plugin got")
	}
	return s
}

// serverKey is the key of the Server in the contexts of hooks.
type serverKey struct{}

func withServer(ctx context.Context, s Server) context.Context {
	return context.WithValue(ctx, serverKey{}, s)
}
