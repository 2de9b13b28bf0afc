package transform

import (
	"reflect"
	"testing"
)

func TestOutputRoundTrip(t *testing.T) {
	for name, out := range map[string]Output{
		"empty": {},
		"script": {
			Code: "a\nb\n", Exports: []string{},
			Imports: []Import{
				{Specifier: "./x", Names: []string{"a", "b"}, Line: 3, Column: 300},
				{Specifier: "y", Kind: Dynamic, All: true},
			},
		},
		"barrel": {
			Code: "é", Exports: []string{"a", "c"}, Stars: []string{"./s"}, LazyStars: []string{"./t"},
			Imports: []Import{
				{Specifier: "./z", Lazy: map[string]string{"a": "b", "c": "*"}},
				{Specifier: "./e", Lazy: map[string]string{}},
			},
		},
		"rare": {
			Code: "x", Async: true, AcceptsExports: true, Refreshes: true, Script: true,
			Globs: []Globbed{{Watch: []string{"/a/*.ts"}}}, Warnings: []Error{{Text: "w", Line: 2}},
		},
	} {
		data, err := out.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var back Output
		if err := back.UnmarshalBinary(data); err != nil || !reflect.DeepEqual(out, back) {
			t.Errorf("%s: %v\n%+v\n%+v", name, err, out, back)
		}
		for n := range data { // a part of the data is an error, never another output
			if err := new(Output).UnmarshalBinary(data[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes were accepted", name, n, len(data))
			}
		}
	}
}

func FuzzOutputBinary(f *testing.F) {
	data, _ := (&Output{Code: "x", Imports: []Import{{Specifier: "./z", Lazy: map[string]string{"a": "b"}}}, Exports: []string{"a"}}).MarshalBinary()
	f.Add(data)
	f.Add([]byte{0, 0, 0xff, 0xff, 0xff, 0xff, 0x07})
	f.Fuzz(func(_ *testing.T, data []byte) {
		_ = new(Output).UnmarshalBinary(data) // must not panic, nor allocate more than the data describes
	})
}
