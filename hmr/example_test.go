package hmr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/hmr"
)

// A backend mounts a hub beside its other handlers.
func ExampleNewHub() {
	hub := hmr.NewHub(hmr.Options{
		// The user behind a request; "" is a guest. Look up the cookie of your session here.
		Identify: func(r *http.Request) (string, error) {
			cookie, err := r.Cookie("user")
			if err != nil {
				return "", nil
			}
			return cookie.Value, nil
		},
		// Browsers let pages of any site open a socket, with the user's cookies.
		Check: func(r *http.Request) error {
			if origin := r.Header.Get("Origin"); origin != "http://"+r.Host {
				return errors.New("a page of another site: " + origin)
			}
			return nil
		},
	})
	defer hub.Close()

	mux := http.NewServeMux()
	mux.Handle("/live", hub)
	server := httptest.NewServer(mux)
	defer server.Close()

	page := openPage(server.URL+"/live", "user=ann") // connect({ url: "/live" }) of devserver/client
	if err := hub.SendToUser("ann", "greeting", "Hello Ann"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(page.next())
	// Output: {"type":"custom","event":"greeting","data":"Hello Ann"}
}

func ExampleHub_On() {
	hub := hmr.NewHub(hmr.Options{})
	defer hub.Close()

	type added struct{ SKU string }
	hub.On("cart:added", func(ctx context.Context, page *hmr.Client, data json.RawMessage) error {
		in, err := hmr.Decode[added]("cart:added", data)
		if err != nil {
			return err // the page gets the place, the expected type and the value found
		}
		return page.Send("cart:price", map[string]any{"sku": in.SKU, "price": 3})
	})

	server := httptest.NewServer(hub)
	defer server.Close()
	page := openPage(server.URL, "")
	page.send(`{"type":"custom","event":"cart:added","data":{"sku":"a-1"}}`) // send("cart:added", { sku: "a-1" })
	fmt.Println(page.next())
	// Output: {"type":"custom","event":"cart:price","data":{"price":3,"sku":"a-1"}}
}

func ExampleHub_Handle() {
	hub := hmr.NewHub(hmr.Options{})
	defer hub.Close()

	_, err := hub.Handle("cart:total", func(ctx context.Context, page *hmr.Client, data json.RawMessage) (any, error) {
		skus, err := hmr.Decode[[]string]("cart:total", data)
		if err != nil {
			return nil, err
		}
		if len(skus) == 0 {
			return nil, &hmr.Error{Code: "empty", Message: "the cart is empty"}
		}
		return 3 * len(skus), nil
	})
	if err != nil {
		fmt.Println(err) // another handler answers this request
	}

	server := httptest.NewServer(hub)
	defer server.Close()
	page := openPage(server.URL, "")
	page.send(`{"type":"request","id":1,"event":"cart:total","data":["a-1","a-2"]}`) // await request("cart:total", ["a-1", "a-2"])
	fmt.Println(page.next())
	page.send(`{"type":"request","id":2,"event":"cart:total","data":[]}`)
	fmt.Println(page.next())
	// Output:
	// {"type":"reply","id":1,"data":6}
	// {"type":"reply","id":2,"error":{"code":"empty","message":"the cart is empty"}}
}

func ExampleNewChannel() {
	type message struct {
		Text string `json:"text"`
	}
	// Pages send messages to the first channel and get messages from both.
	echo := hmr.NewChannel[message, message]("blog", "chat", "echo")
	score := hmr.NewChannel[hmr.BroadcastOnly, int]("blog", "game", "score")
	echo.Handle(func(ctx context.Context, from hmr.Conn[message], in message) error {
		return from.Reply(message{"you said " + in.Text})
	})
	echo.Allow(func(ctx context.Context, page *hmr.Client, d hmr.Direction) error {
		if d == hmr.Send && page.User() == "" {
			return &hmr.Error{Code: "guest", Message: "sign in to write"}
		}
		return nil
	})

	hub := hmr.NewHub(hmr.Options{Identify: func(*http.Request) (string, error) { return "ann", nil }})
	defer hub.Close()
	if err := hub.Register(echo, score); err != nil {
		fmt.Println(err)
	}
	if err := score.Retain(42); err != nil { // also for pages that listen later
		fmt.Println(err)
	}

	server := httptest.NewServer(hub)
	defer server.Close()
	page := openPage(server.URL, "")
	page.send(`{"type":"subscribe","channel":"blog_game_score"}`) // channel("blog_game_score").subscribe(…)
	fmt.Println(page.next())
	page.send(`{"type":"custom","event":"blog_chat_echo","data":{"text":"hi"}}`) // channel("blog_chat_echo").send({ text: "hi" })
	fmt.Println(page.next())
	// Output:
	// {"type":"custom","event":"blog_game_score","data":42,"retained":true}
	// {"type":"custom","event":"blog_chat_echo","data":{"text":"you said hi"}}
}

// examplePage is a page of the examples.
type examplePage struct{ ws *websocket.Conn }

func openPage(at, cookie string) examplePage {
	u, err := url.Parse(at)
	if err != nil {
		panic(err)
	}
	header := http.Header{"Origin": {"http://" + u.Host}, "Cookie": {cookie}}
	u.Scheme = "ws"
	ws, _, err := websocket.DefaultDialer.Dial(u.String(), header)
	if err != nil {
		panic(err)
	}
	page := examplePage{ws}
	page.receive() // "connected"
	return page
}

func (p examplePage) send(frame string) {
	if err := p.ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		panic(err)
	}
}

// next returns the next frame but acknowledgements.
func (p examplePage) next() string {
	for {
		if frame := p.receive(); !strings.HasPrefix(frame, `{"type":"ack"`) {
			return frame
		}
	}
}

func (p examplePage) receive() string {
	_, frame, err := p.ws.ReadMessage()
	if err != nil {
		panic(err)
	}
	return string(frame)
}
