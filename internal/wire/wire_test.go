package wire_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// pair connects two ends by pipes.
func pair(t testing.TB, server, child wire.Handler) (a, b *wire.Conn) {
	t.Helper()
	ar, bw := io.Pipe()
	br, aw := io.Pipe()
	a, b = wire.New(ar, aw, server), wire.New(br, bw, child)
	done := make(chan error, 2)
	go func() { done <- a.Run() }()
	go func() { done <- b.Run() }()
	t.Cleanup(func() {
		aw.Close()
		bw.Close()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return a, b
}

func nothing(context.Context, string, json.RawMessage) (any, error) { return nil, nil }

func TestCallsGoBothWaysAtTheSameTime(t *testing.T) {
	var b *wire.Conn
	a, b := pair(t, func(_ context.Context, method string, params json.RawMessage) (any, error) {
		return "a:" + method, nil
	}, func(ctx context.Context, method string, params json.RawMessage) (any, error) {
		if method == "fails" {
			return nil, &wire.Error{Code: "c", Message: "m", Path: "p"}
		}
		var back string
		err := b.Call(ctx, "back", nil, &back) // a call while it answers one
		return back + string(params), err
	})
	var got string
	if err := a.Call(t.Context(), "there", 1, &got); err != nil || got != "a:back1" {
		t.Errorf("got %q, %v", got, err)
	}
	err := a.Call(t.Context(), "fails", nil, nil)
	if own, ok := errors.AsType[*wire.Error](err); !ok || own.Code != "c" || own.Path != "p" {
		t.Errorf("got %v", err)
	}
}

func TestCancelReachesTheOtherSide(t *testing.T) {
	ended := make(chan struct{})
	a, _ := pair(t, nothing, func(ctx context.Context, _ string, _ json.RawMessage) (any, error) {
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if err := a.Call(ctx, "hang", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-ended
}

func TestNoticesKeepTheirOrder(t *testing.T) {
	got := make(chan string, 100)
	a, _ := pair(t, nothing, func(_ context.Context, method string, _ json.RawMessage) (any, error) {
		got <- method
		return nil, nil
	})
	for i := range 100 {
		if err := a.Notify(fmt.Sprint(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if method := <-got; method != fmt.Sprint(i) {
			t.Fatalf("notice %d is %s", i, method)
		}
	}
}

func TestPendingCallsEndWithTheStream(t *testing.T) {
	r, w := io.Pipe()
	c := wire.New(r, io.Discard, nothing)
	go func() { _ = c.Run() }()
	time.AfterFunc(time.Millisecond, func() { w.Close() })
	if err := c.Call(t.Context(), "x", nil, nil); !errors.Is(err, wire.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := c.Call(t.Context(), "x", nil, nil); !errors.Is(err, wire.ErrClosed) {
		t.Errorf("after the end: got %v", err)
	}
}

// heldPipe is the way to a process: it takes nothing until the process has ended.
type heldPipe struct{ begun, ended chan struct{} }

func (p heldPipe) Write([]byte) (int, error) {
	close(p.begun)
	<-p.ended
	return 0, io.ErrClosedPipe
}

// TestCallsThatDidNotGoOut tells calls that the other side may have handled from those that it never got.
func TestCallsThatDidNotGoOut(t *testing.T) {
	r, w := io.Pipe()
	out, sent := io.Pipe()
	c := wire.New(r, sent, nothing)
	go func() { _ = c.Run() }()
	got := make(chan error)
	go func() { got <- c.Call(t.Context(), "x", nil, nil) }()
	if _, err := io.ReadFull(out, make([]byte, 4+len(`{"id":1,"method":"x","params":null}`))); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := <-got; !errors.Is(err, wire.ErrClosed) || errors.Is(err, wire.ErrUnsent) {
		t.Errorf("a call that went out: got %v", err)
	}
	if err := c.Call(t.Context(), "x", nil, nil); !errors.Is(err, wire.ErrUnsent) || !wire.NotRun(err) {
		t.Errorf("after the end: got %v", err)
	}

	r, w = io.Pipe()
	pipe := heldPipe{make(chan struct{}), make(chan struct{})}
	c = wire.New(r, pipe, nothing)
	go func() { _ = c.Run() }()
	go func() { got <- c.Call(t.Context(), "written", nil, nil) }()
	<-pipe.begun // to a process that has ended and whose end is not known yet
	go func() { got <- c.Call(t.Context(), "queued", nil, nil) }()
	w.Close()
	close(pipe.ended)
	for range 2 {
		if err := <-got; !errors.Is(err, wire.ErrUnsent) {
			t.Errorf("got %v", err)
		}
	}
}

func TestGarbageIsReported(t *testing.T) {
	for name, text := range map[string]string{
		"printed text": "Listening on port 3000\n",
		"no JSON":      "\x00\x00\x00\x02xx",
		"cut off":      "\x00\x00\x00\x10{}",
	} {
		if err := wire.New(strings.NewReader(text), io.Discard, nothing).Run(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestCallsEndWhenTheOtherSideDoesNotRead has a peer that reads nothing. A call must not last longer than its context.
func TestCallsEndWhenTheOtherSideDoesNotRead(t *testing.T) {
	r, w := io.Pipe()
	in, end := io.Pipe()
	c := wire.New(in, w, nothing)
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	large := strings.Repeat("x", 9<<20)
	for range 3 { // one is being written, one waits, one finds no room
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if err := c.Call(ctx, "m", large, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	r.Close() // as when the process is killed
	if err := c.Notify("m", large); err == nil {
		if err = c.Notify("m", large); !errors.Is(err, wire.ErrClosed) {
			t.Errorf("after the end: got %v", err)
		}
	}
	end.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestAnswersArriveAfterTheLastFrame ends the input of a side that still answers, as a server that drains does.
func TestAnswersArriveAfterTheLastFrame(t *testing.T) {
	in, out := bytes.NewReader(append(binary.BigEndian.AppendUint32(nil, 21), `{"id":1,"method":"m"}`...)), &bytes.Buffer{}
	c := wire.New(in, out, func(ctx context.Context, _ string, _ json.RawMessage) (any, error) {
		<-ctx.Done()
		return "late", nil
	})
	if err := c.Run(); err != nil || !strings.Contains(out.String(), `"result":"late"`) {
		t.Errorf("wrote %q, %v", out, err)
	}
}

func FuzzRun(f *testing.F) {
	frame := func(body string) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	}
	f.Add(frame(`{"id":1,"method":"m","params":{}}`))
	f.Add(frame(`{"id":1,"result":1}`))
	f.Add(frame(`{"id":1,"cancel":true}`))
	f.Add([]byte("\xff\xff\xff\xff"))
	for _, body := range []string{`{}`, ``, `[]`, `null`, `{"id":0,"method":""}`, `{"id":-1}`, `{"id":1,"error":{"message":"m","file":"f","line":-1}}`, `{"method":"notice","params":[1]}`, `{"id":1,"method":"m"}{"id":2}`, "\xff", `{"id":1,"cancel":true,"method":"m","result":1,"error":null}`} {
		f.Add(append(frame(body), frame(`{"id":2,"method":"m"}`)...))
	}
	f.Add(append(frame(`{"id":1,"method":"m"}`), 0, 0, 0, 9, '{'))       // cut off
	f.Add([]byte("npm warn deprecated x\n" + string(frame(`{"id":1}`)))) // what programs print
	f.Add(binary.BigEndian.AppendUint32(nil, 1<<30))                     // a length that nothing follows
	f.Fuzz(func(t *testing.T, stream []byte) {
		_ = wire.New(bytes.NewReader(stream), io.Discard, nothing).Run() // must return and not panic
	})
}
