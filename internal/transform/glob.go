package transform

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2/js"
)

// globOptions is the second argument of import.meta.glob.
type globOptions struct {
	eager bool
	// name is the export to import, "" or "*" for the namespace.
	name string
	// query is added to each specifier. It begins with "?".
	query string
	// base is the folder that relative patterns and keys start from, instead of the module's folder.
	base string
}

// glob replaces `import.meta.glob(patterns, options)`, whose first token is at i, by an object with a property for each
// file.
func (r *reader) glob(i int) {
	r.globs++
	end := r.closing(i + 3)
	if end < 0 {
		return
	}
	patterns, options, problem := r.globArguments(i+4, end)
	if problem != "" {
		r.errs = append(r.errs, errorAt(r.in, globOffset(r.in.Code, r.globs), "import.meta.glob: "+problem))
		return
	}
	based := rebase(patterns, options.base)
	r.out.Globs = append(r.out.Globs, Glob{Patterns: based})
	start, stop := int(r.tokens[i].start), int(r.tokens[end].end)
	lines := strings.Repeat("\n", bytes.Count(r.code[start:stop], []byte{'\n'}))
	var b strings.Builder
	b.WriteString("({")
	for n, spec := range r.expand(based) {
		if n > 0 {
			b.WriteByte(',')
		}
		r.globProperty(&b, spec, options, i)
	}
	b.WriteString(lines + " })")
	r.replace(start, stop, b.String())
}

func (r *reader) expand(patterns []string) []string {
	if r.in.Glob == nil {
		return nil
	}
	return r.in.Glob(patterns)
}

func (r *reader) globProperty(b *strings.Builder, spec string, options globOptions, i int) {
	key := spec
	if options.base != "" {
		if rest, ok := strings.CutPrefix(spec, strings.TrimSuffix(rebase([]string{"x"}, options.base)[0], "x")); ok {
			key = "./" + rest
		}
	}
	target := spec + options.query
	b.WriteString(" " + Quote(key) + ": ")
	whole := options.name == "" || options.name == "*"
	if options.eager {
		imp := r.add(Static, target, i)
		b.WriteString("__toESM(require(" + Quote(target) + "))")
		if whole {
			r.out.Imports[imp].All = true
		} else {
			r.name(imp, []byte(options.name))
			b.WriteString("[" + Quote(options.name) + "]")
		}
	} else {
		r.out.Imports[r.add(Dynamic, target, i)].All = true
		b.WriteString("() => $load$(" + Quote(target) + ")")
		if !whole {
			b.WriteString(".then((m) => m[" + Quote(options.name) + "])")
		}
	}
}

// globArguments reads the arguments between the tokens i and end. problem describes a mistake in them, "" means none.
func (r *reader) globArguments(i, end int) (patterns []string, options globOptions, problem string) {
	value, i, ok := r.literal(i)
	switch v := value.(type) {
	case string:
		patterns = []string{v}
	case []any:
		for _, e := range v {
			s, isString := e.(string)
			ok = ok && isString
			patterns = append(patterns, s)
		}
	default:
		ok = false
	}
	if !ok || len(patterns) == 0 {
		return nil, options, "the patterns must be a string literal or an array of string literals"
	}
	if r.is(i, js.CommaToken) {
		if value, i, ok = r.literal(i + 1); !ok {
			return nil, options, "the options must be literals"
		}
		object, isObject := value.(map[string]any)
		if !isObject {
			return nil, options, "the options must be an object"
		}
		if options, problem = readGlobOptions(object); problem != "" {
			return nil, options, problem
		}
	}
	if r.is(i, js.CommaToken) {
		i++
	}
	if i != end {
		return nil, options, "takes only patterns and options, as literals"
	}
	return patterns, options, ""
}

func readGlobOptions(object map[string]any) (o globOptions, problem string) {
	for key, value := range object {
		ok := true
		switch key {
		case "eager":
			o.eager, ok = value.(bool)
		case "import":
			o.name, ok = value.(string)
		case "base":
			o.base, ok = value.(string)
		case "as": // the old option for query and import
			as, isString := value.(string)
			ok = isString
			o.query, o.name = "?"+as, "default"
		case "query":
			o.query, ok = globQuery(value)
		case "exhaustive", "caseSensitive":
		default:
			return o, "unknown option " + Quote(key)
		}
		if !ok {
			return o, "the option " + Quote(key) + " has the wrong type"
		}
	}
	return o, ""
}

