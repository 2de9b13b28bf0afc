package hmr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
)

// onlyClient returns the only page of the hub, once it is open.
func onlyClient(t *testing.T, hub *hmr.Hub) *hmr.Client {
	t.Helper()
	until(t, func() bool { return len(hub.Clients()) == 1 })
	return hub.Clients()[0]
}

// request sends a request, and returns what ends it.
func request(ctx context.Context, c *hmr.Client, event string, in any) func() (string, error) {
	type result struct {
		answer json.RawMessage
		err    error
	}
	done := make(chan result, 1)
	go func() {
		answer, err := c.Request(ctx, event, in)
		done <- result{answer, err}
	}()
	return func() (string, error) { r := <-done; return string(r.answer), r.err }
}

// deadline is a context whose deadline passes when done is closed.
type deadline struct {
	context.Context
	done chan struct{}
}

func (d deadline) Deadline() (time.Time, bool) { return time.Now().Add(time.Hour), true }
func (d deadline) Done() <-chan struct{}       { return d.done }
func (d deadline) Err() error {
	select {
	case <-d.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*hmr.Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestPagesAreAsked(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	var mu sync.Mutex
	var passed []string
	hub.OnPassed(func(m hmr.Passed) {
		mu.Lock()
		defer mu.Unlock()
		passed = append(passed, fmt.Sprintf("%v %s %s %d %s %v", m.FromPage, m.Type, m.Event, m.ID, m.Data, m.Error != nil))
	})
	p := open(t, at, "p")
	p.send(`{"type":"hello","url":"http://x/"}`)
	c := onlyClient(t, hub)
	deep := strings.Repeat("[", 120) + strings.Repeat("]", 120)
	for i, test := range []struct {
		in                 any
		data, reply        string
		answer, code, path string
	}{
		{in: map[string]int{"a": 1}, data: "map[a:1]", reply: `"data":{"items":[1]}`, answer: `{"items":[1]}`},
		{in: nil, data: "<nil>", reply: `"data":null`, answer: "null"},
		{in: hmr.NoData, data: "none", reply: `"x":1`, answer: ""},
		{in: 1, data: "1", reply: `"error":{"code":"mine","message":"m","path":"a.b"}`, code: "mine", path: "a.b"},
		{in: 1, data: "1", reply: `"error":{"message":"m"}`, code: "handler_error"},
		{in: 1, data: "1", reply: `"data":` + deep, code: "bad_answer"},
		{in: 1, data: "1", reply: `"data":{]`, code: "bad_answer"},
		{in: 1, data: "1", reply: `"error":5`, code: "bad_answer"},
	} {
		wait := request(t.Context(), c, "cart:state", test.in)
		f := p.await("the request", ofType("request"))
		data, has := f["data"]
		if got := fmt.Sprint(data); f["event"] != "cart:state" || f["id"] != float64(i+1) || has && got != test.data || has == (test.data == "none") {
			t.Errorf("%d: the page got %v", i, f)
		}
		p.send(fmt.Sprintf(`{"type":"reply","id":%d,%s}`, i+1, test.reply))
		answer, err := wait()
		if answer != test.answer || (err != nil) != (test.code != "") || err != nil && codeOf(err) != test.code {
			t.Errorf("%.60s: got %s, %v", test.reply, answer, err)
		}
		if e, ok := errors.AsType[*hmr.Error](err); ok && e.Path != test.path {
			t.Errorf("the path is %s", e.Path)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(passed[:2], ", ") + ", " + passed[7]; len(passed) != 16 ||
		got != `false request cart:state 1 {"a":1} false, true reply cart:state 1 {"items":[1]} false, true reply cart:state 4  true` {
		t.Errorf("%d passed: %s", len(passed), got)
	}
}

func TestAnswersAreDecoded(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	p := open(t, at, "p")
	p.send(`{"type":"hello","url":"http://x/"}`)
	c := onlyClient(t, hub)
	type cart struct{ Items []struct{ Name string } }
	for _, test := range []struct{ data, want string }{
		{`{"items":[{"name":"apple"}]}`, "{[{apple}]} <nil>"},
		{`{"items":[{"name":5}]}`, `{[]} the page's answer does not fit: payload of "cart:state": items[0].name must be a string, but is a number (at items[0].name)`},
	} {
		done := make(chan string, 1)
		go func() {
			got, err := hmr.Request[cart](t.Context(), c, "cart:state", hmr.NoData)
			done <- fmt.Sprint(got, " ", err)
		}()
		f := p.await("the request", ofType("request"))
		p.send(fmt.Sprintf(`{"type":"reply","id":%v,"data":%s}`, f["id"], test.data))
		if got := <-done; got != test.want {
			t.Errorf("got %s", got)
		}
	}
	if _, err := c.Request(t.Context(), "", nil); err == nil {
		t.Error("a request without a name was sent")
	}
	if _, err := c.Request(t.Context(), "x", func() {}); err == nil {
		t.Error("a func was sent")
	}
}

// TestRequestsThatAreGivenUp: the page hears of it, unless the request has not been written.
func TestRequestsThatAreGivenUp(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	p := open(t, at, "p")
	p.send(`{"type":"hello","url":"http://x/"}`)
	c := onlyClient(t, hub)
	ctx, cancel := context.WithCancel(t.Context())
	wait := request(ctx, c, "slow", 1)
	p.await("the request", ofType("request"))
	cancel()
	if _, err := wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if f := p.await("the end of the request", ofType("cancel")); f["id"] != 1.0 {
		t.Errorf("got %v", f)
	}
	short := deadline{t.Context(), make(chan struct{})}
	wait = request(short, c, "slow", 2)
	p.await("the second request", ofType("request"))
	close(short.done)
	if _, err := wait(); codeOf(err) != "timeout" {
		t.Errorf("got %v", err)
	}
	p.await("the end of the second request", ofType("cancel"))

	p.cut()
	until(t, func() bool { return hmr.Away(c) })
	ctx, cancel = context.WithCancel(t.Context())
	wait = request(ctx, c, "never", 3)
	until(t, func() bool { return hmr.Queued(c, "never") })
	cancel()
	if _, err := wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	wait = request(t.Context(), c, "kept", 4)
	until(t, func() bool { return hmr.Queued(c, "kept") })
	p.connect()
	f := p.await("the request that was not given up", func(f map[string]any) bool {
		if f["type"] == "cancel" || f["event"] == "never" {
			t.Errorf("the page got %v", f)
		}
		return f["type"] == "request"
	})
	p.send(fmt.Sprintf(`{"type":"reply","id":%v,"data":"yes"}`, f["id"]))
	if answer, err := wait(); answer != `"yes"` || err != nil {
		t.Errorf("got %s, %v", answer, err)
	}
}

// TestAnswersThatNobodyWaitsFor: an answer that is late, comes twice or is to another page's request changes nothing.
func TestAnswersThatNobodyWaitsFor(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	p := open(t, at, "p")
	p.send(`{"type":"hello","url":"http://x/"}`)
	c := onlyClient(t, hub)
	wait := request(t.Context(), c, "first", nil)
	p.await("the request", ofType("request"))
	other := open(t, at, "other")
	seen := make(chan bool, 1)
	hub.On("seen", func(context.Context, *hmr.Client, json.RawMessage) error { seen <- true; return nil })
	other.send(`{"type":"reply","id":1,"data":"forged"}`)
	other.send(`{"type":"custom","event":"seen"}`)
	<-seen
	for _, id := range []int{0, 2, 1, 1} {
		p.send(fmt.Sprintf(`{"type":"reply","id":%d,"data":%d}`, id, id))
	}
	if answer, err := wait(); answer != "1" || err != nil {
		t.Errorf("got %s, %v", answer, err)
	}
	p.send(`{"type":"custom","event":"seen"}`)
	<-seen
	wait = request(t.Context(), c, "second", nil)
	p.await("the request", ofType("request"))
	p.send(`{"type":"reply","id":2,"data":"two"}`)
	if answer, err := wait(); answer != `"two"` || err != nil {
		t.Errorf("got %s, %v", answer, err)
	}
}

func TestPageThatIsGoneAnswersNoMore(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	p := open(t, at, "p")
	p.send(`{"type":"hello","url":"http://x/"}`)
	c := onlyClient(t, hub)
	wait := request(t.Context(), c, "x", nil)
	p.await("the request", ofType("request"))
	c.Close("reloaded")
	if _, err := wait(); !errors.Is(err, hmr.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Request(t.Context(), "x", nil); !errors.Is(err, hmr.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestRequestsAreForTheUser: a request that was made for a user is not answered by the next. One to a guest is, since
// it is the same person who signs in.
func TestRequestsAreForTheUser(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: byCookie})
	p := open(t, at, "p")
	p.send(`{"type":"hello","url":"http://x/"}`)
	guest := onlyClient(t, hub)
	waitGuest := request(t.Context(), guest, "x", "guest")
	p.await("the request", ofType("request"))
	become := func(user string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.AddCookie(&http.Cookie{Name: "user", Value: user})
		if err := hub.Reidentify(hub.Clients()[0], r); err != nil {
			t.Fatal(err)
		}
	}
	become("ann")
	ann := onlyClient(t, hub)
	waitAnn := request(t.Context(), ann, "x", "ann")
	p.await("her request", ofType("request"))
	become("ben")
	if _, err := waitAnn(); !errors.Is(err, hmr.ErrUserChanged) {
		t.Errorf("got %v", err)
	}
	if f := p.await("the end of her request", ofType("cancel")); f["id"] != 2.0 {
		t.Errorf("got %v", f)
	}
	p.send(`{"type":"reply","id":2,"data":"late"}`)
	p.send(`{"type":"reply","id":1,"data":"welcome"}`)
	if answer, err := waitGuest(); answer != `"welcome"` || err != nil {
		t.Errorf("got %s, %v", answer, err)
	}
	if _, err := ann.Request(t.Context(), "x", nil); !errors.Is(err, hmr.ErrUserChanged) {
		t.Errorf("got %v", err)
	}
}

// TestHandlersAskTheirPage: the answer must not wait for the hook or handler that waits for it.
func TestHandlersAskTheirPage(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	got := make(chan string, 2)
	ask := func(ctx context.Context, c *hmr.Client) {
		answer, err := c.Request(ctx, "ask", nil)
		got <- fmt.Sprint(string(answer), err)
	}
	hub.OnConnect(ask)
	hub.On("e", func(ctx context.Context, c *hmr.Client, _ json.RawMessage) error { ask(ctx, c); return nil })
	p := open(t, at, "p")
	p.send(`{"type":"hello","url":"http://x/"}`)
	p.send(`{"type":"custom","event":"e"}`)
	for id := 1; id <= 2; id++ {
		p.await("the request", ofType("request"))
		p.send(fmt.Sprintf(`{"type":"reply","id":%d,"data":%d}`, id, id))
		if answer := <-got; answer != fmt.Sprint(id, "<nil>") {
			t.Errorf("got %s", answer)
		}
	}
}

func TestUnansweredRequestsAreBounded(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	p := open(t, at, "p")
	p.send(`{"type":"hello","url":"http://x/"}`)
	c := onlyClient(t, hub)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if _, err := c.Request(ctx, "x", nil); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	for range 1000 {
		p.await("a request", ofType("request"))
	}
	if _, err := c.Request(t.Context(), "x", nil); codeOf(err) != "queue_full" {
		t.Errorf("got %v", err)
	}
	cancel()
	all.Wait()
	for range 1000 {
		p.await("the end of a request", ofType("cancel"))
	}
	wait := request(t.Context(), c, "x", nil)
	f := p.await("a request", ofType("request"))
	p.send(fmt.Sprintf(`{"type":"reply","id":%v}`, f["id"]))
	if _, err := wait(); err != nil {
		t.Error(err)
	}
}
