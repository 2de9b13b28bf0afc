// Package graph holds the module graph: which modules are known, what each one compiled to, and who imports whom.
//
// A Module is a node that lives as long as the server; what it compiled to is a Version, which never changes once it
// is made. An edit puts a new Version into its Module, so whoever is writing a response keeps reading the old one.
//
// Graph compiles nothing itself. It asks Loader for a Version and follows the imports that it finds there: Crawl
// loads everything that is statically reachable, Closure lists it in evaluation order. All methods are safe for
// concurrent use; the only lock is Graph.mu, and it is never held while a Loader runs.
package graph
