// Package cache keeps compiled results on disk between runs, addressed by what they were made from.
//
// An entry is one file: a checksum, then the content. Reading verifies the checksum, so that a damaged, cut off or
// planted entry is a miss and never code that runs. Writing goes through a temporary file and a rename: a process
// that is killed half-way leaves no entry, and two servers on one cache never see each other's halves. Everything is
// private to the user (0700 and 0600). Without a usable folder the cache is empty and stays so; nothing fails.
//
// The checksum is keyed with a secret that lies beside the entries, readable by the user alone: whoever can only
// place files here (an unpacked archive, a shared folder) cannot make one that is accepted.
package cache

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// DefaultLimit bounds the size of a cache in bytes.
const DefaultLimit = 512 << 20

// Cache is a folder of entries. Use Open. All methods are safe for concurrent use, by several processes too. The nil
// Cache has no entries and keeps none.
type Cache struct {
	dir    string
	secret []byte
	limit  int64

	writes  chan write
	writing sync.WaitGroup

	mu     sync.Mutex
	failed error // the first failure to write; told once by Err
	closed bool
}

type write struct {
	key  Key
	data []byte
}

// Key addresses an entry by everything that its content follows from.
type Key [sha256.Size]byte

// KeyOf makes a key of the parts, in order; their borders count.
func KeyOf(parts ...string) Key {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:", len(p))
		h.Write([]byte(p))
	}
	return Key(h.Sum(nil))
}

// Open uses the folder, making it when needed. limit is the size in bytes that entries may take together; 0 means
// DefaultLimit. The error tells why there is no cache; the returned nil Cache works as an empty one.
func Open(dir string, limit int64) (*Cache, error) {
	if limit == 0 {
		limit = DefaultLimit
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("open cache: %q is not a folder that only you can write to", dir)
	}
	secret, err := readSecret(filepath.Join(dir, "key"))
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	c := &Cache{dir: dir, secret: secret, limit: limit, writes: make(chan write, 4096)}
	c.writing.Go(c.writeBehind)
	return c, nil
}

// readSecret reads the folder's secret or makes one. Of two processes that make one at once, the first wins.
func readSecret(file string) ([]byte, error) {
	for range 2 {
		secret, err := os.ReadFile(file)
		if err == nil && len(secret) == sha256.Size {
			return secret, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		secret = make([]byte, sha256.Size)
		_, _ = rand.Read(secret) // never fails
		if err := replace(file, secret); err != nil {
			return nil, err
		}
	}
	return os.ReadFile(file)
}

// Get returns the content kept under the key. ok is false when there is none, or none that can be trusted.
func (c *Cache) Get(key Key) (data []byte, ok bool) {
	if c == nil {
		return nil, false
	}
	text, err := os.ReadFile(c.file(key))
	if err != nil || len(text) < sha256.Size {
		return nil, false
	}
	sum, data := text[:sha256.Size], text[sha256.Size:]
	if !hmac.Equal(sum, c.sum(key, data)) {
		return nil, false
	}
	return data, true
}

// Put keeps the content under the key. It returns at once and writes behind; when the queue is full or the disk fails,
// the entry is not kept. data must not change afterwards.
func (c *Cache) Put(key Key, data []byte) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.failed != nil {
		return
	}
	select {
	case c.writes <- write{key, data}:
	default: // a cache is allowed to forget
	}
}

// Err returns the first failure to write, after which nothing more is kept; nil while all is well.
func (c *Cache) Err() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// Close writes what is queued and bounds the folder's size.
func (c *Cache) Close() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.writes)
	}
	c.mu.Unlock()
	c.writing.Wait()
	c.trim()
	return c.Err()
}

// Clear removes all entries.
func (c *Cache) Clear() error {
	if c == nil {
		return nil
	}
	for _, e := range c.entries() {
		if err := os.Remove(e.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear cache: %w", err)
		}
	}
	return nil
}

func (c *Cache) writeBehind() {
	for w := range c.writes {
		file := c.file(w.key)
		err := os.MkdirAll(filepath.Dir(file), 0o700)
		if err == nil {
			err = replace(file, append(c.sum(w.key, w.data), w.data...))
		}
		if err != nil { // disk full, read-only: go on without
			c.mu.Lock()
			c.failed = fmt.Errorf("write cache: %w", err)
			c.mu.Unlock()
		}
	}
}

// replace writes a file so that it is there as a whole or not at all.
func replace(file string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".tmp-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func (c *Cache) sum(key Key, data []byte) []byte {
	h := hmac.New(sha256.New, c.secret)
	h.Write(key[:])
	h.Write(data)
	return h.Sum(nil)
}

func (c *Cache) file(key Key) string {
	name := hex.EncodeToString(key[:])
	return filepath.Join(c.dir, name[:2], name[2:])
}

type entry struct {
	file string
	size int64
	used time.Time
}

func (c *Cache) entries() []entry {
	var list []entry
	_ = filepath.WalkDir(c.dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Dir(file) == c.dir {
			return nil // what cannot be listed is not counted; the key and temporary files stay
		}
		if info, err := d.Info(); err == nil {
			list = append(list, entry{file, info.Size(), info.ModTime()})
		}
		return nil
	})
	return list
}

// trim removes the oldest entries until the rest fits the limit with a fifth to spare.
func (c *Cache) trim() {
	list := c.entries()
	var total int64
	for _, e := range list {
		total += e.size
	}
	if total <= c.limit {
		return
	}
	slices.SortFunc(list, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, e := range list {
		if total <= c.limit*4/5 {
			return
		}
		if os.Remove(e.file) == nil {
			total -= e.size
		}
	}
}
