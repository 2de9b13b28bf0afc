package transform

import (
	"bytes"
	"strings"

	"github.com/tdewolff/parse/v2/js"
)

// Functions and classes have the names in the page that they have in Node: `constructor.name`, display names, stacks.
// esbuild adds a number to a name that a scope outside has, too (`let Foo = class Foo {}` becomes `class Foo2`), and
// makes up a name for a default export without one.

// restoreNames gives functions and classes their own names back. The code keeps its length, since its source map stays.
//
// In the source, the inner scope has the name for itself: nothing in it means the outer variable. So the name may
// return, unless esbuild has put in a use of the outer name.
func restoreNames(code []byte, source string) {
	renamed := renamedIn(code, source)
	if len(renamed) == 0 {
		return
	}
	pooled := tokenPool.Get().(*[]token)
	defer tokenPool.Put(pooled)
	tokens, _ := tokenize(code, (*pooled)[:0])
	*pooled = tokens
	text := func(i int) []byte { return code[tokens[i].start:tokens[i].end] }
	for i := 3; i < len(tokens); i++ {
		// A function in a block of a sloppy script becomes `let foo2 = function() {...}; var foo = foo2;`.
		if base := renamed[string(text(i))]; base != "" && tokens[i-1].kind == js.EqToken &&
			tokens[i-3].kind == js.VarToken && string(text(i-2)) == base {
			delete(renamed, string(text(i)))
		}
	}
	for i := range tokens {
		if base := renamed[string(text(i))]; base != "" {
			for n := copy(text(i), base); n < len(text(i)); n++ {
				text(i)[n] = ' '
			}
		}
	}
}

// renamedIn returns the names of functions and classes that esbuild has numbered, with their names in the source. It
// leaves out those at top level: their names are taken by a parameter of the factory, or by a global variable.
func renamedIn(code []byte, source string) map[string]string {
	var renamed map[string]string
	var numbered map[string]bool
	for i := 1; i < len(code); i++ {
		if c := code[i]; c < '0' || c > '9' || i+1 < len(code) && isNameByte(code[i+1]) {
			continue
		}
		start := i
		for start > 0 && isNameByte(code[start-1]) {
			start--
		}
		if !declaresFunction(code, start, i+1) {
			continue
		}
		if numbered == nil {
			numbered = numberedNames(source)
		}
		name := string(code[start : i+1])
		if numbered[name] || renamed[name] != "" {
			continue
		}
		if base := withoutNumber(name, source); base != "" {
			if renamed == nil {
				renamed = map[string]string{}
			}
			renamed[name] = base
		}
	}
	return renamed
}

// declaresFunction reports whether the name at code[start:end] is that of a function or class below top level.
func declaresFunction(code []byte, start, end int) bool {
	line, found := bytes.CutSuffix(code[bytes.LastIndexByte(code[:start], '\n')+1:start], []byte(" "))
	if !found {
		return false
	}
	at := len(line)
	for at > 0 && (isNameByte(line[at-1]) || line[at-1] == '*' || line[at-1] == ',') {
		at--
	}
	before, keyword := line[:at], string(line[at:])
	switch {
	case keyword == "function", keyword == "function*", keyword == "class":
		return len(before) > 0 && string(before) != "async "
	case keyword == "const", keyword == "let", keyword == "var", strings.HasSuffix(keyword, ","):
		value, assigned := bytes.CutPrefix(code[end:], []byte(" = "))
		return assigned && line[0] == ' ' && isFunctionText(value)
	}
	return false
}

// isFunctionText reports whether an expression begins like a function or a class.
func isFunctionText(value []byte) bool {
	for _, begin := range []string{"function", "class ", "async ", "("} {
		if bytes.HasPrefix(value, []byte(begin)) {
			return true
		}
	}
	n := 0
	for n < len(value) && isNameByte(value[n]) {
		n++
	}
	return bytes.HasPrefix(value[n:], []byte(" =>"))
}

// numberedNames returns the names in the source that end with a digit.
func numberedNames(source string) map[string]bool {
	names := map[string]bool{}
	start := 0
	for i := 0; i <= len(source); i++ {
		if i < len(source) && isNameByte(source[i]) {
			continue
		}
		if i > start && source[i-1] >= '0' && source[i-1] <= '9' {
			names[source[start:i]] = true
		}
		start = i + 1
	}
	return names
}

// withoutNumber returns the source's name of a name that esbuild has numbered, "" when there is none.
func withoutNumber(name, source string) string {
	for at := len(name) - 1; at > 0 && name[at] >= '0' && name[at] <= '9'; at-- {
		base, number := name[:at], name[at:]
		if number[0] == '0' || number == "1" || !strings.Contains(source, base) {
			continue
		}
		switch base { // the factory's own
		case "require", "module", "exports":
			return ""
		}
		if strings.HasPrefix(base, "import_") || strings.HasPrefix(base, "__") { // esbuild's own
			return ""
		}
		return base
	}
	return ""
}

func isNameByte(c byte) bool { return isNamePart(c) || c >= 0x80 }

// appendName names a function or class "default" which is exported without a name. The statement is on the last line,
// so that the code keeps its number of lines.
func appendName(code string, p *printed, source string) string {
	if statement := nameDefault(p, source); statement != "" {
		return strings.TrimSuffix(code, "\n") + " " + statement + "\n"
	}
	return code
}

// nameDefault returns the statement for a default export, "" for one that has a name.
func nameDefault(p *printed, source string) string {
	name := p.exports.defaultName(p.code)
	if !strings.HasSuffix(name, "_default") || strings.Contains(source, name) {
		return ""
	}
	for _, form := range []string{"\nfunction ", "\nfunction* ", "\nasync function ", "\nasync function* ", "\nclass ", "\nvar "} {
		_, rest, found := bytes.Cut(p.code[p.exports.start:], []byte(form+name))
		if !found {
			continue
		}
		value, isVar := bytes.CutPrefix(rest, []byte(" = "))
		if isVar && (!isFunctionText(value) || bytes.HasPrefix(value, []byte("(0, "))) { // a call
			return ""
		}
		made := Quote(name)
		if form == "\nclass " && bytes.Contains(p.code, []byte("__decorateElement(")) {
			made = `""` // decorators have given it no name
		}
		return name + "?.name === " + made + " && __defProp(" + name + `, "name", { value: "default", configurable: true });`
	}
	return ""
}