// globQuery reads the query option: a string or an object of parameters.
func globQuery(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		if v == "" || v[0] == '?' {
			return v, true
		}
		return "?" + v, true
	case map[string]any:
		var parts []string
		for key, value := range v {
			switch value := value.(type) {
			case string:
				parts = append(parts, key+"="+value)
			case bool:
				if value {
					parts = append(parts, key)
				}
			}
		}
		slices.Sort(parts)
		return "?" + strings.Join(parts, "&"), true
	}
	return "", false
}

// rebase puts a base directory before relative patterns.
func rebase(patterns []string, base string) []string {
	if base == "" {
		return patterns
	}
	based := make([]string, len(patterns))
	for i, p := range patterns {
		p, negative := strings.CutPrefix(p, "!")
		if !strings.HasPrefix(p, "/") {
			if p = path.Join(base, p); !strings.HasPrefix(p, "/") && !strings.HasPrefix(p, "../") {
				p = "./" + p
			}
		}
		if negative {
			p = "!" + p
		}
		based[i] = p
	}
	return based
}

// literal reads the literal at i: a string, true or false, an array or an object of these.
func (r *reader) literal(i int) (value any, next int, ok bool) {
	switch r.kind(i) {
	case js.StringToken, js.TemplateToken:
		return unquote(r.text(i)), i + 1, true
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
	object := map[string]any{}
	for !r.is(i, js.CloseBraceToken) {
		if !r.is(i, js.StringToken) && !js.IsIdentifierName(r.kind(i)) || !r.is(i+1, js.ColonToken) {
			return nil, i, false
		}
		element, after, ok := r.literal(i + 2)
		if !ok {
			return nil, i, false
		}
		object[unquote(r.text(i))], i = element, after
		if r.is(i, js.CommaToken) {
			i++
		} else if !r.is(i, js.CloseBraceToken) {
			return nil, i, false
		}
	}
	return object, i + 1, true
}

// globOffset finds the nth import.meta.glob in the source. esbuild keeps their order.
func globOffset(code string, n int) int {
	const name = "import.meta.glob"
	pos := 0
	for {
		i := strings.Index(code[pos:], name)
		if i < 0 {
			return pos
		}
		pos += i
		if n--; n == 0 {
			return pos
		}
		pos += len(name)
	}
}

// dynamicTemplate reads the template literal at i of an import(`./pages/${name}.tsx`). Each file that it may mean
// becomes an import. The code stays unchanged: the registry looks up the specifier at run time.
func (r *reader) dynamicTemplate(i int) {
	pattern, ok := r.templatePattern(i)
	if !ok || !strings.HasPrefix(pattern, "./") && !strings.HasPrefix(pattern, "../") && !strings.HasPrefix(pattern, "/") {
		return // a package or a URL, known only at run time
	}
	pattern, query, _ := strings.Cut(pattern, "?")
	if query != "" {
		query = "?" + query
	}
	r.out.Globs = append(r.out.Globs, Glob{Patterns: []string{pattern}})
	last := path.Base(pattern)
	anyExt := !strings.Contains(last[strings.LastIndexByte(last, '*')+1:], ".")
	for _, spec := range r.expand([]string{pattern}) {
		if anyExt { // `./pages/${name}`: the resolver adds the extension, as in any import
			spec = strings.TrimSuffix(spec, path.Ext(spec))
		}
		r.out.Imports[r.add(Dynamic, spec+query, i)].All = true
	}
}

// templatePattern turns a template literal into a pattern with a star for each expression in it.
func (r *reader) templatePattern(i int) (string, bool) {
	end := r.closing(i)
	if end < 0 || !r.is(end+1, js.CloseParenToken) && !r.is(end+1, js.CommaToken) {
		return "", false
	}
	var b strings.Builder
	depth := 0
	for ; i <= end; i++ {
		text := r.text(i)
		switch r.tokens[i].kind {
		case js.TemplateStartToken:
			if depth++; depth == 1 {
				b.WriteString(globEscape.Replace(unescape(text[1:len(text)-2])) + "*")
			}
		case js.TemplateMiddleToken:
			if depth == 1 {
				b.WriteString(globEscape.Replace(unescape(text[1:len(text)-2])) + "*")
			}
		case js.TemplateEndToken:
			if depth == 1 {
				b.WriteString(globEscape.Replace(unescape(text[1 : len(text)-1])))
			}
			depth--
		}
	}
	return b.String(), true
}

// globEscape escapes the special characters of a pattern, but not the question mark, which begins the query.
var globEscape = strings.NewReplacer("*", `\*`, "[", `\[`, "]", `\]`, "{", `\{`, "}", `\}`)
