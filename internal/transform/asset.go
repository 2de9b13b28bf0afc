package transform

import (
	"encoding/json"
	"strings"
	"unicode"
)

// The functions of this file write the bodies of module factories for files that are not JavaScript. Stylesheets use
// the client's updateStyle and removeStyle, which keep one <style> for each ID.

// esModule marks the exports as those of an ES module.
const esModule = "__toCommonJS(exports);\n"

// Quote returns s as a JavaScript string literal. It escapes `<`, so that the literal may be inside a <script>. Invalid
// UTF-8 becomes U+FFFD.
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

// isPlain reports whether s needs no escape in a literal.
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

// NativeModule exports the result of the browser's own import() of the URL, for a module of another origin or a data:
// URL. Its factory is asynchronous.
func NativeModule(url string) string {
	options := ""
	for _, kind := range []string{"json", "css"} { // compiled imports have no attributes, but such a URL says what it is
		if strings.HasPrefix(url, "data:application/"+kind) || strings.HasPrefix(url, "data:text/"+kind) {
			options = `, { with: { type: "` + kind + `" } }`
		}
	}
	return "module.exports = await import(" + Quote(url) + options + ");"
}

// NodeModule stands for a module of Node, which no browser has. An import of it is not an error, since a package may
// import modules that it never uses, or ask what it has. So a package gets undefined for each property, and a warning
// names the import. Code of the app gets an error.
func NodeModule(name, importer string, dependency bool) string {
	text := "Module " + Quote(name) + " is part of Node.js and does not exist in a browser"
	advice := ", imported by " + importer + ". Use a package made for browsers, or an alias in the config."
	return absentModule(name, text, advice, dependency)
}

// OptionalPeer stands for an optional peer of a package that is not installed.
func OptionalPeer(name, importer string) string {
	return absentModule(name, Quote(name)+" is an optional peer of a package and not installed", ", imported by "+importer+
		". Install it if you need what uses it.", true)
}

// absentModule has no exports: who reads an export gets undefined and a warning in the console, or an error.
func absentModule(name, text, advice string, warns bool) string {
	act := "throw new Error(text)"
	if warns {
		act = "told.add(key), console.warn(text)"
	}
	return `const told = new Set(["__esModule", "__proto__", "constructor", "splice", "then", "default"]);
module.exports = Object.create(new Proxy({}, { get(_, key) {
  if (typeof key === "symbol" || told.has(key)) return undefined;
  const text = ` + Quote(text) + ` + " (" + ` + Quote(name+".") + ` + key + ")" + ` + Quote(advice) + `;
  ` + act + `;
} }));`
}

// WorkerModule exports a constructor of a worker at the URL. kind is Worker or SharedWorker.
func WorkerModule(kind, url string) string {
	return esModule + "exports.default = function(options) { return new " + kind + "(" + Quote(url) +
		`, { type: "module", name: options?.name }); };`
}

// CSSModule inserts a stylesheet into the page. A plain stylesheet accepts its own updates. A stylesheet with class
// names does so while the names stay the same. When the names change, the modules that use them must run again.
//
// mapURL is the URL of the stylesheet's source map; "" means that there is none.
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
$meta$.hot?.accept((next) => { if (next && next.__names !== names) $meta$.hot.invalidate("its names or values changed"); });
`)
	}
	b.WriteString("$meta$.hot?.prune(() => removeStyle(id));")
	return b.String()
}

// WithMapURL appends the URL of its source map to a stylesheet, unless the URL is "".
func WithMapURL(css, mapURL string) string {
	if mapURL == "" || css == "" {
		return css
	}
	return strings.TrimSuffix(css, "\n") + "\n/*# sourceMappingURL=" + mapURL + " */\n"
}

// InlineCSSModule exports the stylesheet's text and does not insert it into the page.
func InlineCSSModule(out *CSSOutput) string { return AssetModule(out.CSS) }

// writeNames exports all values by the default export. Names that are valid in JavaScript are exported by name, too.
func writeNames(b *strings.Builder, exports []CSSExport) {
	b.WriteString("exports.default = {")
	for i, e := range exports {
		if i > 0 {
			b.WriteString(",")
		}
		name := Quote(e.Name)
		if e.Name == "__proto__" { // would be the prototype
			name = "[" + name + "]"
		}
		b.WriteString("\n  " + name + ": " + Quote(e.Value))
	}
	b.WriteString("\n};\n")
	for _, e := range exports {
		if isName(e.Name) && e.Name != "default" && e.Name != "__esModule" {
			b.WriteString("exports." + e.Name + " = " + Quote(e.Value) + ";\n")
		}
	}
}

func isName(s string) bool {
	for i, c := range s {
		letter := c == '_' || c == '$' || unicode.IsLetter(c)
		if !letter && (i == 0 || !unicode.IsDigit(c) && !unicode.Is(unicode.Mn, c)) {
			return false
		}
	}
	return s != ""
}
