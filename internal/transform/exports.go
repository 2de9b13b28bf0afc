package transform

import (
	"bytes"
	"strings"

	"github.com/tdewolff/parse/v2/js"
)

// exportBlock is the statement that defines the exports of an ES module:
//
//	__export(App_exports, {
//	  App: () => App,
//	  other: () => import_other.default
//	});
type exportBlock struct {
	start, end int
	// namespace is the variable of the object with the getters.
	namespace string
	getters   []getter
}

// getter is one export. The expression that it returns is code[start:end].
type getter struct {
	name       string
	start, end int
}

// names returns the exported names in esbuild's order, which is sorted. It returns nil when there is no block.
func (b *exportBlock) names() []string {
	if b.end == 0 {
		return nil
	}
	names := make([]string, len(b.getters))
	for i, g := range b.getters {
		names[i] = g.name
	}
	return names
}

// defaultName returns the local variable that is the default export, if it is one.
func (b *exportBlock) defaultName(code []byte) string {
	for _, g := range b.getters {
		if g.name == "default" && !bytes.ContainsRune(code[g.start:g.end], '.') {
			return string(code[g.start:g.end])
		}
	}
	return ""
}

// readExportBlock reads the block, which comes before the module's own code. esbuild prints one getter on each line.
func readExportBlock(code []byte) exportBlock {
	var b exportBlock
	b.start = exportBlockStart(code)
	if b.start < 0 {
		return exportBlock{}
	}
	open := bytes.IndexByte(code[b.start:], '(') + b.start
	namespace, _, ok := bytes.Cut(code[open+1:nextLine(code, open)], []byte(", {"))
	if !ok {
		return exportBlock{}
	}
	b.namespace = string(namespace)
	for pos := nextLine(code, b.start); pos < len(code); {
		end := nextLine(code, pos)
		if code[pos] == '}' {
			b.end = end
			return b
		}
		g, ok := readGetter(code, pos, end)
		if !ok {
			return exportBlock{}
		}
		b.getters = append(b.getters, g)
		pos = end
	}
	return exportBlock{}
}

// exportBlockStart finds the line `__export(` after directives, kept helpers and the namespace object. It returns -1
// when there is none.
func exportBlockStart(code []byte) int {
	for pos := 0; pos < len(code); {
		line := code[pos:]
		switch {
		case bytes.HasPrefix(line, []byte("__export(")):
			return pos
		case bytes.HasPrefix(line, []byte("//")), line[0] == '"', line[0] == '\'':
			pos = nextLine(code, pos)
		case bytes.HasPrefix(line, []byte("var ")):
			pos += statementEnd(line)
		default:
			return -1
		}
	}
	return -1
}

var getterArrow = []byte(": () => ")

// readGetter reads `  name: () => expression,`. The name may be a string.
func readGetter(code []byte, pos, end int) (getter, bool) {
	line := bytes.TrimRight(code[pos:end], ",\n")
	skip := len(line) - len(bytes.TrimLeft(line, " "))
	key := line[skip:]
	if len(key) == 0 {
		return getter{}, false
	}
	at := bytes.Index(key, getterArrow)
	if key[0] == '"' {
		at = stringEnd(key)
		if !bytes.HasPrefix(key[max(at, 0):], getterArrow) {
			at = -1
		}
	}
	if at < 0 {
		return getter{}, false
	}
	name := unquote(key[:at])
	return getter{name: name, start: pos + skip + at + len(getterArrow), end: pos + len(line)}, true
}

// stringEnd returns the length of the string literal that the text begins with, or -1.
func stringEnd(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case text[0]:
			return i + 1
		}
	}
	return -1
}

