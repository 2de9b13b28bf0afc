// Package graph holds the module graph: which modules are known, what each one compiled to, and who imports whom.
//
// A Module is a node that lives as long as the server; what it compiled to is a Version, which never changes once it
// is made. An edit puts a new Version into its Module, so whoever is writing a response keeps reading the old one.
//
// Graph compiles nothing itself. It asks Loader for a Version and follows the imports that it finds there: Crawl
// loads everything that is statically reachable, Closure lists it in evaluation order. All methods are safe for
// concurrent use; Graph.mu is never held while a Loader runs.
//
// graph.go and module.go are the graph itself and what changes it, crawl.go how it grows, lazy.go what is different for
// barrels; query.go and closure.go are what others ask of it.
package graph
