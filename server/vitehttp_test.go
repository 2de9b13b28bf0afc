package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

// startWithPlugins serves a project whose vite.config has the plugins.
func startWithPlugins(t *testing.T, config, files string, configure ...func(*server.Options)) *devtest.Server {
	t.Helper()
	app := devtest.App(t, devtest.Text("-- index.html --\n<!doctype html><title>app</title><h1>the app</h1>\n"+
		"-- package.json --\n{}\n-- vite.config.mjs --\n"+config+"\n"+files))
	linkPackage(t, app, "vite")
	return devtest.Start(t, app, configure...)
}

// TestMiddlewares: middlewares of a vite.config's plugins see requests in Vite's order, and what they pass on is
// answered as without them, with the headers and the URL that they have set.
func TestMiddlewares(t *testing.T) {
	t.Parallel()
	s := startWithPlugins(t, `
const body = async (req) => { let text = ""; for await (const chunk of req) text += chunk; return text; };
export default {
  base: "/app/",
  plugins: [
    {
      name: "first",
      configureServer(server) {
        server.middlewares.use((req, res, next) => {
          res.setHeader("Cross-Origin-Opener-Policy", "same-origin");
          res.setHeader("X-Seen", req.url);
          if (req.url === "/app/rewritten") req.url = "/app/data.json?rewritten";
          next();
        });
        server.middlewares.use("/app/api", async (req, res, next) => {
          if (req.url === "/async") throw new Error("an asynchronous error");
          if (req.url === "/sync") return void nothing();
          if (req.url === "/read") return void body(req).then(() => next());
          if (req.url === "/next") return next();
          if (req.url === "/untyped") return void res.end("<!doctype html><p>untyped");
          if (req.url === "/head") { res.statusCode = 418; res.setHeader("Set-Cookie", ["a=1", "b=2"]); return void res.end("x"); }
          const { method, originalUrl, headers, socket } = req;
          res.setHeader("Content-Type", "application/json");
          res.end(JSON.stringify({ method, url: req.url, originalUrl, host: headers.host, body: await body(req),
            own: Object.keys(headers).filter((h) => h.startsWith("x-devserver")), address: socket.remoteAddress, tls: socket.encrypted }));
        });
        return () => {
          server.middlewares.use((req, res, next) => {
            if (req.url === "/index.html" && req.originalUrl.includes("ssr")) return void res.end("rendered " + req.originalUrl + " " + req.url);
            if (req.originalUrl.includes("other")) req.url = "/other.html";
            next();
          });
          server.middlewares.use("/late", (req, res) => res.end("late " + req.method + " " + req.url));
        };
      },
    },
    {
      name: "moves its layer",
      configureServer(server) {
        return () => {
          const { stack } = server.middlewares;
          server.middlewares.use(function moved(req, res, next) { req.url.endsWith("/copied.txt") ? res.end("copied") : next(); });
          stack.splice(stack.findIndex((l) => l.handle.name === "viteServePublicMiddleware"), 0, stack.pop());
        };
      },
    },
  ],
};`, `-- data.json --
{"file": true}
-- other.html --
<!doctype html><h1>the other page</h1>
`)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/app/data.json", "", 200, `{"file": true}`},
		{"GET", "/app/rewritten", "", 200, `{"file": true}`},
		{"POST", "/app/api/x?y=1", "text", 200, `"method":"POST","url":"/x?y=1","originalUrl":"/app/api/x?y=1"`},
		{"POST", "/app/api/x?y=1", "text", 200, `"body":"text","own":[],"address":"127.0.0.1","tls":false`},
		{"GET", "/app/api/head", "", 418, "x"},
		{"GET", "/app/api/async", "", 500, "the middleware of plugin first threw: an asynchronous error"},
		{"GET", "/app/api/sync", "", 500, "nothing is not defined"},
		{"GET", "/app/api/next", "", 200, "the app"},
		{"POST", "/app/api/next", "text", 405, "method not allowed"},
		{"GET", "/app/", "", 200, "the app"},
		{"GET", "/app/ssr", "", 200, "rendered /app/ssr /index.html"},
		{"GET", "/app/a/other", "", 200, "the other page"},
		{"POST", "/app/late/x", "text", 200, "late POST /x"},
		{"GET", "/app/copied.txt", "", 200, "copied"},
		{"GET", "/app/x/../data.json", "", 400, "bad request"},
	} {
		got := s.Do(c.method, c.path, c.body, "Accept", "text/html")
		if got.Status != c.status || !strings.Contains(got.Body, c.want) {
			t.Errorf("%s %s: %d %s\nwant %d %s", c.method, c.path, got.Status, got.Body, c.status, c.want)
		}
		if seen := got.Header.Get("X-Seen"); c.status == http.StatusOK && seen == "" {
			t.Errorf("%s %s: the header of the middleware that passed the request on is lost", c.method, c.path)
		}
	}
	page := s.Get("/app/", "Accept", "text/html")
	if page.Header.Get("Cross-Origin-Opener-Policy") != "same-origin" || page.Header.Get("Content-Type") != "text/html; charset=utf-8" || page.Header.Get("X-Devserver-Pass") != "" {
		t.Errorf("headers of a page behind middlewares: %v", page.Header)
	}
	if got := s.Get("/app/api/untyped").Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("a page without a type is sent as %q", got)
	}
	if got := s.Get("/app/api/head").Header.Values("Set-Cookie"); len(got) != 2 {
		t.Errorf("cookies of a middleware: %v", got)
	}
	if got := s.Get("/app/@vite/client").Header.Get("X-Seen"); got != "" {
		t.Error("a middleware saw a request for the client")
	}
	s.Log.Wait(t, "an asynchronous error")
}

