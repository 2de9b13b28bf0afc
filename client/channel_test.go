package client_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
)

// library installs the library for app code as an npm package.
func library(root *devtest.Files) {
	root.Package("devserver", `{"name": "devserver", "type": "module", "exports": {"./client": "./client.js", "./react": "./react.js"}}`, map[string]string{
		"client.js": client.Library("devserver/client"), "react.js": client.Library("devserver/react"),
	})
}

const channelApp = `import { useState } from "react";
import { channel } from "devserver/client";
import { useChannel } from "devserver/react";
const echo = channel<{ text: string }, { text: string }>("blog_chat_echo");
export function Chat({ tag }: { tag: string }) {
  const [seen, setSeen] = useState<string[]>([]);
  const { send, readyState } = useChannel(echo, { onMessage: (m) => setSeen([...seen, tag + m.text]) });
  return <><button id="send" onClick={() => send({ text: "x" + seen.length })}>send</button><p id="state">{readyState}</p><p id="seen">{seen.join()}</p></>;
}
export function App() {
  const [on, setOn] = useState(true);
  const [tag, setTag] = useState("a");
  return <><button id="toggle" onClick={() => setOn(!on)}>toggle</button><button id="tag" onClick={() => setTag("b")}>tag</button>{on && <Chat tag={tag} />}</>;
}
`

func TestBrowserChannelHook(t *testing.T) {
	app := devtest.App(t, packages(t, "react", "react-dom", "scheduler", "react-refresh"), devtest.Text(reactApp))
	app.Write("src/App.tsx", channelApp)
	library(app)
	s := devtest.Start(t, app)
	type say struct {
		Text string `json:"text"`
	}
	var subscribed atomic.Int32
	echo := hmr.NewChannel[say, say]("blog", "chat", "echo")
	echo.Handle(func(_ context.Context, _ hmr.Conn[say], in say) error { return echo.Broadcast(in) })
	echo.Allow(func(_ context.Context, _ *hmr.Client, d hmr.Direction) error {
		if d == hmr.Listen {
			subscribed.Add(1)
		}
		return nil
	})
	if err := s.Server().Hub().Register(echo); err != nil {
		t.Fatal(err)
	}
	p := s.Page(t, "/")
	p.WaitText("#state", "open")
	s.WaitPages(1) // one socket, which carries the updates, too
	p.Click("#send")
	p.WaitText("#seen", "ax0")
	if n := subscribed.Load(); n != 1 { // StrictMode mounts it twice
		t.Errorf("the component subscribed %d times", n)
	}
	p.Click("#tag") // the callback of the latest render is called
	p.Click("#send")
	p.WaitText("#seen", "ax0,bx1")
	p.Click("#toggle")
	p.Wait(`!document.querySelector("#seen")`)
	p.Click("#toggle")
	p.WaitText("#seen", "")
	p.Click("#send")
	p.WaitText("#seen", "bx0")
	if n := subscribed.Load(); n != 2 {
		t.Errorf("the component that was mounted again has subscribed %d times in all", n)
	}
	s.Save("src/App.tsx", "tag + m.text", "tag + m.text + '!'")
	p.WaitConsole("hot updated: /src/App.tsx")
	p.Click("#send")
	p.WaitText("#seen", "bx0,bx1!")
	p.NoReload()
	p.NoErrors()
}

func TestBrowserNotifications(t *testing.T) {
	app := devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><script type="module" src="/main.js"></script>
-- main.js --
import { onNotification } from "devserver/client";
window.seen = [];
window.handle = () => onNotification((n) => seen.push(n.title));
`))
	library(app)
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	s.WaitPages(1)
	notify := func(title string) {
		if err := s.Server().Hub().Notify("", hmr.Notification{Title: title, Description: "<b>text</b>", Type: "success"}); err != nil {
			t.Fatal(err)
		}
	}
	notify("one")
	p.Wait(`document.querySelector("devserver-toasts").shadowRoot.querySelector(".toast.success .title").textContent === "one"`)
	p.Wait(`!document.querySelector("devserver-toasts").shadowRoot.querySelector("b")`)
	p.Wait(`(window.off = handle(), true)`)
	notify("two")
	p.Wait(`seen.join() === "two"`)
	p.Wait(`document.querySelector("devserver-toasts").shadowRoot.querySelectorAll(".toast").length === 1`)
	p.NoErrors()
}
