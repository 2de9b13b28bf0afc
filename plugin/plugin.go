package plugin

import (
	"context"
	"net/http"
)

// Plugin is a set of hooks. All fields but Name are optional.
type Plugin struct {
	// Name is unique. By convention it is the prefix of the plugin's events ("adder:add").
	Name string
	// Events are made by [On] and [Handle].
	Events []Event
	// Asks declares the requests that the plugin sends to pages, for the types in editors. They are made by
	// [NewPageRequest].
	Asks []AnyPageRequest
	// Channels are made by [NewChannel].
	Channels []AnyChannel
	// Start is called before all other hooks, Stop after them.
	//
	// The context of Start ends when Start returns. A goroutine that Start begins needs a context of its own. Stop ends
	// that context, and waits for the goroutine.
	//
	// When the code of a child changes, the new program's Start runs while the old program still serves. A mistake in
	// it changes nothing then. Retry to take a port or a lock that only one program can have.
	//
	// When the server stops, the contexts of other hooks end first. All Stop hooks together have 600 ms.
	Start func(ctx context.Context, s Server) error
	Stop  func(ctx context.Context) error
	// Connect is called for each page that opens, when the page has sent its address. Disconnect is called when the
	// page is gone.
	Connect, Disconnect func(ctx context.Context, c Client)
	// Identify returns the user of a request, by its cookies for example. "" means that this plugin does not know the
	// user, and the next plugin is asked. The first name wins. Identify is called concurrently, and fits hmr.Options as
	// well.
	//
	// It is called when a page's socket opens, when the page may have signed in or out, and when this code has replaced
	// other code. The request has the head of the page's request, without query and body. Its context ends after
	// [IdentifyTimeout].
	//
	// After an error, or when that time is over, the page is a guest's. No other plugin is asked then, and the terminal
	// shows the error.
	Identify func(r *http.Request) (user string, err error)
	// Identified is called for each open page whose user has changed. The page has left its rooms by then.
	Identified func(ctx context.Context, c Client)

	// ResolveID returns the module that a specifier means. The first answer of all plugins wins. Nil with a nil error
	// means that the specifier is not this plugin's.
	ResolveID func(context.Context, ResolveArgs) (*ResolveResult, error)
	// Load returns the source of a module. The first answer wins. Load is called once for each version of a module.
	Load func(context.Context, LoadArgs) (*LoadResult, error)
	// Transform changes the source of a module before it is compiled. Each plugin gets the output of the plugin before
	// it.
	Transform func(context.Context, TransformArgs) (*TransformResult, error)
	// PostTransform changes a module behind the compiler. The source is JavaScript without types and JSX: the ES module
	// before devserver wraps it for pages. Code of packages may be CommonJS. A stylesheet is plain CSS: what Sass,
	// PostCSS and the like have made, before its imports and its local names. Other modules (JSON, text, assets,
	// workers' URLs) have no code that could be changed, so nobody is asked. Each plugin gets the output of the plugin
	// before it.
	//
	// A module that no filter wants costs nothing. A module that a filter wants by its ID is compiled in two steps.
	PostTransform func(context.Context, TransformArgs) (*TransformResult, error)
	// TransformHTML changes a page or adds tags to it.
	TransformHTML func(context.Context, TransformHTMLArgs) (*TransformHTMLResult, error)
	// HotUpdate may narrow the modules of a change, or return none and send an event instead. It is called for each
	// file below the root that changes, one after the other. The list of modules is empty for a file that no module is
	// made from, and HotUpdate may return some. Ignored files and node_modules are left out.
	HotUpdate func(context.Context, HotUpdateArgs) (*HotUpdateResult, error)

	// Filter limits ResolveID, Load, Transform and PostTransform to modules of interest. Others never cross to the
	// plugin. Filters replace Filter for single hooks.
	Filter  Filter
	Filters HookFilters
	// Routes answer HTTP requests. They are made by [Route].
	Routes []RouteDef
	// Middleware sees requests before the server does, and may pass them on. It is made by [Middleware].
	Middleware []MiddlewareDef
	// Watch holds files and folders outside the root whose changes reach HotUpdate. Relative paths start from the root.
	Watch []string
}

// ResolveArgs is a specifier and the ID of the module that imports it.
type ResolveArgs struct {
	Specifier string `json:"specifier"`
	Importer  string `json:"importer"`
}

// ResolveResult is the module that the specifier means. For a module without a file, choose an ID with a prefix of your
// own, such as "virtual:routes". Load must return its source.
type ResolveResult struct {
	ID string `json:"id"`
}

// LoadArgs is a module to load. File is its path on disk, "" when it has none.
type LoadArgs struct {
	ID   string `json:"id"`
	File string `json:"file,omitempty"`
}

// LoadResult is a module's source. The ID's extension says whether it is TypeScript, JSX or CSS. Else it is JavaScript.
type LoadResult struct {
	Code string `json:"code"`
	// Watch holds files and folders that the source was made from. The module is loaded again when one of them changes, or
	// a file in one of the folders.
	Watch []string `json:"watch,omitempty"`
	// Map is the source map of Code, as JSON of version 3. Its sources are absolute paths, or relative to the module's
	// file, or to the root when the module has none. By it errors, stacks and debuggers show what Code was made from.
	// Without a Map, Code itself may end with one (a comment with a data: URL). Else Code is the source that they show.
	Map string `json:"map,omitempty"`
	// By is the name of the plugin. The Runner sets it.
	By []string `json:"by,omitempty"`
}

// TransformArgs is a module's source. File is its path on disk, "" when it has none.
type TransformArgs struct {
	ID   string `json:"id"`
	File string `json:"file,omitempty"`
	Code string `json:"code"`
}

// TransformResult is the changed source. Watch is as in [LoadResult].
type TransformResult struct {
	Code  string   `json:"code"`
	Watch []string `json:"watch,omitempty"`
	// Map leads from Code to the source that the hook got, in the form of [LoadResult]. Maps of several plugins are
	// chained. A plugin without a map should change no line: the maps of the plugins before it stay.
	Map string `json:"map,omitempty"`
	// By are the names of the plugins that changed the source. The Runner sets them.
	By []string `json:"by,omitempty"`
}

// TransformHTMLArgs is a page. Path is its URL below base.
type TransformHTMLArgs struct {
	Path string `json:"path"`
	File string `json:"file"`
	HTML string `json:"html"`
}

// TransformHTMLResult changes the page. An empty HTML leaves it as it is. Tags are added.
type TransformHTMLResult struct {
	HTML string    `json:"html,omitempty"`
	Tags []HTMLTag `json:"tags,omitempty"`
}

// HTMLTag is an element to put into a page.
type HTMLTag struct {
	Name string `json:"name"`
	// Attrs holds the attributes. Their values are escaped.
	Attrs map[string]string `json:"attrs,omitempty"`
	// Text goes between the tags as it is, markup included.
	Text string `json:"text,omitempty"`
	// Place is "head-prepend", "head", "body-prepend" or "body". "" is "head".
	Place string `json:"place,omitempty"`
}

// HotUpdateArgs is a changed file and the modules that it changes. Kind is "create", "update" or "delete". Timestamp is
// in milliseconds.
type HotUpdateArgs struct {
	Kind      string   `json:"kind"`
	File      string   `json:"file"`
	Modules   []string `json:"modules"`
	Timestamp int64    `json:"timestamp"`
}

// HotUpdateResult replaces the modules of the change. An empty list means that the plugin has handled the change. A nil
// result leaves the modules as they are.
type HotUpdateResult struct {
	Modules []string `json:"modules"`
}
