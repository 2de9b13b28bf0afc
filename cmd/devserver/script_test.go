package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-b8174343/devserver/server"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"devserver": main})
}

// TestScript runs the real command in the stories of testdata/script. It adds these verbs to testscript's own:
//
//	waitready FILE              waits for the server's URLs in the file, sets $URL and $PORT, connects a socket
//	get [-status N] PATH        requests a path; the body goes to the file `body`, headers and Proto to `headers`
//	replace FILE OLD NEW        edits a file
//	waitget PATH TEXT           requests a path until the answer holds the text
//	exhaust N FILE TEXT         takes the server's file descriptors with N connections, and writes a file meanwhile
//	payload TYPE [TEXT...]      waits for the next message of that type that holds all texts
//	send EVENT JSON             sends an event over the socket
//	waitfile FILE TEXT          waits until a file holds a text
//	freeport NAME               sets $NAME to a free port
//	occupy PORT                 listens on a port until the script ends
//	signal NAME                 sends TERM, HUP or INT to the last command that was started in the background
func TestScript(t *testing.T) {
	// A process that nohup started ignores SIGHUP, and the commands of the scripts would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Deadline:            time.Now().Add(3 * time.Minute), // a server that does not end then prints its goroutines
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache"))
			env.Setenv("BROWSER", "none")
			env.Setenv("NO_COLOR", "1")
			env.Setenv("VITE", vitePackage())
			env.Values[pageKey{}] = &scriptPage{}
			return goEnv(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitready": waitReady, "get": get, "replace": replace, "payload": payload, "send": send,
			"waitfile": waitFile, "freeport": freePort, "occupy": occupy, "signal": sendSignal,
			"exhaust": exhaust, "waitget": waitGet,
		},
		Condition: func(cond string) (bool, error) {
			if cond == "go" {
				_, err := exec.LookPath("go")
				return err == nil, nil
			}
			if cond == "vite" {
				_, err := os.Stat(vitePackage())
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

// vitePackage returns where Vite is when it is installed, for scripts that say [!vite] skip.
func vitePackage() string {
	dir, err := filepath.Abs("../../testdata/tools/node_modules/vite")
	if err != nil {
		return ""
	}
	return dir
}

// goEnv lets scripts build plugins with the modules and build results that exist already.
func goEnv(env *testscript.Env) error {
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		return nil // no Go here; scripts that need it say [!go] skip
	}
	var values map[string]string
	if err := json.Unmarshal(out, &values); err != nil {
		return err
	}
	for key, value := range values {
		env.Setenv(key, value)
	}
	env.Setenv("GOFLAGS", "-mod=readonly")
	env.Setenv("GOPROXY", "off")
	return nil
}

const scriptPatience = time.Minute

type pageKey struct{}

// scriptPage is the script's connection to the server.
type scriptPage struct {
	conn *websocket.Conn

	mu     sync.Mutex
	frames []string // guarded by mu
	next   int      // guarded by mu; the first frame that payload has not passed
}

func pageOf(ts *testscript.TestScript) *scriptPage { return ts.Value(pageKey{}).(*scriptPage) }

// eventually calls ok every few milliseconds until it returns true.
func eventually(ts *testscript.TestScript, what string, ok func() bool) {
	limit := time.Now().Add(scriptPatience)
	for !ok() {
		if time.Now().After(limit) {
			ts.Fatalf("%s: not after %v", what, scriptPatience)
		}
		time.Sleep(5 * time.Millisecond) // between two calls; the loop waits for the state
	}
}

func noNegation(ts *testscript.TestScript, neg bool, verb string) {
	if neg {
		ts.Fatalf("! %s means nothing", verb)
	}
}

func waitReady(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg, "waitready")
	if len(args) != 1 {
		ts.Fatalf("usage: waitready FILE")
	}
	file := ts.MkAbs(args[0])
	var urls server.URLs
	eventually(ts, args[0], func() bool {
		text, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(text, &urls) == nil
	})
	url := strings.TrimSuffix(append(urls.Local, urls.Network...)[0], "/")
	ts.Setenv("URL", url)
	ts.Setenv("PORT", url[strings.LastIndexByte(url, ':')+1:])
	connect(ts, url)
	if pageOf(ts).conn != nil { // the socket gets no update for an edit before this
		eventually(ts, "the socket", func() bool { return pageOf(ts).pass("connected", nil) })
	}
}

var tokenInScript = regexp.MustCompile(`"token":\s*"([0-9a-f]+)"`)

// connect opens the socket as a page does, with the token from the client's script.
func connect(ts *testscript.TestScript, url string) {
	_, _, script := request(ts, url+"/@vite/client")
	m := tokenInScript.FindStringSubmatch(script)
	if m == nil {
		ts.Logf("no socket: the client's script holds no token")
		return
	}
	dialer := websocket.Dialer{
		Subprotocols: []string{"vite-hmr"}, HandshakeTimeout: scriptPatience,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	conn, _, err := dialer.Dial("ws"+strings.TrimPrefix(url, "http")+"/?token="+m[1], nil)
	ts.Check(err)
	page := pageOf(ts)
	page.mu.Lock() // the reader of an earlier server's socket may still append
	page.conn, page.frames, page.next = conn, nil, 0
	page.mu.Unlock()
	read := make(chan struct{})
	go func() {
		defer close(read)
		for {
			_, text, err := conn.ReadMessage()
			if err != nil {
				return
			}
			page.mu.Lock()
			page.frames = append(page.frames, string(text))
			page.mu.Unlock()
		}
	}()
	ts.Defer(func() {
		_ = conn.Close()
		<-read
	})
}

func request(ts *testscript.TestScript, url string) (status int, header http.Header, body string) {
	client := &http.Client{
		Timeout:       scriptPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		// The server's certificate is self-made.
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, DisableKeepAlives: true},
	}
	res, err := client.Get(url)
	ts.Check(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	ts.Check(err)
	res.Header.Set("Proto", res.Proto)
	return res.StatusCode, res.Header, string(text)
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg, "get")
	want := http.StatusOK
	if len(args) == 3 && args[0] == "-status" {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		want, args = n, args[2:]
	}
	if len(args) != 1 {
		ts.Fatalf("usage: get [-status N] PATH")
	}
	status, header, body := request(ts, ts.Getenv("URL")+args[0])
	var headers strings.Builder
	ts.Check(header.Write(&headers))
	ts.Check(os.WriteFile(ts.MkAbs("body"), []byte(body), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("headers"), []byte(headers.String()), 0o644))
	if status != want {
		ts.Fatalf("GET %s: status %d, want %d\n%s", args[0], status, want, body)
	}
}

func replace(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg, "replace")
	if len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%q is not in %s", args[1], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o644))
}

