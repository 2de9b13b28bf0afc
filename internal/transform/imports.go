package transform

import (
	"bytes"
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2/js"

	"github.com/seed-b8174343/devserver/internal/glob"
)

// reader reads the tokens of printed code and fills the Output. It collects changes to the code as edits. No edit adds
// or removes a line.
type reader struct {
	in     *Input
	p      *printed
	out    *Output
	code   []byte
	tokens []token
	pooled *[]token
	edits  []edit
	errs   []Error

	index    map[importKey]int // into out.Imports
	bindings map[string]*binding
	globs    int // import.meta.glob calls seen, for messages
	stars    []star
	// eagerGlobs are the specifiers of what globs import eagerly.
	eagerGlobs []string
	// eager holds the imports that the module evaluates otherwise than for a variable or a star.
	eager map[int]bool

	line, lineStart, counted int // position of counted, see place
}

type importKey struct {
	kind      ImportKind
	specifier string
}

// binding is a variable that holds an imported module: `var import_x = require("x");`.
type binding struct {
	imp int // into out.Imports
	// name, equals and semicolon are the tokens of the declaration.
	name, equals, semicolon int
	uses, getterUses        int
	// statement is set for the variables that esbuild makes for the names of an import statement. The variable of
	// `import * as` has the source's name.
	statement bool
	asValue   bool // something uses the variable otherwise than to read a member
	names     []string
	lazy      bool     // its declaration has no value any more
	next      *binding // another variable of the same name
}

// edit replaces code[start:end] by text.
type edit struct {
	start, end int
	text       string
}

func newReader(in *Input, p *printed, out *Output) *reader {
	pooled := tokenPool.Get().(*[]token)
	r := &reader{in: in, p: p, out: out, code: p.code, pooled: pooled, line: 1}
	r.tokens, _ = tokenize(p.code, (*pooled)[:0])
	return r
}

func (r *reader) close() {
	*r.pooled = r.tokens
	tokenPool.Put(r.pooled)
}

// imports finds all imports of the module.
func (r *reader) imports() {
	for i, t := range r.tokens {
		switch {
		case t.kind == js.ImportToken:
			r.dynamicImport(i)
		case t.kind == js.NewToken:
			r.construct(i)
		case t.kind == js.IdentifierToken:
			r.identifier(i)
		}
	}
	if len(r.eagerGlobs) > 0 {
		r.hoistGlobs()
	}
	if len(r.bindings) > 0 {
		r.uses()
	}
	if r.in.Dependency && r.in.SideEffectFree && (r.p.exports.end > 0 || len(r.stars) > 0) && !r.p.async {
		r.lazyReExports()
	}
}

func (r *reader) identifier(i int) {
	text := r.text(i)
	switch len(text) { // most names are other names: compare the length first
	case len(thisMark):
		if string(text) == thisMark && !r.p.esm && !r.p.async {
			copy(text, "this")
		}
	case len("require"):
		if string(text) == "require" {
			r.require(i)
		}
	case len("$meta$"):
		if r.p.async && string(text) == "$load$" {
			r.dynamicImport(i) // printAsync has renamed import() before
		}
		if string(text) == "$meta$" && r.is(i+1, js.DotToken) &&
			string(r.text(i+2)) == "glob" && r.is(i+3, js.OpenParenToken) {
			r.glob(i)
		}
	case len("acceptExports"):
		if string(text) == "acceptExports" { // a member, or a variable that took it from import.meta.hot
			r.out.AcceptsExports = true
		}
	}
}

