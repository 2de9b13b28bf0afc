package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/cache"
	configfile "github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/edit"
	"github.com/seed-b8174343/devserver/internal/guides"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/parallel"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/internal/steer"
	"github.com/seed-b8174343/devserver/internal/viteconfig"
)

// Server is a development server for one project. Use [New], then [Server.Listen], then [Server.Serve]; or [Run], which is
// all three. Its methods are safe for concurrent use.
type Server struct {
	opts  Options
	log   *slog.Logger
	dir   string // the project's folder, where its configuration lies: a real path
	token string // of pages
	key   string // of the panel, and of other programs of the user
	epoch string

	host  string // of the first configuration: the host to listen on stays over restarts
	hub   *hmr.Hub
	cache *cache.Cache // compiled modules of earlier runs; nil without

	folder *running.CacheFolder

	project    atomic.Pointer[project]
	restarting sync.Mutex
	later      atomic.Int32                       // restarts that wait for their turn
	reading    atomic.Pointer[context.CancelFunc] // ends the reading of the configuration for a restart
	before     map[string]edit.Sum                // of the files of the configuration, before it was read; guarded by restarting

	pauses pauses

	journal   *journal.Log
	steer     *steer.Core
	agents    http.Handler  // answers agents, by steer
	recording atomic.Bool   // pages send their consoles to the journal
	restarts  parallel.Busy // restarts that run or wait for their turn
	guides    func() (*guides.Site, error)

	listeners   []net.Listener
	urls        atomic.Pointer[URLs] // without a base; nil before the server listens
	started     time.Time
	fingerprint string                 // of the certificate; "" without HTTPS
	runningFile atomic.Pointer[string] // see announce; nil without one

	following    context.Context // ends before the connections are waited for, see serveTail
	endFollowing context.CancelFunc

	background parallel.Tasks

	ctx  context.Context // ends with Close
	stop context.CancelFunc
}

