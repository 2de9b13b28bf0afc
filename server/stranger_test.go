package server_test

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// ownPaths has one path of each kind that the server answers.
var ownPaths = []string{"/", "/src/main.ts", "/src/main.ts?raw", "/@vite/client", "/@devserver/pack.js?id=/src/part.ts", "/@devserver/source.map?of=css:/src/style.css", "/src/style.css", "/logo.svg", "/nowhere", "/.env", "/__devserver/", "/__open-in-editor?file=src/main.ts", "/@devserver/nothing", "/%zz"}

var foreignOrigins = []string{
	"http://evil.test", "https://evil.test", "http://evil.test:80", "null", "file://", "http://1.2.3.4", "http://192.168.0.9:3000", "http://[::2]:80", "http://localhost", "http://localhost:1", "https://localhost:PORT", "http://localhost.evil.test:PORT", "http://evil.localhost:PORT",
	"http://127.0.0.1:PORT", "http://localhost:PORT/", "http://localhost:PORT.evil.test", "http://localhost:PORT@evil.test", "http://a@localhost:PORT", "chrome-extension://abcdef", "moz-extension://x", "about:blank", "data:", "*", "http://", "://", "http://%", "localhost:PORT", "http://localhost:PORT http://evil.test", strings.Repeat("x", 5000),
}

var foreignHosts = []string{
	"evil.test", "evil.test:PORT", "localhost.evil.test", "127.0.0.1.evil.test", "127.0.0.1.nip.io", "xlocalhost", "localhost-x", "0x7f000001", "127.1", "2130706433", "0177.0.0.1", "[::1", "[evil]", "[::1]x", "::1", "", ":", ":80", "localhost:", "localhost:x", "localhost:999999", "a@localhost", "localhost/..", "localhost#", "localhost?", "local%68ost", "localhost,evil.test", "{}", "a b",
}

// TestStrangersAreRefused sends, as bytes, the requests of another site's page, a rebound name or a broken program. No
// other origin may read an answer, no socket opens, and the server keeps running (CVE-2018-14732, CVE-2025-24010,
// GHSA-67mh-4wv8-2f99, CVE-2025-30360, CVE-2026-14631, CVE-2025-48068, CVE-2026-27977).
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, fortress(t), func(o *server.Options) { o.Logger = nil })
	port := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
	w := newWire(t, s)
	ask := func(request string) (int, string) {
		t.Helper()
		status, answer := w.ask(strings.ReplaceAll(request, "PORT", port))
		if low := strings.ToLower(answer); strings.Contains(low, "access-control-allow") {
			t.Errorf("%.200q: other origins may read the answer:\n%.500s", request, answer)
		} else if status != 400 && !strings.Contains(low, "cross-origin-resource-policy: same-origin") || status == 101 {
			t.Errorf("%.200q: status %d, without the headers that refuse other origins:\n%.500s", request, status, answer)
		}
		return status, answer
	}
	for _, path := range ownPaths {
		for _, origin := range foreignOrigins {
			ask("GET " + path + " HTTP/1.1\r\nHost: localhost:PORT\r\nOrigin: " + origin + "\r\n\r\n")
			for _, method := range []string{"POST", "PUT", "DELETE"} {
				if status, _ := ask(method + " " + path + " HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 0\r\nX-Devserver-Token: " + s.Token() + "\r\nOrigin: " + origin + "\r\n\r\n"); status != 403 && status != 400 {
					t.Errorf("%s %s from %.60q: %d", method, path, origin, status)
				}
			}
			ask("OPTIONS " + path + " HTTP/1.1\r\nHost: localhost:PORT\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-devserver-token\r\nOrigin: " + origin + "\r\n\r\n")
		}
		for _, host := range foreignHosts {
			if status, answer := ask("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nX-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\n\r\n"); status != 403 && status != 400 || strings.Contains(answer, "fine") {
				t.Errorf("%s for host %q: %d", path, host, status)
			}
		}
		for _, site := range []string{"cross-site", "same-site"} {
			for _, dest := range []string{"script no-cors", "script cors", "style no-cors", "image no-cors", "empty cors", "empty no-cors", "worker same-origin", "object no-cors", "font cors", "empty websocket"} {
				kind, mode, _ := strings.Cut(dest, " ")
				if status, _ := ask("GET " + path + " HTTP/1.1\r\nHost: localhost:PORT\r\nSec-Fetch-Site: " + site + "\r\nSec-Fetch-Dest: " + kind + "\r\nSec-Fetch-Mode: " + mode + "\r\n\r\n"); status != 403 && status != 400 {
					t.Errorf("%s as %s of a %s page: %d", path, dest, site, status)
				}
			}
		}
	}
	// Sockets: the right token with a wrong origin, and a wrong token with the right origin.
	for _, protocol := range []string{"", "Sec-WebSocket-Protocol: vite-hmr\r\n", "Sec-WebSocket-Protocol: vite-ping\r\n"} {
		for _, path := range []string{"/?token=" + s.Token(), "/src/main.ts?token=" + s.Token()} {
			for _, origin := range foreignOrigins {
				if status, _ := ask("GET " + path + " HTTP/1.1\r\nHost: localhost:PORT\r\n" + upgrade + protocol + "Origin: " + origin + "\r\n\r\n"); status != 403 && status != 400 {
					t.Errorf("socket from origin %.60q, %q: %d", origin, protocol, status)
				}
			}
			for _, host := range foreignHosts {
				if status, _ := ask("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + upgrade + protocol + "\r\n"); status != 403 && status != 400 {
					t.Errorf("socket for host %q: %d", host, status)
				}
			}
		}
	}
	for _, query := range []string{"", "?token=", "?token=x", "?token=" + strings.Repeat("0", 32), "?token=" + s.Token() + "x", "?token=" + s.Token()[:31], "?token=x&token=" + s.Token(), "?Token=" + s.Token(), "?session=x", "?mux=1"} {
		for _, origin := range []string{"", "Origin: http://localhost:PORT\r\n"} {
			if status, _ := ask("GET /" + query + " HTTP/1.1\r\nHost: localhost:PORT\r\n" + upgrade + "Sec-WebSocket-Protocol: vite-hmr\r\n" + origin + "\r\n"); status != 403 && status != 400 {
				t.Errorf("socket with %q: %d", query, status)
			}
		}
	}
	// There is no interpreter or profiler that a page could use (Next.js issue 97157).
	for _, path := range []string{"/debug/pprof/", "/debug/vars", "/json", "/json/version", "/json/list", "/__inspect", "/__vite_ping", "/@devserver/", "/metrics"} {
		if status, answer := ask("GET " + path + " HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n"); status != 404 {
			t.Errorf("%s: status %d, want 404: %.200s", path, status, answer)
		}
	}
	if policy := s.Get("/__devserver/").Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("other sites may show the panel in a frame: %q", policy)
	}
	if n := len(s.Server().Hub().Clients()); n != 0 {
		t.Errorf("%d sockets are open", n)
	}
	if res := s.Get("/src/main.ts"); res.Status != 200 {
		t.Errorf("the server does not answer any more: status %d", res.Status)
	}
	s.Socket(t) // a page of ours can still connect
}