// require reads `require("x")` with the code around it.
func (r *reader) require(i int) {
	if !r.is(i+1, js.OpenParenToken) || !r.is(i+2, js.StringToken) || !r.is(i+3, js.CloseParenToken) ||
		i > 0 && isMember(r.tokens[i-1].kind) {
		return
	}
	imp := r.add(Static, unquote(r.text(i+2)), i+2)
	first, last := i, i+3
	if string(r.text(i-2)) == "__toESM" && r.is(i-1, js.OpenParenToken) {
		first = i - 2
		if last++; r.is(last, js.CommaToken) { // `, 1)` means Node's rule, if the file's name says so
			last += 2
		}
		r.helper(first, false)
	}
	switch {
	case r.is(last+1, js.DotToken) && js.IsIdentifierName(r.kind(last+2)):
		r.name(imp, r.text(last+2))
		r.evaluates(imp)
	case string(r.text(first-4)) == "__reExport" && r.is(first-3, js.OpenParenToken):
		if spec := r.out.Imports[imp].Specifier; !slices.Contains(r.out.Stars, spec) {
			r.out.Stars = append(r.out.Stars, spec)
		}
		r.stars = append(r.stars, star{imp: imp, from: first, to: last})
	case r.is(first-1, js.EqToken) && isDeclaration(r.kind(first-3)) && js.IsIdentifier(r.kind(first-2)) &&
		r.is(last+1, js.SemicolonToken):
		r.bind(imp, first-2, first-1, last+1)
	case r.is(last+1, js.SemicolonToken) && (r.is(first-1, js.SemicolonToken) || first == 0):
		r.evaluates(imp)
	default:
		r.out.Imports[imp].All = true
		r.evaluates(imp)
	}
}

// helper puts the page's own helper in the place of `__toESM`, the token at i.
func (r *reader) helper(i int, asValue bool) { copy(r.text(i), r.helperName(asValue)) }

// helperName returns the page's own helper for an import. The names are equally long.
//
//	          names only   the namespace as a value
//	Babel     __toESM      __asESM
//	Node      __toMJS      __asMJS
//
// esbuild's own form of Node's rule, a second argument, assumes that a bundle requires only CommonJS.
func (r *reader) helperName(asValue bool) string {
	switch {
	case r.in.NodeESM && asValue:
		return "__asMJS"
	case r.in.NodeESM:
		return "__toMJS"
	case asValue:
		return "__asESM"
	}
	return "__toESM"
}

func (r *reader) evaluates(imp int) {
	if r.eager == nil {
		r.eager = map[int]bool{}
	}
	r.eager[imp] = true
}

func isDeclaration(kind js.TokenType) bool {
	return kind == js.VarToken || kind == js.ConstToken || kind == js.LetToken
}

func (r *reader) bind(imp, name, equals, semicolon int) {
	if r.bindings == nil {
		r.bindings = map[string]*binding{}
	}
	key := string(r.text(name))
	b := &binding{imp: imp, name: name, equals: equals, semicolon: semicolon, next: r.bindings[key]}
	b.statement = strings.HasPrefix(key, "import_")
	r.bindings[key] = b
}

// uses finds the members of the bindings that are used. With any other use of a binding all members may be used. It
// compares names without their scopes: at worst it finds too many uses.
func (r *reader) uses() {
	for i, t := range r.tokens {
		if t.kind != js.IdentifierToken && !js.IsIdentifier(t.kind) || i > 0 && isMember(r.tokens[i-1].kind) {
			continue
		}
		for b := r.bindings[string(r.code[t.start:t.end])]; b != nil; b = b.next {
			if b.name == i || int(t.start) < r.p.exports.end && r.is(i+1, js.ColonToken) {
				continue // the declaration; a key of the export block
			}
			b.uses++
			switch {
			case isMember(r.kind(i+1)) && js.IsIdentifierName(r.kind(i+2)):
				r.member(b, r.text(i+2))
				b.asValue = b.asValue || r.is(i+3, js.EqToken) || r.is(i-1, js.DeleteToken) // the namespace refuses
			case r.is(i+1, js.OpenBracketToken) && r.is(i+2, js.StringToken) && r.is(i+3, js.CloseBracketToken):
				r.member(b, []byte(unquote(r.text(i+2))))
			default:
				r.out.Imports[b.imp].All = true
				b.asValue = true
			}
		}
	}
	for _, b := range r.bindings {
		for ; b != nil; b = b.next {
			r.wrap(b)
		}
	}
}

// member records the use of a member of a binding.
func (r *reader) member(b *binding, name []byte) {
	n := r.name(b.imp, name)
	if b.statement && !slices.Contains(b.names, n) {
		b.names = append(b.names, n)
	}
}

