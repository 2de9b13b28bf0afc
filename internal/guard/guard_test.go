package guard_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/guard"
)

const token = "0123456789abcdef0123456789abcdef"

// key is the secret of commands.
var key = strings.Repeat("k", 32)

func guarded(t *testing.T, o guard.Options) *httptest.Server {
	t.Helper()
	o.Token, o.Key = token, key
	g, err := guard.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(g.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic("boom <script>")
		case "/socket":
			if err := g.CheckSocket(r); err != nil {
				http.Error(w, "403", http.StatusForbidden)
				return
			}
		case "/action":
			if err := g.CheckAction(r); err != nil {
				http.Error(w, "403", http.StatusForbidden)
				return
			}
		case "/command":
			if err := g.CheckCommand(r); err != nil {
				http.Error(w, "403", http.StatusForbidden)
				return
			}
		case "/local":
			if !guard.IsLocal(r) {
				http.Error(w, "403", http.StatusForbidden)
				return
			}
		}
		_, _ = io.WriteString(w, "secret")
	})))
	t.Cleanup(s.Close)
	return s
}

// raw sends bytes that no HTTP client would send, and returns the status and the whole answer.
func raw(t *testing.T, s *httptest.Server, request string) (int, string) {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	request = strings.ReplaceAll(request, "SELF", s.Listener.Addr().String())
	if _, err := io.WriteString(c, strings.ReplaceAll(request, "\n", "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, fmt.Sprint(res.Header, string(body))
}

func TestHost(t *testing.T) {
	s := guarded(t, guard.Options{AllowedHosts: []string{"app.test", ".corp.test"}, BoundHost: "my-machine"})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:5173": 200, "LOCALHOST": 200, "app.localhost:1": 200, "127.0.0.1": 200, "127.9.9.9:80": 200, "[::1]:5173": 200,
		"192.168.0.9:5173": 200, "app.test": 200, "corp.test": 200, "x.y.corp.test": 200, "my-machine:5173": 200, "localhost.": 200,
		// DNS rebinding, and names made to look like allowed ones.
		"evil.test": 403, "localhost.evil.test": 403, "127.0.0.1.evil.test": 403, "evilcorp.test": 403,
		"app.test.evil.test": 403, "xlocalhost": 403, "0x7f000001": 403, "127.1": 403, "2130706433": 403,
		"": 400, ":80": 400, "a b": 400, "localhost:": 400, "localhost:99999999": 400, "localhost:x": 400, "[::1": 400,
		"[::1]x": 400, "[evil]": 400, "a@localhost": 400, "localhost/..": 400, "localhost,evil.test": 400,
		"lo%63alhost": 400, "{}": 400,
	} {
		status, body := raw(t, s, "GET / HTTP/1.1\nHost: "+host)
		if status != want {
			t.Errorf("host %q: %d, want %d", host, status, want)
		}
		if status != 200 && strings.Contains(body, "secret") {
			t.Errorf("host %q got the content", host)
		}
	}
	if status, _ := raw(t, s, "GET / HTTP/1.1\nHost: localhost\nHost: evil.test"); status != 400 {
		t.Errorf("two hosts: %d", status)
	}
	if status, _ := raw(t, s, "GET / HTTP/1.1\nHost: evil.test\nX-Forwarded-Host: localhost"); status != 403 {
		t.Errorf("X-Forwarded-Host was believed: %d", status)
	}
}

func TestTargetForms(t *testing.T) {
	s := guarded(t, guard.Options{})
	for _, line := range []string{
		"GET http://127.0.0.1:1/ HTTP/1.1", "GET http://SELF/ HTTP/1.1", "CONNECT 127.0.0.1:1 HTTP/1.1",
		"CONNECT evil.test:443 HTTP/1.1",
	} {
		if status, body := raw(t, s, line+"\nHost: localhost"); status != 400 || strings.Contains(body, "secret") {
			t.Errorf("%s: %d", line, status)
		}
	}
}

var foreign = []string{
	"http://evil.test", "https://SELF", "http://localhost:1", "null", "http://1.2.3.4", "http://192.168.0.9:3000",
	"file://", "http://SELF.evil.test", "http://SELF/x", "http://a@SELF", "chrome-extension://abc", "*", "http://", " ",
}

func TestForeignOriginsGetNothing(t *testing.T) {
	s := guarded(t, guard.Options{})
	for _, origin := range foreign {
		if status, body := raw(t, s, "GET /x HTTP/1.1\nHost: SELF\nOrigin: "+origin); strings.Contains(strings.ToLower(body), "access-control-allow") {
			t.Errorf("origin %q may read the answer (%d): %s", origin, status, body)
		}
		for _, path := range []string{"/socket?token=" + token, "/action"} {
			method := map[bool]string{true: "POST", false: "GET"}[path == "/action"]
			request := method + " " + path + " HTTP/1.1\nHost: SELF\nX-Devserver-Token: " + token + "\nContent-Length: 0\nOrigin: " + origin
			if status, _ := raw(t, s, request); status != 403 && origin != " " {
				t.Errorf("%s from origin %q: %d", path, origin, status)
			}
		}
		preflight := "OPTIONS /x HTTP/1.1\nHost: SELF\nAccess-Control-Request-Method: POST\nOrigin: " + origin
		if status, body := raw(t, s, preflight); strings.Contains(strings.ToLower(body), "access-control-allow") {
			t.Errorf("preflight from %q was granted (%d)", origin, status)
		}
	}
}

func TestSocketNeedsTheToken(t *testing.T) {
	s := guarded(t, guard.Options{})
	for name, test := range map[string]struct {
		query, origin string
		want          int
	}{
		"page of this server":    {"?token=" + token, "\nOrigin: http://SELF", 200},
		"program with token":     {"?token=" + token, "", 200},
		"program without token":  {"", "", 403},
		"page without token":     {"", "\nOrigin: http://SELF", 403},
		"wrong token":            {"?token=" + strings.ToUpper(token), "", 403},
		"token and more":         {"?token=" + token + "x", "", 403},
		"two origins":            {"?token=" + token, "\nOrigin: http://SELF\nOrigin: http://evil.test", 403},
		"token in another place": {"?x=" + token, "", 403},
	} {
		if status, _ := raw(t, s, "GET /socket"+test.query+" HTTP/1.1\nHost: SELF"+test.origin); status != test.want {
			t.Errorf("%s: %d, want %d", name, status, test.want)
		}
	}
}

func TestActionsNeedPostAndToken(t *testing.T) {
	s := guarded(t, guard.Options{})
	header := "\nContent-Length: 0\nX-Devserver-Token: " + token
	for request, want := range map[string]int{
		"POST /action HTTP/1.1\nHost: SELF" + header:                                    200,
		"POST /action HTTP/1.1\nHost: SELF\nOrigin: http://SELF" + header:               200,
		"GET /action HTTP/1.1\nHost: SELF" + header:                                     403,
		"POST /action?token=" + token + " HTTP/1.1\nHost: SELF\nContent-Length: 0":      403,
		"POST /action HTTP/1.1\nHost: SELF\nSec-Fetch-Site: cross-site" + header:        403,
		"GET /action HTTP/1.1\nHost: SELF\nSec-Fetch-Site: cross-site\nX-Y: z" + header: 403,
	} {
		if status, _ := raw(t, s, request); status != want {
			t.Errorf("%q: %d, want %d", request, status, want)
		}
	}
}

// TestCommandsNeedPostAndKey: the token of pages is no key.
func TestCommandsNeedPostAndKey(t *testing.T) {
	s := guarded(t, guard.Options{CORSOrigins: []string{"http://listed.test"}})
	header, bearer := "\nContent-Length: 0\nX-Devserver-Token: "+key, "\nContent-Length: 0\nAuthorization: Bearer "+key
	for request, want := range map[string]int{
		"POST /command HTTP/1.1\nHost: SELF" + header:                                                                   200,
		"POST /command HTTP/1.1\nHost: SELF" + bearer:                                                                   200,
		"POST /command HTTP/1.1\nHost: SELF\nOrigin: http://SELF" + bearer:                                              200,
		"POST /command HTTP/1.1\nHost: SELF" + strings.ReplaceAll(header, key, token):                                   403,
		"POST /command HTTP/1.1\nHost: SELF" + strings.ReplaceAll(bearer, key, token):                                   403,
		"POST /command HTTP/1.1\nHost: SELF" + strings.ReplaceAll(bearer, "Bearer ", ""):                                403,
		"POST /command HTTP/1.1\nHost: SELF\nContent-Length: 0":                                                         403,
		"POST /command?token=" + key + "&key=" + key + " HTTP/1.1\nHost: SELF\nContent-Length: 0":                       403,
		"GET /command HTTP/1.1\nHost: SELF" + header:                                                                    403,
		"POST /command HTTP/1.1\nHost: SELF\nOrigin: http://evil.test" + header:                                         403,
		"POST /command HTTP/1.1\nHost: SELF\nOrigin: http://listed.test" + header:                                       403,
		"POST /command HTTP/1.1\nHost: SELF\nOrigin: null" + bearer:                                                     403,
		"POST /command HTTP/1.1\nHost: evil.test" + header:                                                              403,
		"POST /command HTTP/1.1\nHost: SELF\nSec-Fetch-Site: same-site\nSec-Fetch-Mode: navigate" + bearer:              403,
		"POST /command HTTP/1.1\nHost: SELF\nX-Devserver-Token: " + token + "\nAuthorization: Bearer " + key + "\nA: b": 403,
	} {
		if status, _ := raw(t, s, request); status != want {
			t.Errorf("%q: %d, want %d", request, status, want)
		}
	}
}

// TestLocal: what comes through a tunnel or a proxy is not of this machine, though it comes from a loopback address.
func TestLocal(t *testing.T) {
	s := guarded(t, guard.Options{AllowedHosts: []string{"*"}})
	for headers, want := range map[string]int{
		"Host: SELF":                                    200,
		"Host: localhost:5173":                          200,
		"Host: LOCALHOST.":                              200,
		"Host: app.localhost":                           200,
		"Host: [::1]:5173":                              200,
		"Host: 127.9.9.9":                               200,
		"Host: [::ffff:127.0.0.1]":                      200,
		"Host: my.tunnel.test":                          403,
		"Host: 192.168.1.5:5173":                        403,
		"Host: localhost.evil.test":                     403,
		"Host: 127.0.0.1.nip.io":                        403,
		"Host: localhost\nX-Forwarded-For: 203.0.113.9": 403,
		"Host: localhost\nForwarded: for=203.0.113.9":   403,
		"Host: localhost\nVia: 1.1 proxy":               403,
		"Host: localhost\nCF-Connecting-IP: 127.0.0.1":  403,
		"Host: localhost\nCF-Ray: 8f0":                  403,
		"Host: localhost\nX-Forwarded-Server: a":        403,
		"Host: localhost\nX-Forwarded-For:":             403,
		"Host: localhost\nX-Original-Host: a.test":      403,
		"Host: localhost\nTailscale-User-Login: eve":    403,
	} {
		if status, _ := raw(t, s, "GET /local HTTP/1.1\n"+headers); status != want {
			t.Errorf("%q: %d, want %d", headers, status, want)
		}
	}
	from := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	for addr, want := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true, "192.168.1.5:1": false, "@": false, "": false} {
		if from.RemoteAddr = addr; guard.IsLocal(from) != want {
			t.Errorf("from %q: %t, want %t", addr, !want, want)
		}
	}
}

