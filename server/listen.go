package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"syscall"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/cert"
	configfile "github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/running"
)

// URLs are the addresses that a listening server answers at.
type URLs struct {
	// Local are the URLs for this machine, Network the URLs for others. Each ends with the base; either may be empty.
	Local   []string `json:"local"`
	Network []string `json:"network,omitempty"`
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
		if !errors.Is(err, syscall.EADDRINUSE) || config.IsOn(cfg.StrictPort) || port == 0 || port >= 65535 {
			if errors.Is(err, syscall.EADDRINUSE) {
				return URLs{}, fmt.Errorf("port %d is in use; stop the other program, choose another --port, or leave --strictPort out", port)
			}
			return URLs{}, explained(cfg.Host, port, err)
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
	urls := listURLs(scheme, cfg.Host, bound)
	s.urls.Store(&urls)
	s.announce()
	return s.URLs(), nil
}

// URLs returns the addresses that the server answers at, with the base that it has now. They are empty before Listen,
// and for a server that is mounted by its Handler.
func (s *Server) URLs() URLs {
	origins := s.urls.Load()
	if origins == nil {
		return URLs{}
	}
	base := s.project.Load().layout.Base // a restart may have changed it
	at := func(origins []string) (urls []string) {
		for _, o := range origins {
			urls = append(urls, o+base)
		}
		return urls
	}
	return URLs{Local: at(origins.Local), Network: at(origins.Network)}
}

// allURLs returns the URLs as plugins get them.
func (s *Server) allURLs() []string {
	urls := s.URLs()
	return slices.Concat(urls.Local, urls.Network)
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

// explained returns the error of listening with the next step.
func explained(host string, port int, err error) error {
	noName, unknown := errors.AsType[*net.DNSError](err)
	switch {
	case unknown && noName.IsNotFound, errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("server.host %q is no address of this machine: use --host for all its addresses, or leave it out for this machine only (%w)", host, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("port %d needs more rights than you have; choose a --port above 1023 (%w)", port, err)
	}
	return fmt.Errorf("listen on port %d: %w", port, err)
}

// listURLs returns the URLs without a base.
func listURLs(scheme, host string, port int) URLs {
	at := func(h string) string { return scheme + "://" + net.JoinHostPort(h, strconv.Itoa(port)) }
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

// announce leaves the file by which other programs find the server, or writes it again.
func (s *Server) announce() {
	file, err := running.Announce(s.folder, s.epoch, running.Server{
		URL: s.address(), PID: os.Getpid(), Started: s.started, Token: s.key, Certificate: s.fingerprint,
	})
	if err != nil {
		s.log.Warn("the command line and agents will not find this server", "error", err)
		return
	}
	s.runningFile.Store(&file)
}

// unannounce removes the file.
func (s *Server) unannounce() {
	if file := s.runningFile.Swap(nil); file != nil {
		running.Withdraw(*file)
	}
}

// address returns where the server answers, for programs on this machine.
func (s *Server) address() string { return s.allURLs()[0] }

// originOf returns the URL of a listener that the caller has opened, without a base.
func originOf(l net.Listener) string {
	addr := l.Addr()
	if t, ok := addr.(*net.TCPAddr); ok && t.IP.IsUnspecified() {
		return "http://" + net.JoinHostPort("localhost", strconv.Itoa(t.Port))
	}
	return "http://" + addr.String()
}

// certificate returns the TLS configuration, nil for plain HTTP. HTTP/2 comes with TLS.
func (s *Server) certificate(cfg config.Server) (*tls.Config, error) {
	if cfg.HTTPS == nil {
		return nil, nil
	}
	var c tls.Certificate
	var err error
	if cfg.HTTPS.Cert != "" || cfg.HTTPS.Key != "" {
		if c, err = loadPair(cfg.HTTPS.Cert, cfg.HTTPS.Key); err != nil {
			return nil, fmt.Errorf("server.https: %w", err)
		}
	} else {
		dir, err := s.folder.Dir("cert")
		if err != nil {
			return nil, err
		}
		var hosts []string
		if cfg.Host != "" && cfg.Host != "0.0.0.0" && cfg.Host != "::" {
			hosts = append(hosts, cfg.Host)
		}
		var file string
		if c, file, err = cert.Local(dir, hosts); err != nil {
			return nil, err
		}
		s.log.Info("https with a certificate of this machine; to end the browser's warning, add it to your trusted certificates: " + file)
	}
	s.fingerprint = running.Fingerprint(c.Certificate[0])
	return &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// loadPair takes certificate and key by the names of their files or as the texts in them.
func loadPair(cert, key string) (tls.Certificate, error) {
	var texts [2][]byte
	for i, given := range []string{cert, key} {
		texts[i] = []byte(given)
		if configfile.IsPEM(given) {
			continue
		}
		var err error
		if texts[i], err = disk.ReadFile(given); err != nil {
			return tls.Certificate{}, err
		}
	}
	return tls.X509KeyPair(texts[0], texts[1])
}
