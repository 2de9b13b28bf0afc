package server_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestInlineScriptsForPlugins: plugins of a vite.config see the inline module scripts of pages and their imports, as in
// Vite. A filter that does not want them keeps them in Go.
func TestInlineScriptsForPlugins(t *testing.T) {
	t.Parallel()
	s := startWithPlugins(t, `
export default { plugins: [{
  name: "writes",
  configureServer: ({ middlewares }) => void middlewares.use("/die", () => process.kill(process.pid, "SIGKILL")),
  transformIndexHtml: { order: "pre", handler: (html) => html.replace("HOOK", "from the hook") },
  resolveId: (id) => id === "virtual:x" ? "\0" + id : undefined,
  load: (id) => id === "\0virtual:x" ? "export default 'virtual'" : undefined,
  transform(code, id) {
    if (!id.includes("html-proxy")) return;
    if (code.includes("MISTAKE")) this.error("a mistake", { line: code.split("\n").findIndex((l) => l.includes("MISTAKE")) + 1, column: 2 });
    return code.replace("MARK", "made of " + id.slice(this.environment.config.root.length));
  },
}, {
  name: "filters",
  transform: { filter: { id: /\.own$/ }, handler: () => "no" },
}] };`, `-- sub/page.html --
<!doctype html>
<script type="module">globalThis.first = 1</script>
<script type="module">
import x from "virtual:x";
console.log("MARK", x, "HOOK");
</script>
`)
	script := func(index string) string {
		t.Helper()
		s.Get("/sub/page.html", "Accept", "text/html")
		res := s.Get("/sub/page.html?html-proxy&index="+index+".js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
		return res.Body
	}
	const made = `"made of /sub/page.html?html-proxy&index=1.js"`
	for _, want := range []string{made, `"from the hook"`, `"virtual"`} {
		if got := script("1"); !strings.Contains(got, want) {
			t.Errorf("the script lacks %s:\n%s", want, got)
		}
	}
	if got := script("0"); !strings.Contains(got, "globalThis.first = 1") {
		t.Errorf("a script that no plugin changes: %s", got)
	}
	if got := script("7"); !strings.Contains(got, "no inline module script number 7") {
		t.Errorf("a script that the page does not have: %s", got)
	}

	// The second start has the script from the cache. An edit of the page is an edit of the script.
	s.Stop()
	s.Again()
	if got := script("1"); !strings.Contains(got, made) {
		t.Errorf("after a second start:\n%s", got)
	}
	s.Edit("sub/page.html", `"HOOK"`, `"edited MARK"`)
	devtest.Eventually(t, "the edited script", func() bool { return strings.Contains(script("1"), `"edited MARK"`) }, s.Log.String)
	s.Edit("sub/page.html", `console.log(`, `  MISTAKE(`)
	devtest.Eventually(t, "the place of the mistake in the page", func() bool {
		got := script("1")
		return strings.Contains(got, "a mistake") && strings.Contains(got, `"line":5`)
	}, func() string { return script("1") })
	s.Edit("sub/page.html", `MISTAKE(`, `console.log(`)
	devtest.Eventually(t, "the fixed script", func() bool { return strings.Contains(script("1"), made) }, s.Log.String)

	// A process that starts again has the script as the page has it then.
	s.Do("POST", "/die", "")
	s.Edit("sub/page.html", `"edited MARK"`, `"MARK in a new process"`)
	devtest.Eventually(t, "the script of the new process", func() bool {
		return strings.Contains(script("1"), "in a new process") && strings.Contains(script("1"), made)
	}, func() string { return script("1") + s.Log.String() })
}
