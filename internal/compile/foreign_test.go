package compile

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// TestForeignStyle holds the form in which Vite 5 to 8 write a stylesheet, and that no other module passes for one.
func TestForeignStyle(t *testing.T) {
	t.Parallel()
	module := `import { updateStyle as __vite__updateStyle, removeStyle as __vite__removeStyle } from "/app/@vite/client"
const __vite__id = "/src/App.vue?vue&type=style&index=0&lang.css"
const __vite__css = "\np::before {\n  content: \"</p>\";\n}"
__vite__updateStyle(__vite__id, __vite__css)
import.meta.hot.accept()
import.meta.hot.prune(() => __vite__removeStyle(__vite__id))`
	var v graph.Version
	if !foreignStyle(source{code: module, foreign: "x"}, &v) {
		t.Fatal("it is no stylesheet")
	}
	css := &transform.CSSOutput{CSS: "\np::before {\n  content: \"</p>\";\n}"}
	if want := transform.CSSModule("/src/App.vue?vue&type=style&index=0&lang.css", css, ""); v.Code != want {
		t.Errorf("the code is %s\nwant %s", v.Code, want)
	}
	for name, code := range map[string]string{
		"class names":    strings.Replace(module, "import.meta.hot.accept()", `export const box = "_box_1"`, 1),
		"more code":      module + "\nconsole.log(1)",
		"another client": strings.Replace(module, "/@vite/client", "/client", 1),
		"no literal":     strings.Replace(module, `"\np`, `"\n" + "p`, 1),
	} {
		if foreignStyle(source{code: code, foreign: "x"}, &v) {
			t.Errorf("%s: it passes for a stylesheet", name)
		}
	}
	if foreignStyle(source{code: module}, &v) {
		t.Error("a module that no plugin made passes for a stylesheet")
	}
}
