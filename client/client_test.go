package client_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/client"
)

func TestScriptIsSmall(t *testing.T) {
	script := client.Script()
	const limit = 96 << 10
	if len(script) > limit {
		t.Errorf("the script that every page loads has %d bytes, more than %d", len(script), limit)
	}
	t.Logf("%d bytes", len(script))
	for _, name := range []string{"registry", "createHotContext", "updateStyle", "removeStyle", "injectQuery", "ErrorOverlay"} {
		if !strings.Contains(script[strings.LastIndex(script, "export{"):], name) {
			t.Errorf("/@vite/client does not export %s", name)
		}
	}
	if strings.Contains(script, "import{") {
		t.Error("the script imports something, so it does not stand alone")
	}
}

func TestWorkerDefinesRegistry(t *testing.T) {
	worker := client.Worker()
	t.Logf("%d bytes", len(worker))
	if !strings.Contains(worker, "const $r = ") {
		t.Error("the worker's runtime does not define $r")
	}
	if strings.Contains(worker, "export{") || strings.Contains(worker, "WebSocket") {
		t.Error("the worker's runtime has to run as a classic script, and opens no socket")
	}
}

func TestBundleWithSourceMap(t *testing.T) {
	code, sourceMap, err := client.Bundle(client.Options{Entry: "client.ts", SourceMap: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(code) == 0 || !strings.Contains(string(sourceMap), "registry.ts") {
		t.Errorf("got %d bytes of code, source map %.80s", len(code), sourceMap)
	}
}

func TestPrefixIsOneLine(t *testing.T) {
	line, err := client.Config{Base: "/", Token: "t", Env: map[string]any{"VITE_X": "a\nb</script>"}}.Prefix()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(line, "\n") != 1 || strings.Contains(line, "</") {
		t.Errorf("got %q", line)
	}
}

func TestLibrary(t *testing.T) {
	if code := client.Library("devserver/client"); !strings.Contains(code, "onNotification") || strings.Contains(code, "import ") {
		t.Errorf("devserver/client: %.200s", code)
	}
	if code := client.Library("devserver/react"); !strings.Contains(code, `from "react"`) || !strings.Contains(code, `from "devserver/client"`) {
		t.Errorf("devserver/react: %.200s", code)
	}
	if code := client.Library("devserver/other"); code != "" {
		t.Errorf("devserver/other: %.200s", code)
	}
}
