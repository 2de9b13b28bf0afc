package cert_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-b8174343/devserver/internal/cert"
)

func TestLocal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	first, file, err := cert.Local(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "app.localhost"} {
		if err := first.Leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	again, _, err := cert.Local(dir, nil)
	if err != nil || !bytes.Equal(again.Certificate[0], first.Certificate[0]) {
		t.Errorf("the certificate was made again (%v): users would have to trust it again", err)
	}
	more, _, err := cert.Local(dir, []string{"192.168.0.9", "my-machine"})
	if err != nil || more.Leaf.VerifyHostname("192.168.0.9") != nil || more.Leaf.VerifyHostname("my-machine") != nil {
		t.Errorf("further hosts are not covered: %v", err)
	}
	for _, f := range []string{file, filepath.Join(dir, "localhost-key.pem")} {
		info, err := os.Stat(f)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v %v", f, info.Mode(), err)
		}
	}
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := cert.Local(dir, nil); err != nil {
		t.Errorf("a damaged certificate is not made again: %v", err)
	}
}
