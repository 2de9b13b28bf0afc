package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/guard"
)

// Server is a development server for one project. Use New, then Listen, then Serve; or Run, which is all three.
type Server struct {
	opts  Options
	log   *slog.Logger
	dir   string // the project's folder, where its configuration lies: a real path
	token string
	epoch string

	guard *guard.Guard
	hub   *hmr.Hub
	cache *cache.Cache // compiled modules of earlier runs; nil without

	cacheOnce sync.Once // see findCache
	cacheBase string
	cacheTemp string // a cacheBase that goes with the server, "" for none

	project    atomic.Pointer[project]
	restarting sync.Mutex
	before     map[string][sha256.Size]byte // see noteBeforeReading; guarded by restarting
	viteFiles  []string                     // what the vite.config was read from; guarded by restarting after New

	freeing   sync.Mutex
	freeTimer *time.Timer // see freeLater

	pauses pauses

	listeners   []net.Listener
	urls        URLs
	started     time.Time
	fingerprint string                 // of the certificate; "" without HTTPS
	runningFile atomic.Pointer[string] // see announce; nil without one

	following    context.Context // ends before the connections are waited for, see serveTail
	endFollowing context.CancelFunc

	background sync.WaitGroup

	ctx  context.Context // ends with Close
	stop context.CancelFunc
}

// Run serves the project until ctx ends, and logs where. It returns nil after a clean stop.
func Run(ctx context.Context, opts Options) error {
	s, err := newServer(ctx, opts)
	if err != nil && ctx.Err() != nil {
		return nil // it was told to stop while it started
	}
	if err != nil {
		return err
	}
	urls, err := s.Listen(ctx)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	s.log.Info("serving " + strings.Join(slices.Concat(urls.Local, urls.Network), " "))
	return s.Serve(ctx)
}

// New reads the project's configuration and prepares a server. Nothing is listening yet. The caller ends it with
// Serve's context, or with Close when Serve is never called.
func New(opts Options) (*Server, error) { return newServer(context.Background(), opts) }

