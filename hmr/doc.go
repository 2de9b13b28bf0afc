// Package hmr carries updates and events between the server and the pages that are open.
//
// Hub owns the connections; its methods are safe for concurrent use. It is an http.Handler and imports nothing of the
// development server, so that a backend can mount it in production.
//
// A page is a Client, and a Client is a session: it outlives its connection. Both sides count the frames of a session,
// so that after a lost connection each tells how many it has had and gets the rest, in order and once. A page that
// falls behind is closed, not waited for; it comes back and resumes. A session that is away for too long, or misses more
// than is kept for it, ends; its page starts a new one and tells which code it runs (see Hub.OnRevisions).
//
// Handlers of one page's events run one after the other in the order sent, for each group (plugin) on its own; those of
// different pages run at the same time. A handler that panics, fails or takes too long is reported and stops nobody else.
//
// Lock order: Client.reading before Client.moving before Hub.mu before Client.mu.
package hmr
