package wire

import (
	"encoding/json"
	"net/http"
)

// Protocol is the version of the messages below. Server and child must have the same.
const Protocol = 2

// Codes of the errors of SendCall and RoomCall that plugins can tell apart.
const (
	PageGone    = "page_gone"    // hmr.ErrClosed
	UserChanged = "user_changed" // hmr.ErrUserChanged
	PageBehind  = "page_behind"  // hmr.ErrBehind
)

// Hello is the first notice of a child.
type Hello struct {
	Protocol int  `json:"protocol"`
	Info     Info `json:"info"`
}

// Info is what the plugins of a host offer.
type Info struct {
	Plugins []PluginInfo `json:"plugins"`
}

// PluginInfo is what one plugin offers. Hooks are the names of the hooks that it has, Routes the patterns of its
// routes.
type PluginInfo struct {
	Name     string        `json:"name"`
	Events   []EventInfo   `json:"events,omitempty"`
	Channels []ChannelInfo `json:"channels,omitempty"`
	// Asks are requests that the plugin sends to pages: In is what pages get, Out what they answer.
	Asks   []EventInfo `json:"asks,omitempty"`
	Hooks  []string    `json:"hooks,omitempty"`
	Filter Filter      `json:"filter"`
	// Filters replace Filter for single hooks, by the hooks' names.
	Filters map[string]Filter `json:"filters,omitempty"`
	Routes  []string          `json:"routes,omitempty"`
	Watch   []string          `json:"watch,omitempty"`
	// Middleware holds the patterns of its middlewares.
	Middleware []string `json:"middleware,omitempty"`
}

// FilterOf returns the filter of a hook.
func (p PluginInfo) FilterOf(hook string) Filter {
	if f, ok := p.Filters[hook]; ok {
		return f
	}
	return p.Filter
}

// EventInfo is the name that a handler is for, and its types as TypeScript. Out is "" for events, which have no answer.
type EventInfo struct {
	Name    string `json:"name"`
	Request bool   `json:"request,omitempty"`
	In      string `json:"in"`
	Out     string `json:"out,omitempty"`
	// Description makes the handler a tool. Schema is then the JSON Schema of In, with the marks of tstype.Schema; nil
	// when nothing is known of the type.
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
}

// ChannelInfo is a channel's ID and its types as TypeScript.
type ChannelInfo struct {
	ID  string `json:"id"`
	In  string `json:"in"`
	Out string `json:"out"`
	// Handles says that pages may send, Asks that each page needs permission.
	Handles bool `json:"handles,omitempty"`
	Asks    bool `json:"asks,omitempty"`
}

// ClientInfo describes an open page.
type ClientInfo struct {
	ID        string `json:"id"`
	URL       string `json:"url,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`
	User      string `json:"user,omitempty"`
}

// ClientCall hands a page to a hook.
type ClientCall struct {
	Client ClientInfo `json:"client"`
}

// EventCall hands a page's event or request to a plugin.
type EventCall struct {
	Plugin  string          `json:"plugin,omitempty"`
	Event   string          `json:"event,omitempty"`
	Request bool            `json:"request,omitempty"`
	Client  ClientInfo      `json:"client"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// ChannelCall hands a page's message on a channel to a child. With a Direction ("listen" or "send") it asks whether the
// page may do that.
type ChannelCall struct {
	Channel   string          `json:"channel"`
	Direction string          `json:"direction,omitempty"`
	Client    ClientInfo      `json:"client"`
	Data      json.RawMessage `json:"data,omitempty"`
}

// IdentifyCall asks for the user of a request, which crosses without its query and body.
type IdentifyCall struct {
	Method     string      `json:"method"`
	Path       string      `json:"path"`
	Host       string      `json:"host"`
	RemoteAddr string      `json:"remoteAddr,omitempty"`
	Header     http.Header `json:"header"`
}

// RouteCall is an HTTP request for a route of a child. Stream names the request in the child's calls about it:
// RouteRead reads its body, RoutePart writes the answer. Each of these calls waits for its answer before the next, so
// the slower side sets the pace and nothing piles up between them.
type RouteCall struct {
	Stream        uint64      `json:"stream"`
	Method        string      `json:"method"`
	URL           string      `json:"url"`
	Host          string      `json:"host"`
	RemoteAddr    string      `json:"remoteAddr,omitempty"`
	Header        http.Header `json:"header"`
	ContentLength int64       `json:"contentLength,omitempty"` // -1 = unknown
}

// RouteRead asks for at most Max bytes of the request's body.
type RouteRead struct {
	Stream uint64 `json:"stream"`
	Max    int    `json:"max"`
}

// RouteData answers a RouteRead. End says that no more bytes follow.
type RouteData struct {
	Body []byte `json:"body,omitempty"`
	End  bool   `json:"end,omitempty"`
}

// RoutePart is a part of the answer to a RouteCall: the head (Status is not 0), bytes of the body, or both. Flush sends
// all that was written so far to the browser.
type RoutePart struct {
	Stream uint64      `json:"stream"`
	Status int         `json:"status,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
	Flush  bool        `json:"flush,omitempty"`
}

