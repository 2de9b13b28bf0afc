package server_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// countPlugin is a plugin that reports each numbered event, request and message that it handles, with the name of its
// program. It reports a page whose Connect has not returned.
const countPlugin = `
	Name: "count",
	Start: func(ctx context.Context, s plugin.Server) error { return start() },
	Connect: func(ctx context.Context, c plugin.Client) { connect(c) },
	Events: []plugin.Event{
		plugin.On("event", func(ctx context.Context, c plugin.Client, n int) error { return c.Send("done", count(c, "event", n)) }),
		plugin.Handle("request", func(ctx context.Context, c plugin.Client, n int) (string, error) { return count(c, "request", n), nil }),
		plugin.On("hang", func(ctx context.Context, c plugin.Client, in any) error {
			_ = c.Send("hangs", nil)
			<-ctx.Done()
			return c.Broadcast("ended", ctx.Err().Error())
		}),
	},
	Channels: []plugin.AnyChannel{
		plugin.NewChannel[int, string]("count", "test", "channel").
			Allow(func(ctx context.Context, c plugin.Client, d hmr.Direction) error { return nil }).
			Handle(func(ctx context.Context, from plugin.Conn[string], n int) error { return from.Reply(count(from, "message", n)) }),
	},
`

// countCode is the work of countPlugin. PROGRAM, START and WORK stand for code.
const countCode = `package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/plugin"
)

var _, _ = os.Exit, time.Sleep

var program = PROGRAM

var connected sync.Map

func await(file string) {
	for {
		if _, err := os.Stat(file); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func start() error { START; return nil }

func connect(c plugin.Client) {
	time.Sleep(50 * time.Millisecond) // an event that does not wait for it comes too early
	connected.Store(c.ID(), true)
}

func count(c plugin.Client, kind string, n int) string {
	if _, is := connected.Load(c.ID()); !is {
		return "before Connect: " + fmt.Sprint(n)
	}
	WORK
	time.Sleep(2 * time.Millisecond) // slow, so that events wait
	return fmt.Sprint(program, " ", n)
}
`

// counting starts a server with countPlugin. In the code DIR is a folder for files that the test and the programs share.
func counting(t *testing.T, program, start, work string) (s *devtest.Server, dir string) {
	t.Helper()
	app := devtest.App(t, devtest.Text(pluginApp))
	dir = t.TempDir()
	code := strings.NewReplacer("PROGRAM", program, "START", start, "WORK", work).Replace(countCode)
	app.Write("devserver/count.go", strings.ReplaceAll(code, "DIR", fmt.Sprintf("%q", dir)))
	goPlugin(t, app, countPlugin)
	return devtest.Start(t, app, withPlugins), dir
}

// kinds are what pages send: how number n is sent, and the frame that reports that it was handled.
var kinds = map[string]struct {
	send func(c *devtest.Socket, n int)
	is   func(devtest.Frame) bool
}{
	"event": {func(c *devtest.Socket, n int) { c.Emit("event", n) }, devtest.Event("done")},
	"request": {func(c *devtest.Socket, n int) {
		c.Send(fmt.Sprintf(`{"type":"request","event":"request","id":%d,"data":%d}`, n, n))
	}, devtest.Is("reply")},
	"message": {func(c *devtest.Socket, n int) { c.Emit("count_test_channel", n) }, devtest.Event("count_test_channel")},
}

// handled waits for the reports of that many numbers and returns them, "program number" each. It waits as long as there
// are more: each number goes to another process and back, which takes its time on a busy machine.
func handled(t *testing.T, c *devtest.Socket, is func(devtest.Frame) bool, numbers int) (reports []string) {
	t.Helper()
	for n := 0; n < numbers; {
		before := n
		devtest.Eventually(t, fmt.Sprintf("%d numbers are handled", numbers), func() bool { n = c.Count(is); return n > before },
			func() string { return fmt.Sprint(n, " of them") })
	}
	for _, f := range c.Frames() {
		if is(f) {
			var report struct {
				Data  string
				Error struct{ Message string }
			}
			f.Decode(t, &report)
			reports = append(reports, report.Data+report.Error.Message)
		}
	}
	return reports
}

// wholly checks that the numbers from 0 were handled in order and once, by both programs. It skips the number left out.
func wholly(t *testing.T, kind string, reports []string, numbers, leftOut int) {
	t.Helper()
	by := map[string]int{}
	next := 0
	for _, report := range reports {
		if next == leftOut {
			next++
		}
		program, number, _ := strings.Cut(report, " ")
		if number != fmt.Sprint(next) {
			t.Errorf("%s %d: got %q", kind, next, report)
			return
		}
		by[program]++
		next++
	}
	if next != numbers || len(by) != 2 {
		t.Errorf("%s: handled up to %d, by %v", kind, next, by)
	}
}

// TestNothingIsLostWhenPluginsAreSaved: what waits for the old program when its code is saved is handled by the new
// program, after its Connect.
func TestNothingIsLostWhenPluginsAreSaved(t *testing.T) {
	t.Parallel()
	s, _ := counting(t, `"one"`, `if program == "two" { _ = os.WriteFile(DIR + "/started", nil, 0o600) }`,
		`if program == "one" && n == 50 { await(DIR + "/started") }`)
	c := s.Socket(t)
	c.Send(map[string]string{"type": "subscribe", "channel": "count_test_channel"})
	const numbers = 400
	for n := range numbers {
		for _, kind := range kinds {
			kind.send(c, n)
		}
	}
	c.Peek(devtest.Event("done", `"one 10"`))
	s.Edit("devserver/count.go", `"one"`+"\n\nvar connected", `"two"`+"\n\nvar connected")
	for name, kind := range kinds {
		wholly(t, name, handled(t, c, kind.is, numbers), numbers, -1)
	}
	if text := s.Log.String(); strings.Contains(text, "failed") {
		t.Error("the log reports a failure")
	}
}

