package server_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// held counts what a process holds.
type held struct {
	goroutines, descriptors int
	heap                    uint64
}

func holds() held {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h := held{goroutines: runtime.NumGoroutine(), heap: m.HeapAlloc}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		h.descriptors = len(entries)
	}
	return h
}

// leave sends the close frame of a page that the user leaves.
func leave(ws *websocket.Conn) {
	_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Minute))
}

// TestClientsLeaveNothing: descriptors, goroutines and memory return to their values before. Pages load again and
// again, sockets open and close, some requests and frames are cut in half, and some clients never read.
// DEVSERVER_SOAK=1 makes 500 loads and 2,000 sockets.
func TestClientsLeaveNothing(t *testing.T) {
	loads, sockets := devtest.Soak(20, 500), devtest.Soak(80, 2000)
	s := devtest.Start(t, tree(t, 30))
	port := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	connect := func(session string) *websocket.Conn {
		t.Helper()
		d := websocket.Dialer{Subprotocols: []string{"vite-hmr"}}
		ws, _, err := d.Dial("ws://localhost:"+port+"/?token="+s.Token()+"&session="+session, nil)
		if err != nil {
			t.Fatal(err)
		}
		return ws
	}
	n := 0
	visit := func() {
		n++
		w := &wire{t: t, addr: "127.0.0.1:" + port}
		for _, path := range []string{"/", "/@vite/client", "/m0.ts", "/@devserver/pack.js?id=/m3.ts"} {
			w.ask("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Dest: script\r\nSec-Fetch-Mode: cors\r\n\r\n")
		}
		ws := connect(fmt.Sprint("page", n))
		leave(ws)
		_, _ = io.Copy(io.Discard, ws.NetConn())
		_ = ws.Close()
		w.close()
	}
	comeAndGo := func() {
		n++
		switch n % 5 {
		case 0: // half a request
			c := dial()
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: loc")
			_ = c.Close()
		case 1: // half a frame
			ws := connect("")
			_, _ = io.WriteString(ws.NetConn(), "\x81\xfe\x10")
			_ = ws.NetConn().Close()
		case 2: // refused
			c := dial()
			_, _ = io.WriteString(c, "GET /?token=x HTTP/1.1\r\nHost: localhost\r\n"+upgrade+"\r\n")
			_, _ = c.Read(make([]byte, 12))
			_ = c.Close()
		default: // a network that fails
			ws := connect("") // no page resumes this session
			_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"custom","event":"x:y","data":1}`))
			_ = ws.NetConn().Close()
		}
	}
	// The server closes connections that never read while it sends much. The others get every update.
	good := s.Read("m29.ts")
	talk := func() {
		var deaf []*websocket.Conn
		for range 5 {
			n++
			deaf = append(deaf, connect(fmt.Sprint("deaf", n)))
		}
		sock := s.Socket(t)
		for range 70 { // more updates than the server keeps for source maps
			n++
			s.Write("m29.ts", good+fmt.Sprintf("export const edit%d = %q;\n", n, strings.Repeat("y", 100_000)))
			sock.WaitFor(devtest.Is("update", fmt.Sprintf("edit%d", n)))
		}
		sock.Close()
		for _, ws := range deaf {
			_ = ws.NetConn().Close()
		}
	}
	for range 30 { // afterwards everything that is made once exists
		visit()
		comeAndGo()
	}
	talk()
	before := holds()
	for range loads {
		visit()
	}
	for range sockets {
		comeAndGo()
	}
	talk()
	var after held
	devtest.Eventually(t, "memory, goroutines and descriptors as before", func() bool {
		after = holds()
		// The memory of unread messages is kept for two minutes, since the pages may come back.
		return after.goroutines <= before.goroutines+3 && after.descriptors <= before.descriptors+3 && after.heap < before.heap+64<<20
	}, func() string { return fmt.Sprintf("before %+v\nafter  %+v", before, after) })
	if res := s.Get("/m0.ts"); res.Status != 200 {
		t.Errorf("status %d, want 200", res.Status)
	}
}