// newServer is New for a ctx that may end before the server is made: a plugin's Start may take its time.
func newServer(ctx context.Context, opts Options) (_ *Server, err error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Stdout == nil {
		opts.Stdout = io.Discard
	}
	if opts.Stderr == nil {
		opts.Stderr = io.Discard
	}
	dir, err := realFolder(opts.Root)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, log: opts.Logger, dir: dir, token: secret(), epoch: secret()[:12], started: time.Now()}
	s.ctx, s.stop = context.WithCancel(context.Background())
	defer context.AfterFunc(ctx, s.stop)()
	s.following, s.endFollowing = context.WithCancel(s.ctx)
	defer func() {
		if err != nil {
			_ = os.RemoveAll(s.cacheTemp) // "" is none
		}
	}()
	cfg := opts.Config
	if cfg == nil {
		cfg, err = config.Load(dir, "")
		if mistakes, ok := errors.AsType[config.Errors](err); ok {
			cfg = config.Broken(dir, "", config.Flags{}, mistakes)
		} else if err != nil {
			return nil, err
		}
	}
	root := dir
	if cfg.Err() == nil {
		if cfg, root, err = s.configured(cfg); err != nil {
			return nil, err
		}
	}
	if s.guard, err = s.newGuard(cfg); err != nil {
		return nil, err
	}
	s.hub = s.newHub()
	if err := s.handleAdmin(); err != nil {
		return nil, err
	}
	s.openCache()
	p, err := newProject(s, cfg, root)
	if err != nil {
		s.hub.Close()
		return nil, errors.Join(err, s.cache.Close())
	}
	s.project.Store(p)
	if err := p.attach(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// configured lays the vite.config beneath the configuration and finds the folder that is served.
func (s *Server) configured(cfg *config.Config) (_ *config.Config, root string, err error) {
	if cfg, err = s.withVite(cfg); err != nil {
		return nil, "", err
	}
	root, err = cfg.Served(s.dir)
	return cfg, root, err
}

// realFolder returns the real path of the project, since every check of a path compares real paths.
func realFolder(root string) (string, error) {
	if root == "" {
		root = "."
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return "", fmt.Errorf("find project folder %q: %w", root, err)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", fmt.Errorf("open project folder %q: %w", root, err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", fmt.Errorf("open project folder %q: %w", root, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("open project folder %q: it is a file; name the folder that holds index.html", root)
	}
	return real, nil
}

// secret returns 128 random bits in hex: what a page must know to open the socket.
func secret() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Listen binds the address and returns the URLs. Without strictPort it takes the next free port.
func (s *Server) Listen(ctx context.Context) (URLs, error) {
	cfg := s.project.Load().cfg.Server
	tlsConfig, err := s.certificate(cfg)
	if err != nil {
		return URLs{}, err
	}
	hosts := bindHosts(cfg.Host)
	port := cfg.PortOrDefault()
	for {
		listeners, err := listenAll(ctx, hosts, port)
		if err == nil {
			s.listeners = listeners
			break
		}
		if !errors.Is(err, syscall.EADDRINUSE) || cfg.StrictPort || port == 0 || port >= 65535 {
			if errors.Is(err, syscall.EADDRINUSE) {
				return URLs{}, fmt.Errorf("port %d is in use; stop the other program, choose another --port, or leave --strictPort out", port)
			}
			return URLs{}, fmt.Errorf("listen on port %d: %w", port, err)
		}
		s.log.Info("port " + strconv.Itoa(port) + " is in use, trying the next one")
		port++
	}
	scheme := "http"
	if tlsConfig != nil {
		scheme = "https"
		for i := range s.listeners {
			s.listeners[i] = tls.NewListener(s.listeners[i], tlsConfig)
		}
	}
	bound := s.listeners[0].Addr().(*net.TCPAddr).Port
	s.urls = listURLs(scheme, cfg.Host, bound, s.project.Load().base)
	s.announce()
	return s.urls, nil
}

// bindHosts returns the addresses to listen at: both loopbacks by default, so that `localhost` works however the
// system resolves it and nothing is open to the network.
func bindHosts(host string) []string {
	switch host {
	case "", "localhost":
		return []string{"127.0.0.1", "::1"}
	default:
		return []string{host}
	}
}

// listenAll binds the same port on all hosts. Only the first must work: a machine may lack IPv6.
func listenAll(ctx context.Context, hosts []string, port int) ([]net.Listener, error) {
	var lc net.ListenConfig
	var listeners []net.Listener
	for i, host := range hosts {
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			if i > 0 && !errors.Is(err, syscall.EADDRINUSE) {
				continue
			}
			if i == 0 && len(hosts) > 1 && errors.Is(err, syscall.EADDRNOTAVAIL) {
				continue // no IPv4 on this machine
			}
			for _, l := range listeners {
				_ = l.Close()
			}
			return nil, err
		}
		port = l.Addr().(*net.TCPAddr).Port
		listeners = append(listeners, l)
	}
	if len(listeners) == 0 {
		return nil, fmt.Errorf("no loopback address is available")
	}
	return listeners, nil
}

func listURLs(scheme, host string, port int, base string) URLs {
	at := func(h string) string { return scheme + "://" + net.JoinHostPort(h, strconv.Itoa(port)) + base }
	ip := net.ParseIP(host)
	switch {
	case host == "" || host == "localhost" || ip != nil && ip.IsLoopback():
		name := "localhost"
		if ip != nil {
			name = host
		}
		return URLs{Local: []string{at(name)}}
	case ip != nil && ip.IsUnspecified():
		urls := URLs{Local: []string{at("localhost")}}
		addrs, _ := net.InterfaceAddrs()
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
				urls.Network = append(urls.Network, at(n.IP.String()))
			}
		}
		return urls
	default:
		return URLs{Network: []string{at(host)}}
	}
}

// ServeListener is Listen and Serve with a listener that the caller has opened.
func (s *Server) ServeListener(ctx context.Context, l net.Listener) error {
	s.listeners = []net.Listener{l}
	s.announce()
	return s.Serve(ctx)
}

// answersAtStop is how long requests may take when the server stops. With what children get, see project.close, it is gone
// within two seconds.
const answersAtStop = 300 * time.Millisecond

