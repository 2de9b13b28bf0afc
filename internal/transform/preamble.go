package transform

import (
	"bytes"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

// sharedHelpers are the helpers of esbuild that the page's runtime provides once for all modules
// (client/src/runtime/helpers.ts). Other helpers, like __decorateClass, stay in the module that needs them.
var sharedHelpers = []string{
	"__create", "__defProp", "__getOwnPropDesc", "__getOwnPropNames", "__getProtoOf", "__hasOwnProp",
	"__export", "__copyProps", "__reExport", "__toESM", "__toCommonJS",
}

// helperTexts maps the shared helpers to the statements that this version of esbuild prints for them.
var helperTexts = sync.OnceValue(func() map[string]string {
	result := api.Transform(`import a from "a"; export * from "b"; export { a }`, api.TransformOptions{
		Format: api.FormatCommonJS, Target: api.ESNext, Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone,
	})
	texts := make(map[string]string, len(sharedHelpers))
	for code := result.Code; ; {
		name, ok := helperName(code)
		if !ok {
			return texts
		}
		end := statementEnd(code)
		texts[name], code = string(code[:end]), code[end:]
	}
})

// lineRange is a range of 0-based lines; to is excluded.
type lineRange struct{ from, to int }

// stripPreamble leaves out the helpers that the runtime provides. It compares each statement by name and text, since a
// package that was built with esbuild may bring another version of a helper.
func stripPreamble(code []byte, source string) (stripped []byte, dropped []lineRange) {
	pos, line := 0, 0
	fixAddInitializer(code)
	if bytes.HasPrefix(code, []byte("#!")) {
		copy(code, "//") // "#!" is no syntax inside a factory
		pos, line = nextLine(code, 0), 1
	}
	for pos < len(code) && (code[pos] == '"' || code[pos] == '\'') { // "use strict" comes first, and stays first
		pos, line = nextLine(code, pos), line+1
	}
	ownHelpers := strings.Contains(source, "var __")
	kept := pos
	for {
		name, ok := helperName(code[pos:])
		if !ok {
			break
		}
		end := pos + statementEnd(code[pos:])
		statement := code[pos:end]
		lines := bytes.Count(statement, []byte{'\n'})
		if sameHelper(statement, helperTexts()[name]) && !(ownHelpers && isOwn(name, code, source)) {
			if n := len(dropped); n > 0 && dropped[n-1].to == line {
				dropped[n-1].to += lines
			} else {
				dropped = append(dropped, lineRange{line, line + lines})
			}
		} else {
			kept += copy(code[kept:], statement)
		}
		pos, line = end, line+lines
	}
	if len(dropped) == 0 {
		return code, nil
	}
	if kept == 0 {
		return code[pos:], dropped
	}
	// The kept statements move to the rest, which is longer and need not move.
	copy(code[pos-kept:pos], code[:kept])
	return code[pos-kept:], dropped
}

// fixAddInitializer lets addInitializer of a decorator's context return nothing. It returns a number in esbuild's
// helper, and a decorator that passes that on fails. The code keeps its length, since its source map stays.
func fixAddInitializer(code []byte) {
	if i := bytes.Index(code, []byte(addInitializer)); i >= 0 {
		copy(code[i:i+len(addInitializer)], "void fns.push(__expectFn(fn))   ")
	}
}

const addInitializer = "fns.push(__expectFn(fn || null))"

// isOwn reports whether a helper statement comes from the source. When esbuild needs the name itself, it adds a number
// to the source's variable.
func isOwn(name string, code []byte, source string) bool {
	return strings.Contains(source, "var "+name+" ") && !bytes.Contains(code, []byte("var "+name+"2 "))
}

// helperName returns X when the code begins with `var __X = `.
func helperName(code []byte) (string, bool) {
	if !bytes.HasPrefix(code, []byte("var __")) {
		return "", false
	}
	name, _, ok := bytes.Cut(code[len("var "):min(len(code), 64)], []byte(" = "))
	return string(name), ok
}

// statementEnd returns the end of the first statement, which is printed at the left margin. The lines inside a
// statement are indented, and its last line may begin with a closing bracket.
func statementEnd(code []byte) int {
	for end := nextLine(code, 0); ; end = nextLine(code, end) {
		if end >= len(code) {
			return len(code)
		}
		if c := code[end]; c != ' ' && c != '}' && c != ')' {
			return end
		}
	}
}

func nextLine(code []byte, pos int) int {
	if i := bytes.IndexByte(code[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(code)
}

// sameHelper reports whether the statement is the known helper. The variables inside it may have additional numbers:
// esbuild adds a number when the module has a variable of that name.
func sameHelper(statement []byte, known string) bool {
	if string(statement) == known {
		return true
	}
	if known == "" {
		return false
	}
	i := 0
	for j := 0; j < len(known); j++ {
		for i > 0 && i < len(statement) && statement[i] != known[j] &&
			statement[i] >= '0' && statement[i] <= '9' && isNamePart(statement[i-1]) {
			i++
		}
		if i == len(statement) || statement[i] != known[j] {
			return false
		}
		i++
	}
	return i == len(statement)
}

func isNamePart(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
