package graph

// Kind is the way in which a module is imported.
type Kind uint8

const (
	// Static imports are evaluated before their importer and travel in the same pack.
	Static Kind = iota
	// Dynamic imports (`import("./x")`) are loaded on demand, as a pack of their own.
	Dynamic
	// Worker is the script of a Worker or SharedWorker: a program of its own.
	Worker
	// Address is a script whose URL the module makes. It is as a Worker once the script has run as a program.
	Address
)

// Edge is one import of a module.
type Edge struct {
	// Specifier is the text in the import.
	Specifier string
	// To is the module ID. It is empty for a lazy edge that is not in use yet.
	To   string
	Kind Kind
	// Names are the exports that the importer uses. All means that it uses all exports, or that the names are unknown.
	Names []string
	All   bool
	// Lazy maps exported names of the importer to their names in To. It is set for a re-export that is evaluated at its
	// first use (barrels of packages without side effects), and nil for every other edge.
	Lazy map[string]string
	// Star marks `export * from`: names that are wanted of the importer are wanted of To.
	Star bool
}

// Lack is an import that led nowhere.
type Lack struct {
	Specifier string
	// Kind is the loader's kind of the import. Graph only stores it.
	Kind uint8
	// Lazy means that the import is a lazy edge that came into use.
	Lazy bool
}

// Version is the compiled form of one content of a module. It is immutable.
type Version struct {
	// Rev names the content: equal revisions run the same code.
	Rev string
	// Code is the body of the module's factory (see client/src/runtime/definitions.ts). It is empty when Err is set.
	Code  string
	Edges []Edge
	// Async means that the body awaits at top level.
	Async bool
	// NodeESM means that import() of CommonJS follows Node's rule (transform.Input.NodeESM).
	NodeESM bool
	// AcceptsExports means that the module calls import.meta.hot.acceptExports. Its importers then list the names that
	// they use.
	AcceptsExports bool
	// Lazy means that some edge is lazy: the modules that this one needs depend on the names that are wanted of it.
	Lazy bool
	// Inputs are the other files that the content was made from (@import-ed stylesheets, a page's inline script).
	// They may be missing: their creation makes a new Version.
	Inputs []string
	// By are the names of the plugins that made or changed the content.
	By []string
	// Globs are patterns (absolute, slash-separated) whose matches the content lists. InputGlobs are patterns of files
	// that count as Inputs.
	Globs, InputGlobs []string
	// Missing means that an import did not resolve: a created file may fix it. A dynamic import alone is no error.
	Missing bool
	// Lacks are the imports of a package's module that led nowhere. They fail where they are evaluated, and not the
	// module.
	Lacks []Lack
	// Err is set when the module did not compile. The pages keep running the last good Version.
	Err error
	// State is the file's state that the Version was read from; nil for virtual modules. Graph only stores it.
	State any
	// Side holds values for the server alone, such as the CSS of a stylesheet. Graph only stores it.
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
	// wantedNames holds the names that importers use of a lazy module. wantedAll is set when an importer uses all
	// names, or unknown names.
	wantedNames map[string]struct{}
	wantedAll   bool
	// program is set once a page has run the module as a worker or a worklet.
	program bool
	// crawled is set once the imports of the version were followed.
	crawled bool
	// lazy finds the lazy edges of good; nil before its first use.
	lazy *lazyIndex
	// lazyTo holds the lazy edges in use: specifier -> module ID.
	lazyTo map[string]string
	// lazyLacks holds the specifiers of lazy edges that came into use and led nowhere.
	lazyLacks map[string]struct{}
}