// TestMiddlewareStreams: an answer comes as it is written, and a browser that goes away ends the request in Node.
func TestMiddlewareStreams(t *testing.T) {
	t.Parallel()
	s := startWithPlugins(t, `
let gone = 0, uploaded = 0;
export default { plugins: [{
  name: "streams",
  configureServer({ middlewares }) {
    middlewares.use("/events", (req, res) => {
      res.writeHead(200, { "Content-Type": "text/event-stream" });
      res.write("data: 1\n\n");
      res.on("close", () => gone++);
    });
    middlewares.use("/gone", (req, res) => res.end(String(gone)));
    middlewares.use("/cut", (req, res) => { res.write("some"); setImmediate(() => res.destroy()); });
    middlewares.use("/upload", (req, res) => {
      req.once("data", (chunk) => { res.write("got " + chunk); req.on("end", () => res.end(", all")); });
    });
  },
}] };`, "")
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || line != "data: 1\n" {
		t.Fatalf("the first event: %q %v", line, err)
	}
	cancel()
	devtest.Eventually(t, "the request ends in Node", func() bool { return s.Get("/gone").Body == "1" }, func() string { return "" })
	cut, err := http.Get(s.URL + "/cut")
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Body.Close()
	if text, err := io.ReadAll(cut.Body); err == nil {
		t.Errorf("an answer that is cut off arrives as %q without an error", text)
	}
	if got := s.Do("POST", "/upload", "text").Body; got != "got text, all" {
		t.Errorf("an upload: %q", got)
	}
}

// TestMiddlewareBodies: a middleware that passes a request on leaves its body to who comes behind, even if it has read it.
func TestMiddlewareBodies(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		fmt.Fprint(w, len(text), " ", strings.Count(string(text), "x"), " ", err)
	}))
	t.Cleanup(backend.Close)
	s := startWithPlugins(t, `
export default { server: { proxy: { "/backend": "`+backend.URL+`" } }, plugins: [{
  name: "reads",
  configureServer({ middlewares }) {
    middlewares.use((req, res, next) => {
      if (!req.url.includes("read")) return next();
      if (req.url.includes("part")) return void req.once("data", () => next());
      req.on("data", () => {}).on("end", () => next());
    });
  },
}] };`, "")
	large := strings.Repeat("x", 3<<20)
	for path, body := range map[string]string{"/backend/a": large, "/backend/read": large, "/backend/read/part": large, "/backend/read/small": "x"} {
		want := fmt.Sprintf("%d %d <nil>", len(body), len(body))
		if got := s.Do("POST", path, body); got.Body != want {
			t.Errorf("POST %s: the backend got %q, want %q", path, got.Body, want)
		}
	}
	if got := s.Do("POST", "/backend/read", strings.Repeat("x", 5<<20)); got.Status != 500 || !strings.Contains(got.Body, "it may read at most") {
		t.Errorf("a body that is too large to be passed on: %d %s", got.Status, got.Body)
	}
}

