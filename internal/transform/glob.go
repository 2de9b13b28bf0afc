package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/tdewolff/parse/v2/js"

	"github.com/seed-b8174343/devserver/internal/glob"
)

// globCall holds the arguments of import.meta.glob.
type globCall struct {
	Glob
	eager bool
	// name is the export to import, "" or "*" for the namespace.
	name string
	// query is added to each specifier. It begins with "?".
	query string
}

// glob replaces `import.meta.glob(patterns, options)`, whose first token is at i, by an object with a property for each
// file.
func (r *reader) glob(i int) {
	r.globs++
	end := r.closing(i + 3)
	if end < 0 {
		return
	}
	call, problem := r.globArguments(i+4, end)
	var files []GlobFile
	if problem == "" {
		var err error
		if files, err = r.expand(call.Glob, func() int { return globOffset(r.in.Code, r.globs) }); err != nil {
			problem = err.Error()
		}
	}
	if problem != "" {
		r.errs = append(r.errs, errorAt(r.in, globOffset(r.in.Code, r.globs), "import.meta.glob: "+problem))
		return
	}
	start, stop := int(r.tokens[i].start), int(r.tokens[end].end)
	lines := strings.Repeat("\n", bytes.Count(r.code[start:stop], []byte{'\n'}))
	keysOnly := r.is(i-1, js.OpenParenToken) && string(r.text(i-2)) == "keys" && r.is(i-3, js.DotToken) && string(r.text(i-4)) == "Object"
	var b strings.Builder
	b.WriteString("({")
	for n, file := range files {
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteString(" " + Quote(file.Key) + ": ")
		if keysOnly {
			b.WriteByte('0') // nothing is imported
		} else {
			r.globValue(&b, file.Specifier+call.query, call, i)
		}
	}
	b.WriteString(lines + " })")
	r.replace(start, stop, b.String())
}

// expand finds the files of a Glob. offset returns its place in the source, or -1.
func (r *reader) expand(g Glob, offset func() int) ([]GlobFile, error) {
	if r.in.Glob == nil {
		return nil, nil
	}
	found, err := r.in.Glob(g)
	if err != nil {
		return nil, err
	}
	if len(found.Notes) > 0 {
		if at := offset(); at >= 0 {
			for i := range found.Notes {
				found.Notes[i].Line, found.Notes[i].Column = lineColumn(r.in.Code, at)
			}
		}
	}
	files := found.Files
	found.Files = nil
	r.out.Globs = append(r.out.Globs, found)
	return files, nil
}

func (r *reader) globValue(b *strings.Builder, target string, call globCall, i int) {
	whole := call.name == "" || call.name == "*"
	if !call.eager {
		r.out.Imports[r.add(Dynamic, target, i)].All = true
		b.WriteString("() => $load$(" + Quote(target) + ")")
		if !whole {
			b.WriteString(".then((m) => m[" + Quote(call.name) + "])")
		}
		return
	}
	imp := r.add(Static, target, i)
	r.evaluates(imp)
	r.eagerGlobs = append(r.eagerGlobs, target)
	if whole {
		r.out.Imports[imp].All = true
		b.WriteString(r.helperName(whole) + "(require(" + Quote(target) + "))")
		return
	}
	r.name(imp, []byte(call.name))
	names := ""
	if !r.in.Dependency { // the page says when there is no such name
		names = ", [" + Quote(call.name) + "]"
	}
	b.WriteString(r.helperName(whole) + "(require(" + Quote(target) + names + "))[" + Quote(call.name) + "]")
}

// hoistGlobs has the modules of eager globs evaluated first, as the imports that they stand for.
func (r *reader) hoistGlobs() {
	at := 0
	if r.p.esm { // modules of a circle see the exports
		at = nextLine(r.code, bytes.Index(r.code, []byte("module.exports = __toCommonJS(")))
	}
	for i := 0; at == 0 && r.is(i, js.StringToken) && r.is(i+1, js.SemicolonToken); i += 2 {
		at = int(r.tokens[i+1].end) // "use strict"
	}
	var b strings.Builder
	for _, target := range r.eagerGlobs {
		b.WriteString("require(" + Quote(target) + "); ")
	}
	r.replace(at, at, b.String())
}

// globArguments reads the arguments between the tokens i and end. problem describes a mistake in them, "" means none.
func (r *reader) globArguments(i, end int) (call globCall, problem string) {
	value, i, ok := r.literal(i)
	switch v := value.(type) {
	case string:
		call.Patterns = []string{v}
	case []any:
		for _, e := range v {
			s, isString := e.(string)
			ok = ok && isString
			call.Patterns = append(call.Patterns, s)
		}
	default:
		ok = false
	}
	if !ok {
		return call, "the patterns must be a string literal or an array of string literals"
	}
	if r.is(i, js.CommaToken) && i+1 != end {
		if value, i, ok = r.literal(i + 1); !ok {
			return call, "the options must be literals"
		}
		object, isObject := value.([]property)
		if !isObject {
			return call, "the options must be an object"
		}
		if problem = call.readOptions(object); problem != "" {
			return call, problem
		}
	}
	if r.is(i, js.CommaToken) {
		i++
	}
	if i != end {
		return call, "takes only patterns and options, as literals"
	}
	return call, ""
}

