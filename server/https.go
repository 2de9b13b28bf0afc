package server

import (
	"crypto/tls"
	"fmt"

	"github.com/seed-b8174343/devserver/internal/cert"
	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/running"
)

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
		if config.IsPEM(given) {
			continue
		}
		var err error
		if texts[i], err = disk.ReadFile(given); err != nil {
			return tls.Certificate{}, err
		}
	}
	return tls.X509KeyPair(texts[0], texts[1])
}
