// Package cache keeps compiled results on disk between runs. The key of a result is made of its inputs.
//
// Entries lie in segments: files that are written once, under a temporary name, and then renamed. A process that is
// killed while it writes leaves no segment, and two servers on one cache never see each other's unfinished segments.
// Each entry has a sum, which is checked before use. A damaged, truncated or planted entry is a miss, and never code
// that runs. Everything is private to the user (0700 and 0600). Without a usable folder the cache is empty and stays
// empty.
//
// The sum is keyed with a secret beside the segments, which only the user can read. An attacker who can only place
// files here (an unpacked archive, a shared folder) cannot make a valid entry.
package cache

import (
	"bufio"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultLimit is the largest size of a cache in bytes, unless Open gets another limit.
const DefaultLimit = 512 << 20

const (
	// writeDelay is the time without a new entry before a segment is written, so that writing does not slow the
	// compiler.
	writeDelay = 2 * time.Second
	// maxSegments is the number of segments above which they are written again as one segment.
	maxSegments = 24
	// headSize is the size of an entry's head: key, sum, length of the content.
	headSize = 2*sha256.Size + 4
	// maxEntry is the largest size of an entry. A larger length in a head is damage.
	maxEntry = 64 << 20
	suffix   = ".seg"
)

// Cache is a folder of segments. Use Open. All methods are safe for concurrent use, also by several processes. The nil
// Cache has no entries and keeps none.
type Cache struct {
	dir    string
	secret []byte
	limit  int64

	mu      sync.Mutex
	index   map[Key]place
	files   []*os.File
	pending map[Key][]byte
	timer   *time.Timer
	failed  error // the first failure to write; after it nothing more is kept
	closed  bool
	// compacting means that the segments are being written again as one while the cache is in use.
	compacting bool
	used       map[Key]bool
	writing    sync.WaitGroup
}

// place is the place of an entry's content, with the sum that the content must have.
type place struct {
	file   *os.File
	at     int64
	length int
	sum    [sha256.Size]byte
}

// Key is the address of an entry, made of everything that determines the entry's content.
type Key [sha256.Size]byte

// KeyOf returns the key of the parts in this order. The borders between the parts count.
func KeyOf(parts ...string) Key {
	h := sha256.New()
	var border [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(border[:], uint64(len(p)))
		h.Write(border[:])
		_, _ = io.WriteString(h, p) // a hash never fails
	}
	var key Key
	h.Sum(key[:0])
	return key
}

// Open opens the cache in the folder, and creates the folder when needed. limit is the size of all entries in bytes; 0
// means DefaultLimit. With an error Open returns a nil Cache, which works as an empty cache.
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
	c := &Cache{
		dir: dir, secret: secret, limit: limit,
		index: map[Key]place{}, pending: map[Key][]byte{}, used: map[Key]bool{},
	}
	c.sweep()
	for _, name := range c.segments() {
		c.read(name)
	}
	return c, nil
}

// abandoned is the age above which a temporary file counts as left behind by a killed process. Writing a segment takes
// seconds.
const abandoned = 10 * time.Minute

// sweep removes the temporary files of processes that were killed while they wrote.
func (c *Cache) sweep() {
	entries, _ := os.ReadDir(c.dir) // an unreadable folder has no entries
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), ".tmp-") && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(filepath.Join(c.dir, e.Name())) // the next start tries again
		}
	}
}

// segments lists the names of the segments, the oldest first.
func (c *Cache) segments() []string {
	entries, _ := os.ReadDir(c.dir) // an unreadable folder has no entries
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names) // a name begins with the time
	return names
}

// read adds a segment's entries to the index, up to the first invalid head.
func (c *Cache) read(name string) {
	f, err := os.Open(filepath.Join(c.dir, name))
	if err != nil {
		return
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return
	}
	c.files = append(c.files, f)
	var head [headSize]byte
	for at := int64(0); at+headSize <= info.Size(); {
		if _, err := f.ReadAt(head[:], at); err != nil {
			return
		}
		p := place{file: f, at: at + headSize, length: int(binary.BigEndian.Uint32(head[2*sha256.Size:]))}
		if p.length > maxEntry || p.at+int64(p.length) > info.Size() {
			return
		}
		copy(p.sum[:], head[sha256.Size:])
		c.index[Key(head[:sha256.Size])] = p
		at = p.at + int64(p.length)
	}
}

// readSecret reads the folder's secret or creates it. When two processes create a secret at once, one of them wins.
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

// Get returns the content of the key. ok is false when there is no entry, or no valid one. The caller must not change
// the content.
func (c *Cache) Get(key Key) (data []byte, ok bool) {
	if c == nil {
		return nil, false
	}
	c.mu.Lock()
	data, ok = c.pending[key]
	p, known := c.index[key]
	if known {
		c.used[key] = true
	}
	c.mu.Unlock()
	if ok || !known {
		return data, ok
	}
	data = make([]byte, p.length)
	if _, err := p.file.ReadAt(data, p.at); err != nil || !hmac.Equal(p.sum[:], c.sum(key, data)) {
		return nil, false
	}
	return data, true
}

