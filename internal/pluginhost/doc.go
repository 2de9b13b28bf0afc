// Package pluginhost runs plugins for the server: in process, or in child processes that it builds, starts and replaces.
//
// The server talks to Hosts, which asks each Host in order. A plugin.Runner is one in process, a Child one in another
// process; both run the same code of package plugin. Project builds and runs the devserver/ folder of a project.
package pluginhost
