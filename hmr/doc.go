// Package hmr carries updates and events between a server and its open pages.
//
// A [Hub] owns the connections. It is an http.Handler and imports nothing of the development server, so that a backend
// can mount it in production, see [NewHub]. Its methods are safe for concurrent use.
//
//   - [Hub.On] and [Hub.Handle] take the pages' events and requests. [Client.Request] asks a page.
//   - [Hub.Broadcast], [Hub.SendToUser], [Hub.SendToRoom] and [Client.Send] send events to pages.
//   - A [Channel] carries typed messages, to those pages that listen.
//   - [Hub.Publish] sends the payloads of a development server, such as an [Update].
//
// # Sessions
//
// An open page is a [Client]. A client is a session: it outlives its connection. Both sides count the frames of a
// session. After a lost connection each side says how many frames it has had, and gets the rest, in order and once.
//
//   - Senders wait for a page that is behind, see [Hub.Broadcast]. Nobody waits for a page that takes nothing for
//     Options.StallTimeout. It loses its connection, and resumes when it comes back.
//   - A session ends when its page is left, is away for longer than Options.ResumeGrace, or has missed more frames than
//     are kept. A page without a session starts a new one and may be asked which code it runs, see [Hub.OnRevisions]. The
//     page hears what the session before has lost, see [Lost].
//
// # Handlers
//
// The events and requests of one page are handled one after the other, in the order in which the page sent them. Pages
// do not wait for each other. A handler that panics, fails or takes too long is reported, and stops no other handler. A
// group of handlers, such as a plugin, has an order and a guard of its own, see [Hub.OnIn].
//
// What waits is held by its name, and gets the handlers that have the name when its turn comes, see [Hub.Hold]. It is
// bounded for each page: the page is told how much waits, and sends what fits.
//
// # Users
//
// A [Client] is a page with the user that it has, see Options.Identify. People sign in and out while a page is open,
// see [Hub.Reidentify]. What was made for one user never reaches the next: what waits for the page is dropped, what is
// sent later fails with [ErrUserChanged], and an answer of Allow counts only for the user that it is about.
//
// # Close codes
//
// This is what our client (client/src/socket/transport.ts) does when the server closes its connection. It resumes its
// session, unless the table says otherwise or what it missed is not kept. "At once" is true of a connection that has
// lasted for 5 seconds, or continued the session and brought frames. After any other, and where the table says "soon",
// the page pauses for 0.1 to 0.2 seconds. Each further attempt that fails doubles the pause, up to 5 seconds.
//
//	code  the server closes because                            then the page
//	1000  the page has another connection                      keeps that connection
//	1001  the hub is closed                                    connects at once, begins a new session
//	1002  a frame breaks the protocol                          connects at once
//	1003  a frame is binary                                    connects at once
//	1007  a text is not UTF-8                                  connects at once
//	1008  another page took over the session                   connects soon
//	1009  a message is larger than Options.MaxMessage          drops its longest message, connects soon
//	1011  a hook panicked while it read a frame                connects at once
//	1012  a new tab needs its user, on a shared socket         connects at once
//	1013  the page takes nothing: Options.StallTimeout         connects soon
//	      more waited for the page than Options.KeepMessages   connects soon, begins a new session
//	      it sent more than may wait for handlers              connects soon
//	      more than 100 tabs share a socket                    connects soon
//	      the session ended while the page came back           connects soon, begins a new session
//	4001  Client.Close or Hub.Disconnect was called            shows the reason, connects at once, begins a new session
//	none  it was silent for Options.Silence, or is lost        connects at once
//
// This is what the server does when the page closes the connection. The end of a socket that tabs share counts as lost;
// each tab closes its session by itself.
//
//	code         the page closes because                       then the server
//	1000         it was left and may come back, or is closed   ends the session
//	1001         it was left                                   ends the session
//	4000         the server was silent                         keeps the session for Options.ResumeGrace
//	other, none  the connection is lost                        keeps the session for Options.ResumeGrace
//
// A request that Options.Check or Options.Identify refuses gets no connection but status 403. The page asks for a new
// token, if it has a way to, and tries again.
//
// # Locks
//
// The order of locks, for those who change this package: page.reading, page.moving, Hub.mu, channel.mu, page.mu.
// The locks of lanes, counters and sockets come last.
package hmr