// Put stores the content of the key. It returns at once. The content is written when no other Put follows for a while,
// or by Close. data must not change afterwards.
func (c *Cache) Put(key Key, data []byte) {
	if c == nil || len(data) > maxEntry {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.failed != nil {
		return
	}
	c.pending[key] = data
	if c.timer == nil {
		c.timer = time.AfterFunc(writeDelay, c.flush)
	} else {
		c.timer.Reset(writeDelay)
	}
}

// Err returns the first failure to write, or nil. After a failure nothing more is kept.
func (c *Cache) Err() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// Close writes the pending entries and limits the folder's size. Get finds no entries afterwards.
func (c *Cache) Close() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	already := c.closed
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	if already {
		return c.Err()
	}
	c.flush()
	c.writing.Wait()
	c.compact()
	c.mu.Lock()
	for _, f := range c.files {
		_ = f.Close()
	}
	c.index, c.files = map[Key]place{}, nil
	c.mu.Unlock()
	return c.Err()
}

// Clear removes all entries.
func (c *Cache) Clear() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	c.index, c.pending = map[Key]place{}, map[Key][]byte{}
	c.mu.Unlock()
	return c.remove(c.segments())
}

func (c *Cache) remove(names []string) error {
	for _, name := range names {
		if err := os.Remove(filepath.Join(c.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove from cache: %w", err)
		}
	}
	return nil
}

// flush writes the pending entries as a segment.
func (c *Cache) flush() {
	c.mu.Lock()
	batch := c.pending
	c.pending = map[Key][]byte{}
	if len(batch) == 0 || c.failed != nil {
		c.mu.Unlock()
		return
	}
	c.writing.Add(1)
	c.mu.Unlock()
	defer c.writing.Done()
	name, err := c.write(func(add func(Key, []byte) error) error {
		for key, data := range batch {
			if err := add(key, data); err != nil {
				return err
			}
		}
		return nil
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil { // the disk is full or read-only: continue without a cache
		c.failed = fmt.Errorf("write cache: %w", err)
		return
	}
	for key := range batch {
		c.used[key] = true
	}
	c.read(name)
	// Each save of a long day makes a segment, and each segment holds a file open.
	if len(c.files) > 2*maxSegments && !c.closed && !c.compacting {
		c.compacting = true
		c.writing.Go(func() {
			c.compact()
			c.mu.Lock()
			c.compacting = false
			c.mu.Unlock()
		})
	}
}

// write writes a segment with the entries that fill adds, and returns its name.
func (c *Cache) write(fill func(add func(Key, []byte) error) error) (string, error) {
	f, err := os.CreateTemp(c.dir, ".tmp-*") // 0600
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = fill(func(key Key, data []byte) error {
		head := make([]byte, 0, headSize)
		head = append(append(head, key[:]...), c.sum(key, data)...)
		if _, err := w.Write(binary.BigEndian.AppendUint32(head, uint32(len(data)))); err != nil {
			return err
		}
		_, err := w.Write(data)
		return err
	})
	name := fmt.Sprintf("%016x-%s%s", time.Now().UnixNano(), filepath.Base(f.Name())[5:], suffix)
	if err = errors.Join(err, w.Flush(), f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return name, err
}

// compact writes all entries as one segment when there are too many segments or they are too large. It keeps the
// entries that this run used first, and drops the entries that do not fit.
func (c *Cache) compact() {
	names := c.segments()
	var total int64
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(c.dir, name)); err == nil {
			total += info.Size()
		}
	}
	if total <= c.limit && len(names) <= maxSegments {
		return
	}
	if name, err := c.write(c.copyEntries); err == nil {
		c.substitute(names, name)
	}
}

// copyEntries adds the entries that are kept to a new segment.
func (c *Cache) copyEntries(add func(Key, []byte) error) error {
	c.mu.Lock()
	index, recent := maps.Clone(c.index), maps.Clone(c.used)
	c.mu.Unlock()
	left := c.limit * 4 / 5
	for _, used := range []bool{true, false} {
		for key, p := range index {
			if recent[key] != used || int64(p.length)+headSize > left {
				continue
			}
			data := make([]byte, p.length)
			if _, err := p.file.ReadAt(data, p.at); err != nil && !errors.Is(err, io.EOF) {
				continue
			}
			if !hmac.Equal(p.sum[:], c.sum(key, data)) {
				continue
			}
			left -= int64(p.length) + headSize
			if err := add(key, data); err != nil {
				return err
			}
		}
	}
	return nil
}

// substitute replaces the old segments by the new segment that was made from them, and removes their files.
func (c *Cache) substitute(names []string, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	replaced := map[*os.File]bool{}
	c.files = slices.DeleteFunc(c.files, func(f *os.File) bool {
		replaced[f] = slices.Contains(names, filepath.Base(f.Name()))
		return replaced[f]
	})
	newer := maps.Clone(c.index)
	c.read(name)
	for key, p := range newer {
		if !replaced[p.file] {
			c.index[key] = p // the entry was written meanwhile
		}
	}
	for key, p := range c.index {
		if replaced[p.file] {
			delete(c.index, key) // the entry did not fit
		}
	}
	for f, gone := range replaced {
		if gone {
			_ = f.Close() // a Get that reads from it right now is a miss
		}
	}
	_ = c.remove(names) // Windows removes no open file; the next compact takes it
}

// replace writes a file as a whole or not at all.
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
