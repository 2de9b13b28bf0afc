//go:build unix

package server_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestStopWithEverythingUnderWay: a server stops although a tool hangs, a request waits for it, half a request has come
// and pages do not read. Pages are told, the tool's process is gone, and the address is free. (devtest holds every stop to
// its time.)
func TestStopWithEverythingUnderWay(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("no node")
	}
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><script type="module" src="/main.js"></script>
-- main.js --
import "./style.css";
-- style.css --
hang
-- package.json --
{ "devDependencies": { "postcss": "*" } }
-- postcss.config.cjs --
module.exports = { plugins: [{ run() { require("fs").writeFileSync(__dirname + "/pid.txt", String(process.pid)); for (;;); } }] };
-- node_modules/postcss/package.json --
{ "name": "postcss", "version": "8.0.0" }
-- node_modules/postcss/index.js --
module.exports = (plugins) => ({ process: async (code) => ({ css: await plugins[0].run(code), messages: [], warnings: () => [] }) });
`)))
	port := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
	send := func(text string) net.Conn {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		return c
	}
	sock := s.Socket(t)
	send("GET /main.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
	send("GET / HTTP/1.1\r\nHo")
	send("GET /?token=" + s.Token() + "&session=deaf HTTP/1.1\r\nHost: localhost\r\n" + upgrade + "\r\n")
	s.WaitPages(2)
	var pid int
	devtest.Eventually(t, "the tool hangs", func() bool {
		text, _ := os.ReadFile(s.Path("pid.txt"))
		pid, _ = strconv.Atoi(string(text))
		return pid > 0
	}, nil)
	s.Stop()
	if code := sock.Closed(); code != 1001 {
		t.Errorf("the page is told %d, want 1001", code)
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Errorf("the tool's process %d lives on", pid)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}