func payload(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg, "payload")
	if len(args) == 0 {
		ts.Fatalf("usage: payload TYPE [TEXT...]")
	}
	page := pageOf(ts)
	if page.conn == nil {
		ts.Fatalf("no socket: waitready comes first")
	}
	eventually(ts, "payload "+strings.Join(args, " "), func() bool { return page.pass(args[0], args[1:]) })
}

// pass finds the next frame of a type that holds all texts, and moves next behind it.
func (p *scriptPage) pass(kind string, texts []string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
search:
	for i := p.next; i < len(p.frames); i++ {
		var frame struct{ Type string }
		if json.Unmarshal([]byte(p.frames[i]), &frame) != nil || frame.Type != kind {
			continue
		}
		for _, text := range texts {
			if !strings.Contains(p.frames[i], text) {
				continue search
			}
		}
		p.next = i + 1
		return true
	}
	return false
}

func send(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg, "send")
	if len(args) != 2 {
		ts.Fatalf("usage: send EVENT JSON")
	}
	ts.Check(pageOf(ts).conn.WriteJSON(map[string]any{"type": "custom", "event": args[0], "data": json.RawMessage(args[1])}))
}

func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg, "waitfile")
	if len(args) != 2 {
		ts.Fatalf("usage: waitfile FILE TEXT")
	}
	eventually(ts, fmt.Sprintf("%q in %s", args[1], args[0]), func() bool {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && strings.Contains(string(text), args[1])
	})
}

func freePort(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg, "freeport")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

func occupy(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg, "occupy")
	l, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
}

func exhaust(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg, "exhaust")
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var open []net.Conn
	for range n {
		c, err := net.Dial("tcp", "127.0.0.1:"+ts.Getenv("PORT"))
		ts.Check(err)
		open = append(open, c)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(args[2]), 0o644))
	time.Sleep(300 * time.Millisecond) // the server sees the edit meanwhile, and cannot read it
	for _, c := range open {
		_ = c.Close()
	}
}

func waitGet(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg, "waitget")
	eventually(ts, fmt.Sprintf("%q at %s", args[1], args[0]), func() bool {
		_, _, body := request(ts, ts.Getenv("URL")+args[0])
		return strings.Contains(body, args[1])
	})
}

func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg, "signal")
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "INT": syscall.SIGINT}
	running := ts.BackgroundCmds()
	if len(args) != 1 || signals[args[0]] == nil || len(running) == 0 {
		ts.Fatalf("usage: signal TERM|HUP|INT, with a command in the background")
	}
	ts.Check(running[len(running)-1].Process.Signal(signals[args[0]]))
}
