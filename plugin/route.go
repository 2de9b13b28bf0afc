package plugin

import "net/http"

// RouteDef is an HTTP route. [Route] makes it.
type RouteDef struct {
	Pattern string
	Handler http.Handler
}

// Route answers requests for one path ("/status") or for all below a path ("/api/"). A method may stand before the path
// ("POST /save"). The path is that of the URL, base included. Requests for a program of devserver/ that has
// ended wait for the next program.
//
// Bodies stream both ways, and the request's context ends when the browser goes away. In a child process connections
// cannot be hijacked: use events instead of WebSockets, or serve WebSockets from a port of your own.
func Route(pattern string, h http.Handler) RouteDef { return RouteDef{pattern, h} }