// wrap finishes the value of a binding, `require("x")` or `__toESM(require("x"))`, when its uses are known.
func (r *reader) wrap(b *binding) {
	if i := b.equals + 1; b.asValue && bytes.HasPrefix(r.text(i), []byte("__to")) {
		r.helper(i, true)
	}
	if b.statement && !b.asValue && len(b.names) > 0 && !r.in.Dependency && r.p.esm {
		// The page says which of the names do not exist.
		end := b.semicolon - 1
		for ; !r.is(end, js.StringToken); end-- {
		}
		list := append(make([]byte, 0, 64), ", ["...)
		for i, name := range b.names {
			if i > 0 {
				list = append(list, ", "...)
			}
			list = append(list, Quote(name)...)
		}
		at := int(r.tokens[end].end)
		r.replace(at, at, string(append(list, ']')))
	}
}

// name records the use of an export.
func (r *reader) name(imp int, name []byte) string {
	m := &r.out.Imports[imp]
	for _, n := range m.Names {
		if n == string(name) {
			return n
		}
	}
	m.Names = append(m.Names, string(name))
	return m.Names[len(m.Names)-1]
}

// dynamicImport reads `import("./x")` and renames it to the registry's function in a factory. The name is as long as
// `import`, so that columns stay right.
func (r *reader) dynamicImport(i int) {
	if r.dynamicSource(i) {
		return
	}
	if !r.is(i+1, js.OpenParenToken) || i > 0 && isMember(r.tokens[i-1].kind) || r.isMethod(i+1) {
		return
	}
	copy(r.code[r.tokens[i].start:r.tokens[i].end], "$load$")
	switch {
	case (r.is(i+2, js.StringToken) || r.is(i+2, js.TemplateToken)) && (r.is(i+3, js.CloseParenToken) || r.is(i+3, js.CommaToken)):
		r.out.Imports[r.add(Dynamic, unquote(r.text(i+2)), i+2)].All = true
	case r.in.Dependency, i+2 < len(r.tokens) && bytes.Contains(r.code[r.tokens[i+1].end:r.tokens[i+2].start], []byte("@vite-ignore")):
		// known only at run time
	default:
		r.dynamicAddress(i + 2)
	}
}

// isMethod reports whether the "(" at i opens the parameters of a method.
func (r *reader) isMethod(i int) bool {
	end := r.closing(i)
	return end > 0 && r.is(end+1, js.OpenBraceToken)
}

// construct reads what a module makes of a URL that lies beside it.
func (r *reader) construct(i int) {
	switch string(r.text(i + 1)) {
	case "Worker":
		r.worker(i, Worker)
	case "SharedWorker":
		r.worker(i, SharedWorker)
	case "URL":
		r.address(i)
	}
}

// worker reads `new Worker(new URL("./x.ts", import.meta.url))`. The browser itself loads the URL of the module; the
// server needs only the edge.
func (r *reader) worker(i int, kind ImportKind) {
	at, end, ok := r.moduleURL(i + 3)
	if !ok || at != end || !r.is(i+2, js.OpenParenToken) {
		return
	}
	written := unquote(r.text(at))
	found := r.addressed(written)
	switch {
	case found.Specifier == "": // resolving the import tells that there is no such file
		spec := relativeSpecifier(written)
		if found.Named {
			spec = written
		}
		found = Addressed{Specifier: spec, Program: true}
		found.Elsewhere = strings.HasPrefix(found.Specifier, "../")
	case !found.Program:
		r.replace(int(r.tokens[at].start), int(r.tokens[at].end), r.addressText(found, at))
		return
	}
	r.out.Imports[r.add(kind, found.Specifier, at)].All = true
	if found.Elsewhere {
		r.replace(int(r.tokens[at].start), int(r.tokens[at].end), lookedUp(found.Specifier))
	}
}

// lookedUp returns the code by which the URL of a script is looked up like a specifier.
func lookedUp(spec string) string { return "$meta$.resolve(" + Quote(spec) + ")" }

