package glob

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// segment matches one name of a path.
type segment struct {
	// plain is the name that the segment is written like, without its escapes; folded without its case, where the case
	// does not count.
	plain, folded string
	// nodes match other names, nil when there are none.
	nodes []node
	// folders means that the segment is **.
	folders bool
	o       Options
}

// node matches a part of a name.
type node struct {
	kind  kind
	text  string   // literal
	class *class   // one
	alts  [][]node // group
}

type kind uint8

const (
	literal kind = iota
	one          // a character; of the class, if there is one
	star
	group    // one of alts
	optional // none or one of alts
	anyTimes
	repeated // at least once
	except   // what none of alts is
	ahead    // nothing, where one of alts follows
	notAhead
)

// parse parses a pattern without braces and without slashes in its groups.
func parse(text string, o Options) []segment {
	var segments []segment
	for part := range strings.SplitSeq(text, "/") {
		if strings.Trim(part, "*") == "" && len(part) > 1 {
			if part == "**" {
				if n := len(segments); n == 0 || !segments[n-1].folders {
					segments = append(segments, segment{folders: true, o: o, nodes: []node{{kind: star}}})
				}
				continue
			}
			part = "*"
		}
		s := segment{plain: unescape(part), o: o}
		if !IsPlain(part) {
			nodes := parser{o: o}.nodes(part)
			if len(nodes) != 1 || nodes[0].kind != literal { // else all that is special is escaped
				s.nodes = nodes
			}
		}
		if s.folded = s.plain; o.FoldCase {
			s.folded = strings.ToLower(s.plain)
		}
		segments = append(segments, s)
	}
	return segments
}

func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

type parser struct{ o Options }

// nodes parses a part of a segment.
func (p parser) nodes(text string) []node {
	var list []node
	add := func(s string) {
		if p.o.FoldCase {
			s = strings.ToLower(s)
		}
		if n := len(list); n > 0 && list[n-1].kind == literal {
			list[n-1].text += s
		} else {
			list = append(list, node{kind: literal, text: s})
		}
	}
	for i := 0; i < len(text); i++ {
		if isSign(text[i]) && strings.HasPrefix(text[i+1:], "(") {
			if end := closing(text, i+1); end > 0 {
				list = append(list, p.extended(text[i], text[i+1:end+1]))
				i = end
				continue
			}
		}
		switch c := text[i]; c {
		case '\\':
			if i+1 < len(text) {
				i++
			}
			add(text[i : i+1])
		case '?':
			list = append(list, node{kind: one})
		case '*':
			if n := len(list); n == 0 || list[n-1].kind != star {
				list = append(list, node{kind: star})
			}
		case '[':
			end := classEnd(text, i)
			if end < 0 {
				add("[")
				continue
			}
			list = append(list, p.bracket(text[i:end+1]))
			i = end
		case '(':
			end := closing(text, i)
			if end < 0 {
				add("(")
				continue
			}
			g := p.group(text[i : end+1])
			if i = end; g.kind == group && i+1 < len(text) && (text[i+1] == '?' || text[i+1] == '+') {
				i++
				g.kind = signs[text[i]]
			}
			list = append(list, g)
		default:
			add(text[i : i+1])
		}
	}
	return list
}

// group parses "(a|b)", and the forms "(?:a)", "(?=a)" and "(?!a)" of regular expressions.
func (p parser) group(text string) node {
	inner, k := text[1:len(text)-1], group
	for prefix, as := range map[string]kind{"?:": group, "?=": ahead, "?!": notAhead} {
		if rest, ok := strings.CutPrefix(inner, prefix); ok {
			inner, k = rest, as
			break
		}
	}
	n := node{kind: k}
	for _, alt := range split(inner, '|') {
		n.alts = append(n.alts, p.nodes(alt))
	}
	return n
}

// signs are the kinds of groups by the sign beside them.
var signs = map[byte]kind{'@': group, '?': optional, '*': anyTimes, '+': repeated, '!': except}

func isSign(c byte) bool { return strings.IndexByte("@?*+!", c) >= 0 }

// extended parses a group with a sign before it. Its other reading is the sign by itself.
func (p parser) extended(sign byte, text string) node {
	g := p.group(text)
	plain := g
	g.kind = signs[sign]
	if sign == '!' {
		return g
	}
	first := node{kind: literal, text: string(sign)}
	switch sign {
	case '?':
		first = node{kind: one}
	case '*':
		first = node{kind: star}
	}
	return node{kind: group, alts: [][]node{{g}, {first, plain}}}
}

// bracket parses "[abc]". As in picomatch, plain characters between brackets also stand for themselves, brackets
// included.
func (p parser) bracket(text string) node {
	n := node{kind: one, class: newClass(text[1 : len(text)-1])}
	if strings.ContainsAny(text[1:len(text)-1], `-*+?.^${}(|)[]\!`) {
		return n
	}
	if p.o.FoldCase {
		text = strings.ToLower(text)
	}
	return node{kind: group, alts: [][]node{{n}, {{kind: literal, text: text}}}}
}

