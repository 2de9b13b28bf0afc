package cache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func open(t *testing.T, dir string, limit int64) *Cache {
	t.Helper()
	c, err := Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func keep(t *testing.T, c *Cache, key Key, text string) {
	t.Helper()
	c.Put(key, []byte(text))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestEntrySurvivesARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	key := KeyOf("react", "19.2.0")
	keep(t, open(t, dir, 0), key, "code")
	c := open(t, dir, 0)
	defer c.Close()
	if data, ok := c.Get(key); !ok || string(data) != "code" {
		t.Errorf("got %q, %v after a restart", data, ok)
	}
	if _, ok := c.Get(KeyOf("rea", "ct19.2.0")); ok {
		t.Error("parts with other borders have the same key")
	}
}

// A cache entry is code that runs in the page: an entry with any changed byte is a miss.
func TestDamagedOrPlantedEntryIsAMiss(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"flipped bit": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"cut off":     func(b []byte) []byte { return b[:len(b)-1] },
		"empty":       func([]byte) []byte { return nil },
		"planted":     func(b []byte) []byte { return append(b[:headSize:headSize], "evil"...) },
		"long":        func(b []byte) []byte { b[2*32] = 0xff; return b },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			key := KeyOf("a")
			c := open(t, dir, 0)
			keep(t, c, key, "code")
			file := filepath.Join(dir, c.segments()[0])
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, damage(text), 0o600); err != nil {
				t.Fatal(err)
			}
			again := open(t, dir, 0)
			defer again.Close()
			if data, ok := again.Get(key); ok {
				t.Errorf("the damaged entry was used: %q", data)
			}
		})
	}
}

func TestEntryOfAnotherKeyIsAMiss(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	c := open(t, dir, 0)
	keep(t, c, KeyOf("a"), "code of a")
	file := filepath.Join(dir, c.segments()[0])
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b := KeyOf("b")
	copy(text, b[:])
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, 0)
	defer again.Close()
	if _, ok := again.Get(b); ok {
		t.Error("an entry that was moved to another key was used")
	}
}

// A process that is killed while it writes leaves only a temporary file.
func TestHalfWrittenSegmentIsNotRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	keep(t, open(t, dir, 0), KeyOf("a"), "code")
	if err := os.WriteFile(filepath.Join(dir, ".tmp-1"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir, 0)
	defer c.Close()
	if _, ok := c.Get(KeyOf("a")); !ok || len(c.index) != 1 {
		t.Errorf("the cache has %d entries", len(c.index))
	}
}

func TestManySegmentsBecomeOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	for i := range maxSegments + 2 {
		keep(t, open(t, dir, 0), KeyOf(string(rune('a'+i))), "code")
	}
	c := open(t, dir, 0)
	defer c.Close()
	if len(c.segments()) > 2 || len(c.index) != maxSegments+2 {
		t.Errorf("%d segments with %d entries", len(c.segments()), len(c.index))
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	c := open(t, dir, 0)
	keep(t, c, KeyOf("a"), "code")
	for _, file := range []string{dir, filepath.Join(dir, "key"), filepath.Join(dir, c.segments()[0])} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v", file, info.Mode())
		}
	}
}

func TestFolderOpenToOthersIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, 0); err == nil {
		t.Error("a folder that others can write to was accepted")
	}
}

func TestSizeIsBounded(t *testing.T) {
	c := open(t, filepath.Join(t.TempDir(), "cache"), 10_000)
	for i := range 50 {
		c.Put(KeyOf("entry", string(rune('a'+i))), bytes.Repeat([]byte("x"), 1000))
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	var total int64
	for _, name := range c.segments() {
		info, err := os.Stat(filepath.Join(c.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 10_000 || total == 0 {
		t.Errorf("entries take %d bytes, limit is 10000", total)
	}
}

func TestNilCacheForgets(t *testing.T) {
	var c *Cache
	c.Put(KeyOf("a"), nil)
	if _, ok := c.Get(KeyOf("a")); ok {
		t.Error("a nil cache has an entry")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// BenchmarkGet measures a hit: the entry is read from its segment and checked against its sum.
func BenchmarkGet(b *testing.B) {
	for _, size := range []int{1 << 10, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			c, err := Open(filepath.Join(b.TempDir(), "cache"), 0)
			if err != nil {
				b.Fatal(err)
			}
			const n = 1000
			keys := make([]Key, n)
			for i := range keys {
				keys[i] = KeyOf("module", fmt.Sprint(i))
				c.Put(keys[i], bytes.Repeat([]byte{byte(i)}, size))
			}
			if err := c.Close(); err != nil {
				b.Fatal(err)
			}
			if c, err = Open(c.dir, 0); err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if data, ok := c.Get(keys[i%n]); !ok || len(data) != size {
					b.Fatalf("a miss, or %d bytes", len(data))
				}
			}
		})
	}
}
