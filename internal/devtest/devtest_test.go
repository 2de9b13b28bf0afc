package devtest_test

import (
	"bytes"
	"image/png"
	"os"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

func TestMain(m *testing.M) { os.Exit(devtest.Main(m)) }

const app = `
-- index.html --
<!doctype html><title>app</title><h1>one</h1><button>0</button>
<script>
	const button = document.querySelector("button");
	button.onclick = () => { button.textContent = Number(button.textContent) + 1; console.log("clicked", button.textContent, {a: 1}); };
</script>
-- broken.html --
<!doctype html><img src="/missing.png"><script>null.x</script>
`

func TestFiles(t *testing.T) {
	f := devtest.App(t, devtest.Text(app), devtest.Text("-- a/b.txt --\none\n"))
	f.Edit("a/b.txt", "one", "two")
	f.Save("a/b.txt", "two", "three")
	f.Rename("a/b.txt", "c/d.txt")
	f.Link("c/d.txt", "link.txt")
	f.Package("p", "", map[string]string{"index.js": "x"})
	if have := f.Read("link.txt"); have != "three\n" {
		t.Errorf("link.txt = %q", have)
	}
	f.Remove("c")
	other := devtest.App(t, devtest.Dir(f.Root))
	if _, err := os.Stat(other.Path("node_modules")); err == nil {
		t.Error("node_modules was copied")
	}
	if other.Read("index.html") != f.Read("index.html") {
		t.Error("index.html is not the same")
	}
}

func TestServer(t *testing.T) {
	f := devtest.App(t, devtest.Text(app))
	s := devtest.Start(t, f)
	if res := s.Get("/"); res.Status != 200 || !strings.Contains(res.Body, "<h1>one</h1>") {
		t.Errorf("GET / = %+v", res)
	}
	if have := s.Raw("GET /../x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(have, "HTTP/1.1 4") {
		t.Errorf("raw answer = %q", have)
	}
	url := s.URL
	s.Again()
	if s.URL != url {
		t.Errorf("URL = %q, was %q", s.URL, url)
	}
	s.Stop()
}

func TestPage(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(app)))
	p := s.Page(t, "/")
	p.WaitText("h1", "one")
	p.Click("button")
	p.WaitText("button", "1")
	if have := p.WaitConsole("clicked"); have != "log: clicked 1 Object" {
		t.Errorf("console = %q", have)
	}
	if have := devtest.Eval[int](p, "Promise.resolve(1 + 2)"); have != 3 {
		t.Errorf("1 + 2 = %d", have)
	}
	p.NoErrors()
	p.NoReload()
	devtest.Eval[*int](p, "void setTimeout(() => location.reload())")
	p.WaitReload(1)
	p.WaitText("button", "0")
	p.Reload()
	if n := p.Reloads(); n != 1 {
		t.Errorf("reloads = %d, want 1", n)
	}
	if _, err := png.Decode(bytes.NewReader(p.Screenshot())); err != nil {
		t.Errorf("screenshot: %v", err)
	}
}

func TestPageFailures(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(app)))
	p := s.Page(t, "/broken.html")
	p.WaitConsole("exception: ")
	devtest.Eventually(t, "the missing picture", func() bool { return len(p.Failures()) == 1 }, nil)
	if have := p.Failures()[0]; have != "404 "+s.URL+"/missing.png" {
		t.Errorf("failures = %q", have)
	}
}

func TestSocket(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(app)))
	sock := s.Socket(t)
	sock.WaitFor(devtest.Is("connected", "epoch"))
	s.WaitPages(1)
	sock.Emit("nobody:listens", map[string]any{"a": 1})
	sock.WaitFor(devtest.Event("devserver:unknown-event", "nobody:listens"))
	if reply := sock.Request(7, "nobody:answers", nil); !strings.Contains(reply.Text, `"error"`) {
		t.Errorf("reply = %s", reply.Text)
	}
	if _, status, err := s.Dial(t, devtest.DialOptions{Token: "wrong"}); err == nil || status != 403 {
		t.Errorf("with a wrong token: status %d, %v", status, err)
	}
	s.Stop()
	if code := sock.Closed(); code != 1001 && code != 1012 {
		t.Errorf("close code = %d, want 1001 or 1012", code)
	}
}