// TestUpgrades: a plugin takes sockets that nobody else takes, also behind HTTPS. A socket that it does not take is
// refused.
func TestUpgrades(t *testing.T) {
	t.Parallel()
	for name, https := range map[string]string{"http": "", "https": "server: { https: {} },"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWithPlugins(t, `
import { createHash } from "node:crypto";
export default { `+https+` plugins: [{
  name: "sockets",
  configureServer(server) {
    server.middlewares.use("/tls", (req, res) => res.end(String(req.socket.encrypted)));
    server.httpServer.on("upgrade", (req, socket) => {
      if (req.url !== "/own?x") return req.url === "/refused" && socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
      const accept = createHash("sha1").update(req.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n");
      socket.write(Buffer.from([0x81, 5, ...Buffer.from("hello")]));
      socket.on("data", () => socket.end(Buffer.from([0x88, 2, 0x03, 0xe8])));
    });
  },
}] };`, "")
			dialer := websocket.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
			at := strings.Replace(s.URL, "http", "ws", 1)
			conn, res, err := dialer.Dial(at+"/own?x", nil)
			if err != nil {
				t.Fatalf("%v %v", err, res)
			}
			defer conn.Close()
			if _, text, err := conn.ReadMessage(); err != nil || string(text) != "hello" {
				t.Errorf("the plugin's message: %q %v", text, err)
			}
			if err := conn.WriteMessage(websocket.TextMessage, []byte("bye")); err != nil {
				t.Error(err)
			}
			if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 1000) {
				t.Errorf("the end of the socket: %v", err)
			}
			_, res, _ = dialer.Dial(at+"/refused", nil)
			if res == nil || res.StatusCode != http.StatusUnauthorized {
				t.Errorf("a socket that the plugin refuses: %v", res)
			}
			_, res, _ = dialer.Dial(at+"/other", nil)
			if res == nil || res.StatusCode/100 != 4 && res.StatusCode != 200 {
				t.Errorf("a socket that nobody takes: %v", res)
			}
			if got := s.Get("/tls").Body; got != fmt.Sprint(https != "") {
				t.Errorf("req.socket.encrypted is %s", got)
			}
			foreign := http.Header{"Origin": {"https://evil.example"}}
			if _, res, _ = dialer.Dial(at+"/own?x", foreign); res == nil || res.StatusCode != http.StatusForbidden {
				t.Errorf("a socket of another site's page: %v", res)
			}
		})
	}
}

// TestListening: plugins hear that the server listens and where. What they print instead of Vite's URLs is printed once,
// also when Node starts again. Middlewares that come later are asked, too.
func TestListening(t *testing.T) {
	t.Parallel()
	s := startWithPlugins(t, `
export default { plugins: [{
  name: "listens",
  configureServer(server) {
    const print = server.printUrls;
    server.printUrls = () => { print(); server.config.logger.info("the plugin is at " + server.resolvedUrls.local[0] + "own/"); };
    server.httpServer.once("listening", () => {
      const { port, family, address } = server.httpServer.address();
      const text = JSON.stringify([port, family, address, server.httpServer.listening, server.config.server.port === port]);
      setTimeout(() => server.middlewares.use("/later", (req, res) => res.end(text)), 5);
    });
    server.middlewares.use("/die", () => process.kill(process.pid, "SIGKILL"));
  },
}] };`, "")
	port := s.URL[strings.LastIndex(s.URL, ":")+1:]
	want := fmt.Sprintf(`[%s,"IPv4","127.0.0.1",true,true]`, port)
	devtest.Eventually(t, "a later middleware answers", func() bool { return s.Get("/later").Body == want }, func() string { return s.Get("/later").Body })
	s.Log.Wait(t, "the plugin is at http://127.0.0.1:"+port+"/own/")
	if got := s.Do("POST", "/die", ""); got.Status != http.StatusBadGateway {
		t.Errorf("a request whose process dies: %d %s", got.Status, got.Body)
	}
	devtest.Eventually(t, "a later middleware answers again", func() bool { return s.Get("/later").Body == want }, func() string { return s.Get("/later").Body })
	if n := s.Log.Count("the plugin is at"); n != 1 {
		t.Errorf("the plugin's line was printed %d times", n)
	}
}

// TestMiddlewaresOfAnEditedConfig: a saved vite.config brings its middlewares, and a request meanwhile is answered.
func TestMiddlewaresOfAnEditedConfig(t *testing.T) {
	t.Parallel()
	s := startWithPlugins(t, `export default { plugins: [{ name: "answers", configureServer: ({ middlewares }) => void middlewares.use("/old", (req, res) => res.end("old")) }] };`, "")
	if got := s.Get("/old").Body; got != "old" {
		t.Fatalf("the middleware answers %q", got)
	}
	s.Edit("vite.config.mjs", `"/old", (req, res) => res.end("old")`, `"/new", (req, res) => res.end("new")`)
	devtest.Eventually(t, "the new middleware answers", func() bool {
		if got := s.Get("/old", "Accept", "text/html"); got.Status != 200 {
			t.Errorf("a request during the restart: %d %s", got.Status, got.Body)
		}
		return s.Get("/new").Body == "new"
	}, s.Log.String)
	if got := s.Get("/old"); got.Status != 404 {
		t.Errorf("the old middleware answers: %d %s", got.Status, got.Body)
	}
}
