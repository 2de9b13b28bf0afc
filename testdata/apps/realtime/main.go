// Command realtime runs the example in production: a plain HTTP server with a hub of its own. It serves the bundle that
// `npm run build` made, and holds nothing of the development server.
//
//	npm run build && go run .
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/testdata/apps/realtime/chat"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen at")
	dist := flag.String("dist", "dist", "folder of the bundle")
	flag.Parse()
	if err := run(*addr, *dist); err != nil {
		log.Fatal(err)
	}
}

func run(addr, dist string) error {
	sessions := &chat.Sessions{}
	hub := hmr.NewHub(hmr.Options{Identify: sessions.User, Check: sameOrigin})
	defer hub.Close()
	if err := chat.Register(hub); err != nil {
		return err
	}

	mux := http.NewServeMux()
	mux.Handle("/live", hub)
	mux.Handle("/session", hub.WatchCookies(sessions)) // the hub identifies a page at once when its user signs in
	mux.Handle("/", http.FileServer(http.Dir(dist)))

	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/\n", l.Addr())
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return srv.Serve(l)
}

// sameOrigin keeps pages of other sites from opening a socket with the cookies of our users.
func sameOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if u, err := url.Parse(origin); origin == "" || err == nil && u.Host == r.Host {
		return nil
	}
	return errors.New("a page of another site")
}
