package plugin

import (
	"net/http"
)

// RouteDef is an HTTP route, made by Route.
type RouteDef struct {
	Pattern string
	Handler http.Handler
}

// Route answers requests below a path ("/api/") or at one ("/status"). A method may stand in front ("POST /save").
// Bodies stream both ways, and the request's context ends when the browser goes away. In a child process connections
// cannot be hijacked: serve WebSockets by events, or from a port of your own.
func Route(pattern string, h http.Handler) RouteDef { return RouteDef{pattern, h} }