// TestNothingIsEchoed: no answer repeats markup from a URL, and no redirect leads away from the server (CVE-2026-47428,
// CVE-2023-49293, CVE-2024-43799, CVE-2022-40083).
func TestNothingIsEchoed(t *testing.T) {
	t.Parallel()
	app := fortress(t)
	app.Write("broken.html", `<!doctype html><script type="module">let x = = 1;</script>`)
	app.Write("broken.ts", "let x = = 1;")
	app.Write("devserver.config.json", `{ "base": "/app/" }`)
	for _, base := range []string{"/app", ""} {
		if base == "" {
			app.Write("devserver.config.json", `{}`)
		}
		s := devtest.Start(t, app, func(o *server.Options) { o.Logger = nil })
		w := newWire(t, s)
		for _, payload := range []string{`</script><script>evil()</script>`, `"><script>evil()</script>`, `%3C/script%3E%3Cscript%3Eevil()%3C/script%3E`, `'-evil()-'`, "`${evil()}`", `--><img/src/onerror=evil()>`, `*/evil()/*`} {
			for _, path := range []string{"/", "/index.html", "/src/page.html", "/broken.html", "/broken.ts", "/src/style.css", "/nowhere", "/@vite/client", "/__devserver/", "/__devserver", "/@devserver/source.map", "/@devserver/update/x", "/.env"} {
				for _, target := range []string{path + "?" + payload, path + "?x=" + payload, path + payload, path + "/" + payload, path + "?id=" + payload + "&of=" + payload + "&html-proxy&index=0.js"} {
					for _, header := range attackHeaders[:3] {
						_, answer := w.ask("GET " + base + target + " HTTP/1.1\r\nHost: localhost\r\nReferer: http://localhost/" + payload + "\r\nUser-Agent: " + payload + "\r\n" + header + "\r\n")
						head, body, _ := strings.Cut(answer, "\r\n\r\n")
						html := strings.Contains(head, "Content-Type: text/html")
						if strings.Contains(head, "evil()") || html && strings.Contains(body, "evil()") || strings.Contains(body, "<script>evil()") && !strings.Contains(head, "nosniff") {
							t.Fatalf("%q: the answer repeats the markup:\n%.600s", target, answer)
						}
					}
				}
			}
		}
		for _, path := range []string{
			"//evil.test", "//evil.test/", "//evil.test/..", "//evil.test/%2e%2e", "///evil.test", `/\evil.test`, `/\/evil.test`, "/%5cevil.test", "/%2f/evil.test", "/%2fevil.test", "/.//evil.test", "/..//evil.test", "/src/..//evil.test", "/http://evil.test", "/http:evil.test", "/@evil.test", "/;@evil.test", "/?@evil.test", "//evil.test?", "//evil.test/app", "/app//evil.test", "/app/..//evil.test",
			"/__devserver", "//__devserver", "/x/..//__devserver", "/__devserver//evil.test", "/__devserver/..//evil.test", "/index.html/", "/src", "/src/", "/src//", "/node_modules", "/public", "/app", "/", "/app?//evil.test", "/__devserver?//evil.test", "/%0d%0aLocation:%20http://evil.test", "/__devserver%0d%0aX: y",
		} {
			for _, prefix := range []string{"", base} {
				_, answer := w.ask("GET " + prefix + path + " HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n")
				_, location, found := strings.Cut(answer, "\r\nLocation: ")
				if location, _, _ = strings.Cut(location, "\r\n"); found && location != base+"/" && location != base+"/__devserver/" {
					t.Errorf("%q redirects to %q", prefix+path, location)
				}
				if strings.Contains(strings.SplitN(answer, "\r\n\r\n", 2)[0], "evil") {
					t.Errorf("the header repeats %q:\n%.400s", prefix+path, answer)
				}
			}
		}
		s.Stop()
	}
}