func TestCrossSiteIncludesAreRefusedAndLinksWork(t *testing.T) {
	s := guarded(t, guard.Options{})
	for headers, want := range map[string]int{
		"Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors\nSec-Fetch-Dest: script":  403,
		"Sec-Fetch-Site: same-site\nSec-Fetch-Mode: cors\nSec-Fetch-Dest: script":      403,
		"Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate":                         200,
		"Sec-Fetch-Site: same-origin\nSec-Fetch-Mode: cors\nSec-Fetch-Dest: script":    200,
		"Sec-Fetch-Site: none\nSec-Fetch-Mode: navigate":                               200,
		"Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: websocket\nSec-Fetch-Dest: empty": 403,
	} {
		if status, _ := raw(t, s, "GET /src/main.ts HTTP/1.1\nHost: SELF\n"+headers); status != want {
			t.Errorf("%q: %d, want %d", headers, status, want)
		}
	}
}

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	s := guarded(t, guard.Options{Headers: map[string]string{"X-Mine": "1"}})
	for _, request := range []string{
		"GET / HTTP/1.1\nHost: SELF", "GET /panic HTTP/1.1\nHost: SELF", "GET / HTTP/1.1\nHost: evil.test",
		"GET http://x/ HTTP/1.1\nHost: SELF",
	} {
		_, answer := raw(t, s, request)
		for _, h := range []string{
			"Cross-Origin-Resource-Policy:[same-origin]", "X-Content-Type-Options:[nosniff]",
			"Referrer-Policy:[same-origin]", "X-Mine:[1]",
		} {
			if !strings.Contains(answer, h) {
				t.Errorf("%q: no %s in %s", request, h, answer)
			}
		}
		if strings.Contains(answer, "boom") {
			t.Errorf("the panic's value reached the client: %s", answer)
		}
	}
}

