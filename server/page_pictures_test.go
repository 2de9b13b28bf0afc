package server_test

import (
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
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
`

// TestPagePictures makes the pictures of what devserver shows over a page: an error and a notification.
func TestPagePictures(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(pagesApp)))
	shop := s.Page(t, "/")
	shop.WaitText("#basket", "Basket: 66.60 €")
	one := window{Kind: "page", Title: addressOf(s), Width: 840, Height: 480}

	note := hmr.Notification{Title: "Import finished", Description: "6 teapots are new in the catalogue.", Type: "success"}
	if err := s.Server().Hub().Notify("", note); err != nil {
		t.Fatal(err)
	}
	waitToast(shop, note.Title)
	bothThemes(t, "toast", pictureOf(t, s, []window{one}, shop))
	devtest.Eval[bool](shop, `(document.querySelector("devserver-toasts").remove(), true)`)

	s.Edit("src/basket.ts", "a + b, 0);", "a + b, 0;")
	shop.WaitOverlay("src/basket.ts:4:", "prices.reduce", `Expected ")"`)
	one.Height = 440
	bothThemes(t, "overlay", pictureOf(t, s, []window{one}, shop))
	s.Edit("src/basket.ts", "a + b, 0;", "a + b, 0);")
	shop.WaitNoOverlay()
}

// TestChatPictures makes the picture of the example chat, with two users. One of them is mentioned while she reads another
// room, and gets a notification.
func TestChatPictures(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t)
	list, err := devserver.Examples()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		for file, text := range e.Files {
			if e.Name == "chat" {
				app.Write(file, text)
			}
		}
	}
	goModule(t, app)
	s := devtest.Start(t, app, withPlugins)
	s.Log.Wait(t, "plugins ready")
	people := []*devtest.Page{s.Page(t, "/"), s.Page(t, "/")}
	names := []string{"ann", "ben"}
	for i, p := range people {
		p.WaitContains("#people", "guest")
		p.Type("#sign-in input", names[i]+"\r")
		p.WaitText("#user", names[i])
	}
	for _, p := range people {
		p.WaitText("#people", "annben")
	}
	said := []string{"The kettle is on.", "Green or black?", "Green. I bring the Kyusu."}
	for i, text := range said {
		people[i%2].Type("#write input", text+"\r")
		for _, p := range people {
			p.WaitContains("#messages", text)
		}
	}
	people[1].Click("[value=random]")
	people[0].WaitText("#people", "ann")
	people[0].Type("#write input", "@ben there is cake, too.\r")
	waitToast(people[1], "ann mentions you in general")
	people[0].WaitContains("#messages", "cake")
	people[1].WaitText("#messages", "")
	for _, p := range people {
		devtest.Eval[bool](p, `(document.activeElement.blur(), true)`) // a caret blinks
		p.NoErrors()
	}
	if devtest.Eval[bool](people[0], `!!document.querySelector("devserver-toasts")`) {
		t.Error("Ann has got the notification for Ben")
	}
	const width, height = 660, 490 // the example has two columns then
	bothThemes(t, "chat", pictureOf(t, s, []window{
		{Kind: "page", Title: addressOf(s) + " · Ann", Width: width, Height: height},
		{Kind: "page", Title: addressOf(s) + " · Ben", Left: width + 12, Width: width, Height: height},
	}, people...))
}

// addressOf returns the address that a picture shows.
func addressOf(s *devtest.Server) string {
	if *update {
		return "localhost:5173" // the usual port: another test may have it at the moment
	}
	return strings.TrimPrefix(s.URL, "http://")
}

// pictureOf returns a func that draws pages in windows.
func pictureOf(t *testing.T, s *devtest.Server, windows []window, pages ...*devtest.Page) func(theme string) *image.NRGBA {
	return func(theme string) *image.NRGBA {
		for i, p := range pages {
			p.Prefer(theme)
			fit(p, windows[i])
			windows[i].Picture = dataURL(p)
		}
		last := windows[len(windows)-1]
		return newStage(t, s, int64(last.Left+last.Width), int64(last.Height)).draw(scene{Theme: theme, Windows: windows})
	}
}

// waitToast waits until the page shows a toast. The toast then stays, as under the user's mouse.
func waitToast(p *devtest.Page, title string) {
	const toast = `document.querySelector("devserver-toasts")?.shadowRoot.querySelector(".toast")`
	p.Wait(fmt.Sprintf(`%s?.dispatchEvent(new Event("pointerenter")) && %[1]s.textContent.includes(%q)`, toast, title))
}
