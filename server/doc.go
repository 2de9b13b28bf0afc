// Package server is the development server: it wires the parts of a project and answers over HTTP.
//
// A [Server] owns the listener and the hub of open pages, and lives until its context ends. A project is everything that
// follows from one reading of the configuration. Restart makes a new project; the Server, with its open pages, stays.
//
// Where to look:
//   - project.go makes the parts. internal/compile turns the ID of a module into what the page runs, internal/pack
//     writes scripts of modules, internal/edit brings changed files to the pages, internal/relay brings pages and
//     plugins together, internal/problems holds the errors that the user has to fix.
//   - handler.go finds who answers a request. The other files have a handler each: page.go for HTML, entry.go for
//     scripts and what they refer to, asset.go for files and stylesheets, socket.go for the client, commands.go for
//     other programs of the user.
//   - internal/guard decides which requests are answered, internal/gate which files may be read: both before anything
//     of a project runs.
package server
