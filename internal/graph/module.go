package graph

// Kind tells how a module is imported.
type Kind uint8

const (
	// Static imports are evaluated before their importer and travel in the same pack.
	Static Kind = iota
	// Dynamic imports (`import("./x")`) are loaded on demand, as a pack of their own.
	Dynamic
	// Worker is the script of a Worker or SharedWorker: a program of its own.
	Worker
)

// Edge is one import of a module: the specifier as written and where it leads.
type Edge struct {
	Specifier string
	// To is the module ID. It is empty for a lazy edge that nobody has asked for yet.
	To   string
	Kind Kind
	// Names are the exports that the importer takes; All means that they cannot be told, or that it takes everything.
	Names []string
	All   bool
	// Lazy maps exported names of the importer to the names they have in To, when the edge is a re-export that is
	// evaluated at first use (barrels of packages without side effects). Nil for every other edge.
	Lazy map[string]string
	// Star marks `export * from`: names that are asked of the importer are asked of To.
	Star bool
}

// Version is what one content of a module compiled to. It is immutable.
type Version struct {
	// Rev names the content: equal revisions run the same code.
	Rev string
	// Code is the body of the module's factory (see client/src/runtime/definitions.ts). Empty when Err is set.
	Code  string
	Edges []Edge
	// Async tells that the body awaits at top level.
	Async bool
	// AcceptsExports tells that the module calls import.meta.hot.acceptExports, so that its importers say what they use.
	AcceptsExports bool
	// Lazy tells that some edge is lazy: what the module needs depends on the names asked of it.
	Lazy bool
	// Inputs are the other files that the content was made from (@import-ed stylesheets, a page's inline script).
	// They may be missing: their creation makes a new Version.
	Inputs []string
	// Globs are patterns (absolute, slash-separated) whose matches the content lists.
	Globs []string
	// Missing tells that an import did not resolve: a created file may mend it.
	Missing bool
	// Err is set when the module did not compile. The last good Version goes on running in the pages.
	Err error
	// State is the file's state that the Version was read from; nil for virtual modules. Graph only stores it.
	State any
	// Side carries what only the server needs (the CSS of a stylesheet, say). Graph only stores it.
	Side any
}

// Module is a node of the graph.
type Module struct {
	// ID is the root-relative URL; File is the path on disk, empty for a virtual module.
	ID, File string

	// The rest is guarded by Graph.mu.
	version   *Version
	good      *Version // the last version without an error
	importers map[*Module]int
	// asked holds the names that importers take from a lazy module; askedAll is set when they cannot be told.
	asked    map[string]struct{}
	askedAll bool
	// crawled is set once the imports of the version were followed.
	crawled bool
	// lazy finds the lazy edges of good; nil before it is needed.
	lazy *lazyIndex
	// lazyTo holds the lazy edges in use: specifier -> module ID.
	lazyTo map[string]string
}
