package transform

import (
	"strings"

	"github.com/tdewolff/parse/v2/js"
)

// refresh appends the module's components and signatures for fast refresh, in the runtime's form
// (client/src/update/refresh.ts):
//
//	$meta$.refresh?.({ components: { "App": App }, signatures: [[App, "key", false, () => [import_x.useCustom]]] });
//
// The code and its source map stay unchanged. Components and signatures are registered by their variables after the
// module has run.
func (r *reader) refresh() {
	f := refresher{reader: r, top: map[string]bool{}, jsx: map[string]bool{}}
	f.scan()
	if len(f.components) == 0 && len(f.signatures) == 0 {
		return
	}
	r.out.Refreshes = true
	var b strings.Builder
	b.WriteString("$meta$.refresh?.({ components: {")
	for i, c := range f.components {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(" " + Quote(c) + ": " + c)
	}
	b.WriteString(" }, signatures: [")
	b.WriteString(strings.Join(f.signatures, ", "))
	b.WriteByte(']')
	if strings.Contains(r.in.Code, "@refresh reset") { // esbuild leaves out the comment
		b.WriteString(", reset: true")
	}
	if r.in.RefreshID != "" {
		b.WriteString(", id: " + Quote(r.in.RefreshID))
	}
	b.WriteString(" });\n")
	r.replace(len(r.code), len(r.code), b.String())
}

// refresher finds the components and hooks of a module among its top-level declarations.
type refresher struct {
	*reader
	// top holds the names declared at top level. A signature may refer only to these.
	top map[string]bool
	// jsx holds the names that are used as types of elements.
	jsx          map[string]bool
	declarations []declaration
	components   []string
	signatures   []string
}

// declaration is a top-level variable, function or class, or a function that is assigned to a property of a variable.
type declaration struct {
	// target is the expression for the value: a name, or `Card.Header`.
	target string
	// from and to are the tokens of the value, or of the whole function or class statement.
	from, to int
}

func (f *refresher) scan() {
	f.declare()
	f.findElements()
	for _, d := range f.declarations {
		if f.isComponent(d) {
			f.components = append(f.components, d.target)
		}
		if f.is(d.from, js.ClassToken) {
			continue // the hooks in a class's methods are not hooks of the component
		}
		if s := f.signature(d); s != "" {
			f.signatures = append(f.signatures, s)
		}
		if f.in.Refresh == "preact" {
			f.keepContext(d)
		}
	}
}

// keepContext makes a context outlive updates of its module. Preact compares contexts by identity. Consumers in other
// modules, which do not run again, would lose their provider.
func (f *refresher) keepContext(d declaration) {
	callee := d.from
	for callee < d.to && !f.is(callee, js.OpenBraceToken) && string(f.text(callee)) != "createContext" {
		callee++
	}
	args := callee + 1
	if f.is(args, js.CloseParenToken) {
		args++
	}
	if args >= d.to || callee-d.from > 5 || !f.is(args, js.OpenParenToken) || f.closing(args) != d.to-1 {
		return
	}
	from, to := int(f.tokens[d.from].start), int(f.tokens[d.to-1].end)
	// Another default value makes another context.
	key := Quote("context " + d.target + f.join(args, d.to))
	f.replace(from, from, "(($meta$.hot?.data ?? {})["+key+"] ??= ")
	f.replace(to, to, ")")
}

// declare finds the declarations at top level.
func (f *refresher) declare() {
	for i := 0; i < len(f.tokens); {
		end := f.statementEnd(i)
		switch f.kind(i) {
		case js.VarToken, js.LetToken, js.ConstToken:
			f.declarators(i+1, end)
		case js.FunctionToken, js.AsyncToken:
			name := i + 1
			if f.is(name, js.FunctionToken) {
				name++
			}
			f.declareName(name, i, end)
		case js.ClassToken:
			f.declareName(i+1, i, end)
		case js.IdentifierToken:
			if f.is(i+1, js.DotToken) && js.IsIdentifierName(f.kind(i+2)) && f.is(i+3, js.EqToken) {
				f.declarations = append(f.declarations, declaration{string(f.text(i)) + "." + string(f.text(i+2)), i + 4, end})
			}
		}
		i = max(end, i) + 1
	}
}

func (f *refresher) declareName(name, from, to int) {
	if js.IsIdentifier(f.kind(name)) {
		f.top[string(f.text(name))] = true
		f.declarations = append(f.declarations, declaration{string(f.text(name)), from, to})
	}
}

// statementEnd returns the last token of the top-level statement that begins at i. It is the semicolon, or the last
// token before a token at the beginning of a line without indentation.
func (f *refresher) statementEnd(i int) int {
	depth := 0
	for n := i; n < len(f.tokens); n++ {
		depth += bracket(f.tokens[n].kind)
		if depth > 0 {
			continue
		}
		if f.tokens[n].kind == js.SemicolonToken || n+1 < len(f.tokens) && f.tokens[n+1].newline && f.atMargin(n+1) {
			return n
		}
	}
	return len(f.tokens) - 1
}

// bracket returns 1 for a token that opens a bracket, -1 for a token that closes a bracket, and otherwise 0.
func bracket(kind js.TokenType) int {
	switch kind {
	case js.OpenParenToken, js.OpenBraceToken, js.OpenBracketToken, js.TemplateStartToken:
		return 1
	case js.CloseParenToken, js.CloseBraceToken, js.CloseBracketToken, js.TemplateEndToken:
		return -1
	}
	return 0
}