// TestTerminalShowsNoControlCharacters: the terminal gets no control characters from the names and data that a page
// sends.
func TestTerminalShowsNoControlCharacters(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp), devtest.Text(`
-- devserver.config.json --
{ "plugins": { "console": true } }
`)))
	const bad = "\x1b]0;title\x07\x1b[2J\u009b31m\u202e\r\x00\x7f\u2066"
	sock := s.Socket(t, devtest.DialOptions{Query: map[string][]string{"url": {"/x" + bad}, "session": {"s" + bad}}})
	for i, name := range []string{"x:" + bad, bad, "vite:invalidate", "devserver:console"} {
		sock.Emit(name, map[string]any{"path": bad, "message": bad, "level": "log", "args": []string{bad}, "text": bad, "entries": []any{map[string]any{"level": bad, "text": bad, "message": bad}}})
		sock.Request(i+1, name, bad)
	}
	for _, kind := range []string{"update", "reload", "error", "nothing", bad} {
		sock.Send(map[string]any{"type": "report", "kind": kind, "reason": bad, "paths": []string{bad}})
	}
	sock.Send(map[string]any{"type": "hello", "url": bad})
	sock.Send(map[string]any{"type": bad})
	sock.Send(map[string]any{"type": "revisions", "modules": map[string]string{"/" + bad: bad, "/.git/" + bad: "x"}, "css": []string{"/" + bad}})
	sock.Send(`{"type":` + fmt.Sprintf("%q", bad))
	s.Get("/fence", "User-Agent", "x\u009b")
	sock.Request(99, "devserver:admin:clients", nil)
	if strings.ContainsAny(s.Log.String(), "\x1b\x07\u009b\u202e\r\x00\x7f\u2066") {
		t.Errorf("the terminal got control characters:\n%q", s.Log)
	}
	s.Log.Wait(t, `]0;title`)
}

// TestOtherMachinesReachNothing: without server.host, the port is closed at every address of this machine but the
// loopbacks. With all addresses it is open, and the URLs say so.
func TestOtherMachinesReachNothing(t *testing.T) {
	t.Parallel()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			others = append(others, ip.IP.String())
		}
	}
	if len(others) == 0 {
		t.Skip("this machine has no address but its loopbacks")
	}
	for host, open := range map[string]bool{"": false, "localhost": false, "127.0.0.1": false, "0.0.0.0": true} {
		app := devtest.App(t, devtest.Text("-- index.html --\n<title>x</title>"))
		srv, err := server.New(server.Options{Root: app.Root, CacheDir: t.TempDir(), NoPlugins: true, Config: config.Config{Server: config.Server{Host: host, Port: new(0)}}})
		if err != nil {
			t.Fatal(err)
		}
		urls, err := srv.Listen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(urls.Local[0])
		if err != nil {
			t.Fatal(err)
		}
		port, _ := strconv.Atoi(u.Port())
		for _, ip := range others {
			c, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.ParseIP(ip), Port: port})
			if err == nil {
				_ = c.Close()
			}
			if (err == nil) != open {
				t.Errorf("host %q at %s: %v, want open: %t", host, ip, err, open)
			}
		}
		if (len(urls.Network) > 0) != open {
			t.Errorf("host %q: the URLs for other machines are %v", host, urls.Network)
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}
}
