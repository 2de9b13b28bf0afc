// Package wire is the protocol between the server and the hosts of plugins: calls in both directions over two streams.
//
// A frame is a 4-byte big-endian length and a JSON object, which is one of these:
//
//	call      id, method, params, within
//	answer    id of the call, and result or error
//	notice    method, params
//	cancel    id of a call whose answer nobody waits for any more
//
// Calls are handled at the same time, notices one after the other in the order sent.
//
// A call of the server may have the list within: the Steps that it is a part of. A host sends the list back with the
// calls that its hook makes of the server, with a Step for the hook at the end. A host does not ask a plugin by
// resolveID when the list has the same question to that plugin.
//
// # Methods
//
// A host sends the notice hello when its plugins have started. It says what they offer. The server then calls the
// methods that it needs for that:
//
//	event              EventCall: a page's event or request; the result answers a request
//	channel            ChannelCall: a page's message on a channel, or whether the page may use it
//	route              RouteCall: an HTTP request for a route
//	middleware         RouteCall: an HTTP request that the plugins see first; they answer it, or call route.next
//	ping               answered at once by a host that is not hung
//	stop               stops the plugins, whose Stop hooks may still call the server; then the input ends
//	load, ...          a Hook of that name
//
// A host calls these methods of the server:
//
//	hello              Hello (a notice)
//	send               SendCall: an event or a channel's message to pages
//	waits              WaitCall (a notice): a hook is slow
//	clients, rooms     the open pages, and the rooms with pages
//	join, leave        RoomCall
//	disconnectUser     DisconnectCall; the result is the number of pages
//	modules, importers, invalidate, reload    the module graph; params are an ID, or nothing
//	resolve            ResolveCall; the result is what an import means, null when it means nothing
//	moduleInfo, load   params are an ID; the result describes the module, load waits for it
//	waitForModules     answered when no module is being loaded
//	route.read         RouteRead: the body of a running request; the result is RouteData
//	route.part         RoutePart: a part of its answer
//	route.next         NextCall: the server answers instead; the result is NextAnswer
//	showError, clearError    ErrorCall: an error over pages
//	reloadPages        ReloadCall
//	urls, restart      the server's addresses; the reason of a restart
//	handle, unhandle   HandleCall: a handler that comes later; its number to remove it
package wire
