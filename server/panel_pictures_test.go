package server_test

import (
	"context"
	"image"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

const picturesApp = `
-- package.json --
{"name": "shop"}
-- index.html --
<!doctype html><title>Shop</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/src/styles.css">
<h1>Shop</h1><main></main><footer></footer><script type="module" src="/src/main.ts"></script>
-- src/styles.css --
h1 { color: teal }
-- src/main.ts --
import { show } from "./catalog/list";
import "./cart/cart";
import "./account/account";

show(document.querySelector("main")!);
-- src/catalog/list.ts --
import { products } from "./products";
import { format } from "../lib/format";
import { render } from "../lib/render";

export const show = (el: Element) => render(el, products.map((p) => p.name + " " + format(p.price)));
-- src/catalog/products.ts --
export const products = [{ name: "Teapot", price: 24 }, { name: "Cup", price: 6 }];
-- src/cart/cart.ts --
import { format } from "../lib/format";
import { render } from "../lib/render";
import { discount } from "./discount";

render(document.querySelector("footer")!, ["Total " + format(discount(30))]);
if (import.meta.hot) {
  import.meta.hot.accept();
  import.meta.hot.on("cart:changed", () => {});
  Object.assign(window, {
    add: (sku: string) => import.meta.hot!.send("cart:add", { sku, count: 1 }),
    total: () => import.meta.hot!.request("cart:total", { currency: "EUR" }),
  });
}
-- src/cart/discount.ts --
export const discount = (total: number) => total * 0.9;
-- src/account/account.ts --
import { format } from "../lib/format";
import { render } from "../lib/render";

export const balance = () => render(document.body.appendChild(document.createElement("p")), [format(12)]);
-- src/lib/format.ts --
export const format = (n: number) => n.toFixed(2) + " €";
-- src/lib/render.ts --
export const render = (el: Element, lines: string[]) => el.replaceChildren(lines.join(", "));
`

// TestPanelPictures makes the pictures of the panel in docs/pictures, with -update. Without it the test makes sure that
// what the pictures show is there: their pixels depend on fonts.
func TestPanelPictures(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	shop := plugin.Plugin{Name: "shop", Events: []plugin.Event{
		plugin.On("cart:add", func(_ context.Context, c plugin.Client, in struct {
			SKU   string `json:"sku"`
			Count int    `json:"count"`
		}) error {
			return c.Broadcast("cart:changed", map[string]any{"items": []any{in}, "total": map[string]any{"amount": 24 * in.Count, "currency": "EUR"}})
		}),
		plugin.Handle("cart:total", func(context.Context, plugin.Client, struct{ Currency string }) (map[string]any, error) {
			return map[string]any{"amount": 54, "currency": "EUR", "items": []any{map[string]any{"sku": "teapot", "count": 2}, map[string]any{"sku": "cup", "count": 1}}}, nil
		}),
	}}
	s := devtest.Start(t, devtest.App(t, devtest.Text(picturesApp)), func(o *server.Options) { o.Plugins = []plugin.Plugin{shop} })
	page := s.Page(t, "/")
	page.WaitContains("footer", "27.00")
	other := s.Page(t, "/?of=ann")
	other.WaitContains("footer", "27.00")
	p := panel(t, s, "updates")
	p.Do(chromedp.EmulateViewport(1280, 720))

	edits := 0
	edit := func(file, old, new string, mark string) {
		s.Edit(file, old, new)
		edits++
		waitRow(p, "updates", 0, mark, filepath.Base(file))
	}
	edit("src/styles.css", "teal", "seagreen", "hot")
	edit("src/cart/discount.ts", "0.9", "0.8", "hot")
	edit("src/cart/cart.ts", "Total ", "Sum ", "hot")
	edit("src/cart/cart.ts", `["Sum "`, `["Sum: "`, "hot")
	edit("src/cart/cart.ts", `"Sum: " +`, `"Sum: +`, "error")
	edit("src/cart/cart.ts", `"Sum: +`, `"In all: " +`, "hot")
	edit("src/cart/discount.ts", "0.8", "0.75", "hot")
	edit("src/styles.css", "seagreen", "darkcyan", "hot")
	edit("src/catalog/products.ts", "Cup", "Mug", "reload")
	page.WaitReload(1)
	other.WaitReload(1)
	edit("src/cart/discount.ts", "0.75", "0.7", "hot")
	page.WaitContains("footer", "21.00")
	p.Wait(`document.querySelector(".nav").textContent.includes("Pages2")`)

	picture := func(view string) {
		bothThemes(t, "panel-"+view, func(theme string) *image.NRGBA {
			devtest.Eval[bool](p, `(document.documentElement.dataset.theme = "`+theme+`", document.activeElement.blur(), true)`)
			return screenshot(t, p)
		})
	}
	press(p, "jj") // the mouse would leave a mark
	p.WaitText(".advice .open", "src/catalog/list.ts:1")
	p.Wait(`document.querySelectorAll(".reports .id").length === 2`)
	picture("updates")

	p.Goto("/__devserver/#modules/src/catalog/list.ts")
	p.Wait(`document.querySelectorAll(".around .after a").length === 3 && document.querySelectorAll(".view-modules .reports .id").length === 2`)
	picture("modules")

	p.Goto("/__devserver/#events")
	devtest.Eval[bool](page, `(add("teapot"), add("cup"), true)`)
	devtest.Eval[bool](other, `(add("teapot"), true)`)
	devtest.Eval[map[string]any](page, `total()`)
	p.Wait(rows("events") + `.length === 11`) // three events, each told to two pages, and a request with its answer
	press(p, "j")
	p.WaitContains(".json", "currency")
	picture("events")
	p.NoErrors()
}