// Run serves the project until ctx ends, and logs where. It returns nil after a clean stop. An error says why the server
// did not start, or what failed while it served or stopped.
func Run(ctx context.Context, opts Options) error {
	s, err := newServer(ctx, opts)
	if err != nil && ctx.Err() != nil {
		return nil // stopped while it started
	}
	if err != nil {
		return err
	}
	urls, err := s.Listen(ctx)
	if err != nil && ctx.Err() != nil {
		return s.Close() // stopped while it started
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	s.log.Info("serving " + strings.Join(slices.Concat(urls.Local, urls.Network), " "))
	return s.Serve(ctx)
}

// New reads the project's configuration and prepares a server, which does not listen yet. The context of [Server.Serve]
// ends it, or [Server.Close] when Serve is never called. A configuration with mistakes is not an error: the server runs
// and shows them. An error names a missing folder, or a plugin that did not start.
func New(opts Options) (*Server, error) { return newServer(context.Background(), opts) }

// newServer is New with a ctx that may end before the server is made: a plugin's Start may take its time.
func newServer(ctx context.Context, opts Options) (_ *Server, err error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	dir, err := running.RealFolder(opts.Root)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, log: opts.Logger, dir: dir, token: secret(), key: secret(), epoch: secret()[:12], started: time.Now()}
	s.journal = journal.New()
	s.guides = sync.OnceValues(newGuides)
	s.folder = running.NewCacheFolder(dir, opts.CacheDir, s.log)
	s.ctx, s.stop = context.WithCancel(context.Background())
	defer context.AfterFunc(ctx, s.stop)()
	s.following, s.endFollowing = context.WithCancel(s.ctx)
	defer func() {
		if err != nil {
			_ = s.folder.Close() // the other error counts
		}
	}()
	first, err := s.firstConfig()
	if err != nil {
		return nil, err
	}
	s.host = first.Config.Server.Host
	s.hub = s.newHub()
	s.openCache()
	p, err := newProject(s, first)
	if err != nil {
		s.hub.Close()
		return nil, errors.Join(err, s.cache.Close())
	}
	s.project.Store(p)
	s.steer, s.agents = s.newSteer(), s.newAgents()
	if err := p.relay.Attach(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// reading is one reading of the configuration: what a project follows from.
type reading struct {
	viteconfig.Result
	root string // the folder that is served
}

// firstConfig returns the configuration that the server starts with. Config.Err holds its mistakes: the server runs,
// and shows them.
func (s *Server) firstConfig() (_ reading, err error) {
	from := configfile.Source{Root: s.dir, File: s.opts.ConfigFile, NoFile: s.opts.NoConfigFile, Program: s.opts.Config}
	cfg, err := configfile.Load(from)
	if mistakes, ok := errors.AsType[configfile.Errors](err); ok {
		cfg = configfile.Broken(from, mistakes)
	} else if err != nil {
		return reading{}, err
	}
	if cfg.Err() != nil {
		return reading{Result: viteconfig.Result{Config: cfg}, root: s.dir}, nil
	}
	first, err := s.configured(s.ctx, cfg)
	if mistakes, ok := errors.AsType[configfile.Errors](err); ok {
		return reading{Result: viteconfig.Broken(s.dir, configfile.Broken(from, mistakes), mistakes), root: s.dir}, nil
	}
	return first, err
}

// configured lays the vite.config beneath the configuration and finds the folder that is served.
func (s *Server) configured(ctx context.Context, cfg *configfile.Config) (_ reading, err error) {
	r, err := viteconfig.Lay(ctx, cfg, viteconfig.Options{Dir: s.dir, CacheDir: s.folder.Dir, Force: s.opts.Force, Logger: s.log})
	if err != nil {
		return reading{}, err
	}
	root, err := r.Config.Served(s.dir)
	if err != nil {
		r.Close()
	}
	return reading{Result: r, root: root}, err
}

// secret returns 128 random bits in hex: what a page must know to open the socket.
func secret() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// ServeListener is Serve with a listener that the caller has opened; Listen is not called. It closes the listener.
func (s *Server) ServeListener(ctx context.Context, l net.Listener) error {
	s.listeners = []net.Listener{l}
	s.urls.Store(&URLs{Local: []string{originOf(l)}})
	s.announce()
	return s.Serve(ctx)
}

// answersAtStop is how long requests may take when the server stops. With what children get, see project.close, it is
// gone within two seconds.
const answersAtStop = 300 * time.Millisecond

// Serve answers requests at the addresses of Listen, and follows edits, until ctx ends or Close is called; then it
// stops everything that the server started and returns nil. An error says what failed while it served or stopped.
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

// Close ends what New started and waits for it; Serve returns too. It is safe to call more than once.
func (s *Server) Close() error {
	s.stop()
	for _, l := range s.listeners {
		_ = l.Close()
	}
	s.hub.Close()
	if s.steer != nil {
		s.steer.Close()
	}
	s.restarting.Lock() // a Restart closes the old project and leaves the new project to us
	s.unannounce()
	p := s.project.Load()
	err := p.close()
	p.hosts.End()
	s.restarting.Unlock()
	s.background.Wait()
	if cacheErr := s.cache.Close(); cacheErr != nil {
		s.log.Warn("could not save the compile cache; the next start will be slower", "error", cacheErr)
	}
	return errors.Join(err, s.folder.Close())
}

// Config returns the configuration that the server runs with: the options of the program over the file, and the values
// of a vite.config beneath both. Its paths are absolute. It must not be changed.
func (s *Server) Config() config.Config { return s.project.Load().cfg.Config }

// Hub returns the hub of open pages, for programs that embed the server. Restarts keep the hub.
func (s *Server) Hub() *hmr.Hub { return s.hub }

// Token returns the value of the query parameter `token`, without which the socket does not open. Pages get it with the
// client; other programs that have it can do what a page can. Each Server has a token of its own.
func (s *Server) Token() string { return s.token }

// Key returns the key of the panel and of the command line. A program that has it can see all that pages do, and do in
// pages what the configuration allows. Pages do not have it. On another device, the panel gets it from its address:
// /__devserver/#key=KEY. Each Server has a key of its own.
func (s *Server) Key() string { return s.key }

// openCache opens the results of earlier runs of this project. Without them everything works, slower.
func (s *Server) openCache() {
	if cache.Program() == "" {
		return // results of another build could be used
	}
	dir, err := s.folder.Dir("modules")
	if err == nil {
		s.cache, err = cache.Open(dir, 0)
	}
	if err != nil {
		s.log.Warn("working without the cache of compiled modules", "error", err)
		return
	}
	if s.opts.Force {
		if err := s.cache.Clear(); err != nil {
			s.log.Warn("clear the cache", "error", err)
		}
	}
}