// address reads `new URL("./x.png", import.meta.url)`. Of a script the server needs the edge, since the script may
// become a worker. The URL of another file is taken from the file's module: an edit of the file makes another URL, and
// runs this module again.
func (r *reader) address(i int) {
	at, end, ok := r.moduleURL(i)
	if !ok || r.in.Address == nil {
		return
	}
	start, stop := int(r.tokens[at].start), int(r.tokens[end].end)
	if at < end {
		if choice := r.addressTemplate(at); choice != "" {
			r.replace(start, start, "((u) => ({"+choice+" })[u]?.() ?? u)(")
			r.replace(stop, stop, ")")
		}
		return
	}
	if r.is(i-1, js.OpenParenToken) && r.is(i-3, js.NewToken) && strings.HasSuffix(string(r.text(i-2)), "Worker") {
		return // worker has read it
	}
	if text := r.addressOf(unquote(r.text(at)), at); text != "" {
		r.replace(start, stop, text)
	}
}

// addressTemplate reads the template literal at i, and returns a property for each file that it may mean. It replaces a
// beginning that a browser would read otherwise.
func (r *reader) addressTemplate(i int) string {
	pattern, ok := r.addressPattern(i)
	if !ok || r.in.Dependency || strings.HasPrefix(pattern, "*") {
		return ""
	}
	var beginning, folder, shown string // as it is written, as a specifier, and as it is in the URL
	if !strings.HasPrefix(pattern, ".") {
		text := r.text(i)
		at := bytes.LastIndexByte(text, '/') + 1
		beginning = unescape(text[1:max(at, 1)])
		folder, shown = r.in.Folder(beginning)
		if shown == "" {
			return ""
		}
		if shown != beginning {
			start := int(r.tokens[i].start)
			r.replace(start+1, start+at, shown)
		}
	}
	pattern, query, _ := strings.Cut(pattern, "?")
	if query != "" {
		query = "?" + query
	}
	last := path.Base(pattern)
	if beginning != folder && folder == "" || strings.ContainsAny(query, "*") ||
		!strings.Contains(last[strings.LastIndexByte(last, '*')+1:], ".") {
		return "" // without an extension it may mean every file of a folder
	}
	pattern = glob.Escape(folder) + pattern[len(glob.Escape(beginning)):]
	files, err := r.expand(Glob{Patterns: []string{pattern}, Address: true}, func() int { return r.sourceOffset(i) })
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, file := range files {
		rest := strings.TrimPrefix(file.Key, folder) + query
		if text := r.addressOf(beginning+rest, i); text != "" {
			b.WriteString(" " + Quote(shown+rest) + ": () => " + text + ",")
		}
	}
	return b.String()
}

// addressOf returns the code for the URL of a file, "" when the code may stay as it is.
func (r *reader) addressOf(written string, i int) string {
	fragment := ""
	if at := strings.LastIndexByte(written, '#'); at > 0 { // "#x" is a specifier of the package's own
		written, fragment = written[:at], written[at:]
	}
	text := r.addressText(r.addressed(written), i)
	if text != "" && fragment != "" {
		text += " + " + Quote(fragment)
	}
	return text
}

func (r *reader) addressed(written string) Addressed {
	if r.in.Address == nil {
		return Addressed{}
	}
	r.out.Addresses = append(r.out.Addresses, written)
	return r.in.Address(written)
}

// addressText adds the import of the file to the module, and returns the code for the file's URL, "" for the URL as it
// is written.
func (r *reader) addressText(a Addressed, i int) string {
	switch {
	case a.Specifier == "":
		return ""
	case !a.Program:
		r.name(r.add(Static, a.Specifier, i), []byte("default"))
		return "require(" + Quote(a.Specifier) + ").default"
	}
	r.out.Imports[r.add(Address, a.Specifier, i)].All = true
	if a.Elsewhere {
		return lookedUp(a.Specifier)
	}
	return ""
}

// moduleURL reads `new URL("./x", import.meta.url)`, whose first token is at i. The text is in the tokens from at to
// end.
func (r *reader) moduleURL(i int) (at, end int, ok bool) {
	at, end = i+3, i+3
	if r.is(at, js.TemplateStartToken) {
		end = r.closing(at)
	} else if !r.is(at, js.StringToken) && !r.is(at, js.TemplateToken) {
		return 0, 0, false
	}
	ok = end > 0 && !r.ignored(i+2, at) && r.is(i, js.NewToken) && string(r.text(i+1)) == "URL" && r.is(i+2, js.OpenParenToken) &&
		r.is(end+1, js.CommaToken) && string(r.text(end+2)) == "$meta$" && r.is(end+3, js.DotToken) && string(r.text(end+4)) == "url"
	return at, end, ok
}

