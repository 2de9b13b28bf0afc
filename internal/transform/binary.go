package transform

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

// MarshalBinary encodes the output for a cache. A start reads thousands of outputs; with JSON that would be its longest
// part.
func (o *Output) MarshalBinary() ([]byte, error) {
	w := make(binaryWriter, 0, len(o.Code)+256)
	w.text(o.Code)
	w.flags(o.Async, o.AcceptsExports, o.Refreshes, o.Script)
	w.count(len(o.Imports))
	for _, imp := range o.Imports {
		w.text(imp.Specifier)
		w.flags(imp.All, imp.Lazy != nil)
		w.count(int(imp.Kind), imp.Line, imp.Column)
		w.texts(imp.Names)
		w.count(len(imp.Lazy))
		for _, name := range slices.Sorted(maps.Keys(imp.Lazy)) {
			w.text(name)
			w.text(imp.Lazy[name])
		}
	}
	w.texts(o.Exports)
	w.texts(o.Stars)
	w.texts(o.LazyStars)
	rest, err := json.Marshal(rareParts{o.Globs, o.Warnings})
	if err != nil {
		return nil, err
	}
	w.text(string(rest))
	return w, nil
}

// rareParts are the parts that most modules do not have.
type rareParts struct {
	Globs    []Globbed `json:",omitempty"`
	Warnings []Error   `json:",omitempty"`
}

var errTruncated = errors.New("decode compiled module: the data is truncated")

// UnmarshalBinary decodes the data of MarshalBinary. The output keeps no part of data.
func (o *Output) UnmarshalBinary(data []byte) error {
	r := &binaryReader{data: string(data)}
	*o = Output{Code: r.text()}
	o.Async, o.AcceptsExports, o.Refreshes, o.Script = r.flags()
	if n := r.count(); n > 0 && n <= len(r.data) {
		o.Imports = make([]Import, n)
	}
	for i := range o.Imports {
		imp := &o.Imports[i]
		imp.Specifier = r.text()
		lazy := false
		imp.All, lazy, _, _ = r.flags()
		imp.Kind, imp.Line, imp.Column = ImportKind(r.count()), r.count(), r.count()
		imp.Names = r.texts()
		n := r.count()
		if lazy {
			imp.Lazy = map[string]string{}
		} else if n > 0 {
			return errTruncated
		}
		for range min(n, len(r.data)) {
			name := r.text()
			imp.Lazy[name] = r.text()
		}
	}
	o.Exports, o.Stars, o.LazyStars = r.texts(), r.texts(), r.texts()
	rest := r.text()
	if r.failed {
		return errTruncated
	}
	var rare rareParts
	if err := json.Unmarshal([]byte(rest), &rare); err != nil {
		return err
	}
	o.Globs, o.Warnings = rare.Globs, rare.Warnings
	return nil
}

type binaryWriter []byte

func (w *binaryWriter) count(numbers ...int) {
	for _, n := range numbers {
		*w = binary.AppendUvarint(*w, uint64(n))
	}
}

func (w *binaryWriter) text(s string) {
	w.count(len(s))
	*w = append(*w, s...)
}

// texts writes nil and an empty list differently: unknown exports are not the same as no exports.
func (w *binaryWriter) texts(list []string) {
	if list == nil {
		w.count(0)
		return
	}
	w.count(len(list) + 1)
	for _, s := range list {
		w.text(s)
	}
}

func (w *binaryWriter) flags(set ...bool) {
	bits := 0
	for i, b := range set {
		if b {
			bits |= 1 << i
		}
	}
	w.count(bits)
}

type binaryReader struct {
	data   string
	failed bool
}

func (r *binaryReader) count() int {
	n := uint64(0)
	for i := 0; i < len(r.data) && i < binary.MaxVarintLen64; i++ {
		b := r.data[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.data = r.data[i+1:]
			if n > 1<<31 {
				break
			}
			return int(n)
		}
	}
	r.failed, r.data = true, ""
	return 0
}

func (r *binaryReader) text() string {
	n := r.count()
	if n > len(r.data) {
		r.failed, r.data = true, ""
		return ""
	}
	s := r.data[:n]
	r.data = r.data[n:]
	return s
}

func (r *binaryReader) texts() []string {
	n := r.count()
	if n == 0 || n > len(r.data)+1 {
		r.failed = r.failed || n > 0
		return nil
	}
	list := make([]string, n-1)
	for i := range list {
		list[i] = r.text()
	}
	return list
}

func (r *binaryReader) flags() (a, b, c, d bool) {
	bits := r.count()
	return bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0
}
