//go:build unix

package pluginhost_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
)

// lives reports whether a process runs. A process that nobody has waited for has a number, but is dead.
func lives(pid int) bool {
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		_, after, _ := bytes.Cut(stat, []byte(") "))
		return !bytes.HasPrefix(after, []byte("Z"))
	}
	return syscall.Kill(pid, 0) == nil
}

func leave(t *testing.T, c *pluginhost.Child) int {
	t.Helper()
	got, err := ask(t.Context(), c, "leave", "")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(got)
	if err != nil || !lives(pid) {
		t.Fatalf("process %s: %v", got, err)
	}
	return pid
}

func TestCloseEndsWhatPluginsStarted(t *testing.T) {
	c, _, _ := startChild(t)
	pid := leave(t, c)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	eventually(t, "the grandchild is gone", func() bool { return !lives(pid) })
}

func TestCrashEndsWhatPluginsStarted(t *testing.T) {
	c, _, _ := startChild(t)
	pid := leave(t, c)
	_, _ = ask(t.Context(), c, "exit", "") // fails, since it dies meanwhile
	exited(t, c)
	eventually(t, "the grandchild is gone", func() bool { return !lives(pid) })
}

func TestHungChildIsKilled(t *testing.T) {
	c, _, _ := startChildWith(t, pluginhost.ChildOptions{Cmd: self(), Alive: 50 * time.Millisecond})
	if err := syscall.Kill(c.Pid(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := ask(ctx, c, "sum", "{}"); err == nil {
		t.Error("a stopped child answered")
	}
	if why := exited(t, c); !strings.Contains(why, "did not answer") {
		t.Errorf("got %q", why)
	}
}

// TestSlowHandlerIsNotAHungChild checks that a child answers other calls while one handler is slow.
func TestSlowHandlerIsNotAHungChild(t *testing.T) {
	c, _, _ := startChildWith(t, pluginhost.ChildOptions{Cmd: self(), Alive: 5 * time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := ask(ctx, c, "wait", "60000"); err == nil {
		t.Error("answered")
	}
	if got, err := ask(t.Context(), c, "sum", `{"a":1}`); err != nil || got != "1" {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestChildDiesWithTheServer kills a server, which has no time to end its child.
func TestChildDiesWithTheServer(t *testing.T) {
	server := self("TEST_SERVER=" + t.TempDir())
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil || !lives(pid) {
		t.Fatalf("process %d: %v", pid, err)
	}
	_ = server.Process.Kill() // it runs
	_ = server.Wait()         // killed
	eventually(t, "the child is gone", func() bool { return !lives(pid) })
}

// runServer is a server that starts a child and does nothing.
func runServer() {
	b := &backend{root: os.Getenv("TEST_SERVER"), sent: make(chan string)}
	c, err := pluginhost.StartChild(context.Background(), pluginhost.ChildOptions{Name: "plugins", Cmd: self(), Backend: b})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Pid())
	select {}
}