// unquote returns the value of a JavaScript string literal. It returns a name unchanged.
func unquote(literal []byte) string {
	if len(literal) < 2 || literal[0] != '"' && literal[0] != '\'' && literal[0] != '`' {
		return string(literal)
	}
	inner := literal[1 : len(literal)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	return unescape(inner)
}

// ScanExports lists the exports in the source of an ES module: its own names, and the specifiers of `export * from`. It
// reads plain JavaScript and does not compile, so it is fast enough for the hundreds of files behind a barrel. ok is
// false when the source is no ES module, or has a form that only a compiler understands.
func ScanExports(code string) (names, stars []string, ok bool) {
	if !strings.Contains(code, "export") {
		return nil, nil, false
	}
	pooled := tokenPool.Get().(*[]token)
	defer tokenPool.Put(pooled)
	r := reader{in: &Input{}, p: &printed{}, code: append(make([]byte, 0, len(code)+1), code...)}
	tokens, read := tokenize(r.code, (*pooled)[:0])
	*pooled, r.tokens = tokens, tokens
	if !read {
		return nil, nil, false
	}
	depth, found := 0, false
	for i, t := range tokens {
		if depth += bracket(t.kind); depth < 0 {
			return nil, nil, false
		}
		if depth != 0 || t.kind != js.ExportToken || isMember(r.kind(i-1)) {
			continue
		}
		found = true
		if names, stars, ok = r.exportStatement(i+1, names, stars); !ok {
			return nil, nil, false
		}
	}
	return names, stars, found && depth == 0
}

// exportStatement reads the statement after `export`.
func (r *reader) exportStatement(i int, names, stars []string) (_, _ []string, ok bool) {
	switch r.kind(i) {
	case js.DefaultToken:
		return append(names, "default"), stars, true
	case js.MulToken:
		if r.is(i+1, js.AsToken) {
			return append(names, unquote(r.text(i+2))), stars, true
		}
		return names, append(stars, unquote(r.text(i+2))), r.is(i+1, js.FromToken) && r.is(i+2, js.StringToken)
	case js.OpenBraceToken:
		names, ok = r.exportList(i+1, names)
		return names, stars, ok
	case js.AsyncToken, js.FunctionToken, js.ClassToken:
		for r.is(i, js.AsyncToken) || r.is(i, js.FunctionToken) || r.is(i, js.ClassToken) || r.is(i, js.MulToken) {
			i++
		}
		return append(names, string(r.text(i))), stars, js.IsIdentifier(r.kind(i))
	case js.VarToken, js.LetToken, js.ConstToken:
		// The end of a declaration with several variables depends on the grammar of their values.
		if !js.IsIdentifier(r.kind(i+1)) || !r.singleDeclarator(i+1) {
			return names, stars, false
		}
		return append(names, string(r.text(i+1))), stars, true
	}
	return names, stars, false
}

// exportList reads `a, b as c }`.
func (r *reader) exportList(i int, names []string) ([]string, bool) {
	for !r.is(i, js.CloseBraceToken) {
		if r.is(i+1, js.AsToken) && !r.is(i+2, js.CommaToken) && !r.is(i+2, js.CloseBraceToken) {
			i += 2
		}
		if !js.IsIdentifierName(r.kind(i)) && !r.is(i, js.StringToken) {
			return names, false
		}
		names = append(names, unquote(r.text(i)))
		if i++; r.is(i, js.CommaToken) {
			i++
		} else if !r.is(i, js.CloseBraceToken) {
			return names, false
		}
	}
	return names, true
}

// singleDeclarator reports whether the declaration whose name is at i has no comma of its own. It ends at a semicolon
// or at the next statement that begins with a keyword.
func (r *reader) singleDeclarator(i int) bool {
	depth := 0
	for ; i < len(r.tokens); i++ {
		depth += bracket(r.kind(i))
		switch k := r.kind(i); {
		case depth > 0:
		case k == js.CommaToken:
			return false
		case k == js.SemicolonToken, k == js.ExportToken,
			r.tokens[i].newline && (isDeclaration(k) || k == js.FunctionToken || k == js.ClassToken):
			return true
		}
	}
	return true
}