// TestOneIsLostWhenPluginsCrash: only what the program was handling when it crashed is not handled, and the page is
// told.
func TestOneIsLostWhenPluginsCrash(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := counting(t, `fmt.Sprint(os.Getpid())`, ``, `if _, err := os.Stat(DIR + "/crashed"); n == 10 && err != nil {
				_ = os.WriteFile(DIR + "/crashed", nil, 0o600)
				os.Exit(3)
			}`)
			c := s.Socket(t)
			c.Send(map[string]string{"type": "subscribe", "channel": "count_test_channel"})
			const numbers = 100
			for n := range numbers {
				kind.send(c, n)
			}
			told := map[string]func(devtest.Frame) bool{
				"event": devtest.Event("devserver:event-error", "plugins_ended"), "request": devtest.Is("reply", "plugins_ended"),
				"message": devtest.Event("devserver:channel-error", "plugins_ended"),
			}[name]
			reports := handled(t, c, func(f devtest.Frame) bool { return kind.is(f) && !told(f) }, numbers-1)
			wholly(t, name, reports, numbers, 10)
			if n := c.Count(told); n != 1 {
				t.Errorf("the page was told of %d losses, want 1", n)
			}
		})
	}
}

// TestNothingIsLostWhenTheConfigurationIsSaved: the server restarts its project and the plugins.
func TestNothingIsLostWhenTheConfigurationIsSaved(t *testing.T) {
	t.Parallel()
	s, _ := counting(t, `fmt.Sprint(os.Getpid())`, ``, ``)
	c := s.Socket(t)
	c.Send(map[string]string{"type": "subscribe", "channel": "count_test_channel"})
	const numbers = 600
	for n := range numbers / 2 {
		for _, kind := range kinds {
			kind.send(c, n)
		}
	}
	c.Peek(devtest.Event("done", ` 10"`))
	s.Write("devserver.config.json", `{"define": {"A": "1"}}`)
	s.Log.Wait(t, "server restarted")
	for n := numbers / 2; n < numbers; n++ {
		for _, kind := range kinds {
			kind.send(c, n)
		}
	}
	for name, kind := range kinds {
		wholly(t, name, handled(t, c, kind.is, numbers), numbers, -1)
	}
}

// TestEventsWaitForASlowStart: what pages send while plugins start is handled afterwards, however much it is.
func TestEventsWaitForASlowStart(t *testing.T) {
	t.Parallel()
	s, dir := counting(t, `"one"`, `await(DIR + "/go")`, `if n > 0 { return "one " + fmt.Sprint(n) }`)
	c := s.Socket(t)
	numbers := devtest.Soak(5_000, 12_000)
	for n := range numbers {
		c.Emit("event", n)
	}
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for n, report := range handled(t, c, devtest.Event("done"), numbers) {
		if report != fmt.Sprint("one ", n) {
			t.Fatalf("event %d: got %q", n, report)
		}
	}
	if n := c.Count(devtest.Event("devserver:unknown-event")); n > 0 {
		t.Error("an event that waits is told to have no handler")
	}
}

// TestContextOfAnEventEndsWithThePage, in a child too.
func TestContextOfAnEventEndsWithThePage(t *testing.T) {
	t.Parallel()
	s, _ := counting(t, `"one"`, ``, ``)
	c, other := s.Socket(t), s.Socket(t)
	c.Emit("hang", nil)
	c.WaitFor(devtest.Event("hangs"))
	for _, open := range s.Server().Hub().Clients() {
		if open.ID() == "c1" {
			open.Close("the test ends it")
		}
	}
	other.WaitFor(devtest.Event("ended", "context canceled"))
}

// TestPageThatWantsToListenIsAskedAboutAgain: a program that crashes while it is asked refuses nobody. The next program
// answers.
func TestPageThatWantsToListenIsAskedAboutAgain(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	app.Write("devserver/board.go", strings.ReplaceAll(`package main

import (
	"context"
	"os"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/plugin"
)

var board = plugin.NewChannel[hmr.BroadcastOnly, int]("p", "test", "board").
	Allow(func(ctx context.Context, c plugin.Client, d hmr.Direction) error {
		if _, err := os.Stat(FILE); err != nil {
			_ = os.WriteFile(FILE, nil, 0o600)
			os.Exit(3)
		}
		return nil
	})
`, "FILE", fmt.Sprintf("%q", t.TempDir()+"/crashed")))
	goPlugin(t, app, `Name: "p", Channels: []plugin.AnyChannel{board},
		Start: func(context.Context, plugin.Server) error { return board.Retain(7) },`)
	s := devtest.Start(t, app, withPlugins)
	c := s.Socket(t)
	c.Send(map[string]string{"type": "subscribe", "channel": "p_test_board"})
	c.WaitFor(devtest.Event("p_test_board", "7"))
	if s.Log.Count("the plugins crashed") != 1 || c.Count(devtest.Event("devserver:channel-error")) > 0 {
		t.Error("the page was refused by a program that crashed")
	}
}
