package server_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

// canary is in every file that must not be read. Code, markup and JSON leave it unchanged.
const canary = "canarySecret7391"

// fortress returns a project with secrets inside it, beside it and behind links. In targets, ROOT is its folder and OUT
// the folder above.
func fortress(t *testing.T) *devtest.Files {
	app := devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/src/style.css"><script type="module" src="/src/main.ts"></script>
-- src/main.ts --
import "./style.css";
import { part } from "./part";
document.title = part;
-- src/part.ts --
export const part: string = "fine";
-- src/style.css --
body { color: red }
-- src/page.html --
<!doctype html><p>fine</p>
-- public/logo.svg --
<svg xmlns="http://www.w3.org/2000/svg"/>
-- node_modules/dep/package.json --
{ "name": "dep", "version": "1.0.0" }
-- node_modules/dep/index.js --
module.exports = "fine";
`))
	text := func(form string) string { return strings.ReplaceAll(form, "X", canary) }
	for name, form := range map[string]string{
		".env": "KEY=X\n", ".env.local": "KEY=X\n", "src/.env": "X", "cfg/.env": "X", "server.pem": "X", "certs/tls.key": "X", ".git/config": "X", ".npmrc": "X", "src/.env~": "X", ".env.swp": "X",
		".vscode/settings.json": `{"X":1}`, "private/plan.ts": `export default "X";`, "public/.env": "X", "public/server.key": "X", ".env.html": `<script type="module">"X"</script>`,
		"../out/secret.txt": "X", "../out/secret.ts": `export default "X";`, "../out/secret.js": `export default "X";`, "../out/secret.css": `.X { color: red }`, "../out/secret.json": `{"X":1}`,
		"../out/secret.html": `<!doctype html><p>X</p><script type="module">"X"</script>`, "../out/index.html": `<!doctype html>X`, "../out/secret.map": `{"version":3,"sources":["X"],"sourcesContent":["X"],"mappings":""}`,
		"../out/broken.json": "{ \"X\": ,, }", "../out/secret.svg": "<svg>X</svg>", "../app-secrets/secret.txt": "X", "../app-secrets/index.html": "X", "../public-x/secret.txt": "X",
	} {
		app.Write(name, text(form))
	}
	for link, to := range map[string]string{
		"link-out": "../out", "link.txt": "../out/secret.txt", "link.ts": "../out/secret.ts", "link.html": "../out/secret.html", "link.css": "../out/secret.css", "link.json": "../out/secret.json", "link.svg": "../out/secret.svg",
		"env-link.txt": ".env", "env-link.ts": ".env", "env-link.html": ".env.html", "src/git": "../.git", "public/link.txt": "../../out/secret.txt", "public/env.txt": "../.env", "public/out": "../../out",
	} {
		app.Link(to, link)
	}
	app.Write("devserver.config.json", `{ "server": { "fs": { "deny": ["private/**"] } } }`)
	return app
}

// fileAttacks are attacks that made other development servers give away files, by advisory. The test combines each
// target with queries, and with the headers by which a server chooses the form of its answer.
var fileAttacks = []struct {
	class   string
	targets []string
	only    int  // the only correct status beside 400; 0 means 400, 403 and 404
	route   bool // the targets are plain names. A single-page app may have such a route, which gets the index page
}{
	{"CVE-2022-35204: decoded after the check", []string{"/@fsROOT/src/%2e%2e/%2e%2e/out/secret.txt", "/@fsROOT/src/..%2f..%2fout/secret.txt", "/@fsROOT/src/%252e%252e/%252e%252e/out/secret.txt", "/@fsROOT/%2e%2e/out/secret.txt"}, 0, false},
	{"CVE-2023-34092: slashes at the start", []string{"//.env", "///.env", "/@fs//ROOT/.env", "/@fs/" + "ROOT//.env", "//src/../.env"}, 0, false},
	{"CVE-2024-23331: another case", []string{"/.ENV", "/.Env.Local", "/SERVER.PEM", "/Server.Pem", "/.GIT/config", "/.Git/Config"}, 0, false},
	{"CVE-2024-31207: denied folders", []string{"/.git/config", "/@fsROOT/.git/config", "/src/git/config", "/private/plan.ts", "/@fsROOT/private/plan.ts"}, 403, false},
	{"CVE-2024-45811, CVE-2025-30208, CVE-2025-31125: queries around the check of /@fs/", []string{"/@fsOUT/out/secret.txt", "/@fsOUT/out/secret.ts", "/@fsOUT/out/secret.js", "/@fsOUT/out/secret.svg", "/@fs/etc/passwd"}, 403, false},
	{"CVE-2025-31486: an ending in the query", []string{"/@fs/x/x/x/vite/?/../../../../../..OUT/out/secret.txt", "/@fs/etc/passwd?/../x.svg", "/@fsOUT/out/secret.txt?.svg"}, 0, false},
	{"CVE-2025-32395: # in the target", []string{"/@fsROOT/src#/../../out/secret.txt", "/#/../out/secret.txt", "/.env#.ts", "/src/main.ts#"}, 400, false},
	{"CVE-2025-46565: slash and dot at the end", []string{"/.env/.", "/.env/", "/.env//", "/.env/./", "/server.pem/.", "/@fsROOT/.env/."}, 0, false},
	{"CVE-2025-58751: a sibling with the same prefix, links in public", []string{"/../app-secrets/secret.txt", "/@fsOUT/app-secrets/secret.txt", "/@fsROOT-secrets/secret.txt", "/../public-x/secret.txt", "/link.txt", "/env.txt", "/out/secret.txt"}, 0, false},
	{"CVE-2025-58752: the HTML way", []string{"/../out/secret.html", "/@fsOUT/out/index.html", "/@fsOUT/out/", "/@fsOUT/out", "/link-out/index.html", "/link-out/", "/link.html", "/@fsOUT/app-secrets/", "/.env.html"}, 0, false},
	{"inline scripts of pages elsewhere", []string{"//../../out/secret.html?html-proxy&index=0.js", "//../out/secret.html?html-proxy&index=0.js", "/@fs/OUT/out/secret.html?html-proxy&index=0.js", "/link.html?html-proxy&index=0.js", "/.env.html?html-proxy&index=0.js", "//env-link.ts?html-proxy", "//link.ts?html-proxy"}, 0, false},
	{"CVE-2025-62522: backslashes", []string{`/.env\`, "/.env%5c", "/src/..%5c.env", "/src/..%5C..%5Cout/secret.txt", `/src\..\.env`}, 400, false},
	{"GHSA-g7r4-m6w7-qqqr: backslashes that the path's cleaner does not know", []string{`/..\..\out\secret.txt`, `/src/..\..\out\secret.txt`, "/..%5c..%5cout%5csecret.txt"}, 400, false},
	{"CVE-2026-39364: the deny list and queries", []string{"/src/.env", "/.env", "/.env.local", "/cfg/.env", "/server.pem", "/certs/tls.key", "/.npmrc", "/src/.env~", "/.env.swp"}, 403, false},
	{"CVE-2026-39365: maps with a path", []string{"/node_modules/.vite/deps/../../../../out/secret.map", "/node_modules/.vite/deps/%2e%2e/%2e%2e/%2e%2e/%2e%2e/out/secret.map", "/link-out/secret.map", "/@fsOUT/out/secret.map"}, 0, false},
	{"CVE-2026-53571: streams, short names, devices of Windows", []string{"/.env::$DATA", "/.env:$DATA", "/ENV~1", "/TLS~1.PEM", "/.env%20", "/.env.", "/.env%2e", "/nul", "/src/con.ts", "/server.pem::$DATA"}, 0, false},
	{"CVE-2024-29180: joined to a folder before it is decoded", []string{"/public/..%2f..%2f../etc/passwd", "/..%2f..%2f../etc/passwd", "/public/%2e%2e/%2e%2e/out/secret.txt"}, 0, false},
	{"dots of full width", []string{"/\uff0e\uff0e/out/secret.txt", "/%ef%bc%8e%ef%bc%8e/out/secret.txt", "/\uff0eenv"}, 404, true},
	{"a second decoding", []string{"/%252e%252e/out/secret.txt", "/src/%252e%252e/%252eenv", "/%252eenv", "/%25%32%65env"}, 404, true},
	{"NUL, overlong UTF-8, ..;/, full-width dots, file:, /proc", []string{
		"/.env%00", "/.env%00.ts", "/%c0%ae%c0%ae/out/secret.txt", "/%c0%ae%c0%aeenv", "/..;/out/secret.txt", "/src/..;/..;/out/secret.txt",
		"/file:///etc/passwd", "/@fs/file:///etc/passwd", "/@fs/proc/self/root/etc/passwd", "/@fs/proc/self/cwd/.env", "/@fs/proc/self/environ", "/@fs/dev/fd/0", "/@id/.env", "/@id/__x00__.env", "/%0a.env", "/.env%0d%0a", "/%2eenv", "/%2Eenv", "/.%65nv", "/%zz.env",
	}, 0, false},
	{"links are what they lead to", []string{"/link-out/secret.txt", "/link.txt", "/link.ts", "/link.css", "/link.json", "/link.svg", "/env-link.txt", "/env-link.ts", "/src/git/config", "/public/link.txt", "/public/env.txt"}, 403, false},
	{"hidden files, also in public", []string{"/.vscode/settings.json", "/server.key", "/public/.env", "/public/server.key"}, 403, false},
	{"absolute-form targets", []string{"http://localhost/.env", "http://127.0.0.1:1/.env", "file:///etc/passwd", "ftp://x/.env"}, 400, false},
	{"targets without a slash", []string{".env", "src/.env", "*", "?raw"}, 400, false},
}

// attackRoutes are the targets of fileAttacks that name no file, at least on some systems. A navigation to such a target
// gets the app's page, as any route of a single-page app does. All other requests are refused.
var attackRoutes = []string{
	"//.env", "///.env", "/.env//", "//env-link.ts?html-proxy", "//link.ts?html-proxy",
	"/.ENV", "/.Env.Local", "/SERVER.PEM", "/Server.Pem", "/.GIT/config", "/.Git/Config",
	"/.env%5c", "/src/..%5c.env", "/src/..%5C..%5Cout/secret.txt", "/..%5c..%5cout%5csecret.txt",
	"/.env::$DATA", "/.env:$DATA", "/ENV~1", "/TLS~1.PEM", "/.env%20", "/.env.", "/.env%2e", "/nul", "/src/con.ts", "/server.pem::$DATA",
	"/public/..%2f..%2f../etc/passwd", "/..%2f..%2f../etc/passwd",
	"/.env%00", "/.env%00.ts", "/%c0%ae%c0%ae/out/secret.txt", "/%c0%ae%c0%aeenv", "/..;/out/secret.txt", "/src/..;/..;/out/secret.txt", "/file:///etc/passwd", "/%0a.env", "/.env%0d%0a",
}

const navigation = "Accept: text/html\r\n"

var attackQueries = []string{
	"", "?", "??", "?raw", "?url", "?inline", "?import", "?worker", "?sharedworker", "?init", "?raw??", "?raw?", "?import&raw", "?import&raw??", "?import&url&inline", "?inline&import", "?raw?import", "?import&?inline=1.wasm?init",
	"?.svg?import", "?.svg?.wasm?init", "?url&raw", "?raw&raw&raw", "?&raw", "?=&raw=", "?raw=1&t=2", "?worker&inline", "?worker_file", "?direct", "?html-proxy&index=0.js", "?html-proxy", "?import&?raw", "?t=1&.css", "?v=1&import&module", "?%72aw", "?raw%00",
	"?x=/src/main.ts", "?/src/main.ts", "?/../../src/main.ts",
}

var attackHeaders = []string{
	"",
	navigation,
	"Sec-Fetch-Dest: script\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\n",
	"Sec-Fetch-Dest: worker\r\nSec-Fetch-Mode: same-origin\r\nSec-Fetch-Site: same-origin\r\n",
	"Sec-Fetch-Dest: style\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: same-origin\r\nAccept: text/css\r\n",
}

// wire sends requests as bytes, since an HTTP client would clean them up. It uses a connection until the server closes
// the connection.
type wire struct {
	t    *testing.T
	addr string
	conn net.Conn
	in   *bufio.Reader
	got  bytes.Buffer // every byte of the answer
}

func newWire(t *testing.T, s *devtest.Server) *wire {
	w := &wire{t: t, addr: "127.0.0.1:" + s.URL[strings.LastIndexByte(s.URL, ':')+1:]}
	t.Cleanup(w.close)
	return w
}

func (w *wire) close() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

// ask returns the status and every byte of the answer.
func (w *wire) ask(request string) (status int, answer string) {
	w.t.Helper()
	if w.conn == nil {
		conn, err := net.Dial("tcp", w.addr)
		if err != nil {
			w.t.Fatal(err)
		}
		w.conn = conn
		w.in = bufio.NewReader(io.TeeReader(conn, &w.got))
	}
	w.got.Reset()
	_ = w.conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(w.conn, request); err != nil {
		w.t.Fatalf("%q: %v", request, err)
	}
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(w.in, &http.Request{Method: method})
	if err != nil {
		w.t.Fatalf("%q: %v", request, err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if err != nil || res.Close || res.StatusCode == http.StatusSwitchingProtocols {
		w.close()
	}
	return res.StatusCode, w.got.String()
}

// leak returns the secret that the text gives away: in plain text, or in base64 at any of its three alignments.
func leak(text string) string {
	for _, secret := range []string{canary, "root:x:0:0"} {
		if strings.Contains(text, secret) {
			return secret
		}
		for shift := range 3 {
			b := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			b = b[2*((shift+1)/2)*2/2 : len(b)-2] // the letters at the ends also hold bits of their neighbours
			if b = b[min(4, len(b)):]; strings.Contains(text, b) {
				return secret + " in base64"
			}
		}
	}
	return ""
}

// TestFilesAreNotGivenAway sends each of fileAttacks as bytes over a TCP connection, with all queries and headers. No
// answer holds a secret, neither plain nor in base64, and each status is a refusal.
func TestFilesAreNotGivenAway(t *testing.T) {
	t.Parallel()
	if leak("data:;base64,"+base64.StdEncoding.EncodeToString([]byte("KEY="+canary))) == "" || leak("<"+canary) == "" {
		t.Fatal("the test does not find a leak")
	}
	app := fortress(t)
	s := devtest.Start(t, app, func(o *server.Options) { o.Logger = nil }) // it would log tens of thousands of refusals
	index := s.Get("/").Body
	above := app.Root[:strings.LastIndexByte(app.Root, '/')]
	if res := s.Get("/src/main.ts"); res.Status != 200 { // now the graph holds the project's modules
		t.Fatal(res.Status)
	}
	for _, a := range fileAttacks {
		t.Run(a.class, func(t *testing.T) {
			w := newWire(t, s)
			for _, written := range a.targets {
				target := strings.NewReplacer("ROOT", app.Root, "OUT", above).Replace(written)
				route := slices.Contains(attackRoutes, written)
				for _, query := range attackQueries {
					for _, header := range attackHeaders {
						request := "GET " + target + query + " HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n"
						status, answer := w.ask(request)
						if secret := leak(answer); secret != "" {
							t.Fatalf("%q gives away %s:\n%.500s", request, secret, answer)
						}
						ok := []int{400, 403, 404}
						if a.only != 0 {
							ok = []int{a.only, 400}
						}
						if a.route && status == 200 && strings.HasSuffix(answer, index) {
							continue
						}
						if route && header == navigation && status == 200 && strings.HasSuffix(answer, "\r\n\r\n"+index) {
							continue // the app's page and nothing else
						}
						if !slices.Contains(ok, status) {
							t.Fatalf("%q: status %d, want one of %d:\n%.300s", request, status, ok, answer)
						}
						if _, body, _ := strings.Cut(answer, "\r\n\r\n"); strings.Contains(body, app.Root) || strings.Contains(answer, "Location") {
							t.Fatalf("%q: the answer has the project's path, or is a redirect:\n%.300s", request, answer)
						}
					}
				}
			}
		})
	}
	if res := s.Get("/src/main.ts"); res.Status != 200 {
		t.Fatalf("the server does not answer any more: status %d", res.Status)
	}
}

// TestRefusalsAreTold: the answer to a refused request is a constant. The terminal names the path and the line of
// configuration that would allow it, without control characters of the request.
func TestRefusalsAreTold(t *testing.T) {
	t.Parallel()
	app := fortress(t)
	s := devtest.Start(t, app)
	out := strings.TrimSuffix(app.Root, "/app") + "/out"
	for target, body := range map[string]string{"/@fs" + out + "/secret.txt?raw": "403 forbidden\n", "/link.txt": "403 forbidden\n", "/.env.local": "403 forbidden\n", "/src/%2e%2e/x": "400 bad request\n", "/@devserver/pack.js?id=/@fs" + out + "/secret.ts": "403 forbidden\n"} {
		if res := s.Get(target); res.Body != body {
			t.Errorf("%s: %q, want %q", target, res.Body, body)
		}
	}
	s.Log.Wait(t, out+"/secret.txt may not be read")
	s.Log.Wait(t, fmt.Sprintf(`"server": {"fs": {"allow": [%q]}} in devserver.config.json`, out))
	s.Log.Wait(t, app.Path(".env.local")+" may not be read: it is a secret")
	s.Log.Wait(t, out+"/secret.ts may not be read")
	s.Raw("GET /.env?\u009b2J\u202e HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	s.Raw("GET /@devserver/pack.js?id=/.git/%1b[2J%07 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	s.Log.Wait(t, `.git/\u001b[2J`)
	if strings.ContainsAny(s.Log.String(), "\x1b\x07\u009b\u202e") {
		t.Error("control characters of a request reached the terminal")
	}
}

// TestOtherWaysToAFile asks for secrets in every other way: by IDs of packs, source maps, updates, the editor, and
// messages over the socket. The project's own imports, pages and code frames ask, too.
func TestOtherWaysToAFile(t *testing.T) {
	t.Parallel()
	app := fortress(t)
	above := strings.TrimSuffix(app.Root, "/app")
	app.Write("tsconfig.json", `{ "compilerOptions": {} }`)
	for name, code := range map[string]string{
		"i1.ts": `import x from "../out/secret.txt?raw"; console.log(x);`, "i2.ts": `import "../out/secret";`, "i3.ts": `import x from "./env-link.txt?raw"; console.log(x);`, "i4.ts": `import "./env-link";`,
		"i5.ts": `import x from "../out/secret.svg?inline"; console.log(x);`, "i6.ts": `import "./i6.css";`, "i6.css": `@import "./link.css"; a { background: url(../out/secret.svg) }`, "i7.ts": `import "./i7.css";`, "i7.css": `@import "../out/secret.css";`,
		"i8.ts": `console.log(import.meta.glob(["../out/*", "./.env*", "./link*", "./cfg/**", "./link-out/*"], { eager: true, query: "?raw" }));`, "i9.ts": `import data from "./link.json"; console.log(data);`,
		"i10.ts": `new Worker(new URL("../out/secret.ts", import.meta.url)); console.log(new URL("./.env", import.meta.url), new URL("./link.svg?inline", import.meta.url));`, "i11.ts": `import x from "./link.svg?inline"; console.log(x);`, "i12.ts": `import x from "./.env?raw"; console.log(x)`,
		"i13.ts": `import s from "./i6.css?inline"; import r from "./link.css?raw"; console.log(s, r);`, "i14.ts": `import x from "./sub/deep.ts"; console.log(x);`, "sub/deep.ts": `export default 1;`, "i15.ts": `import "../out/broken.json";`,
		"sub/tsconfig.json": `{ "extends": "../../out/broken.json" }`,
	} {
		app.Write(name, code)
	}
	s := devtest.Start(t, app, func(o *server.Options) { o.Logger = nil })
	sock := s.Socket(t)
	w := newWire(t, s)
	get := func(target string) {
		t.Helper()
		for _, header := range []string{"", attackHeaders[2]} {
			request := "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n"
			if _, answer := w.ask(request); leak(answer) != "" {
				t.Errorf("%q gives away %s:\n%.600s", request, leak(answer), answer)
			}
		}
	}
	// The project's own code tries to import secrets, as the code of a package may.
	for i := range 15 {
		get(fmt.Sprintf("/i%d.ts", i+1))
		get(fmt.Sprintf("/@devserver/source.map?of=css:/i%d.css", i+1))
	}
	secrets := []string{
		"/.env", "/../out/secret.ts", "/link.ts", "/env-link.ts", "/link.css", "/link.json", "/link.svg", "/link.txt", "/link.html", "/link-out/secret.ts", "/src/git/config", "/private/plan.ts", "/.vscode/settings.json", "/server.pem", "/public/.env", "/public/link.txt",
		"/@fs" + above + "/out/secret.ts", "/@fs" + app.Root + "/.env", "/@fs" + app.Root + "/../out/secret.ts", "/@fs//" + above + "/out/secret.ts", "//.env", "//../out/secret.html", above + "/out/secret.ts", "file://" + above + "/out/secret.ts", "/@fs/etc/passwd", "/@id/.env", "/./.env", "/src/../.env", `/..\out\secret.ts`,
	}
	forms := []string{"", "?raw", "?url", "?inline", "?import&raw", "?worker", "?direct", "?html-proxy&index=0.js", "?html-proxy", "?raw?raw", "??raw", "?worker_file", "?init"}
	revisions := map[string]string{}
	for _, id := range secrets {
		for _, form := range forms {
			e := url.QueryEscape(id + form)
			get("/@devserver/pack.js?id=" + e)
			get("/@devserver/pack.js?exact&id=/src/main.ts&id=" + e + "&have=" + e)
			get("/@devserver/source.map?of=css:" + e)
			get("/@devserver/source.map?of=" + e)
			revisions[id+form] = "x"
		}
		get("/@devserver/update/" + strings.TrimPrefix(url.PathEscape(id), "/"))
		get("/@devserver/library/" + strings.TrimPrefix(id, "/"))
		get("/__devserver/" + strings.TrimPrefix(id, "/"))
		get("/__devserver/../" + strings.TrimPrefix(id, "/"))
		get("/@vite/client?" + url.QueryEscape(id))
	}
	// Over the socket: messages that servers with a module runner answer (CVE-2026-39363), and our own messages.
	for _, file := range []string{"file://" + above + "/out/secret.ts?raw", above + "/out/secret.ts", "/.env?raw", "/@fs" + above + "/out/secret.ts"} {
		sock.Send(map[string]any{"type": "custom", "event": "vite:invoke", "data": map[string]any{"name": "fetchModule", "id": "send:1", "data": []string{file}}})
		sock.Request(len(file), "vite:invoke", map[string]any{"name": "fetchModule", "data": []string{file}})
		for _, kind := range []string{"error", "update", "full-reload", "report", "revisions", "prune", file} {
			sock.Send(map[string]any{"type": kind, "path": file, "file": file, "id": file, "modules": map[string]string{file: "x"}, "css": []string{file}, "err": map[string]any{"file": file, "loc": map[string]any{"file": file, "line": 1}}, "updates": []any{map[string]any{"path": file, "acceptedPath": file}}})
		}
	}
	css := []string{"/link.css", "/../out/secret.css", "/@fs" + above + "/out/secret.css"}
	sock.Send(map[string]any{"type": "revisions", "modules": revisions, "css": css})
	sock.Request(999, "devserver:admin:clients", nil)
	// Errors show the code around their place, but never the code of files outside.
	s.Write("i14.ts", `import x from "./sub/deep.ts"; console.log(x, 2);`)
	s.Write("sub/deep.ts", `export default 2;`)
	get("/i14.ts")
	get("/sub/deep.ts")
	for _, f := range sock.Frames() {
		if leak(f.Text) != "" {
			t.Errorf("the socket gives away %s: %.500s", leak(f.Text), f.Text)
		}
	}
	if res := s.Get("/src/main.ts"); res.Status != 200 || !strings.Contains(res.Body, "fine") {
		t.Errorf("the project is not served any more: %d", res.Status)
	}
}

// TestOwnPathsAreNotProxied: requests for our own paths, for refused targets and for other hosts never reach a backend.
// The patterns of the project's proxy do not matter (CVE-2026-9595, CVE-2026-44578).
func TestOwnPathsAreNotProxied(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.RequestURI)
		mu.Unlock()
		_, _ = io.WriteString(w, "backend")
	}))
	defer backend.Close()
	app := fortress(t)
	app.Write("devserver.config.json", fmt.Sprintf(`{ "server": { "proxy": { "/api": { "target": %q, "ws": true }, "^/(@|__).*": { "target": %q, "ws": true } } } }`, backend.URL, backend.URL))
	s := devtest.Start(t, app)
	if res := s.Get("/api/x"); res.Body != "backend" {
		t.Fatalf("the proxy does not work: %q", res.Body)
	}
	canaryHost := strings.TrimPrefix(backend.URL, "http://")
	upgrade := "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	w := newWire(t, s)
	for _, request := range []string{
		"GET /@vite/client HTTP/1.1\r\nHost: localhost\r\n", "GET /@devserver/pack.js?id=/src/main.ts HTTP/1.1\r\nHost: localhost\r\n", "GET /@devserver/nothing HTTP/1.1\r\nHost: localhost\r\n", "GET /__devserver/ HTTP/1.1\r\nHost: localhost\r\n",
		"GET /__open-in-editor?file=/src/main.ts HTTP/1.1\r\nHost: localhost\r\n", "GET /?token=x HTTP/1.1\r\nHost: localhost\r\n" + upgrade, "GET /api HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Protocol: vite-hmr\r\n" + upgrade,
		"GET http://" + canaryHost + "/api/ws HTTP/1.1\r\nHost: localhost\r\n" + upgrade, "GET http://" + canaryHost + "/api HTTP/1.1\r\nHost: " + canaryHost + "\r\n", "CONNECT " + canaryHost + " HTTP/1.1\r\nHost: " + canaryHost + "\r\n", "GET /api HTTP/1.1\r\nHost: evil.test\r\n",
		"GET /api/../.env HTTP/1.1\r\nHost: localhost\r\n", "GET //api HTTP/1.1\r\nHost: localhost\r\n", "GET /x/api HTTP/1.1\r\nHost: localhost\r\n", "GET /.env?/api HTTP/1.1\r\nHost: localhost\r\n", "GET /apisecrets/../.env HTTP/1.1\r\nHost: localhost\r\n",
	} {
		status, answer := w.ask(request + "\r\n")
		if leak(answer) != "" || strings.HasSuffix(answer, "backend") && !strings.Contains(request, "/api/../") && !strings.Contains(request, "/apisecrets") {
			t.Errorf("%q: %d, %.300s", request, status, answer)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, uri := range seen {
		if !strings.HasPrefix(uri, "/api") {
			t.Errorf("the backend got a request for %q", uri)
		}
	}
}

// TestEditorIsStartedWithoutAShell: only a page of ours can open files in the editor, and only files that may be read.
// Every name is one argument, also with characters that a shell knows (CVE-2018-6342, CVE-2026-53632).
func TestEditorIsStartedWithoutAShell(t *testing.T) {
	opened := editor(t, "editor")
	app := fortress(t)
	odd := []string{"-v.ts", "a;touch x.ts", "$(touch x).ts", "`touch x`.ts", "a b'\"&|.ts", "a\ntouch x\n.ts", "--wait"}
	for _, name := range odd {
		app.Write(name, "1")
	}
	s := devtest.Start(t, app)
	ask := func(file string, header ...string) int {
		return s.Do("POST", "/__open-in-editor?file="+url.QueryEscape(file), "", append(header, "X-Devserver-Token", s.Token())...).Status
	}
	for _, file := range []string{".env", "link.txt", "../out/secret.txt", "/etc/passwd", "env-link.ts", ".git/config", "nowhere.ts", "src/main.ts;touch x", "$(touch x)", `\\host\share`, "//host/share", "src/main.ts\x00", "-v", ""} {
		if status := ask(file); status == 204 {
			t.Errorf("the editor opened %q", file)
		}
	}
	for _, c := range [][]string{{"GET"}, {"POST"}, {"POST", "X-Devserver-Token", "x"}, {"POST", "Origin", "null", "X-Devserver-Token", s.Token()}, {"POST", "Origin", "http://localhost:1", "X-Devserver-Token", s.Token()}, {"GET", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}} {
		if res := s.Do(c[0], "/__open-in-editor?file=src/main.ts", "", c[1:]...); res.Status != 403 {
			t.Errorf("%v: status %d, want 403", c, res.Status)
		}
	}
	for _, file := range odd {
		if status := ask(file); status != 204 {
			t.Errorf("%q: status %d, want 204", file, status)
		}
		devtest.Eventually(t, "the editor with "+file, func() bool { return strings.Contains(opened(), "<"+app.Path(file)+">") }, opened)
	}
	if n := strings.Count(opened(), "<"); n != len(odd) {
		t.Errorf("the editor got %d arguments for %d files:\n%s", n, len(odd), opened())
	}
	if _, err := os.Stat(app.Path("x")); err == nil {
		t.Error("a shell ran")
	}
}
