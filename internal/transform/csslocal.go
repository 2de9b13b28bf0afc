package transform

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/tdewolff/parse/v2/css"
)

// localizer makes the names of one stylesheet local, by the rules of postcss-modules: classes, IDs, and the names of
// @keyframes. Names of containers, counters, layers and grid lines stay.
type localizer struct {
	text   string
	tokens []cssToken
	edits  cssEdits
	global bool // names without a mark are global

	// scoped returns the page's name for a local name, which the stylesheet writes as raw.
	scoped func(name, raw string) string
	// composes adds the names of a `composes` to the rule's classes. value begins at the byte at.
	composes func(r *cssRule, value string, at int) error
	// globalName gets each class or ID that stays global.
	globalName func(name string)
	// values are what the names of @value mean. A name that another file gives means a symbol, and symbols the value
	// that the file has for the name.
	values, symbols map[string]string
	err             *cssFault
}

// cssFault is a mistake at a byte of a text.
type cssFault struct {
	at         int
	text, hint string
	cause      error // may be nil
}

// cssContext is what a block inherits.
type cssContext struct {
	global bool // names without a mark are global
	// keyframes means that the block's rules are steps of an animation.
	keyframes bool
	// rule is the rule that the declarations belong to. Nil at the top level.
	rule *cssRule
	// within means that the declarations are not directly in the rule.
	within bool
}

// cssRule is a selector as the localizer has read it.
type cssRule struct {
	selector string // with the page's names
	written  string // as the author wrote it
	// classes are the local classes that the selector consists of. other means that it has something else, too.
	classes []string
	other   bool
	global  bool // the names in the declarations are global
	nested  bool
	// composes are the files that the rule takes names from.
	composes []string
}

func (l *localizer) fail(at int, hint, format string, args ...any) {
	if l.err == nil {
		l.err = &cssFault{at: at, text: fmt.Sprintf(format, args...), hint: hint}
	}
}

func (l *localizer) run() (string, *cssFault) {
	l.tokens = cssTokens(l.text)
	for i := 0; i < len(l.tokens); { // a brace too many ends no block
		i = l.block(i, cssContext{global: l.global})
	}
	return l.edits.apply(l.text), l.err
}

func (l *localizer) of(t cssToken) string { return l.text[t.start:t.end] }

// slice returns the text of the tokens from i to before end, without blanks at its ends, and where it begins.
func (l *localizer) slice(i, end int) (text string, start, stop int) {
	for i < end && l.tokens[i].blank() {
		i++
	}
	for i < end && l.tokens[end-1].blank() {
		end--
	}
	if i == end {
		return "", 0, 0
	}
	start, stop = l.tokens[i].start, l.tokens[end-1].end
	return l.text[start:stop], start, stop
}

// block handles the statements from the token i on. It returns the index behind the brace that ends the block.
func (l *localizer) block(i int, c cssContext) int {
	for i < len(l.tokens) {
		t := l.tokens[i]
		if t.kind == css.RightBraceToken {
			return i + 1
		}
		if t.blank() || t.kind == css.SemicolonToken || t.kind == css.CDOToken || t.kind == css.CDCToken {
			i++
			continue
		}
		end := cssStatementEnd(l.tokens, i)
		opens := end < len(l.tokens) && l.tokens[end].kind == css.LeftBraceToken
		switch {
		case t.kind == css.AtKeywordToken:
			i = l.atRule(i, end, opens, c)
		case opens && !l.isCustomProperty(i):
			i = l.rule(i, end, c)
		case opens: // the value of a custom property may have braces
			i, _ = l.skip(end)
		default:
			l.declaration(i, end, c)
			i = end
		}
	}
	return i
}

func (l *localizer) isCustomProperty(i int) bool {
	if l.tokens[i].kind != css.CustomPropertyNameToken {
		return false
	}
	for i++; i < len(l.tokens) && l.tokens[i].blank(); i++ {
	}
	return i < len(l.tokens) && l.tokens[i].kind == css.ColonToken
}

// skip returns the index behind the block that the token i opens, and whether the block is closed.
func (l *localizer) skip(i int) (after int, closed bool) {
	for depth := 0; i < len(l.tokens); i++ {
		switch l.tokens[i].kind {
		case css.LeftBraceToken:
			depth++
		case css.RightBraceToken:
			if depth--; depth == 0 {
				return i + 1, true
			}
		}
	}
	return i, false
}

var (
	keyframesRule = regexp.MustCompile(`(?i)keyframes$`)
	scopeRule     = regexp.MustCompile(`(?i)^@scope$`)
	animationName = regexp.MustCompile(`(?i)animation(-name)?$`)
	composesName  = regexp.MustCompile(`(?i)^(composes|compose-with)$`)
	markedName    = regexp.MustCompile(`^:(local|global)\(\s*(.*?)\s*\)$`)
)

