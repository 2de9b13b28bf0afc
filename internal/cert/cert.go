// Package cert creates the certificate for `--https` when the project names none.
package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetime is below 398 days, the longest lifetime that browsers accept.
const lifetime = 365 * 24 * time.Hour

// Local returns a certificate for localhost, the loopback addresses and hosts, which are further names and addresses.
// It also returns the certificate's file, which a user can add to the system's trusted certificates. The certificate is
// kept in dir, readable only by the user. Local creates a new one when the old one expires within a day, lacks a host,
// or cannot be read.
func Local(dir string, hosts []string) (tls.Certificate, string, error) {
	certFile, keyFile := filepath.Join(dir, "localhost.pem"), filepath.Join(dir, "localhost-key.pem")
	if c, err := tls.LoadX509KeyPair(certFile, keyFile); err == nil && covers(c, hosts) {
		return c, certFile, nil
	}
	if err := generate(dir, certFile, keyFile, hosts); err != nil {
		return tls.Certificate{}, "", fmt.Errorf("create a certificate in %s: %w", dir, err)
	}
	c, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("read the certificate: %w", err)
	}
	return c, certFile, nil
}

func covers(c tls.Certificate, hosts []string) bool {
	if c.Leaf == nil || time.Now().Add(24*time.Hour).After(c.Leaf.NotAfter) {
		return false
	}
	for _, h := range hosts {
		if c.Leaf.VerifyHostname(h) != nil {
			return false
		}
	}
	return true
}

func generate(dir, certFile, keyFile string, hosts []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "devserver on this machine"},
		NotBefore:    time.Now().Add(-time.Hour), // clocks differ
		NotAfter:     time.Now().Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		// It is no certificate authority: a user who trusts it trusts these names, and nothing that its key could sign.
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost", "*.localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}