// declarators reads `a = 1, [b, c] = d` between the tokens i and end.
func (f *refresher) declarators(i, end int) {
	for i < end {
		pattern := i
		if f.is(i, js.OpenBraceToken) || f.is(i, js.OpenBracketToken) {
			i = max(f.closing(i), i)
			for n := pattern; n < i; n++ {
				if js.IsIdentifier(f.kind(n)) && !f.is(n+1, js.ColonToken) {
					f.top[string(f.text(n))] = true
				}
			}
		} else {
			f.top[string(f.text(i))] = true
		}
		i++
		if !f.is(i, js.EqToken) {
			i++
			continue
		}
		from, depth := i+1, 0
		for i++; i < end && (depth > 0 || !f.is(i, js.CommaToken)); i++ {
			depth += bracket(f.kind(i))
		}
		if from == pattern+2 {
			f.declarations = append(f.declarations, declaration{string(f.text(pattern)), from, i})
		}
		i++
	}
}

// findElements collects the names in `jsx(Name, ...)` and `createElement(Name, ...)`.
func (f *refresher) findElements() {
	for i, t := range f.tokens {
		if t.kind != js.IdentifierToken || !isCapital(f.text(i)) || !f.is(i-1, js.OpenParenToken) || !f.is(i+1, js.CommaToken) {
			continue
		}
		callee := i - 2
		if f.is(callee, js.CloseParenToken) {
			callee-- // `(0, import_x.jsx)(`
		}
		switch string(f.text(callee)) {
		case "jsx", "jsxs", "jsxDEV", "createElement", "h":
			f.jsx[string(f.text(i))] = true
		}
	}
}

func isCapital(name []byte) bool { return len(name) > 0 && name[0] >= 'A' && name[0] <= 'Z' }

// isComponent reports whether the declaration looks like a component. Like React's own transform it goes by the capital
// name and the form of the value. The runtime leaves out values that are no component.
func (f *refresher) isComponent(d declaration) bool {
	local := d.target[strings.LastIndexByte(d.target, '.')+1:]
	if f.isAnonymousDefault(local) {
		return f.isWrapped(d.from, d.to) || f.isSubclass(d) || f.isFunction(d.from, d.to) && f.makesElements(d)
	}
	if !isCapital([]byte(local)) {
		return false
	}
	return f.isSubclass(d) || f.isFunction(d.from, d.to) || f.isWrapped(d.from, d.to) || f.jsx[local] && f.isCall(d.from, d.to)
}

// isSubclass reports whether the declaration is a class that extends another class.
func (f *refresher) isSubclass(d declaration) bool {
	if !f.is(d.from, js.ClassToken) {
		return false
	}
	for n := d.from; n < d.to && !f.is(n, js.OpenBraceToken); n++ {
		if f.is(n, js.ExtendsToken) {
			return true
		}
	}
	return false
}

// isAnonymousDefault reports whether esbuild made up the name for a default export without a name.
func (f *refresher) isAnonymousDefault(name string) bool {
	return strings.HasSuffix(name, "_default") && f.p.exports.defaultName(f.code) == name
}

// makesElements reports whether a function without a name looks like a component: it creates elements or calls hooks.
func (f *refresher) makesElements(d declaration) bool {
	for i := d.from; i < d.to; i++ {
		switch string(f.text(i)) {
		case "jsx", "jsxs", "jsxDEV", "createElement":
			return true
		}
	}
	return len(f.hooks(d)) > 0
}

// isFunction reports whether the value at i is a function that may be a component. A function that returns a function
// makes components and is no component.
func (f *refresher) isFunction(i, to int) bool {
	if f.is(i, js.AsyncToken) && !f.is(i+1, js.ArrowToken) {
		i++
	}
	switch {
	case f.is(i, js.FunctionToken):
		return !f.is(i+1, js.MulToken)
	case f.is(i, js.OpenParenToken):
		i = f.closing(i)
	case !js.IsIdentifier(f.kind(i)):
		return false
	}
	return i > 0 && i+1 < to && f.is(i+1, js.ArrowToken) && !f.isFunction(i+2, to)
}

// isWrapped reports whether the value at i is a component inside a call: `memo(forwardRef(() => ...))`, or a styled
// template.
func (f *refresher) isWrapped(i, to int) bool {
	args, ok := f.callee(i, to)
	if !ok {
		return false
	}
	if f.is(args, js.TemplateToken) || f.is(args, js.TemplateStartToken) {
		return true
	}
	arg := args + 1
	if f.isFunction(arg, to) || f.isWrapped(arg, to) {
		return true
	}
	for js.IsIdentifier(f.kind(arg)) && f.is(arg+1, js.DotToken) {
		arg += 2
	}
	return js.IsIdentifierName(f.kind(arg)) && isCapital(f.text(arg)) &&
		(f.is(arg+1, js.CommaToken) || f.is(arg+1, js.CloseParenToken))
}

func (f *refresher) isCall(i, to int) bool {
	_, ok := f.callee(i, to)
	return ok
}

// callee reads `a.b` or `(0, a.b)` at i and returns the "(" or the template after it. ok is false for calls that never
// make a component, such as require.
func (f *refresher) callee(i, to int) (args int, ok bool) {
	if f.is(i, js.OpenParenToken) {
		if string(f.text(i+1)) != "0" || !f.is(i+2, js.CommaToken) {
			return 0, false
		}
		i = f.closing(i)
	} else {
		if !js.IsIdentifier(f.kind(i)) {
			return 0, false
		}
		for f.is(i+1, js.DotToken) && i+2 < to {
			i += 2
		}
	}
	name := f.text(i)
	if f.is(i, js.CloseParenToken) {
		name = f.text(i - 1)
	}
	switch string(name) {
	case "require", "__toESM", "createContext":
		return 0, false
	}
	next := f.kind(i + 1)
	return i + 1, i > 0 && i+1 < to && (next == js.OpenParenToken || next == js.TemplateToken || next == js.TemplateStartToken)
}
