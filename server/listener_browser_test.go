package server_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestListenersThatWait has listeners that wait for another event: of an event, of an update, and of a module's top
// level. Each gets the event that it waits for, and an update is complete before an event that comes after it.
func TestListenersThatWait(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><p id="text"></p><script type="module" src="/main.js"></script>
-- main.js --
import { text } from "./text.js";
const { hot } = import.meta;
window.heard = [];
const next = (event) => new Promise((resolve) => hot.on(event, resolve));
window.next = next;
hot.on("first", async () => {
  heard.push("first");
  await next("second");
  heard.push("first is done");
});
hot.on("vite:beforeUpdate", async () => {
  heard.push("update");
  await next("go on");
});
const show = (t) => (document.querySelector("#text").textContent = t);
hot.on("shown", () => heard.push("shown " + document.querySelector("#text").textContent));
hot.accept("./text.js", (m) => show(m.text));
show(text);
hot.on("vite:ws:connect", () => heard.push("open"));
-- text.js --
export const text = "one";
`))
	s := devtest.Start(t, app)
	page := s.Page(t, "/")
	page.Wait(`heard.includes("open")`)
	send := func(events ...string) {
		t.Helper()
		for _, event := range events {
			if err := s.Server().Hub().Broadcast(event, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	send("first", "second")
	page.Wait(`heard.includes("first is done")`)

	app.Edit("text.js", "one", "two")
	page.Wait(`heard.includes("update")`)
	send("go on")
	page.WaitText("#text", "two")

	app.Edit("text.js", `export const text = "two"`, `await window.next("top level"); export const text = "three"`)
	page.Wait(`heard.filter((h) => h === "update").length === 2`)
	send("go on", "top level", "shown")
	page.WaitText("#text", "three")
	page.Wait(`heard.some((h) => h.startsWith("shown"))`)
	page.NoReload()
	for _, line := range page.Console() {
		if strings.Contains(line, "takes longer") {
			t.Error(line)
		}
	}
	page.NoErrors()
}

// TestSendThatIsRefused sends what cannot be sent. The caller gets the error, and the page goes on.
func TestSendThatIsRefused(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><p id="text"></p><script type="module" src="/main.js"></script>
-- main.js --
import { connection } from "devserver/client";
import "./text.js";
const { hot } = import.meta;
const codeOf = (send) => {
  try {
    send();
    return "sent";
  } catch (error) {
    return error.name + " " + error.code;
  }
};
window.refused = () => {
  const long = "x".repeat(2e7);
  const codes = [
    codeOf(() => hot.send("long", "x".repeat(65 << 20))),
    codeOf(() => connection().send("long", "x".repeat(65 << 20))),
    codeOf(() => hot.send("")),
    codeOf(() => connection().send("")),
  ];
  let last = "sent";
  for (let i = 0; i < 100 && last === "sent"; i++) last = codeOf(() => hot.send("many", long));
  codes.push(last, codeOf(() => connection().send("many", long)), codeOf(() => connection().subscribe(long, () => {})));
  return codes.join(", ");
};
hot.on("vite:ws:disconnect", () => (document.querySelector("#text").textContent = "lost"));
-- text.js --
window.text = "one";
import.meta.hot.accept();
`))
	s := devtest.Start(t, app)
	page := s.Page(t, "/")
	s.WaitPages(1)
	s.Stop() // what is sent waits
	page.WaitText("#text", "lost")
	const want = "HotError too_big, HotError too_big, HotError bad_event, HotError bad_event, " +
		"HotError queue_full, HotError queue_full, HotError queue_full"
	if got := devtest.Eval[string](page, "refused()"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
