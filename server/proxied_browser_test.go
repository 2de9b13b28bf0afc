package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

const proxiedApp = `
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="./src/main.js"></script>
-- src/main.js --
import { text } from "./text.js";
const show = (text) => (document.querySelector("#text").textContent = text);
show(text);
import.meta.hot.accept("./text.js", (mod) => show(mod.text));
-- src/text.js --
export const text = "TEXT";
`

// TestProxiedDevserver puts a devserver behind another. Pages of both connect to their own server, and are updated.
func TestProxiedDevserver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ frontBase, backBase, rule string }{
		"below a prefix":          {"/", "/admin/", "/admin"},
		"both below a prefix":     {"/app/", "/admin/", "/admin"},
		"below the front's base":  {"/app/", "/app/admin/", "/app/admin"},
		"at the front's own path": {"/app/", "/", "^/(?!app/)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := func(text, config string) *devtest.Server {
				app := devtest.App(t, devtest.Text(strings.ReplaceAll(proxiedApp, "TEXT", text)))
				app.Write("devserver.config.json", config)
				return devtest.Start(t, app)
			}
			back := start("back", fmt.Sprintf(`{ "base": %q }`, c.backBase))
			front := start("front", fmt.Sprintf(`{ "base": %q, "server": { "proxy": { %q: { "target": %q, "ws": true } } } }`, c.frontBase, c.rule, back.URL))
			of := map[*devtest.Server]*devtest.Page{front: front.Page(t, c.frontBase), back: front.Page(t, c.backBase)}
			for s, text := range map[*devtest.Server]string{front: "front", back: "back"} {
				p := of[s]
				p.WaitText("#text", text)
				s.WaitPages(1)
				s.Edit("src/text.js", text, text+" edited")
				p.WaitText("#text", text+" edited")
				p.NoReload()
				p.NoErrors()
			}
		})
	}
}

// TestSocketsOfAProxiedVite: the path and the token of a socket decide whose it is, and not its subprotocol.
func TestSocketsOfAProxiedVite(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, Subprotocols: []string{"vite-hmr", "vite-ping"}}
	vite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.RequestURI)
		mu.Unlock()
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			_, _ = io.WriteString(w, "vite")
			return
		}
		_ = ws.WriteMessage(websocket.TextMessage, []byte("vite"))
		_ = ws.Close()
	}))
	defer vite.Close()
	for rule, cases := range map[string]map[string]bool{ // path -> whether the backend gets the socket
		"/vite": {"/vite/?token=x": true, "/vite/": true, "/vite": true, "/vite/hmr?token=OURS": true, "/?token=x": false, "/": false, "/?token=OURS": false, "/other/?token=x": false, "/other?token=OURS": false},
		"/":     {"/?token=x": true, "/": true, "/vite/?token=x": true, "/?token=OURS": false},
		"^.*":   {"/?token=x": true, "/": true, "/?token=OURS": false, "/?token=OURS&session=s": false},
	} {
		for _, ws := range []bool{true, false} {
			app := devtest.App(t, devtest.Text(proxiedApp))
			app.Write("devserver.config.json", fmt.Sprintf(`{ "server": { "proxy": { %q: { "target": %q, "ws": %v } } } }`, rule, vite.URL, ws))
			s := devtest.Start(t, app)
			for path, forwarded := range cases {
				for _, protocol := range []string{"vite-hmr", "vite-ping"} {
					mu.Lock()
					seen = nil
					mu.Unlock()
					address := "ws" + strings.TrimPrefix(s.URL, "http") + strings.ReplaceAll(path, "OURS", s.Token())
					dialer := websocket.Dialer{Subprotocols: []string{protocol}}
					conn, res, err := dialer.Dial(address, http.Header{"Origin": {s.URL}})
					got := ""
					if err == nil {
						_, text, _ := conn.ReadMessage()
						got = string(text)
						_ = conn.Close()
					}
					mu.Lock()
					reached := len(seen) > 0
					mu.Unlock()
					own := strings.HasPrefix(path, "/?token=OURS") || protocol == "vite-ping" && (path == "/" || strings.HasPrefix(path, "/?"))
					switch {
					case forwarded && ws:
						if got != "vite" || !reached {
							t.Errorf("%s, %s at %s: the backend did not get the socket: %v", rule, protocol, path, err)
						}
					case reached:
						t.Errorf("%s (ws: %v), %s at %s: the backend got the socket", rule, ws, protocol, path)
					case own != (err == nil) || err != nil && res.StatusCode != http.StatusForbidden:
						t.Errorf("%s (ws: %v), %s at %s: %v, want our answer %v", rule, ws, protocol, path, err, own)
					}
				}
			}
		}
	}
}
