package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// cacheDir returns a folder of this project for results that may be lost, private to the user.
func (s *Server) cacheDir(name string) (string, error) {
	s.cacheOnce.Do(s.findCache)
	dir := filepath.Join(s.cacheBase, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	return dir, nil
}

// findCache chooses the folder above all cacheDirs. Where the user has none that can be written (no HOME, read-only, full)
// a temporary one takes its place until the server ends: everything works, and the next start is as slow as the first. A
// name in the system's temporary folder that stays the same would be another user's to make before us, and to fill.
func (s *Server) findCache() {
	base, err := projectCache(s.dir, s.opts.CacheDir)
	if err == nil {
		err = writable(base)
	}
	if err == nil {
		s.cacheBase = base
		return
	}
	temp, tempErr := os.MkdirTemp("", "devserver-*") // 0700
	if tempErr != nil {
		s.cacheBase = base // what needs it says why it fails
		return
	}
	s.log.Warn("nothing is kept for the next start: the cache folder cannot be used", "error", err)
	s.cacheBase, s.cacheTemp = temp, temp
}

// writable tells why the folder cannot be used for what is kept.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// Programs and code that runs in the page lie there: a folder that others can write to is theirs.
	if info, err := os.Stat(dir); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return errors.Join(err, fmt.Errorf("others can write to %s", dir))
	}
	f, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// projectCache is the cache folder of the project at a real path; override is Options.CacheDir.
func projectCache(root, override string) (string, error) {
	if override != "" {
		return override, nil
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no home folder: %w", err)
	}
	sum := sha256.Sum256([]byte(root))
	return filepath.Join(user, "devserver", hex.EncodeToString(sum[:8])), nil
}
