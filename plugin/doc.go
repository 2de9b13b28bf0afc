// Package plugin extends devserver in Go: handlers of the page's events, hooks into how modules are found and compiled,
// and HTTP routes.
//
// A [Plugin] is a struct of optional funcs. The same code runs in one of two ways:
//
//   - In the folder devserver/ of a frontend project, as a program that calls [Main]. devserver builds the program,
//     starts it, and replaces it when its code changes.
//   - In process, by server.Options.Plugins.
//
// Hooks and handlers are called concurrently. Only the events of one page reach a plugin one after the other, in the
// order sent. An error or a panic is reported with the names of the plugin and the hook. It ends neither the server nor
// another handler.
package plugin