// ignored reports whether a comment between two tokens tells build tools to leave the code alone.
func (r *reader) ignored(from, to int) bool {
	return r.kind(from) != js.ErrorToken && bytes.Contains(r.code[r.tokens[from].end:r.tokens[to].start], []byte("@vite-ignore"))
}

// relativeSpecifier returns a URL in the form of a specifier: "x.ts" is a relative URL, but would name a package.
func relativeSpecifier(url string) string {
	if strings.HasPrefix(url, ".") || strings.HasPrefix(url, "/") {
		return url
	}
	return "./" + url
}

// add records an import whose specifier is the token at i, and returns its index in Output.Imports.
func (r *reader) add(kind ImportKind, specifier string, i int) int {
	key := importKey{kind, specifier}
	if at, ok := r.index[key]; ok {
		return at
	}
	if r.index == nil {
		r.index = make(map[importKey]int, 8)
	}
	line, column := r.place(int(r.tokens[i].start))
	r.index[key] = len(r.out.Imports)
	r.out.Imports = append(r.out.Imports, Import{Specifier: specifier, Kind: kind, Line: line, Column: column})
	return len(r.out.Imports) - 1
}

// place returns the 1-based line and column (in bytes) of an offset. It continues from the offset of the last call.
func (r *reader) place(offset int) (line, column int) {
	if offset < r.counted {
		r.line, r.lineStart, r.counted = 1, 0, 0
	}
	between := r.code[r.counted:offset]
	r.line += bytes.Count(between, []byte{'\n'})
	if i := bytes.LastIndexByte(between, '\n'); i >= 0 {
		r.lineStart = r.counted + i + 1
	}
	r.counted = offset
	return r.line, offset - r.lineStart + 1
}

func (r *reader) kind(i int) js.TokenType {
	if i < 0 || i >= len(r.tokens) {
		return js.ErrorToken
	}
	return r.tokens[i].kind
}

func (r *reader) is(i int, kind js.TokenType) bool { return r.kind(i) == kind }

// text returns the text of the token at i, nil when there is no token.
func (r *reader) text(i int) []byte {
	if i < 0 || i >= len(r.tokens) {
		return nil
	}
	return r.code[r.tokens[i].start:r.tokens[i].end]
}

// atMargin reports whether the token is the first of a line without indentation. It begins a statement of the module
// itself.
func (r *reader) atMargin(i int) bool {
	if i < 0 || i >= len(r.tokens) {
		return false
	}
	start := r.tokens[i].start
	return start == 0 || r.code[start-1] == '\n'
}

// closing returns the token that closes the bracket at i, or -1.
func (r *reader) closing(i int) int {
	depth := 0
	for ; i < len(r.tokens); i++ {
		switch r.tokens[i].kind {
		case js.OpenParenToken, js.OpenBraceToken, js.OpenBracketToken, js.TemplateStartToken:
			depth++
		case js.CloseParenToken, js.CloseBraceToken, js.CloseBracketToken, js.TemplateEndToken:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (r *reader) replace(start, end int, text string) {
	r.edits = append(r.edits, edit{start, end, text})
}

// edited returns the code with all edits.
func (r *reader) edited() string {
	if len(r.edits) == 0 {
		return string(r.code)
	}
	slices.SortStableFunc(r.edits, func(a, b edit) int { // what is put in at a place comes before what replaces that place
		return cmp.Or(a.start-b.start, a.end-b.end)
	})
	size := len(r.code)
	for _, e := range r.edits {
		size += len(e.text)
	}
	var b strings.Builder
	b.Grow(size)
	pos := 0
	for _, e := range r.edits {
		b.Write(r.code[pos:e.start])
		b.WriteString(e.text)
		pos = e.end
	}
	b.Write(r.code[pos:])
	return b.String()
}
