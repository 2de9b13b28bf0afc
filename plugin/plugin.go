package plugin

import (
	"context"
	"net/http"
)

// Plugin is a set of hooks. Every field but Name may be left out.
type Plugin struct {
	// Name is unique, and the prefix of the plugin's events by convention ("adder:add").
	Name string
	// Events are made by On and Handle.
	Events []Event
	// Channels are made by NewChannel.
	Channels []AnyChannel
	// Start is called before anything else, Stop after everything else. When the code of a child changes, the new program's
	// Start runs while the old one still serves, so that a mistake in it changes nothing: a port or a lock that only one
	// program can have should be taken with retries. Whoever stops a server waits for it: the contexts of other hooks end
	// first, and all Stop hooks together have 600 ms.
	Start func(ctx context.Context, s Server) error
	Stop  func(ctx context.Context) error
	// Connect and Disconnect are called for each page that opens, when it has told its address, or is gone.
	Connect, Disconnect func(ctx context.Context, c Client)
	// Identify tells the user of a request by its cookies, for example; "" is "nobody that I know", and the next plugin is
	// asked. The first name wins. It is asked when a page's socket opens, and again when the page may have signed in or out, or
	// when this code is replaced by other code. The request has the head of the page's, without a query or body, and a context
	// that ends after IdentifyTimeout. With an error, or when that time is over, the page is a guest's, whoever else might
	// know it, and the terminal tells why. It is called concurrently, and fits hmr.Options as well.
	Identify func(r *http.Request) (user string, err error)
	// Identified is called for each page whose user has changed while it was open. It has left its rooms by then.
	Identified func(ctx context.Context, c Client)

	// ResolveID says what a specifier means; the first answer of all plugins wins. Nil with a nil error is "not mine".
	ResolveID func(context.Context, ResolveArgs) (*ResolveResult, error)
	// Load gives the source of a module; the first answer wins. It is called once for each version of a module.
	Load func(context.Context, LoadArgs) (*LoadResult, error)
	// Transform changes the source of a module before it is compiled; each plugin sees the last one's output.
	Transform func(context.Context, TransformArgs) (*TransformResult, error)
	// TransformHTML changes a page or adds tags to it.
	TransformHTML func(context.Context, TransformHTMLArgs) (*TransformHTMLResult, error)
	// HotUpdate may narrow the modules of a change, or empty them and send an event instead.
	HotUpdate func(context.Context, HotUpdateArgs) (*HotUpdateResult, error)

	// Filter limits ResolveID, Load and Transform to IDs of interest, so that others never cross to the plugin.
	Filter Filter
	// Routes answer HTTP requests, see Route.
	Routes []RouteDef
	// Watch are further files and folders, relative to the project's root, whose changes reach HotUpdate.
	Watch []string
}

// Filter matches module IDs (specifiers, for ResolveID). The zero value matches all.
type Filter struct {
	// Prefixes and Suffixes: one of them must match, if there are any. A query does not count for a suffix.
	Prefixes, Suffixes []string
}

// ResolveArgs is a specifier and the ID of the module that holds it.
type ResolveArgs struct {
	Specifier string `json:"specifier"`
	Importer  string `json:"importer"`
}

// ResolveResult is the module that the specifier means. For a module without a file choose an ID with a prefix of your
// own, such as "virtual:routes"; Load must give its source.
type ResolveResult struct {
	ID string `json:"id"`
}

// LoadArgs is a module to load. File is its path on disk, "" when it has none.
type LoadArgs struct {
	ID   string `json:"id"`
	File string `json:"file,omitempty"`
}

// LoadResult is a module's source: JavaScript, TypeScript, JSX or CSS by the ID's extension, else JavaScript.
type LoadResult struct {
	Code string `json:"code"`
	// Watch are files that the source was made from; the module is loaded again when one changes.
	Watch []string `json:"watch,omitempty"`
}

// TransformArgs is a module's source.
type TransformArgs struct {
	ID   string `json:"id"`
	File string `json:"file,omitempty"`
	Code string `json:"code"`
}

// TransformResult is the changed source. Watch is what it is in a LoadResult.
type TransformResult struct {
	Code  string   `json:"code"`
	Watch []string `json:"watch,omitempty"`
}

// TransformHTMLArgs is a page. Path is its URL below base.
type TransformHTMLArgs struct {
	Path string `json:"path"`
	File string `json:"file"`
	HTML string `json:"html"`
}

// TransformHTMLResult changes the page. An empty HTML leaves it as it is; Tags are added.
type TransformHTMLResult struct {
	HTML string    `json:"html,omitempty"`
	Tags []HTMLTag `json:"tags,omitempty"`
}

// HTMLTag is an element to put into a page. Place is "head-prepend", "head" (the default), "body-prepend" or "body". Text is
// put in as it is, markup included; values of Attrs are escaped.
type HTMLTag struct {
	Name  string            `json:"name"`
	Attrs map[string]string `json:"attrs,omitempty"`
	Text  string            `json:"text,omitempty"`
	Place string            `json:"place,omitempty"`
}

// HotUpdateArgs is a changed file and the modules that it changes. Kind is "create", "update" or "delete"; Timestamp is
// in milliseconds.
type HotUpdateArgs struct {
	Kind      string   `json:"kind"`
	File      string   `json:"file"`
	Modules   []string `json:"modules"`
	Timestamp int64    `json:"timestamp"`
}

// HotUpdateResult replaces the modules of the change; an empty list means that the plugin has handled it. A nil result leaves
// them as they are.
type HotUpdateResult struct {
	Modules []string `json:"modules"`
}