func (l *localizer) atRule(i, end int, opens bool, c cssContext) int {
	name := l.of(l.tokens[i])
	params, start, stop := l.slice(i+1, end)
	now := replaceNames(params, l.values)
	switch {
	case keyframesRule.MatchString(name):
		c.keyframes = true
		now = l.keyframes(now, &c.global)
	case scopeRule.MatchString(name):
		now = l.scope(now, start, c.global)
	}
	if now = replaceNames(now, l.symbols); now != params {
		l.edits.add(l.text, start, stop, now)
	}
	if !opens {
		return end
	}
	c.within = true
	return l.block(end+1, c)
}

// keyframes returns the page's name for the name of a @keyframes.
func (l *localizer) keyframes(params string, global *bool) string {
	if m := markedName.FindStringSubmatch(params); m != nil {
		*global, params = m[1] == "global", m[2]
	}
	if params == "" || *global || l.symbol(params) {
		return params
	}
	return l.localName(params)
}

// localName returns the page's name, as CSS, for an identifier or a string.
func (l *localizer) localName(raw string) string {
	raw = unquotedPath(raw)
	return escapeName(l.scoped(unescapeName(raw), raw))
}

// symbol reports whether another file gives what the name means.
func (l *localizer) symbol(name string) bool { _, ok := l.symbols[name]; return ok }

// scope handles the selectors of a @scope: `(.a) to (.b)`.
func (l *localizer) scope(params string, at int, global bool) string {
	tokens := cssTokens(params)
	var edits cssEdits
	for i := 0; i < len(tokens); i++ {
		if tokens[i].kind != css.LeftParenthesisToken {
			continue
		}
		end := closing(tokens, i, len(tokens))
		from, to := tokens[i].end, len(params)
		if end < len(tokens) {
			to = tokens[end].start
		}
		r := l.selector(params[from:to], at+from, global)
		edits.add(params, from, to, r.selector)
		i = end
	}
	return edits.apply(params)
}

func (l *localizer) rule(i, end int, c cssContext) int {
	text, start, stop := l.slice(i, end)
	if c.keyframes {
		return l.block(end+1, c)
	}
	r := l.selector(replaceNames(text, l.values), start, c.global)
	r.written, r.nested = text, c.rule != nil
	if r.selector == "" { // `:global { … }`: the rules inside take its place
		after, closed := l.skip(end)
		l.edits.add(l.text, l.tokens[i].start, l.tokens[end].end, "")
		inner := c
		inner.global = r.global
		if c.rule != nil {
			outer := *c.rule
			outer.global, inner.rule = r.global, &outer
		}
		l.block(end+1, inner)
		if last := l.tokens[after-1]; closed {
			l.edits.add(l.text, last.start, last.end, "")
		}
		return after
	}
	if now := replaceSelectorNames(r.selector, l.symbols); now != text {
		l.edits.add(l.text, start, stop, now)
	}
	return l.block(end+1, cssContext{global: c.global, rule: r})
}

// replaceSelectorNames puts what symbols mean into a selector. A class may mean several classes.
func replaceSelectorNames(selector string, symbols map[string]string) string {
	if len(symbols) == 0 {
		return selector
	}
	var edits cssEdits
	tokens := cssTokens(selector)
	for i, t := range tokens {
		start := t.start
		if t.kind == css.HashToken {
			start++
		}
		value, ok := symbols[selector[start:t.end]]
		if !ok {
			continue
		}
		if t.kind == css.HashToken {
			value = escapeName(value)
		} else if i > 0 && tokens[i-1].is(selector, '.') {
			var classes []string
			for name := range strings.FieldsSeq(value) {
				classes = append(classes, escapeName(name))
			}
			value = strings.Join(classes, ".")
		}
		edits.add(selector, start, t.end, value)
	}
	return edits.apply(selector)
}

