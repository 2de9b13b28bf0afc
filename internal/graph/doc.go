// Package graph holds the module graph: the known modules, their compiled versions, and their imports.
//
// A Module is a node that lives as long as the server. A Version is the compiled form of one content of a module, and
// never changes. An edit puts a new Version into its Module, so that a response in progress keeps reading the old one.
//
// Graph compiles nothing itself. It asks Loader for a Version and follows the imports in it. Crawl loads everything
// that is statically reachable, Closure lists it in evaluation order. All methods are safe for concurrent use. Graph.mu
// is never held while a Loader runs.
//
// graph.go and module.go hold the graph and its changes, crawl.go its growth, and lazy.go the rules for barrels.
// query.go and closure.go hold the queries of other packages.
package graph