func (c *globCall) readOptions(object []property) (problem string) {
	as := ""
	for _, p := range object {
		key, value, ok := p.key, p.value, true
		switch key {
		case "eager":
			c.eager, ok = value.(bool)
		case "import":
			c.name, ok = value.(string)
		case "base":
			c.Base, ok = value.(string)
		case "as": // the old option for query and import
			as, ok = value.(string)
		case "query":
			c.query, ok = globQuery(value)
		case "exhaustive":
			c.Exhaustive, ok = value.(bool)
		case "caseSensitive":
			var sensitive bool
			sensitive, ok = value.(bool)
			c.FoldCase = !sensitive
		default:
			return "unknown option " + Quote(key)
		}
		if !ok {
			return "the option " + Quote(key) + " has the wrong type"
		}
	}
	if b := c.Base; b != "" && b[0] != '/' && b != "." && b != ".." && !strings.HasPrefix(b, "./") && !strings.HasPrefix(b, "../") {
		return `the option "base" must begin with "/", "./" or "../"`
	}
	if as == "" {
		return ""
	}
	if c.query != "" {
		return `the options "as" and "query" say the same: leave out "as"`
	}
	if c.query = "?" + as; as == "raw" || as == "url" {
		if c.name != "" && c.name != "default" && c.name != "*" {
			return `with "as": ` + Quote(as) + ` the option "import" can only be "default" or "*"`
		}
		if c.name == "" {
			c.name = "default"
		}
	}
	return ""
}

// globQuery reads the query option: a string or an object of parameters.
func globQuery(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		if v == "" || v[0] == '?' {
			return v, true
		}
		return "?" + v, true
	case []property:
		var parts []string
		for _, p := range v {
			part := url.QueryEscape(p.key)
			switch value := p.value.(type) {
			case string:
				if value != "" {
					part += "=" + url.QueryEscape(value)
				}
			case json.Number, bool:
				part += fmt.Sprint("=", value)
			default:
				return "", false
			}
			parts = append(parts, part)
		}
		if len(parts) == 0 {
			return "", true
		}
		return "?" + strings.Join(parts, "&"), true
	}
	return "", false
}

// property is a member of an object literal.
type property struct {
	key   string
	value any
}

// literal reads the literal at i: a string, a number, true or false, an array or an object of these.
func (r *reader) literal(i int) (value any, next int, ok bool) {
	switch kind := r.kind(i); kind {
	case js.StringToken, js.TemplateToken:
		return unquote(r.text(i)), i + 1, true
	case js.DecimalToken, js.IntegerToken:
		return json.Number(r.text(i)), i + 1, true
	case js.TrueToken:
		return true, i + 1, true
	case js.FalseToken:
		return false, i + 1, true
	case js.NotToken: // minified: !0 and !1
		return string(r.text(i+1)) == "0", i + 2, r.is(i+1, js.IntegerToken)
	case js.OpenBracketToken:
		return r.arrayLiteral(i + 1)
	case js.OpenBraceToken:
		return r.objectLiteral(i + 1)
	}
	return nil, i, false
}

func (r *reader) arrayLiteral(i int) (value any, next int, ok bool) {
	array := []any{}
	for !r.is(i, js.CloseBracketToken) {
		if r.is(i, js.CommaToken) { // a hole
			i++
			continue
		}
		element, after, ok := r.literal(i)
		if !ok {
			return nil, i, false
		}
		array, i = append(array, element), after
		if r.is(i, js.CommaToken) {
			i++
		} else if !r.is(i, js.CloseBracketToken) {
			return nil, i, false
		}
	}
	return array, i + 1, true
}

func (r *reader) objectLiteral(i int) (value any, next int, ok bool) {
	object := []property{}
	for !r.is(i, js.CloseBraceToken) {
		name, colon := i, i+1
		if r.is(i, js.OpenBracketToken) && r.is(i+1, js.StringToken) && r.is(i+2, js.CloseBracketToken) {
			name, colon = i+1, i+3
		}
		if !r.is(name, js.StringToken) && !js.IsIdentifierName(r.kind(name)) || !r.is(colon, js.ColonToken) {
			return nil, i, false
		}
		element, after, ok := r.literal(colon + 1)
		if !ok {
			return nil, i, false
		}
		object, i = append(object, property{unquote(r.text(name)), element}), after
		if r.is(i, js.CommaToken) {
			i++
		} else if !r.is(i, js.CloseBraceToken) {
			return nil, i, false
		}
	}
	return object, i + 1, true
}

// globOffset finds the nth import.meta.glob in the source, comments and strings apart. esbuild keeps their order.
func globOffset(code string, n int) int {
	tokens, _ := tokenize([]byte(code), nil)
	for i := range tokens {
		if tokens[i].kind == js.ImportToken && i+4 < len(tokens) && tokens[i+1].kind == js.DotToken &&
			code[tokens[i+2].start:tokens[i+2].end] == "meta" && code[tokens[i+4].start:tokens[i+4].end] == "glob" {
			if n--; n == 0 {
				return int(tokens[i].start)
			}
		}
	}
	return max(strings.Index(code, "import.meta.glob"), 0) // JSX may look like other tokens
}

