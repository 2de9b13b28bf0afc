package server_test

import (
	"context"
	"fmt"
	"image"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

const pagesApp = `
-- package.json --
{"name": "teapots"}
-- index.html --
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Teapots</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/src/style.css">
<header><b>Teapots</b> <span id="basket"></span></header>
<main id="products"></main>
<script type="module" src="/src/shop.ts"></script>
-- chat.html --
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Chat</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/src/style.css">
<header><b>Tea room</b> <span><i id="count"></i> pages open</span></header>
<form><input id="text" placeholder="Message to all" autocomplete="off"><button>Send</button></form>
<ol id="lines"></ol>
<script type="module" src="/src/chat.ts"></script>
-- src/shop.ts --
import { format, total } from "./basket";

const products = [
  { name: "Kyusu", text: "Clay, 360 ml", price: 48 },
  { name: "Gaiwan", text: "Porcelain, 150 ml", price: 26 },
  { name: "Samovar", text: "Brass, 3 l", price: 190 },
  { name: "Tetsubin", text: "Iron, 800 ml", price: 82 },
  { name: "Brown Betty", text: "Clay, 700 ml", price: 35 },
  { name: "Cezve", text: "Copper, 200 ml", price: 22 },
];

document.querySelector("#basket")!.textContent = "Basket: " + format(total([48, 26]));
document.querySelector("#products")!.replaceChildren(
  ...products.map(({ name, text, price }) => {
    const card = document.createElement("section");
    card.innerHTML = "<h2></h2><p></p><button></button>";
    card.querySelector("h2")!.textContent = name;
    card.querySelector("p")!.textContent = text;
    card.querySelector("button")!.textContent = format(price);
    return card;
  }),
);
import.meta.hot?.accept();
-- src/basket.ts --
const discount = 0.1;

export function total(prices: number[]): number {
  const sum = prices.reduce((a, b) => a + b, 0);
  return sum * (1 - discount);
}

export const format = (euros: number) => euros.toFixed(2) + " €";
-- src/chat.ts --
import { channel } from "devserver/client";

const lobby = channel<{ text: string }, { from: string; text: string }>("tea_room_lobby");
const pages = channel<never, number>("tea_room_pages");
const me = document.cookie.replace("user=", "");

const lines = document.querySelector("#lines")!;
lobby.subscribe(({ from, text }) => {
  const line = document.createElement("li");
  line.className = from === me ? "mine" : "";
  line.append(Object.assign(document.createElement("b"), { textContent: from }), text);
  lines.append(line);
});
pages.subscribe((n) => (document.querySelector("#count")!.textContent = String(n)));

const field = document.querySelector<HTMLInputElement>("#text")!;
document.querySelector("form")!.addEventListener("submit", (event) => {
  event.preventDefault();
  lobby.send({ text: field.value });
  field.value = "";
});
-- src/style.css --
:root {
  color-scheme: light dark;
  --text: light-dark(#1f2530, #e3e7ee);
  --quiet: light-dark(#5c6675, #98a2b3);
  --page: light-dark(#f6f8fb, #12161c);
  --card: light-dark(#ffffff, #1a2029);
  --line: light-dark(#dfe4ec, #2c3440);
  --accent: light-dark(#1a7f4b, #2f9e5b);
  font: 14px/1.5 Inter, system-ui, sans-serif;
}
body {
  display: flex;
  flex-direction: column;
  box-sizing: border-box;
  height: 100vh;
  margin: 0;
  background: var(--page);
  color: var(--text);
}
header {
  display: flex;
  align-items: center;
  justify-content: space-between;
  padding: 13px 22px;
  border-bottom: 1px solid var(--line);
  background: var(--card);
}
header span {
  color: var(--quiet);
  font-size: 13px;
}
i {
  font-style: normal;
}
main {
  display: grid;
  grid-template-columns: repeat(3, 1fr);
  gap: 18px;
  padding: 24px 22px;
}
section {
  padding: 18px;
  border: 1px solid var(--line);
  border-radius: 12px;
  background: var(--card);
}
h2 {
  margin: 0;
  font-size: 17px;
}
p {
  margin: 2px 0 16px;
  color: var(--quiet);
}
button {
  padding: 7px 14px;
  border: 0;
  border-radius: 8px;
  background: var(--accent);
  color: white;
  font: inherit;
  font-weight: 600;
}
ol {
  display: flex;
  flex-direction: column;
  flex: 1;
  align-items: start;
  gap: 9px;
  margin: 0;
  padding: 18px 22px;
  list-style: none;
}
li {
  max-width: 78%;
  padding: 7px 12px;
  border: 1px solid var(--line);
  border-radius: 12px;
  background: var(--card);
}
li b {
  display: block;
  color: var(--quiet);
  font-size: 12px;
}
li.mine {
  align-self: end;
  border-color: transparent;
  background: var(--accent);
  color: white;
}
li.mine b {
  color: #ffffffcc;
}
form {
  display: flex;
  gap: 9px;
  padding: 18px 22px 0;
}
input {
  flex: 1;
  min-width: 0;
  padding: 7px 12px;
  border: 1px solid var(--line);
  border-radius: 8px;
  background: var(--card);
  color: inherit;
  font: inherit;
}
`

type chatText struct {
	Text string `json:"text"`
}

type chatMessage struct {
	From string `json:"from"`
	Text string `json:"text"`
}

// TestPagePictures makes the pictures of what devserver shows over a page, an error and a notification, and of the
// channels of an app.
func TestPagePictures(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(pagesApp)), func(o *server.Options) {
		o.Identify = func(r *http.Request) (string, error) {
			if c, err := r.Cookie("user"); err == nil {
				return c.Value, nil
			}
			return "", nil
		}
	})
	shop := s.Page(t, "/")
	shop.WaitText("#basket", "Basket: 66.60 €")
	address := strings.TrimPrefix(s.URL, "http://")
	if *update {
		address = "localhost:5173" // the usual port: another test may have it at the moment
	}
	one := window{Kind: "page", Title: address, Width: 840, Height: 480}
	draw := func(windows []window, pages ...*devtest.Page) func(string) *image.NRGBA {
		return func(theme string) *image.NRGBA {
			for i, p := range pages {
				p.Prefer(theme)
				fit(p, windows[i])
				windows[i].Picture = dataURL(p)
			}
			return newStage(t, s, 840, int64(windows[0].Height)).draw(scene{Theme: theme, Windows: windows})
		}
	}

	note := hmr.Notification{Title: "Import finished", Description: "6 teapots are new in the catalogue.", Type: "success"}
	if err := s.Server().Hub().Notify("", note); err != nil {
		t.Fatal(err)
	}
	waitToast(shop, note.Title)
	bothThemes(t, "toast", draw([]window{one}, shop))
	devtest.Eval[bool](shop, `(document.querySelector("devserver-toasts").remove(), true)`)

	s.Edit("src/basket.ts", "a + b, 0);", "a + b, 0;")
	shop.WaitOverlay("src/basket.ts:4:", "prices.reduce", `Expected ")"`)
	one.Height = 440
	bothThemes(t, "overlay", draw([]window{one}, shop))
	s.Edit("src/basket.ts", "a + b, 0;", "a + b, 0);")
	shop.WaitNoOverlay()
	shop.Close()

	lobby := hmr.NewChannel[chatText, chatMessage]("tea", "room", "lobby")
	lobby.Handle(func(_ context.Context, from hmr.Conn[chatMessage], in chatText) error {
		return lobby.Broadcast(chatMessage{From: from.User(), Text: in.Text})
	})
	open := hmr.NewChannel[hmr.BroadcastOnly, int]("tea", "room", "pages")
	hub := s.Server().Hub()
	if err := hub.Register(lobby, open); err != nil {
		t.Fatal(err)
	}
	hub.OnConnect(func(context.Context, *hmr.Client) {
		if err := open.Retain(len(hub.Clients())); err != nil {
			t.Error(err)
		}
	})
	two := []window{
		{Kind: "page", Title: address + " · Ann", Width: 414, Height: 440},
		{Kind: "page", Title: address + " · Ben", Left: 426, Width: 414, Height: 440},
	}
	var people []*devtest.Page
	for _, user := range []string{"Ann", "Ben"} {
		p := s.Tab(t)
		cookie := network.SetCookieParams{Name: "user", Value: user, URL: s.URL}
		if _, err := chromedp.Call(p.Context(), network.SetCookie, cookie); err != nil {
			t.Fatal(err)
		}
		p.Goto("/chat.html")
		people = append(people, p)
	}
	for _, p := range people {
		p.WaitText("#count", "2")
	}
	for i, text := range []string{"The kettle is on.", "Green or black?", "Green. I bring the Kyusu."} {
		people[i%2].Type("#text", text+"\r")
		for _, p := range people {
			p.WaitContains("#lines", text)
		}
	}
	whisper := hmr.Notification{Title: "Ann whispers", Description: "Only you see this: there is cake, too."}
	if err := hub.Notify("Ben", whisper); err != nil {
		t.Fatal(err)
	}
	waitToast(people[1], whisper.Title)
	for _, p := range people {
		devtest.Eval[bool](p, `(document.activeElement.blur(), true)`) // a caret blinks
		p.NoErrors()
	}
	if devtest.Eval[bool](people[0], `!!document.querySelector("devserver-toasts")`) {
		t.Error("Ann has got the notification for Ben")
	}
	bothThemes(t, "chat", draw(two, people...))
}

// waitToast waits until the page shows a toast. The toast then stays, as under the user's mouse.
func waitToast(p *devtest.Page, title string) {
	const toast = `document.querySelector("devserver-toasts")?.shadowRoot.querySelector(".toast")`
	p.Wait(fmt.Sprintf(`%s?.dispatchEvent(new Event("pointerenter")) && %[1]s.textContent.includes(%q)`, toast, title))
}
