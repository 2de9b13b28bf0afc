package sourcemap

import (
	"iter"
	"strings"
)

// Segment is one mapping: the code from Column on comes from a place in a source. Source and Name are -1 when there is
// none.
type Segment struct {
	Column, Source, OriginalLine, OriginalColumn, Name int
}

// All returns the segments of mappings with their lines, in order. It ends at a segment that cannot be read.
func All(mappings string) iter.Seq2[int, Segment] {
	return func(yield func(int, Segment) bool) {
		r := reader{text: mappings}
		for {
			s, ok := r.next()
			if !ok || !yield(r.line, s) {
				return
			}
		}
	}
}

// reader reads mappings. The fields of a segment are differences to the segment before.
type reader struct {
	text     string
	at, line int
	state    [5]int // column, source, original line, original column, name
}

// next returns the next segment. It is not ok at the end of the text, or before a segment that cannot be read.
func (r *reader) next() (s Segment, ok bool) {
	for r.at < len(r.text) && (r.text[r.at] == ';' || r.text[r.at] == ',') {
		if r.text[r.at] == ';' {
			r.line++
			r.state[0] = 0
		}
		r.at++
	}
	if r.at == len(r.text) {
		return s, false
	}
	fields, value, shift, at := 0, 0, 0, r.at
	for ; at < len(r.text) && r.text[at] != ',' && r.text[at] != ';'; at++ {
		digit := strings.IndexByte(digits, r.text[at])
		if digit < 0 || fields == len(r.state) || shift > 30 {
			return s, false
		}
		value |= (digit & 31) << shift
		if digit&32 != 0 {
			shift += 5
			continue
		}
		if value&1 != 0 {
			value = -(value >> 1)
		} else {
			value >>= 1
		}
		r.state[fields] += value
		fields++
		value, shift = 0, 0
	}
	if shift != 0 || fields != 1 && fields != 4 && fields != 5 {
		return s, false
	}
	r.at = at
	s = Segment{Column: r.state[0], Source: -1, Name: -1}
	if fields >= 4 {
		s.Source, s.OriginalLine, s.OriginalColumn = r.state[1], r.state[2], r.state[3]
	}
	if fields == 5 {
		s.Name = r.state[4]
	}
	return s, true
}

// Writer writes mappings. The zero value is empty.
type Writer struct {
	b     strings.Builder
	line  int
	begun bool   // the line has a segment
	state [5]int // as in reader
}

// Add adds a segment in a line, which is not before the line of the segment added last.
func (w *Writer) Add(line int, s Segment) {
	w.To(line)
	if w.begun {
		w.b.WriteByte(',')
	}
	w.begun = true
	values := [5]int{s.Column, s.Source, s.OriginalLine, s.OriginalColumn, s.Name}
	fields := 1
	if s.Source >= 0 {
		fields = 4
	}
	if s.Source >= 0 && s.Name >= 0 {
		fields = 5
	}
	for i, v := range values[:fields] {
		w.number(v - w.state[i])
		w.state[i] = v
	}
}

// To goes on to a line. The lines before may have no segments.
func (w *Writer) To(line int) {
	for ; w.line < line; w.line++ {
		w.b.WriteByte(';')
		w.state[0], w.begun = 0, false
	}
}

// String returns the mappings.
func (w *Writer) String() string { return w.b.String() }

func (w *Writer) number(n int) {
	v := n << 1
	if n < 0 {
		v = -n<<1 | 1
	}
	for {
		digit := v & 31
		if v >>= 5; v != 0 {
			digit |= 32
		}
		w.b.WriteByte(digits[digit])
		if v == 0 {
			return
		}
	}
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
