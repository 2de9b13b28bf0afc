package cache

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writerEnv names a folder. It makes the test program a process that writes to the folder's cache until it is killed.
const writerEnv = "DEVSERVER_TEST_CACHE_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// keyAndText returns a key and its text. A wrong text cannot pass for the right one.
func keyAndText(i int) (Key, []byte) {
	return KeyOf("kept", fmt.Sprint(i)), bytes.Repeat(fmt.Appendf(nil, "result %d;", i), 1+i*i%997)
}

const results = 200

func writeUntilKilled(dir string) {
	fmt.Println("begins")
	for {
		c, err := Open(dir, 2<<20) // small, so that compact runs often
		if err != nil {
			panic(err)
		}
		for range 5 {
			for range 20 {
				c.Put(keyAndText(rand.IntN(results)))
			}
			c.flush()
		}
		if err := c.Close(); err != nil && !strings.Contains(err.Error(), "no such file") { // another process has removed it
			panic(err)
		}
	}
}

// TestKilledWriters kills processes while they write. Afterwards each entry is right or missing, also while others
// still write. DEVSERVER_SOAK=1 kills 1,000 processes.
func TestKilledWriters(t *testing.T) {
	kills := 60
	if os.Getenv("DEVSERVER_SOAK") != "" {
		kills = 1000
	}
	dir := filepath.Join(t.TempDir(), "cache")
	found := 0
	for n := range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerEnv+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Fatalf("kill %d: the writer ended by itself: %v", n, err)
		}
		time.Sleep(time.Duration(rand.IntN(8000)) * time.Microsecond) // a random moment of its writing
		if n%3 == 0 {
			found += read(t, dir) // while the process writes
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // the error is the signal
		found += read(t, dir)
	}
	if found == 0 {
		t.Error("nothing was ever kept: the test shows nothing")
	}
	// The temporary files of killed processes are removed once they are old.
	old := time.Now().Add(-2 * abandoned)
	left, _ := filepath.Glob(filepath.Join(dir, ".tmp-*"))
	for _, file := range left {
		_ = os.Chtimes(file, old, old)
	}
	if err := open(t, dir, 0).Close(); err != nil {
		t.Error(err)
	}
	if left, _ = filepath.Glob(filepath.Join(dir, ".tmp-*")); len(left) > 0 {
		t.Errorf("%d temporary files stay for ever", len(left))
	}
}

// read returns the number of entries in the cache, and checks that each is right.
func read(t *testing.T, dir string) (found int) {
	t.Helper()
	c := open(t, dir, 0)
	defer c.Close()
	for i := range results {
		key, want := keyAndText(i)
		if got, ok := c.Get(key); ok {
			found++
			if !bytes.Equal(got, want) {
				t.Fatalf("result %d is wrong: %.100q", i, got)
			}
		}
	}
	return found
}

// TestLongDay: each save after a pause makes a segment; files and descriptors stay bounded while the cache is in use.
func TestLongDay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	c := open(t, dir, 0)
	for i := range 500 {
		c.Put(keyAndText(i % results))
		c.flush()
	}
	c.writing.Wait()
	if open, files := len(c.files), len(c.segments()); open > 3*maxSegments || files > 3*maxSegments {
		t.Errorf("%d files are open, %d are there", open, files)
	}
	for i := range results {
		if key, want := keyAndText(i); true {
			if got, ok := c.Get(key); !ok || !bytes.Equal(got, want) {
				t.Fatalf("result %d: %.50q, %v", i, got, ok)
			}
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestCacheThatCannotBeWritten: on a full disk, or when its folder is removed, the cache keeps nothing and says why
// once.
func TestCacheThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	c := open(t, dir, 0)
	keep(t, open(t, dir, 0), KeyOf("a"), "code")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	c.Put(KeyOf("b"), []byte("code"))
	c.flush()
	if c.Err() == nil {
		t.Error("a write into a folder that is gone was no failure")
	}
	c.Put(KeyOf("c"), []byte("code"))
	if _, ok := c.Get(KeyOf("b")); ok {
		t.Error("something is there that could not be kept")
	}
	if err := c.Close(); err == nil {
		t.Error("Close does not return the failure")
	}
}
