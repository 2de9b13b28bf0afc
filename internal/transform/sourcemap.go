package transform

import (
	"bytes"
	"encoding/json"
	"strings"
)

// SourceMap returns the source map of Compile's output for the same input. Its line 1 is line 1 of Output.Code. It
// compiles again, so that Compile makes no maps that nobody requests.
func SourceMap(in Input) ([]byte, []Error) {
	if in.Lang == LangJSON || in.Lang == LangText {
		return encodeMap(&in, "AAAA", nil), nil
	}
	p, errs := print(&in, true)
	if errs != nil {
		return nil, errs
	}
	if in.Dependency && sloppyOnly(&in, p) != "" {
		return encodeMap(&in, "", nil), nil // the string with the sloppy code has a map of its own
	}
	return printedMap(&in, p)
}

// printedMap returns the map of esbuild's printed code, without the dropped lines.
func printedMap(in *Input, p *printed) ([]byte, []Error) {
	var m struct {
		Sources  []string `json:"sources"`
		Mappings string   `json:"mappings"`
		Names    []string `json:"names"`
	}
	if err := json.Unmarshal(p.sourceMap, &m); err != nil {
		return nil, []Error{{ID: in.ID, File: in.File, Text: "source map: " + err.Error()}}
	}
	return encodeMap(in, dropLines(m.Mappings, p.dropped, ownSource(m.Sources), len(m.Sources)), m.Names), nil
}

// ownSource finds the module among the stubs that printAsync bundles with it.
func ownSource(sources []string) int {
	for i, s := range sources {
		if !strings.HasPrefix(s, stubNamespace+":") && !strings.HasPrefix(s, entryNamespace+":") {
			return i
		}
	}
	return 0
}

// encodeMap writes a map with the module as its only source. Debuggers show the source under the module's ID.
func encodeMap(in *Input, mappings string, names []string) []byte {
	name, _, _ := strings.Cut(in.ID, "?")
	content := in.Code
	if in.Written != "" {
		content = in.Written
	}
	m := struct {
		Version        int      `json:"version"`
		Sources        []string `json:"sources"`
		SourcesContent []string `json:"sourcesContent"`
		Names          []string `json:"names"`
		Mappings       string   `json:"mappings"`
		IgnoreList     []int    `json:"ignoreList,omitempty"`
	}{3, []string{name}, []string{content}, append([]string{}, names...), mappings, nil}
	if in.Dependency {
		m.IgnoreList = []int{0}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(m) // strings and numbers always encode
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// dropLines removes the dropped lines from mappings, and all sources other than own.
func dropLines(mappings string, dropped []lineRange, own, sources int) string {
	lines := strings.Split(mappings, ";")
	kept := lines[:0:0]
	empty := true
	pos := 0
	for _, d := range dropped {
		kept = append(kept, lines[min(pos, len(lines)):min(d.from, len(lines))]...)
		for _, line := range lines[min(d.from, len(lines)):min(d.to, len(lines))] {
			empty = empty && line == ""
		}
		pos = d.to
	}
	kept = append(kept, lines[min(pos, len(lines)):]...)
	if empty && sources == 1 {
		return strings.Join(kept, ";") // the kept lines do not depend on the dropped lines
	}
	return recode(lines, dropped, own)
}

// recode decodes mappings and encodes the kept segments again, since each segment holds its difference to the segment
// before.
func recode(lines []string, dropped []lineRange, own int) string {
	var b strings.Builder
	b.Grow(len(lines) * 16)
	var read, written [5]int // column, source, original line, original column, name
	for n, line := range lines {
		drop := false
		for _, d := range dropped {
			drop = drop || n >= d.from && n < d.to
		}
		read[0], written[0] = 0, 0
		first := true
		for segment := range strings.SplitSeq(line, ",") {
			fields := decodeSegment(segment, &read)
			if drop || fields < 4 || read[1] != own {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			now := read
			now[1] = 0 // own is the only source that is kept
			for i := range fields {
				encodeVLQ(&b, now[i]-written[i])
				written[i] = now[i]
			}
		}
		if !drop && n < len(lines)-1 {
			b.WriteByte(';')
		}
	}
	return b.String()
}

// decodeSegment adds a segment's differences to the state and returns how many fields it has.
func decodeSegment(segment string, state *[5]int) (fields int) {
	value, shift := 0, 0
	for i := 0; i < len(segment) && fields < len(state); i++ {
		digit := strings.IndexByte(base64Digits, segment[i])
		if digit < 0 {
			return 0
		}
		value |= (digit & 31) << shift
		if digit&32 != 0 {
			shift += 5
			continue
		}
		if value&1 != 0 {
			state[fields] -= value >> 1
		} else {
			state[fields] += value >> 1
		}
		fields++
		value, shift = 0, 0
	}
	return fields
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

func encodeVLQ(b *strings.Builder, n int) {
	v := n << 1
	if n < 0 {
		v = -n<<1 | 1
	}
	for {
		digit := v & 31
		if v >>= 5; v != 0 {
			digit |= 32
		}
		b.WriteByte(base64Digits[digit])
		if v == 0 {
			return
		}
	}
}

// Original returns the position in the source of a position in the code, by a map from SourceMap. Lines and columns
// count from 1. ok is false when the position has no source.
func Original(sourceMap []byte, line, column int) (originalLine, originalColumn int, ok bool) {
	var m struct {
		Mappings string `json:"mappings"`
	}
	if json.Unmarshal(sourceMap, &m) != nil {
		return 0, 0, false
	}
	var state [5]int
	n := 0
	for text := range strings.SplitSeq(m.Mappings, ";") {
		n++
		state[0] = 0
		for segment := range strings.SplitSeq(text, ",") {
			if decodeSegment(segment, &state) < 4 || n < line {
				continue
			}
			if ok && state[0] > column-1 {
				break
			}
			originalLine, originalColumn, ok = state[2]+1, state[3]+1, true
		}
		if n == line {
			break
		}
	}
	return originalLine, originalColumn, ok
}