// selector makes the names of a list of selectors local. at is where the text begins.
func (l *localizer) selector(text string, at int, global bool) *cssRule {
	s := &selectorReader{l: l, text: text, at: at, tokens: cssTokens(text), rule: &cssRule{global: true}}
	s.list(0, len(s.tokens), selectorState{global: global}, true)
	s.rule.selector = strings.TrimSpace(s.out.String())
	if strings.HasSuffix(s.rule.selector, `\`) { // the space was a part of the name
		s.rule.selector += " "
	}
	return s.rule
}

// selectorReader reads one list of selectors.
type selectorReader struct {
	l      *localizer
	text   string
	at     int
	tokens []cssToken
	out    strings.Builder
	rule   *cssRule
}

type selectorState struct {
	global   bool
	explicit bool   // :local or :global said so
	inside   string // ":local" or ":global" while in its parentheses
	frozen   bool   // names stay as they are
}

// list handles a comma-separated list. outer means that the list is the rule's.
func (s *selectorReader) list(i, end int, state selectorState, outer bool) {
	for i <= end {
		stop := i
		for depth := 0; stop < end && (depth > 0 || s.tokens[stop].kind != css.CommaToken); stop++ {
			depth += s.tokens[stop].nesting()
		}
		one := state
		has := s.one(i, stop, &one)
		if outer {
			s.rule.global = s.rule.global && one.global
			s.rule.classes = append(s.rule.classes, has.classes...)
			s.rule.other = s.rule.other || has.other || len(has.classes) != 1
		}
		if stop < end {
			s.out.WriteByte(',')
		}
		i = stop + 1
	}
}

// part is what one selector has: its local classes, and whether there is something else.
type part struct {
	classes []string
	other   bool
}

func (p *part) add(more part) {
	p.classes, p.other = append(p.classes, more.classes...), p.other || more.other
}

// one handles one selector. A `:global` or `:local` without parentheses changes the state for what follows.
func (s *selectorReader) one(i, end int, state *selectorState) (all part) {
	spaced := true // nothing, or a space, is before the token
	for i < end {
		t := s.tokens[i]
		next := cssToken{}
		if i+1 < end {
			next = s.tokens[i+1]
		}
		switch {
		case t.blank():
			s.out.WriteString(s.raw(i))
			spaced = spaced || t.kind == css.WhitespaceToken
			i++
			continue
		case t.kind == css.ColonToken && s.mark(next) != "":
			close := i + 1
			if next.kind == css.FunctionToken {
				close = closing(s.tokens, i+1, end)
			}
			if close > i+2 {
				all.add(s.marked(i, i+2, close, s.mark(next), *state))
				i = close
				break
			}
			i = s.switches(i, close, end, spaced, state)
			continue
		case t.kind == css.ColonToken && next.kind == css.FunctionToken:
			i = s.function(i, end, *state)
			all.other = true
		case t.kind == css.LeftBracketToken:
			i = s.attribute(i, end)
			all.other = true
		case t.is(s.text, '.') && next.ident():
			i++
			if name, local := s.name(".", s.raw(i), *state); local {
				all.classes = append(all.classes, name)
			} else {
				all.other = true
			}
		case t.kind == css.HashToken:
			s.name("#", s.raw(i)[1:], *state)
			all.other = true
		default:
			s.out.WriteString(s.raw(i))
			all.other = true
			spaced = t.is(s.text, '>') || t.is(s.text, '+') || t.is(s.text, '~')
			i++
			continue
		}
		spaced = false
		i++
	}
	return all
}

// raw returns the text of a token.
func (s *selectorReader) raw(i int) string { return s.text[s.tokens[i].start:s.tokens[i].end] }

// switches handles a `:global` or `:local` without parentheses, whose last token is close. It returns the next token.
func (s *selectorReader) switches(i, close, end int, spaced bool, state *selectorState) int {
	mark := s.mark(s.tokens[i+1])
	if state.inside != "" {
		s.l.fail(s.at+s.tokens[i].start, "", "%s is not allowed inside of %s()", mark, state.inside)
	}
	state.global, state.explicit = mark == ":global", true
	for i = close + 1; spaced && i < end && s.tokens[i].kind == css.WhitespaceToken; i++ {
	}
	return i
}

// function handles `:not(…)` and others with selectors. It returns the last token.
func (s *selectorReader) function(i, end int, inner selectorState) (last int) {
	last = closing(s.tokens, i+1, end)
	name := s.raw(i + 1)
	// The names of view-transition-class stay, too.
	inner.frozen = inner.frozen || strings.HasPrefix(strings.ToLower(name), "view-transition-")
	s.out.WriteString(":" + name)
	s.list(i+2, last, inner, false)
	if last < end {
		s.out.WriteByte(')')
	}
	return last
}

// attribute copies `[…]`. It returns the last token.
func (s *selectorReader) attribute(i, end int) (last int) {
	last = closing(s.tokens, i, end)
	for ; i < last; i++ {
		s.out.WriteString(s.raw(i))
	}
	if i < end {
		s.out.WriteByte(']')
	}
	return last
}

// mark returns ":local" or ":global" when the token behind a colon is this word, with or without a parenthesis; "" for
// others.
func (s *selectorReader) mark(t cssToken) string {
	switch strings.TrimSuffix(s.text[t.start:t.end], "(") {
	case "local":
		return ":local"
	case "global":
		return ":global"
	}
	return ""
}

// marked handles `:local(…)` and `:global(…)`, whose selectors take its place.
func (s *selectorReader) marked(at, i, end int, mark string, state selectorState) part {
	for i < end && s.tokens[i].blank() {
		i++
	}
	for i < end && s.tokens[end-1].blank() {
		end--
	}
	at = s.at + s.tokens[at].start
	switch {
	case state.inside != "":
		s.l.fail(at, "", "%s() is not allowed inside of %s()", mark, state.inside)
	case i >= end:
		s.l.fail(at, "", "%s() can't be empty", mark)
	}
	inner := selectorState{global: mark == ":global", explicit: true, inside: mark, frozen: state.frozen}
	depth, several := 0, false
	for _, t := range s.tokens[i:end] {
		several = several || depth == 0 && t.kind == css.CommaToken
		depth += t.nesting()
	}
	if !several {
		return s.one(i, end, &inner)
	}
	s.out.WriteString(":is(")
	s.list(i, end, inner, false)
	s.out.WriteString(")")
	return part{other: true}
}

// name writes a class or an ID. It reports whether the name is local.
func (s *selectorReader) name(sign, raw string, state selectorState) (name string, local bool) {
	name = unescapeName(raw)
	s.out.WriteString(sign)
	switch {
	case state.frozen, state.global, s.l.symbol(raw) && !state.explicit:
		s.out.WriteString(raw)
		if state.global {
			s.l.globalName(name)
		}
		return name, false
	}
	s.out.WriteString(escapeName(s.l.scoped(name, raw)))
	return name, true
}

func (l *localizer) declaration(i, end int, c cssContext) {
	first := i
	for i < end && l.tokens[i].kind != css.ColonToken {
		i++
	}
	if i == end {
		return
	}
	property, _, _ := l.slice(first, i)
	value, start, stop := l.slice(i+1, end)
	now := replaceNames(value, l.values)
	switch {
	case composesName.MatchString(property):
		l.compose(property, now, l.tokens[first].start, start, c)
		if end < len(l.tokens) && l.tokens[end].kind == css.SemicolonToken {
			end++
		}
		l.edits.add(l.text, l.tokens[first].start, l.tokens[end-1].end, "")
		return
	case animationName.MatchString(property):
		global := c.global
		if c.rule != nil && !c.keyframes {
			global = c.rule.global
		}
		now = l.animation(now, global)
	}
	if now = replaceNames(now, l.symbols); now != value {
		l.edits.add(l.text, start, stop, now)
	}
}

func (l *localizer) compose(property, value string, at, valueAt int, c cssContext) {
	const hint = "composes belongs into a rule whose selector is one class, such as .button"
	switch {
	case c.rule == nil || c.keyframes:
		l.fail(at, hint, "%s is not in a rule", property)
	case c.rule.nested || c.within:
		l.fail(at, hint, "%s is not allowed in a nested rule", property)
	case c.rule.other || len(c.rule.classes) == 0:
		l.fail(at, hint, "%s is not allowed in the rule %q", property, c.rule.written)
	default:
		if err := l.composes(c.rule, value, valueAt); err != nil && l.err == nil {
			l.err = &cssFault{at: valueAt, text: err.Error(), cause: err}
		}
	}
}

// animationWords are the words of the shorthand that are no names where they first appear, with how often they may.
// -1 stands for words that are never a name.
var animationWords = map[string]int{
	"normal": 1, "reverse": 1, "alternate": 1, "alternate-reverse": 1, "forwards": 1, "backwards": 1, "both": 1,
	"infinite": 1, "paused": 1, "running": 1, "ease": 1, "ease-in": 1, "ease-out": 1, "ease-in-out": 1, "linear": 1,
	"step-end": 1, "step-start": 1, "auto": 1,
	"none": -1, "initial": -1, "inherit": -1, "unset": -1, "revert": -1, "revert-layer": -1,
}

// animation makes the names in the value of animation or animation-name local.
func (l *localizer) animation(value string, global bool) string {
	tokens := cssTokens(value)
	seen := map[string]int{}
	var edits cssEdits
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		raw := value[t.start:t.end]
		switch {
		case t.kind == css.CommaToken, t.is(value, '/'):
			clear(seen)
		case t.is(value, '!'):
			return edits.apply(value)
		case t.nesting() > 0:
			end := closing(tokens, i, len(tokens))
			if mark := strings.ToLower(raw); end < len(tokens) && (mark == "local(" || mark == "global(") {
				from := t.start
				if i > 0 && tokens[i-1].kind == css.ColonToken {
					from--
				}
				name := strings.TrimSpace(value[t.end:tokens[end].start])
				if mark == "local(" && !l.symbol(name) {
					name = l.localName(name)
				}
				edits.add(value, from, tokens[end].end, name)
			}
			i = end
		case t.ident() || t.kind == css.StringToken:
			word := strings.ToLower(raw)
			limit, known := animationWords[word]
			if known && (limit < 0 || seen[word] < limit) {
				seen[word]++
				continue
			}
			if !global && !l.symbol(raw) {
				edits.add(value, t.start, t.end, l.localName(raw))
			}
		}
	}
	return edits.apply(value)
}
