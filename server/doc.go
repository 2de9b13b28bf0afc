// Package server is the development server: it wires the module graph, the compiler, the watcher, the plugins and the
// hub of open pages together and answers over HTTP.
//
// The life of a page: page.go rewrites the HTML, entry.go sends the modules that its scripts reach, socket.go connects
// it. The life of a module: load.go reads it, compile.go compiles it. The life of an edit: update.go takes a batch from the
// watcher, reloads the modules of its files, asks the plugins and publishes one update. What a request may read is decided
// by internal/gate, who may ask by internal/guard, both before anything here runs.
//
// A Server lives until its context ends. A project is everything that follows from one reading of the configuration;
// Restart makes a new one while the listener, the hub and the open pages stay.
package server