func TestConfiguredOriginMayRead(t *testing.T) {
	s := guarded(t, guard.Options{CORSOrigins: []string{"http://localhost:3000"}})
	_, answer := raw(t, s, "GET / HTTP/1.1\nHost: SELF\nOrigin: http://localhost:3000\nSec-Fetch-Site: same-site")
	if !strings.Contains(answer, "Access-Control-Allow-Origin:[http://localhost:3000]") ||
		!strings.Contains(answer, "Vary:[Origin]") || !strings.Contains(answer, "secret") {
		t.Errorf("got %s", answer)
	}
	if _, answer := raw(t, s, "GET / HTTP/1.1\nHost: SELF\nOrigin: http://localhost:3001"); strings.Contains(answer, "Access-Control-Allow-Origin") {
		t.Errorf("got %s", answer)
	}
}

// TestOriginsAndSockets: an origin that is listed by its name may open a socket with the token, as the pages of a backend
// do. "*" lets all origins read, and none of them open a socket. Neither may act.
func TestOriginsAndSockets(t *testing.T) {
	for _, c := range []struct {
		list, origin         string
		reads, sockets, acts bool
	}{
		{"http://localhost:3000", "http://localhost:3000", true, true, false},
		{"http://localhost:3000", "http://localhost:3001", false, false, false},
		{"http://localhost:3000", "http://localhost:3000.evil.test", false, false, false},
		{"http://localhost:3000", "null", false, false, false},
		{"http://localhost:3000", "*", false, false, false},
		{"*", "http://evil.test", true, false, false},
		{"*", "null", true, false, false},
		{"*", "*", true, false, false},
		{"*", "http://SELF", true, true, true},
	} {
		s := guarded(t, guard.Options{CORSOrigins: []string{c.list}})
		headers := " HTTP/1.1\nHost: SELF\nContent-Length: 0\nX-Devserver-Token: " + token + "\nOrigin: " + c.origin
		_, read := raw(t, s, "GET /"+headers+"\nSec-Fetch-Site: cross-site")
		socket, _ := raw(t, s, "GET /socket?token="+token+headers+"\nUpgrade: websocket\nConnection: Upgrade")
		wrong, _ := raw(t, s, "GET /socket?token=wrong"+headers+"\nUpgrade: websocket\nConnection: Upgrade")
		act, _ := raw(t, s, "POST /action"+headers)
		if strings.Contains(read, "Access-Control-Allow-Origin:") != c.reads || socket == 403 == c.sockets || act == 403 == c.acts || wrong != 403 {
			t.Errorf("%s of %s: socket %d, with a wrong token %d, action %d, %s", c.origin, c.list, socket, wrong, act, read)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got := guard.Printable("a\x1b[2J\x07\u202e\nb\u009b1m"); got != `a\u001b[2J\u0007\u202e\u000ab\u009b1m` {
		t.Errorf("got %q", got)
	}
}
