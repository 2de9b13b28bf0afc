package guides

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"

	"github.com/seed-b8174343/devserver/internal/terminal"
)

// Text returns Markdown as text for a terminal: lines of at most width characters, aligned tables, links by their text,
// and the descriptions of pictures.
func Text(markdown string, width int, paint terminal.Paint) string {
	source := []byte(markdown)
	t := &textWriter{source: source, paint: paint}
	t.blocks(parse(source), max(width, 30))
	return strings.TrimRight(strings.Join(t.lines, "\n"), "\n ") + "\n"
}

// textWriter writes blocks as lines.
type textWriter struct {
	source []byte
	paint  terminal.Paint
	lines  []string
}

// style is how a part of a line is painted.
type style int

const (
	normal style = iota
	bold
	code
	dim
)

// fragment is a part of a word, all in one style.
type fragment struct {
	text  string
	style style
}

// word is what no line break divides.
type word []fragment

func (w word) width() (n int) {
	for _, f := range w {
		n += utf8.RuneCountInString(f.text)
	}
	return n
}

func (t *textWriter) add(lines ...string) { t.lines = append(t.lines, lines...) }

// gap adds an empty line, unless the last line is empty.
func (t *textWriter) gap() {
	if len(t.lines) > 0 && strings.TrimSpace(t.lines[len(t.lines)-1]) != "" {
		t.add("")
	}
}

// blocks writes the blocks inside of a node.
func (t *textWriter) blocks(parent ast.Node, width int) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		t.block(n, width)
	}
}

func (t *textWriter) block(n ast.Node, width int) {
	switch n := n.(type) {
	case *ast.Heading:
		t.gap()
		t.add(t.wrap(t.words(n, bold), width)...)
		if n.Level == 1 {
			t.add(t.paint.Bold(strings.Repeat("═", min(width, utf8.RuneCountInString(plain(n, t.source))))))
		}
		t.gap()
	case *ast.Paragraph:
		t.add(t.wrap(t.words(n, normal), width)...)
		t.gap()
	case *ast.TextBlock:
		t.add(t.wrap(t.words(n, normal), width)...)
	case *ast.FencedCodeBlock:
		if file := fileOf(n, t.source); file != "" {
			t.add(t.paint.Dim(file + ":"))
		}
		t.code(n.Lines().Value(t.source))
	case *ast.CodeBlock:
		t.code(n.Lines().Value(t.source))
	case *ast.HTMLBlock:
		for _, about := range alts(n.Lines().Value(t.source)) {
			t.add(t.wrap(picture(about), width)...)
		}
		t.gap()
	case *ast.List:
		t.list(n, width)
	case *ast.Blockquote:
		t.inside(n, t.paint.Dim("│ "), t.paint.Dim("│ "), width-2)
		t.gap()
	case *ast.ThematicBreak:
		t.add(t.paint.Dim(strings.Repeat("─", width)), "")
	case *extast.Table:
		t.table(n, width)
		t.gap()
	default:
		t.blocks(n, width)
	}
}

// inside writes the blocks inside of a node, with a text before the first line and one before all others.
func (t *textWriter) inside(n ast.Node, first, others string, width int) {
	inner := &textWriter{source: t.source, paint: t.paint}
	inner.blocks(n, width)
	for i, line := range strings.Split(strings.TrimRight(strings.Join(inner.lines, "\n"), "\n "), "\n") {
		before := others
		if i == 0 {
			before = first
		}
		t.add(strings.TrimRight(before+line, " "))
	}
}

func (t *textWriter) list(n *ast.List, width int) {
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		mark := "• "
		if n.IsOrdered() {
			mark = fmt.Sprintf("%d. ", number)
			number++
		}
		size := utf8.RuneCountInString(mark)
		t.inside(item, mark, strings.Repeat(" ", size), width-size)
		if !n.IsTight {
			t.gap()
		}
	}
	if _, nested := n.Parent().(*ast.ListItem); !nested {
		t.gap()
	}
}

// code writes code as it is: a broken line would be wrong when it is copied.
func (t *textWriter) code(text []byte) {
	for line := range strings.Lines(string(text)) {
		t.add(strings.TrimRight("    "+t.paint.Cyan(strings.TrimRight(strings.ReplaceAll(line, "\t", "    "), "\n")), " "))
	}
	t.gap()
}

// picture returns the words that stand for a picture.
func picture(about string) (list []word) {
	for text := range strings.FieldsSeq("[picture: " + about + "]") {
		list = append(list, word{{text, dim}})
	}
	return list
}