// dynamicAddress reads the address of an import(`./pages/${name}.tsx`), whose first token is at i. Each file that the
// address may mean becomes an import. The code stays unchanged: the registry looks up the specifier at run time.
func (r *reader) dynamicAddress(i int) {
	pattern, ok := r.addressPattern(i)
	if !ok || strings.HasPrefix(pattern, "*") || external.MatchString(pattern) {
		return // known only at run time
	}
	pattern, query, _ := strings.Cut(pattern, "?")
	if query != "" {
		query = "?" + query
	}
	if strings.Contains(query, "*") {
		return
	}
	last := path.Base(pattern)
	anyExt := !strings.Contains(last[strings.LastIndexByte(last, '*')+1:], ".")
	files, err := r.expand(Glob{Patterns: []string{pattern}, Address: true}, func() int { return r.sourceOffset(i) })
	if err != nil {
		return // what it may mean shows at run time
	}
	for _, file := range files {
		spec := file.Key
		if anyExt { // `./pages/${name}`: the resolver adds the extension, as in any import
			spec = strings.TrimSuffix(spec, path.Ext(spec))
		}
		r.out.Imports[r.add(Dynamic, spec+query, i)].All = true
	}
}

// external matches addresses that only the browser can load.
var external = regexp.MustCompile(`^(?:[a-z][a-z0-9+.-]*:|//)`)

// sourceOffset returns where the text of the token at i, or of the template that begins there, is in the source; -1
// when it is there in another form.
func (r *reader) sourceOffset(i int) int {
	if r.is(i, js.TemplateStartToken) {
		return strings.Index(r.in.Code, string(r.code[r.tokens[i].start:r.tokens[r.closing(i)].end]))
	}
	text := string(r.text(i))
	for _, quote := range []string{`"`, `'`, "`"} {
		if at := strings.Index(r.in.Code, quote+text[1:len(text)-1]+quote); at >= 0 {
			return at
		}
	}
	return -1
}

// addressPattern turns the address that begins at i, up to the end of an argument, into a pattern with a star for each
// expression in it: a template literal, or texts and expressions with "+" between them.
func (r *reader) addressPattern(i int) (pattern string, ok bool) {
	var b addressBuilder
	for {
		switch r.kind(i) {
		case js.StringToken, js.TemplateToken:
			b.text(unquote(r.text(i)))
			i++
		case js.TemplateStartToken:
			end := r.closing(i)
			if end < 0 {
				return "", false
			}
			r.template(&b, i, end)
			i = end + 1
		default:
			b.star()
			if i = r.operand(i); i < 0 {
				return "", false
			}
		}
		if !r.is(i, js.AddToken) {
			break
		}
		i++
	}
	return b.String(), b.stars > 0 && (r.is(i, js.CloseParenToken) || r.is(i, js.CommaToken))
}

// template adds the template literal between the tokens i and end.
func (r *reader) template(b *addressBuilder, i, end int) {
	depth := 0
	for ; i <= end; i++ {
		text := r.text(i)
		kind := r.kind(i)
		if kind == js.TemplateStartToken {
			depth++
		}
		switch {
		case depth != 1:
		case kind == js.TemplateStartToken, kind == js.TemplateMiddleToken:
			b.text(unescape(text[1 : len(text)-2]))
			b.star()
		case kind == js.TemplateEndToken:
			b.text(unescape(text[1 : len(text)-1]))
		}
		if kind == js.TemplateEndToken {
			depth--
		}
	}
}

// operand returns the token after the name, member or call that begins at i, and -1 for other expressions.
func (r *reader) operand(i int) int {
	for first := true; ; first = false {
		switch kind := r.kind(i); {
		case kind == js.OpenParenToken, kind == js.OpenBracketToken && !first:
			if i = r.closing(i); i < 0 {
				return -1
			}
		case first && (js.IsIdentifier(kind) || kind == js.ThisToken || js.IsNumeric(kind)):
		case !first && isMember(kind) && js.IsIdentifierName(r.kind(i+1)):
			i++
		case first:
			return -1
		default:
			return i
		}
		i++
	}
}

// addressBuilder builds the pattern of an address.
type addressBuilder struct {
	strings.Builder
	stars int
	after bool // a star comes last
}

func (b *addressBuilder) text(text string) {
	if text != "" {
		b.WriteString(escapeAddress(text))
		b.after = false
	}
}

// star adds a star. Expressions side by side stand for one name.
func (b *addressBuilder) star() {
	if !b.after {
		b.WriteByte('*')
	}
	b.stars++
	b.after = true
}

// escapeAddress escapes the special characters of a pattern, but not the question mark, which begins the query.
func escapeAddress(text string) string {
	name, query, found := strings.Cut(text, "?")
	if name = glob.Escape(name); found {
		return name + "?" + query
	}
	return name
}