// SendCall sends to pages: to one client, one user, one room, or all. With a Channel it reaches only the pages that
// listen to the channel. With Retain the server keeps the message for pages that listen later.
//
// The answer comes when the pages have room for the message, so that the sender waits for them. With Try the server does
// not wait. The answer is the number of pages that missed the message.
type SendCall struct {
	Channel string `json:"channel,omitempty"`
	Retain  bool   `json:"retain,omitempty"`
	Client  string `json:"client,omitempty"`
	// User is a user all of whose pages are meant. With a Client it is the user that the page had, "" for a guest: the
	// page must not have another user by now.
	User  string          `json:"user,omitempty"`
	Room  string          `json:"room,omitempty"`
	All   bool            `json:"all,omitempty"`
	Try   bool            `json:"try,omitempty"`
	Event string          `json:"event,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// RequestCall asks the server for a page's answer: the method "request". User is the user that the page had. Timeout is
// in milliseconds, 0 for the server's own.
type RequestCall struct {
	Client  string          `json:"client"`
	User    string          `json:"user,omitempty"`
	Event   string          `json:"event"`
	Data    json.RawMessage `json:"data,omitempty"`
	Timeout int64           `json:"timeout,omitempty"`
}

// RequestAnswer is the page's answer or its error. It has no Data for an answer that is undefined.
type RequestAnswer struct {
	Data  json.RawMessage `json:"data,omitempty"`
	Error *Error          `json:"error,omitempty"`
}

// ClientsCall asks for the open pages. With a Room it asks for the pages in that room.
type ClientsCall struct {
	Room string `json:"room,omitempty"`
}

// RoomCall lets a page, by its ID, into a room or out of it. A page that joins must still have the User, as in SendCall.
type RoomCall struct {
	Client string `json:"client"`
	User   string `json:"user,omitempty"`
	Room   string `json:"room"`
}

// DisconnectCall ends the sessions of a user's pages.
type DisconnectCall struct {
	User   string `json:"user"`
	Reason string `json:"reason,omitempty"`
}

// WaitCall reports a hook that is slow. ID is the module, page or file that the hook was asked about, "" for none.
type WaitCall struct {
	Plugin string `json:"plugin"`
	Hook   string `json:"hook"`
	ID     string `json:"id,omitempty"`
}

// ResolveCall asks what an import of a module means.
type ResolveCall struct {
	Specifier string `json:"specifier"`
	Importer  string `json:"importer,omitempty"`
}

// ErrorCall shows an error over pages, or takes it back. Key stands for it among the child's errors.
type ErrorCall struct {
	Key   string `json:"key"`
	Error *Error `json:"error,omitempty"`
}

// ReloadCall reloads one client, or else the pages at a path. User is as in SendCall.
type ReloadCall struct {
	Client string `json:"client,omitempty"`
	User   string `json:"user,omitempty"`
	Path   string `json:"path,omitempty"`
	Reason string `json:"reason"`
}

// HandleCall adds a handler while the child runs. Number names it in the call that removes it.
type HandleCall struct {
	Number uint64    `json:"number"`
	Plugin string    `json:"plugin"`
	Event  EventInfo `json:"event"`
}

// NextCall passes a RouteCall of the method middleware on to the server, which writes the answer. What differs from the
// request is in it, and Set is the header of the answer so far.
type NextCall struct {
	Stream uint64      `json:"stream"`
	Method string      `json:"method"`
	URL    string      `json:"url"`
	Host   string      `json:"host"`
	Header http.Header `json:"header"`
	Set    http.Header `json:"set,omitempty"`
}

// NextAnswer is what the server has answered.
type NextAnswer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
}