// Serve answers requests until ctx ends, then stops everything that the server started and returns nil.
func (s *Server) Serve(ctx context.Context) error {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second, // slow-header attacks
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		s.background.Go(func() {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
	}
	s.project.Load().begin()

	var err error
	select {
	case <-ctx.Done():
	case <-s.ctx.Done():
	case err = <-failed:
	}
	s.unannounce()
	s.endFollowing()
	s.hub.Close() // says goodbye to the pages: Shutdown would wait for their sockets
	grace, cancel := context.WithTimeout(context.Background(), answersAtStop)
	defer cancel()
	if srv.Shutdown(grace) != nil {
		_ = srv.Close()
	}
	return errors.Join(err, s.Close())
}

// Close ends what New started. It is safe to call more than once.
func (s *Server) Close() error {
	s.stop()
	s.freeing.Lock()
	if s.freeTimer != nil {
		s.freeTimer.Stop()
	}
	s.freeing.Unlock()
	for _, l := range s.listeners {
		_ = l.Close()
	}
	s.hub.Close()
	s.restarting.Lock() // of two projects the new one is left, see Restart
	s.unannounce()
	err := s.project.Load().close()
	s.restarting.Unlock()
	s.background.Wait()
	if cacheErr := s.cache.Close(); cacheErr != nil {
		s.log.Warn("results are not kept for the next start", "error", cacheErr)
	}
	if s.cacheTemp != "" {
		err = errors.Join(err, os.RemoveAll(s.cacheTemp))
	}
	return err
}

// Hub returns the hub of open pages, for programs that embed the server.
func (s *Server) Hub() *hmr.Hub { return s.hub }

// Token returns what a client that is no page of ours needs to open the socket.
func (s *Server) Token() string { return s.token }

// awaitConfig waits a short while when one of the files of the configuration, .env among them, has just become empty: it
// is being saved, and an empty one would be valid, without its denials and values.
func (s *Server) awaitConfig(p *project) {
	justEmptied := func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && info.Size() == 0 && time.Since(info.ModTime()) < emptied
	}
	files := slices.Collect(maps.Keys(p.configFiles))
	for range emptied / unfinished { // a file may be dated to the future
		if !slices.ContainsFunc(files, justEmptied) {
			return
		}
		select {
		case <-time.After(unfinished):
		case <-s.ctx.Done():
			return
		}
	}
}

// noteBeforeReading remembers the content of what the next project is read from. An edit in between is then seen as one:
// the new project compares when it begins to follow edits.
func (s *Server) noteBeforeReading(old *project) {
	s.before = map[string][sha256.Size]byte{}
	for f := range old.configFiles {
		text, _ := os.ReadFile(f) // a file that is not there counts as empty
		s.before[f] = sha256.Sum256(text)
	}
}

// Restart reads the configuration again and starts over with it. Pages stay connected and run what is new; the
// address stays. A configuration that is wrong leaves the running project alone.
func (s *Server) Restart(reason string) error {
	s.restarting.Lock()
	defer s.restarting.Unlock()
	if s.ctx.Err() != nil {
		return nil // closed meanwhile
	}
	old := s.project.Load()
	s.awaitConfig(old)
	s.noteBeforeReading(old)
	var p *project
	cfg, err := old.cfg.Reload()
	if err == nil {
		var root string
		if cfg, root, err = s.configured(cfg); err == nil {
			p, err = newProject(s, cfg, root)
		}
	}
	if err != nil {
		old.errors.set(configErrorID, old.asError(err))
		old.publishErrors()
		return nil // it was told
	}
	release := s.hub.Hold() // no event falls between the plugins of the two
	if err := old.close(); err != nil {
		s.log.Warn("stop before restart", "error", err)
	}
	p.channels.inherit(&old.channels)
	s.project.Store(p)
	if err := p.attach(); err != nil {
		p.report(p.asError(err))
	}
	release()
	p.begin()
	if p.base != old.base && s.runningFile.Load() != nil {
		s.announce()
	}
	s.log.Info("server restarted (" + reason + ")")
	if old.cfg.Err() != nil {
		s.log.Info("the address, https and allowedHosts of the configuration are used from the next start on")
		return s.hub.Publish(&hmr.FullReload{Path: "*", Reason: reason})
	}
	if old.errors.clear(configErrorID) {
		_ = s.hub.Publish(&hmr.Fixed{}) // errors of the new project are told as they are found
	}
	if p.root != old.root { // other pages have these addresses
		why := "the root is " + p.root + " now"
		s.log.Info(p.reloadLine(why))
		return s.hub.Publish(&hmr.FullReload{Path: "*", Reason: why})
	}
	if names := p.env.Differs(old.env); len(names) > 0 { // import.meta.env comes with the page, and so does what stands in its HTML
		why := "import.meta.env." + strings.Join(names, ", ") + " changed"
		s.log.Info(p.reloadLine(why))
		return s.hub.Publish(&hmr.FullReload{Path: "*", Reason: why})
	}
	if p.readsConsole() != old.readsConsole() {
		return s.hub.Publish(&hmr.FullReload{Path: "*", Reason: "plugins of the configuration changed"}) // the page's part comes with the page
	}
	return s.hub.Publish(&hmr.NeedRevisions{})
}
