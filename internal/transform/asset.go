package transform

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// The functions of this file write bodies of module factories for what is not JavaScript. Stylesheets use the client's
// updateStyle and removeStyle, which keep one <style> for each ID.

const esModule = `Object.defineProperty(exports, "__esModule", { value: true });` + "\n"

// literal writes a text as a JavaScript string.
func literal(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(strings.ToValidUTF8(s, "\uFFFD")) != nil {
		return `""` // strings always encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// AssetModule exports a URL.
func AssetModule(url string) string { return esModule + "exports.default = " + literal(url) + ";" }

// RawModule exports a text.
func RawModule(text string) string { return AssetModule(text) }

// WasmModule exports a function that instantiates the WebAssembly at the URL: `init(imports) -> Promise<Instance>`.
func WasmModule(url string) string {
	return esModule + `exports.default = async function(imports = {}) {
  const response = await fetch(` + literal(url) + `);
  if (!response.ok) throw new Error("load " + response.url + ": " + response.status);
  const bytes = await response.arrayBuffer();
  return (await WebAssembly.instantiate(bytes, imports)).instance;
};`
}

// CSSModule puts a stylesheet into the page. A plain one takes its own updates. One with class names does so while the
// names stay: when they change, whoever uses them must run again.
//
// mapURL is where the stylesheet's source map is asked for; none when empty.
func CSSModule(id string, out *CSSOutput, mapURL string) string {
	var b strings.Builder
	b.WriteString(esModule)
	b.WriteString("const { updateStyle, removeStyle } = require(\"/@vite/client\");\nconst id = " + literal(id) + ";\nupdateStyle(id, " + literal(WithMapURL(out.CSS, mapURL)) + ");\n")
	if out.Exports == nil {
		b.WriteString("$meta$.hot?.accept();\n")
	} else {
		writeNames(&b, out.Exports)
		b.WriteString("const names = " + literal(out.Names) + ";\nexports.__names = names;\nObject.defineProperty(exports, \"__names\", { enumerable: false });\n" +
			"$meta$.hot?.accept((next) => { if (next && next.__names !== names) $meta$.hot.invalidate(\"class names changed\"); });\n")
	}
	b.WriteString("$meta$.hot?.prune(() => removeStyle(id));")
	return b.String()
}

// WithMapURL ends a stylesheet with the address of its source map; none when empty.
func WithMapURL(css, mapURL string) string {
	if mapURL == "" || css == "" {
		return css
	}
	return strings.TrimSuffix(css, "\n") + "\n/*# sourceMappingURL=" + mapURL + " */\n"
}

// InlineCSSModule exports the stylesheet's text and puts nothing into the page.
func InlineCSSModule(out *CSSOutput) string { return AssetModule(out.CSS) }

// writeNames exports class names: all of them by the default export, and those that can be names by name too.
func writeNames(b *strings.Builder, exports map[string]string) {
	b.WriteString("exports.default = {")
	keys := slices.Sorted(maps.Keys(exports))
	for i, key := range keys {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n  " + literal(key) + ": " + literal(exports[key]))
	}
	b.WriteString("\n};\n")
	for _, key := range keys {
		if isName(key) && key != "default" {
			b.WriteString("exports." + key + " = " + literal(exports[key]) + ";\n")
		}
	}
}

func isName(s string) bool {
	for i, c := range s {
		letter := c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
