// Package plugin is how a project teaches devserver in Go: handlers for the page's events, hooks into how modules are
// found and compiled, HTTP routes.
//
// A plugin is a struct of optional funcs. It runs in one of two ways, with the same code: in the folder devserver/ of a
// frontend project, as a program that calls Main and that devserver builds, starts and replaces when it changes; or in
// process, by server.Options.Plugins.
//
// Hooks and handlers are called concurrently, except that the events of one page reach a plugin one after the other, in
// the order sent. An error or a panic is reported with the names of plugin and hook; it ends neither the server nor
// another handler.
package plugin
