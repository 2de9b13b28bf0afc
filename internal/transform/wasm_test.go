package transform

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

func TestWasmImports(t *testing.T) {
	// A module with imports of all kinds: functions, a table of externref, a shared memory, globals of f64 and v128, a
	// memory of 64 bits, and a tag.
	all, err := base64.StdEncoding.DecodeString("AGFzbQEAAAABBQFgAX8AAlkHBi4vYS5qcwFmAAAGLi9iLmpzAXQBbwEBAgYuL2MuanMBbQIDAQIGLi9kLmpzAWcDfAEGLi9hLmpzAXYDewAG" +
		"Li9lLmpzA202NAIEAQYuL2UuanMBeAQAAA==")
	if err != nil {
		t.Fatal(err)
	}
	head := "\x00asm\x01\x00\x00\x00"
	section := func(imports ...string) string {
		body := string(rune(len(imports))) + strings.Join(imports, "")
		return head + "\x02" + string(rune(len(body))) + body
	}
	for _, test := range []struct {
		name, data, want, err string
	}{
		{"imports of all kinds", string(all), "./a.js ./b.js ./c.js ./d.js ./e.js", ""},
		{"no sections", head, "", ""},
		{"sections in front", head + "\x00\x02\x01n\x01\x01\x00\x02\x01\x00", "", ""},
		{"a module twice", section("\x01a\x01f\x00\x00", "\x01b\x01f\x00\x00", "\x01a\x01g\x00\x00"), "a b", ""},
		{"what browsers provide", section("\x0ewasm:js-string\x06length\x00\x00", "\x01b\x01f\x00\x00"), "b", ""},
		{"a reference to a type", section("\x01a\x01t\x01\x64\x05\x00\x01", "\x01b\x01g\x03\x63\x70\x00", "\x01c\x01f\x00\x00"), "a b c", ""},
		{"a memory with a page size", section("\x01a\x01m\x02\x08\x01\x00", "\x01b\x01f\x00\x00"), "a b", ""},
		{"empty", "", "", "is not WebAssembly"},
		{"text", "(module)", "", "is not WebAssembly"},
		{"a component", "\x00asm\x0d\x00\x01\x00", "", "is a WebAssembly component"},
		{"another version", "\x00asm\x02\x00\x00\x00", "", "of a version that browsers do not know"},
		{"a short version", "\x00asm\x01", "", "of a version that browsers do not know"},
		{"cut off in a section", head + "\x02\x09\x01\x01a", "", "ends too early"},
		{"cut off in an import", section("\x01a\x01"), "", "ends too early"},
		{"more imports than there are", head + "\x02\x06\x09\x01a\x01f\x00\x00", "", "ends too early"},
		{"an import of an unknown kind", section("\x01a\x01f\x09\x00"), "", "of an unknown kind"},
		{"a size without an end", head + "\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "", "ends too early"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := WasmImports([]byte(test.data))
			switch {
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("error %v, want %q", err, test.err)
			case test.err == "" && (err != nil || !slices.Equal(got, strings.Fields(test.want))):
				t.Errorf("imports %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func FuzzWasmImports(f *testing.F) {
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x02\x07\x01\x01a\x01f\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if modules, err := WasmImports(data); err == nil && len(modules) > len(data) {
			t.Errorf("%d imports in %d bytes", len(modules), len(data))
		}
	})
}

// TestSourcePhase lists the imports of code with source phase imports. Nothing before a specifier's end may move.
func TestSourcePhase(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, code, want string }{
		{"static", `import source x from "./a.wasm"; x;`, "static ./a.wasm?source-phase"},
		{"single quotes, no space", `import source x from'./a.wasm'; x;`, "static ./a.wasm?source-phase"},
		{"over lines", "import source x\n  from \"./a.wasm\"; x;", "static ./a.wasm?source-phase"},
		{"a binding named from", `import source from from "./a.wasm"; from;`, "static ./a.wasm?source-phase"},
		{"a default import named source", `import source from "./a.js"; source;`, "static ./a.js"},
		{"source among others", `import source, { b } from "./a.js"; source + b;`, "static ./a.js"},
		{"both phases", `import source x from "./a.wasm"; import { add } from "./a.wasm"; x + add;`, "static ./a.wasm?source-phase static ./a.wasm"},
		{"dynamic", `import.source("./a.wasm").then(use);`, "dynamic ./a.wasm?source-phase"},
		{"of a computed address", `import.source(name).then(use);`, ""},
		{"with top-level await", `import source y from "./b.wasm"; const x = await import.source("./a.wasm"); y + x;`, "static ./b.wasm?source-phase dynamic ./a.wasm?source-phase"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, errs := Compile(Input{ID: "/m.js", File: "/m.js", Code: test.code, Lang: LangJS})
			if errs != nil {
				t.Fatal(errs)
			}
			var got []string
			for _, imp := range out.Imports {
				got = append(got, imp.Kind.String()+" "+imp.Specifier)
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("imports %q, want %q in\n%s", got, test.want, out.Code)
			}
			if strings.Contains(test.code, "(name)") != strings.Contains(out.Code, "$meta$.source(name)") {
				t.Errorf("a computed address is not a call of the runtime:\n%s", out.Code)
			}
			if strings.Contains(out.Code, "import.source") || strings.Contains(out.Code, "$load$.") {
				t.Errorf("a call stays:\n%s", out.Code)
			}
		})
	}
}
