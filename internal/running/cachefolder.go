package running

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// CacheFolder is the folder of a project for results that may be lost, private to the user. Make one with
// NewCacheFolder; its methods are safe for concurrent use.
type CacheFolder struct {
	root, override string
	log            *slog.Logger

	find sync.Once
	base string
	temp string // the temporary folder that is used as base, "" for none
}

// NewCacheFolder returns the folder of the project at a real path. override is another folder to use; "" is a folder of
// the project in the user's cache directory. Nothing is created before the first call of Dir.
func NewCacheFolder(root, override string, log *slog.Logger) *CacheFolder {
	return &CacheFolder{root: root, override: override, log: log}
}

// Dir creates the folder of that name inside the cache folder and returns its path. "" is the cache folder itself.
func (f *CacheFolder) Dir(name string) (string, error) {
	f.find.Do(f.choose)
	dir := filepath.Join(f.base, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("create cache folder: %w", err)
	}
	return dir, nil
}

// choose finds the folder above all Dirs. Where the user has no folder that can be written (no HOME, read-only, full) a
// temporary folder serves until Close: everything works, and the next start is as slow as the first. A fixed name in
// the system's temporary folder would let another user create it first, and fill it.
func (f *CacheFolder) choose() {
	base, err := cacheOf(f.root, f.override)
	if err == nil {
		err = writable(base)
	}
	if err == nil {
		f.base = base
		return
	}
	temp, tempErr := os.MkdirTemp("", "devserver-*") // 0700
	if tempErr != nil {
		f.base = base // each use of it reports why it fails
		return
	}
	f.log.Warn("cannot use the cache folder; the next start will be slower", "error", err)
	f.base, f.temp = temp, temp
}

// Close removes a temporary folder. The caller no longer uses the CacheFolder.
func (f *CacheFolder) Close() error {
	if f.temp == "" {
		return nil
	}
	return os.RemoveAll(f.temp)
}

// writable returns why results cannot be kept in the folder, nil when they can.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// The folder holds programs and code that runs in the page: a folder that others can write to is theirs.
	if info, err := os.Stat(dir); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return errors.Join(err, fmt.Errorf("others can write to %s", dir))
	}
	f, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// cacheOf returns the cache folder of the project at a real path.
func cacheOf(root, override string) (string, error) {
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

// RealFolder returns the real path of a folder, since every check of a path compares real paths. "" is the current
// folder.
func RealFolder(root string) (string, error) {
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
