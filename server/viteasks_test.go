package server_test

import (
	"fmt"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

const viteAsks = `
	server.ws.on("ask", async ({ event, data, timeout, giveUp }, client) => {
		client.send("before");
		const controller = new AbortController();
		server.ws.on("give up", () => controller.abort(new Error("not needed")));
		try {
			const answer = await client.request(event, data, { timeout, signal: controller.signal });
			client.send("answer", { answer, kind: typeof answer });
		} catch (error) {
			server.ws.send("ended", error.code);
			client.send("failed", { name: error.constructor.name, code: error.code, path: error.path, message: error.message });
		}
	});
`

// TestViteConfigsAskPages has plugins of a vite.config ask a page, and give up.
func TestViteConfigsAskPages(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, viteEvents(t, viteAsks))
	packOf(s)
	c := s.Socket(t)
	asked := func(data string) uint64 {
		t.Helper()
		var f struct{ ID uint64 }
		c.WaitFor(devtest.Event("before"))
		c.WaitFor(devtest.Is("request", `"event":"cart:state"`, data)).Decode(t, &f)
		return f.ID
	}
	c.Emit("ask", map[string]any{"event": "cart:state", "data": map[string]int{"deep": 1}})
	c.Send(fmt.Sprintf(`{"type":"reply","id":%d,"data":{"items":2}}`, asked(`"data":{"deep":1}`)))
	c.WaitFor(devtest.Event("answer", `{"answer":{"items":2},"kind":"object"}`))
	c.Emit("ask", map[string]any{"event": "cart:state"})
	c.Send(fmt.Sprintf(`{"type":"reply","id":%d}`, asked(`"event":"cart:state"}`)))
	c.WaitFor(devtest.Event("answer", `{"kind":"undefined"}`))
	c.Emit("ask", map[string]any{"event": "cart:state", "data": nil})
	c.Send(fmt.Sprintf(`{"type":"reply","id":%d,"error":{"code":"empty","message":"m","path":"a.b"}}`, asked(`"data":null`)))
	c.WaitFor(devtest.Event("failed", `{"name":"Error","code":"empty","path":"a.b","message":"m"}`))

	c.Emit("ask", map[string]any{"event": "cart:state", "timeout": 1})
	c.WaitFor(devtest.Event("failed", `"code":"timeout"`))
	c.Emit("ask", map[string]any{"event": "cart:state", "timeout": -1})
	c.WaitFor(devtest.Event("failed", `"name":"TypeError"`))
	c.Emit("ask", map[string]any{"event": "devserver:page"})
	c.WaitFor(devtest.Event("failed", "belong to devserver itself"))

	c.Emit("ask", map[string]any{"event": "cart:state", "data": "last"})
	last := asked(`"data":"last"`)
	c.Emit("give up", nil)
	c.WaitFor(devtest.Is("cancel", fmt.Sprintf(`"id":%d`, last)))
	c.WaitFor(devtest.Event("failed", `"message":"not needed"`))

	// Another page hears of this one, which is left meanwhile.
	other := s.Socket(t)
	c.Emit("ask", map[string]any{"event": "cart:state", "data": "unanswered"})
	asked(`"data":"unanswered"`)
	s.Server().Hub().Clients()[0].Close("left")
	other.WaitFor(devtest.Event("ended", "page_gone"))
}
