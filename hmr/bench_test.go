package hmr_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/hmr"
)

// TestMain also makes the test's program the browsers of a benchmark. In a process of their own, they neither count as
// the server's memory nor take its files.
func TestMain(m *testing.M) {
	if at := os.Getenv("TEST_PAGES_AT"); at != "" {
		n, _ := strconv.Atoi(os.Getenv("TEST_PAGES"))
		if err := runPages(at, n); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runPages opens n connections. It prints a line when they are open, and a line each time all have had one more
// message.
func runPages(at string, n int) error {
	var got atomic.Int64
	for i := range n {
		ws, _, err := websocket.DefaultDialer.Dial(fmt.Sprintf("%s/?session=s%d", at, i), nil)
		if err != nil {
			return fmt.Errorf("open connection %d of %d: %w (the limit of open files may be too low)", i, n, err)
		}
		go func() {
			for received := 0; ; {
				_, text, err := ws.ReadMessage()
				if err != nil {
					os.Exit(0) // the benchmark is over
				}
				if !strings.Contains(string(text[:min(len(text), 40)]), `"custom"`) {
					continue
				}
				if received++; received%64 == 0 {
					_ = ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"ack","n":%d}`, received))
				}
				if got.Add(1)%int64(n) == 0 {
					fmt.Println("all")
				}
			}
		}()
	}
	fmt.Println("open")
	select {}
}

// data is a broadcast of the size of a small update.
var data = map[string]string{"text": strings.Repeat("x", 1000)}

// pages opens n connections from another process and returns a func that waits until each has had one more message.
func pages(b *testing.B, at string, n int) (await func()) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_PAGES_AT="+at, fmt.Sprint("TEST_PAGES=", n))
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	lines := bufio.NewScanner(out)
	line := func() string { lines.Scan(); return lines.Text() }
	if first := line(); first != "open" {
		b.Skip(first)
	}
	return func() {
		if l := line(); l != "all" {
			b.Fatalf("the pages ended: %q", l)
		}
	}
}

// BenchmarkBroadcast sends one message to all pages until all have it: through a hub, and by a loop over gorilla's
// connections. Their ratio is the cost of the hub, in time and in the server's memory for each page.
func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("hub/pages=%d", n), func(b *testing.B) {
			hub, at := serve(b, hmr.Options{})
			measureBroadcast(b, at, n, func() int { return len(hub.Clients()) }, func() error { return hub.Broadcast("e", data) })
		})
		b.Run(fmt.Sprintf("bare/pages=%d", n), func(b *testing.B) {
			at, count, loop := bareLoop(b)
			text, err := hmr.Encode(&hmr.Custom{Event: "e", Data: encoded(b, data)})
			if err != nil {
				b.Fatal(err)
			}
			measureBroadcast(b, at, n, count, func() error { return loop(text) })
		})
	}
}

// BenchmarkBroadcastRatio compares the hub with the bare loop in one run. They send a few messages each in turn, so
// that other work of the machine slows both down. It measures the time until 1,000 pages have a message, and the
// server's processor time. The pages are in a process of their own and do not count.
func BenchmarkBroadcastRatio(b *testing.B) {
	const n, each = 1_000, 10
	hub, at := serve(b, hmr.Options{})
	bareAt, bareCount, loop := bareLoop(b)
	text, err := hmr.Encode(&hmr.Custom{Event: "e", Data: encoded(b, data)})
	if err != nil {
		b.Fatal(err)
	}
	type side struct {
		send      func() error
		await     func()
		time, cpu time.Duration
	}
	sides := []*side{
		{send: func() error { return hub.Broadcast("e", data) }, await: pages(b, at, n)},
		{send: func() error { return loop(text) }, await: pages(b, bareAt, n)},
	}
	until(b, func() bool { return len(hub.Clients()) == n && bareCount() == n })
	measure := func(s *side, messages int) {
		start, startCPU := time.Now(), processorTime()
		for range messages {
			if err := s.send(); err != nil {
				b.Fatal(err)
			}
			s.await()
		}
		s.time += time.Since(start)
		s.cpu += processorTime() - startCPU
	}
	for _, s := range sides { // stacks grow at the first message
		measure(s, 1)
		s.time, s.cpu = 0, 0
	}
	for b.Loop() {
		for _, s := range sides {
			measure(s, each)
		}
	}
	of := func(d time.Duration) float64 { return float64(d) / float64(b.N*each) / float64(n) }
	b.ReportMetric(float64(sides[0].time)/float64(sides[1].time), "x-bare")
	b.ReportMetric(of(sides[0].time), "ns/page")
	if sides[1].cpu > 0 {
		b.ReportMetric(float64(sides[0].cpu)/float64(sides[1].cpu), "x-bare-cpu")
		b.ReportMetric(of(sides[0].cpu), "cpu-ns/page")
	}
}

func measureBroadcast(b *testing.B, at string, n int, count func() int, send func() error) {
	before := memory()
	await := pages(b, at, n)
	until(b, func() bool { return count() == n }) // a page may think that it is connected before the server does
	once := func() {
		if err := send(); err != nil {
			b.Fatal(err)
		}
		await()
	}
	once() // stacks grow at the first message
	each := float64(memory()-before) / float64(n)
	for b.Loop() {
		once()
	}
	b.ReportMetric(each, "B/page")
}

// bareLoop serves WebSockets and returns a func that writes a message to all of them.
func bareLoop(b *testing.B) (at string, count func() int, send func(text []byte) error) {
	var running sync.WaitGroup
	b.Cleanup(running.Wait)
	var mu sync.Mutex
	var all []*websocket.Conn
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		running.Add(1)
		defer running.Done()
		mu.Lock()
		all = append(all, ws)
		mu.Unlock()
		for err == nil {
			_, _, err = ws.ReadMessage()
		}
	}))
	b.Cleanup(s.Close)
	count = func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(all)
	}
	return "ws" + strings.TrimPrefix(s.URL, "http"), count, func(text []byte) error {
		mu.Lock()
		defer mu.Unlock()
		for _, ws := range all {
			if err := ws.WriteMessage(websocket.TextMessage, text); err != nil {
				return err
			}
		}
		return nil
	}
}

// BenchmarkRoundTrip sends an event to a handler and awaits its answer.
func BenchmarkRoundTrip(b *testing.B) {
	hub, at := serve(b, hmr.Options{})
	hub.On("ask", func(_ context.Context, c *hmr.Client, data json.RawMessage) error { return c.Send("e", data) })
	ws, _, err := websocket.DefaultDialer.Dial(at, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer ws.Close()
	for b.Loop() {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"custom","event":"ask","data":{"n":1}}`)); err != nil {
			b.Fatal(err)
		}
		for {
			_, text, err := ws.ReadMessage()
			if err != nil {
				b.Fatal(err)
			}
			if strings.Contains(string(text), `"custom"`) {
				break
			}
		}
	}
}

// BenchmarkEvents measures how many events a hub takes from 20 pages that send as fast as they can. What waits must
// stay bounded: the largest heap of the run is reported, and more than 256 MiB fails.
func BenchmarkEvents(b *testing.B) {
	const senders = 20
	hub, at := serve(b, hmr.Options{EventRate: 1 << 30})
	var left atomic.Int64
	done := make(chan struct{}, 1)
	hub.On("e", func(context.Context, *hmr.Client, json.RawMessage) error {
		if left.Add(-1) == 0 {
			done <- struct{}{}
		}
		return nil
	})
	var sockets []*websocket.Conn
	for range senders {
		ws, _, err := websocket.DefaultDialer.Dial(at, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer ws.Close()
		go func() {
			for err := error(nil); err == nil; {
				_, _, err = ws.ReadMessage() // acknowledgements
			}
		}()
		sockets = append(sockets, ws)
	}
	frame := []byte(`{"type":"custom","event":"e","data":{"n":1,"text":"a click somewhere"}}`)
	before := memory()
	var most atomic.Uint64
	left.Store(int64(b.N))
	b.ResetTimer()
	for i, ws := range sockets {
		share := b.N / senders
		if i < b.N%senders {
			share++
		}
		go func() {
			for n := range share {
				if err := ws.WriteMessage(websocket.TextMessage, frame); err != nil {
					b.Error(err)
					return
				}
				if n%10_000 == 0 {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					most.Store(max(most.Load(), m.HeapInuse))
				}
			}
		}()
	}
	<-done
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(most.Load())/(1<<20), "MiB-heap-at-most")
	b.ReportMetric((float64(memory())-float64(before))/(1<<20), "MiB-more-after")
	if most.Load() > 256<<20 {
		b.Errorf("the heap grew to %d bytes", most.Load())
	}
}

// BenchmarkHandlers measures events and requests of one page, 64 at a time. The hub guards the handlers (On, Handle),
// or their group guards itself (OnIn, HandleIn).
func BenchmarkHandlers(b *testing.B) {
	hub, at := serve(b, hmr.Options{EventRate: 1 << 30})
	answer := func(_ context.Context, _ *hmr.Client, data json.RawMessage) (any, error) { return data, nil }
	echo := func(_ context.Context, c *hmr.Client, data json.RawMessage) error { return c.Send("e", data) }
	hub.On("event/hub", echo)
	hub.OnIn("group", "event/group", echo)
	if _, err := hub.Handle("request/hub", answer); err != nil {
		b.Fatal(err)
	}
	if _, err := hub.HandleIn("group", "request/group", answer); err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"event/hub", "event/group", "request/hub", "request/group"} {
		b.Run(name, func(b *testing.B) {
			kind, _, _ := strings.Cut(name, "/")
			if kind == "event" {
				kind = "custom"
			}
			ws, _, err := websocket.DefaultDialer.Dial(at, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer ws.Close()
			window := make(chan struct{}, 64)
			answers := make(chan struct{})
			go func() {
				defer close(answers)
				for left := b.N; left > 0; {
					_, text, err := ws.ReadMessage()
					if err != nil {
						b.Error(err)
						return
					}
					if strings.HasPrefix(string(text), `{"type":"custom"`) || strings.HasPrefix(string(text), `{"type":"reply"`) {
						left--
						<-window
					}
				}
			}()
			b.ReportAllocs()
			b.ResetTimer()
			for n := range b.N {
				select {
				case window <- struct{}{}:
				case <-answers: // they ended early, with an error
					return
				}
				if err := ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":%q,"event":%q,"id":%d,"data":{"n":1}}`, kind, name, n+1)); err != nil {
					b.Fatal(err)
				}
			}
			<-answers
		})
	}
}

func encoded(b *testing.B, v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// memory returns the size of the heap and the stacks after a collection, in bytes.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
