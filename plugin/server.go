package plugin

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/seed-b8174343/devserver/hmr"
)

// Client is one open page with the user that it has. Its methods are safe for concurrent use, also after the handler
// that got the Client has returned.
//
// The methods that send wait for pages that are behind, as [Server] says. Nil data is null, [hmr.NoData] is none. Their
// error says that the data cannot be JSON.
// Send, TrySend and Join return [hmr.ErrClosed] when the page is gone, and [hmr.ErrUserChanged] when the page has another
// user by now: what was made for one user never reaches the next.
type Client interface {
	// ID names the page as long as it is open.
	ID() string
	// URL is the page's address, UserAgent the browser's description.
	URL() string
	UserAgent() string
	// User is the signed-in user, "" for a guest.
	User() string
	// Send sends an event to this page only. TrySend never waits: it returns [hmr.ErrBehind] when the page is behind.
	Send(event string, data any) error
	TrySend(event string, data any) error
	// Request asks this page, see the func [Request] and [hmr.Client.Request]. Names that begin with "devserver:" are an
	// error.
	Request(ctx context.Context, event string, in any) (json.RawMessage, error)
	// Broadcast sends an event to all pages, SendToUser to all pages of one user, SendToRoom to the pages in a room.
	Broadcast(event string, data any) error
	SendToUser(user, event string, data any) error
	SendToRoom(room, event string, data any) error
	// Join lets the page into a room until the page leaves, is gone, or gets another user. A room exists by its name,
	// printable text of up to 256 bytes. All plugins share the rooms, so begin the name with the plugin's name.
	Join(room string) error
	Leave(room string) error
}

// Server is the server that runs the plugin, from Start until Stop. [ServerFrom] returns it in every hook. Its methods
// are safe for concurrent use.
//
// The methods that send wait while a page is behind: while so much waits for the page that it has not taken. A page that
// takes nothing for 2 seconds is not waited for. So a fast sender loses nothing, and a page that hangs holds up nobody
// for long. A message whose sender is a goroutine arrives before what that goroutine sends next, and what a handler
// sends arrives before its answer.
type Server interface {
	// Root is the folder that is served, the one with the index.html.
	Root() string
	// Base is the URL path of the project, with a slash at both ends. Mode is the value of import.meta.env.MODE.
	Base() string
	Mode() string
	// URLs returns the addresses that the server answers at, those for this machine first. There are none in the first
	// Start: plugins start before the server listens.
	URLs() []string
	// Logger writes to the terminal.
	Logger() *slog.Logger
	// Clients returns the open pages, ClientsIn the pages in a room, Rooms the rooms that have pages.
	Clients() []Client
	ClientsIn(room string) []Client
	Rooms() []string
	// Broadcast sends an event to all pages, SendToUser to all pages of one user, SendToRoom to the pages in a room. It
	// is not an error that there is no such page.
	Broadcast(event string, data any) error
	SendToUser(user, event string, data any) error
	SendToRoom(room, event string, data any) error
	// TryBroadcast is Broadcast that never waits: pages that are behind do not get the event. missed is their number.
	TryBroadcast(event string, data any) (missed int, err error)
	// Notify shows a notification on all pages of the user, or on all pages when user is "".
	Notify(user string, n hmr.Notification) error
	// Disconnect ends the sessions of all pages of a user who signed out or was revoked, and returns how many pages
	// there were. The reason reaches their consoles. A page that is loaded again, or whose user asks for it, comes
	// back. Identify then says who its user is.
	Disconnect(user, reason string) (pages int, err error)
	// Modules returns the IDs of all loaded modules, Importers the IDs of the modules that import id.
	Modules() ([]string, error)
	Importers(id string) ([]string, error)
	// ModuleInfo describes a module, nil when the module is not loaded.
	ModuleInfo(id string) (*ModuleInfo, error)
	// Resolve returns what an import of specifier in the module importer means: the answer of a plugin, or a file by the
	// project's aliases, paths and packages. importer is an ID, "" for the root. The result is nil when nothing is
	// found. Within a ResolveID, the plugin is not asked again about the import that its hook is asked about.
	Resolve(ctx context.Context, specifier, importer string) (*Resolved, error)
	// Load waits until the module is loaded and compiled, and describes it. It does not wait for what the module
	// imports. A module that does not compile is an error. So is a module whose loading waits for the hook that calls.
	Load(ctx context.Context, id string) (*ModuleInfo, error)
	// WaitForModules waits until no module is being loaded: pages that have just opened have all that they import. A
	// hook of a module that is being loaded would wait for itself, and gets an error.
	WaitForModules(ctx context.Context) error
	// Invalidate has the module compiled again for pages that load it from now on. Pages that run it keep it.
	Invalidate(id string) error
	// Reload compiles the module again and updates the pages that run it. It is for virtual modules whose content
	// changed.
	Reload(id string) error
	// ShowError shows an error over the pages and in the terminal, with the plugin's name. It replaces the error that
	// the plugin showed with the same key, such as the name of a file. ClearError takes it back, and does nothing when
	// there is none. What a plugin shows also ends with the plugin. Vite's plugins send {type: "error"}.
	ShowError(key string, e Error) error
	ClearError(key string) error
	// ReloadPages reloads the pages at a path below base, such as "/about", or all pages when path is "" or "*". The
	// path of an HTML file stands for its page, and "/index.html" for all pages of a single-page app. ReloadPage
	// reloads one page. The pages' consoles and the terminal show the reason with the plugin's name. Vite's plugins
	// send {type: "full-reload"}.
	ReloadPages(path, reason string) error
	ReloadPage(c Client, reason string) error
	// Handle adds a handler, made by [On] or [Handle], while the plugin runs. It is called like those of
	// [Plugin.Events], in one order with them. After remove, nobody handles the name: a page that sends the event is
	// told so. Remove returns at once, and a handler that is running returns later. The error says that requests of
	// this name have a handler. Vite's plugins call ws.on and ws.off.
	Handle(e Event) (remove func(), err error)
	// Restart reads the configuration again and starts over with it, soon after it returns. The plugin is stopped then
	// and started again, pages stay connected, and the terminal shows the reason with the plugin's name.
	Restart(reason string) error
}

// ServerFrom returns the server that runs the plugin. ctx is the context of a hook, of a handler of events or of a
// channel, or of a route's request. [Plugin.Identify] has it as r.Context(). The Server may be used after the hook has
// returned.
//
// ServerFrom panics for any other context.
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
