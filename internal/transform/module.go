package transform

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2/js"
)

// A file is an ES module or CommonJS. esbuild takes a file without `export` for CommonJS, and then `this` and the
// default export are an object. Vite and browsers take each file of a project for an ES module. Here CommonJS works, too:
// a file of a project is CommonJS when it uses what only CommonJS has.

// moduleMark makes esbuild take a source for an ES module. It comes last, so that the lines keep their numbers.
const moduleMark = "\nexport {};"

// marked reports whether esbuild has taken the source of its output for an ES module.
func marked(in *Input, printed []byte) bool {
	return bytes.Contains(printed, []byte("\nmodule.exports = __toCommonJS(")) && !strings.Contains(in.Code, "__toCommonJS")
}

// scriptMark ends the code of an ES module that may run as a script, too. It stands for the mark at the code's beginning.
const scriptMark = "module.exports = __toCommonJS({});\n"

// cutMark leaves out the two lines by which esbuild marks an ES module without exports.
func cutMark(code []byte) (rest []byte, lines lineRange) {
	second := bytes.Index(code, []byte("\nmodule.exports = __toCommonJS(")) + 1
	first := bytes.LastIndexByte(code[:second-1], '\n') + 1
	from := bytes.Count(code[:first], []byte{'\n'})
	return append(code[:first], code[nextLine(code, second):]...), lineRange{from, from + 2}
}

// directives matches what must stay first in a script, like "use strict".
var directives = regexp.MustCompile(`^(?:(?:"[^"\n]*"|'[^'\n]*');\s*)+`)

// Script returns the code of a module that may run as a script, without what only a factory has, and with the helpers
// that the registry would provide.
func Script(code string) string {
	code = strings.ReplaceAll(strings.TrimSuffix(code, scriptMark), thisMark, "this")
	directive := ""
	if m := directives.FindString(code); m != "" {
		directive, code = m, code[len(m):]
	}
	for _, name := range slices.Backward(sharedHelpers) { // a helper uses those before it
		if strings.Contains(code, name) {
			code = strings.ReplaceAll(helperTexts()[name], "\n", " ") + code // the lines stay where the source map says
		}
	}
	return directive + code
}

// mayBeModule reports whether a source without the syntax of modules may be an ES module.
func mayBeModule(in *Input) bool {
	ext := path.Ext(filename(in))
	return (!in.Dependency || in.NodeESM) && ext != ".cjs" && ext != ".cts"
}

// usesCommonJS reports whether a source uses `module`, `exports` or, without an import statement, `require`. printed is
// the output for an ES module, in which esbuild has renamed the source's own variables of two of these names.
func usesCommonJS(source string, printed []byte) bool {
	required := strings.Contains(source, "require")
	if !required && !strings.Contains(source, "module") && !strings.Contains(source, "exports") {
		return false
	}
	pooled := tokenPool.Get().(*[]token)
	defer tokenPool.Put(pooled)
	r := reader{code: printed}
	r.tokens, _ = tokenize(printed, (*pooled)[:0])
	*pooled = r.tokens
	if r.declaresParameter() {
		return false // in CommonJS that would be a syntax error
	}
	imports, requires := false, false
	for i, t := range r.tokens {
		if t.kind != js.IdentifierToken || i > 0 && isMember(r.tokens[i-1].kind) ||
			r.is(i+1, js.ColonToken) && (r.is(i-1, js.CommaToken) || r.is(i-1, js.OpenBraceToken)) {
			continue
		}
		switch string(r.text(i)) {
		case "exports":
			return true
		case "module":
			if string(r.text(i+4)) != "__toCommonJS" { // `module.exports = __toCommonJS(...)` is esbuild's
				return true
			}
		case "require":
			statement := r.is(i-1, js.EqToken) && bytes.HasPrefix(r.text(i-2), []byte("import_")) ||
				r.is(i-1, js.OpenParenToken) && string(r.text(i-2)) == "__toESM"
			imports = imports || statement
			requires = requires || !statement
		}
	}
	return required && requires && !imports
}

// declaresParameter reports whether a const, let or class at top level has the name of a parameter of the factory.
func (r *reader) declaresParameter() bool {
	depth, pattern := 0, false // pattern is set among the names of a declaration, and not in its values
	declaration := false
	for i, t := range r.tokens {
		switch {
		case depth == 0 && (t.kind == js.ConstToken || t.kind == js.LetToken):
			declaration, pattern = true, true
		case depth == 0 && t.kind == js.ClassToken && r.isParameter(i+1):
			return true
		case depth == 0 && t.kind == js.SemicolonToken: // esbuild prints all of them
			declaration, pattern = false, false
		case depth == 0 && t.kind == js.EqToken:
			pattern = false
		case depth == 0 && t.kind == js.CommaToken:
			pattern = declaration
		case pattern && r.isParameter(i) && !r.is(i+1, js.ColonToken):
			return true
		}
		depth += bracket(t.kind)
	}
	return false
}

func (r *reader) isParameter(i int) bool {
	if !r.is(i, js.IdentifierToken) {
		return false
	}
	switch string(r.text(i)) {
	case "module", "exports", "require":
		return true
	}
	return false
}

// mayDeclareParameter reports whether code may declare such a name, as esbuild prints it. It spares reading the tokens.
func mayDeclareParameter(code string) bool {
	for _, name := range []string{"module", "exports", "require"} {
		for rest := code; ; {
			at := strings.Index(rest, name)
			if at < 0 {
				break
			}
			end := at + len(name)
			if at > 0 && strings.IndexByte(" \t\n,{[.", rest[at-1]) >= 0 && end < len(rest) && strings.IndexByte(" \n,;=}]{", rest[end]) >= 0 {
				return true
			}
			rest = rest[end:]
		}
	}
	return false
}

// inBlock puts a module's code into a block when it declares a name that the factory has as a parameter.
func inBlock(code string) string {
	if !mayDeclareParameter(code) {
		return code
	}
	pooled := tokenPool.Get().(*[]token)
	defer tokenPool.Put(pooled)
	r := reader{code: []byte(code)}
	r.tokens, _ = tokenize(r.code, (*pooled)[:0])
	*pooled = r.tokens
	if !r.declaresParameter() {
		return code
	}
	return "{" + strings.TrimSuffix(code, "\n") + "\n}\n"
}