// match reports whether the segment matches a name.
func (s *segment) match(name string) bool {
	if s.o.FoldCase {
		name = strings.ToLower(name)
	}
	if !s.folders && name == s.folded {
		return true
	}
	if s.nodes == nil {
		return false
	}
	if last := &s.nodes[len(s.nodes)-1]; last.kind == literal && !strings.HasSuffix(name, last.text) {
		return false // most names differ there
	}
	from := make([]bool, len(name)+1)
	from[0] = true
	return s.run(s.nodes, name, from)[len(name)]
}

// run returns where in the name the nodes may end, when they begin at one of the places from.
func (s *segment) run(nodes []node, name string, from []bool) []bool {
	for i := range nodes {
		from = s.step(&nodes[i], name, from)
	}
	return from
}

func (s *segment) step(n *node, name string, from []bool) []bool {
	to := make([]bool, len(from))
	// A dot in front is matched only by a dot.
	hidden := !s.o.Dot && strings.HasPrefix(name, ".")
	switch n.kind {
	case literal:
		for at, is := range from {
			if is && strings.HasPrefix(name[at:], n.text) {
				to[at+len(n.text)] = true
			}
		}
	case one:
		for at, is := range from {
			if r, size := utf8.DecodeRuneInString(name[at:]); is && size > 0 && !(hidden && at == 0) && n.class.has(r, s.o.FoldCase) {
				to[at+size] = true
			}
		}
	case star:
		reached := false
		for at, is := range from {
			reached = reached || is && !(hidden && at == 0)
			to[at] = reached
		}
	case group:
		for _, alt := range n.alts {
			join(to, s.run(alt, name, from))
		}
	case optional:
		copy(to, from)
		for _, alt := range n.alts {
			join(to, s.run(alt, name, from))
		}
	case anyTimes, repeated:
		if n.kind == anyTimes {
			copy(to, from)
		}
		for next := from; ; {
			more := s.step(&node{kind: group, alts: n.alts}, name, next)
			if !join(to, more) {
				return to
			}
			next = more
		}
	case except:
		for at, is := range from {
			if !is || hidden && at == 0 {
				continue
			}
			not := s.step(&node{kind: group, alts: n.alts}, name, only(at, len(from)))
			for end := at; end < len(to); end++ {
				to[end] = to[end] || !not[end]
			}
		}
	case ahead, notAhead:
		for at, is := range from {
			if is {
				found := join(make([]bool, len(from)), s.step(&node{kind: group, alts: n.alts}, name, only(at, len(from))))
				to[at] = found == (n.kind == ahead)
			}
		}
	}
	return to
}

// only returns the places of which one is set.
func only(at, n int) []bool {
	places := make([]bool, n)
	places[at] = true
	return places
}

// join adds places, and reports whether that changes anything.
func join(to, more []bool) (changed bool) {
	for i, is := range more {
		if is && !to[i] {
			to[i], changed = true, true
		}
	}
	return changed
}

// class is what stands between brackets.
type class struct {
	negated bool
	ranges  [][2]rune
	named   []func(rune) bool
}

func newClass(text string) *class {
	c := &class{}
	if text[0] == '!' || text[0] == '^' {
		c.negated, text = true, text[1:]
	}
	next := func() rune {
		if text[0] == '\\' && len(text) > 1 {
			text = text[1:]
		}
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		return r
	}
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "[:"); ok {
			if name, rest, ok := strings.Cut(rest, ":]"); ok && posix[name] != nil {
				c.named, text = append(c.named, posix[name]), rest
				continue
			}
		}
		from := next()
		to := from
		if len(text) > 1 && text[0] == '-' {
			text = text[1:]
			to = next()
		}
		c.ranges = append(c.ranges, [2]rune{from, to})
	}
	return c
}

// posix are the classes with names. They know ASCII only, as in picomatch.
var posix = map[string]func(rune) bool{
	"alnum":  func(r rune) bool { return isLetter(r) || isDigit(r) },
	"alpha":  isLetter,
	"ascii":  func(r rune) bool { return r < 0x80 },
	"blank":  func(r rune) bool { return r == ' ' || r == '\t' },
	"cntrl":  func(r rune) bool { return r < 0x20 || r == 0x7f },
	"digit":  isDigit,
	"graph":  func(r rune) bool { return r > 0x20 && r < 0x7f },
	"lower":  func(r rune) bool { return r >= 'a' && r <= 'z' },
	"print":  func(r rune) bool { return r >= 0x20 && r < 0x7f },
	"punct":  func(r rune) bool { return r > 0x20 && r < 0x7f && !isLetter(r) && !isDigit(r) },
	"space":  func(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' },
	"upper":  func(r rune) bool { return r >= 'A' && r <= 'Z' },
	"word":   func(r rune) bool { return isLetter(r) || isDigit(r) || r == '_' },
	"xdigit": func(r rune) bool { return isDigit(r) || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F' },
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
func isDigit(r rune) bool  { return r >= '0' && r <= '9' }

// has reports whether the class has a character. A nil class has all.
func (c *class) has(r rune, foldCase bool) bool {
	if c == nil {
		return true
	}
	found := c.lists(r)
	if foldCase {
		found = found || c.lists(unicode.ToUpper(r)) || c.lists(unicode.ToLower(r))
	}
	return found != c.negated
}

func (c *class) lists(r rune) bool {
	for _, b := range c.ranges {
		if b[0] <= r && r <= b[1] {
			return true
		}
	}
	for _, has := range c.named {
		if has(r) {
			return true
		}
	}
	return false
}
