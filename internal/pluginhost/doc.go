// Package pluginhost runs plugins for the server.
//
// The server talks to [Hosts], which asks each [Host] in order. A [plugin.Runner] is a Host in this process, a [Child]
// is one in another process that speaks the protocol of package wire. Both run the same code of package plugin.
//
// A [Project] builds, starts and replaces the program in the devserver/ folder of a project. A [Node] runs the
// project's JavaScript tools, which are not plugins but speak the same protocol.
package pluginhost
