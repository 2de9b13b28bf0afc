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

// Quote returns s as a JavaScript string literal. It escapes `<` as well, so that the literal may stand inside a <script>.
// Invalid UTF-8 becomes U+FFFD.
func Quote(s string) string {
	if isPlain(s) {
		return `"` + s + `"`
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // stylesheets are full of `>` and `&`, which need no escape
	_ = e.Encode(s)        // a string always encodes
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "<", `\u003c`)
}

// isPlain reports whether a literal of s is s between quotes.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '<' {
			return false
		}
	}
	return true
}

// AssetModule exports a URL.
func AssetModule(url string) string { return esModule + "exports.default = " + Quote(url) + ";" }

// RawModule exports a text.
func RawModule(text string) string { return AssetModule(text) }

// WasmModule exports a function that instantiates the WebAssembly at the URL: `init(imports) -> Promise<Instance>`.
func WasmModule(url string) string {
	return esModule + `exports.default = async function(imports = {}) {
  const response = await fetch(` + Quote(url) + `);
  if (!response.ok) throw new Error("load " + response.url + ": " + response.status);
  const bytes = await response.arrayBuffer();
  return (await WebAssembly.instantiate(bytes, imports)).instance;
};`
}

// NativeModule exports what the browser's own import() of the URL gives: a module of another origin or a data: URL. Its
// factory is asynchronous.
func NativeModule(url string) string { return "module.exports = await import(" + Quote(url) + ");" }

// MissingModule exports an object of which every property throws an error with the text. Importing it is not an error,
// since a package may import what it never uses.
func MissingModule(text string) string {
	return `module.exports = new Proxy({}, { get(_, key) {
  if (key === "__esModule" || typeof key === "symbol") return undefined;
  throw new Error(` + Quote(text) + ` + " (" + String(key) + ")");
} });`
}

// WorkerModule exports a constructor of a worker at the URL. kind is Worker or SharedWorker.
func WorkerModule(kind, url string) string {
	return esModule + "exports.default = function(options) { return new " + kind + "(" + Quote(url) + `, { type: "module", name: options?.name }); };`
}

// CSSModule puts a stylesheet into the page. A plain one takes its own updates. One with class names does so while the
// names stay: when they change, whoever uses them must run again.
//
// mapURL is where the stylesheet's source map is asked for; none when empty.
func CSSModule(id string, out *CSSOutput, mapURL string) string {
	var b strings.Builder
	b.WriteString(esModule)
	b.WriteString("const { updateStyle, removeStyle } = require(\"/@vite/client\");\nconst id = " + Quote(id) + ";\n")
	b.WriteString("updateStyle(id, " + Quote(WithMapURL(out.CSS, mapURL)) + ");\n")
	if out.Exports == nil {
		b.WriteString("$meta$.hot?.accept();\n")
	} else {
		writeNames(&b, out.Exports)
		b.WriteString("const names = " + Quote(out.Names) + `;
exports.__names = names;
Object.defineProperty(exports, "__names", { enumerable: false });
$meta$.hot?.accept((next) => { if (next && next.__names !== names) $meta$.hot.invalidate("class names changed"); });
`)
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
		b.WriteString("\n  " + Quote(key) + ": " + Quote(exports[key]))
	}
	b.WriteString("\n};\n")
	for _, key := range keys {
		if isName(key) && key != "default" {
			b.WriteString("exports." + key + " = " + Quote(exports[key]) + ";\n")
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