// words returns the words of a block with text.
func (t *textWriter) words(block ast.Node, base style) []word {
	var list []word
	joined := false // the next text continues the last word
	add := func(text string, s style) {
		for i, part := range strings.Split(strings.ReplaceAll(text, "\n", " "), " ") {
			if i > 0 {
				joined = false
			}
			if part == "" {
				continue
			}
			if joined && len(list) > 0 {
				list[len(list)-1] = append(list[len(list)-1], fragment{part, s})
			} else {
				list = append(list, word{{part, s}})
			}
			joined = true
		}
	}
	var inline func(ast.Node, style)
	inline = func(parent ast.Node, s style) {
		for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
			switch n := n.(type) {
			case *ast.Text:
				add(string(valueOf(n, t.source)), s)
				if n.SoftLineBreak() || n.HardLineBreak() {
					joined = false
				}
			case *ast.String:
				add(string(n.Value), s)
			case *ast.CodeSpan:
				inline(n, code)
			case *ast.Emphasis:
				if n.Level > 1 {
					inline(n, bold)
				} else {
					inline(n, s)
				}
			case *ast.AutoLink:
				add(string(n.Label(t.source)), s)
			case *ast.Image:
				joined = false
				list = append(list, picture(plain(n, t.source))...)
			case *ast.RawHTML:
				for _, about := range alts(n.Segments.Value(t.source)) {
					list = append(list, picture(about)...)
				}
			default:
				inline(n, s)
			}
		}
	}
	inline(block, base)
	return list
}

// painted returns a word with the colours of the terminal.
func (t *textWriter) painted(w word) string {
	var b strings.Builder
	for _, f := range w {
		switch f.style {
		case bold:
			b.WriteString(t.paint.Bold(f.text))
		case code:
			b.WriteString(t.paint.Cyan(f.text))
		case dim:
			b.WriteString(t.paint.Dim(f.text))
		default:
			b.WriteString(f.text)
		}
	}
	return b.String()
}

// wrap returns words as lines. A word that is longer than a line has a line of its own.
func (t *textWriter) wrap(words []word, width int) (lines []string) {
	var b strings.Builder
	used := 0
	for _, w := range words {
		n := w.width()
		if used > 0 && used+1+n > width {
			lines = append(lines, b.String())
			b.Reset()
			used = 0
		}
		if used > 0 {
			b.WriteByte(' ')
			used++
		}
		b.WriteString(t.painted(w))
		used += n
	}
	if used > 0 {
		lines = append(lines, b.String())
	}
	return lines
}

// least is the smallest width of a column that is made narrower than its text.
const least = 12

// table writes a table with columns of equal width in all rows. Where the terminal is too narrow, long cells get more
// lines, and a rule parts the rows.
func (t *textWriter) table(n *extast.Table, width int) {
	rows := cells(n)
	var texts [][][]word
	var columns []int
	for i, row := range rows {
		base := normal
		if i == 0 {
			base = bold
		}
		var line [][]word
		for j, cell := range row {
			words := t.words(cell, base)
			size := max(len(words)-1, 0)
			for _, w := range words {
				size += w.width()
			}
			if j == len(columns) {
				columns = append(columns, 0)
			}
			columns[j] = max(columns[j], size)
			line = append(line, words)
		}
		texts = append(texts, line)
	}
	tight := shrink(columns, width-2*(len(columns)-1))
	for i, row := range texts {
		if i == 0 && !slices.ContainsFunc(row, func(words []word) bool { return len(words) > 0 }) {
			continue // some tables have no heads
		}
		t.row(row, columns, n.Alignments)
		if i == 0 || tight && i < len(texts)-1 {
			var rules []string
			for _, size := range columns {
				rules = append(rules, strings.Repeat("─", size))
			}
			t.add(t.paint.Dim(strings.Join(rules, "  ")))
		}
	}
}

// shrink makes the widest columns narrower until all of them fit. It reports whether it had to.
func shrink(columns []int, width int) (shrunk bool) {
	sum := 0
	for _, size := range columns {
		sum += size
	}
	for ; sum > width; sum-- {
		widest := 0
		for i, size := range columns {
			if size > columns[widest] {
				widest = i
			}
		}
		if columns[widest] <= least {
			return true
		}
		columns[widest]--
		shrunk = true
	}
	return shrunk
}

// row writes the cells of a row side by side.
func (t *textWriter) row(row [][]word, columns []int, alignments []extast.Alignment) {
	height := 1
	var parts [][]string
	var widths [][]int
	for i, words := range row {
		plain := &textWriter{source: t.source} // without colours, to measure
		lines := t.wrap(words, columns[i])
		var sizes []int
		for _, line := range plain.wrap(words, columns[i]) {
			sizes = append(sizes, utf8.RuneCountInString(line))
		}
		parts, widths = append(parts, lines), append(widths, sizes)
		height = max(height, len(lines))
	}
	for k := range height {
		var b strings.Builder
		for i := range row {
			text, size := "", 0
			if k < len(parts[i]) {
				text, size = parts[i][k], widths[i][k]
			}
			space := strings.Repeat(" ", max(columns[i]-size, 0))
			if i < len(alignments) && alignments[i] == extast.AlignRight {
				text = space + text
			} else {
				text += space
			}
			b.WriteString(text)
			b.WriteString("  ")
		}
		t.add(strings.TrimRight(b.String(), " "))
	}
}
