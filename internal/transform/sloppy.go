package transform

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// JavaScript has two modes, strict and sloppy; sloppy mode allows more. Packs and updates are ES modules, whose code is
// strict. Old CommonJS packages may rely on sloppy mode. esbuild prints most sloppy code in a form that both modes
// allow (octal numbers, reserved words as names, functions in an `if`). The rest would be a syntax error of the whole
// pack. A module with such code runs from a string, whose code is sloppy.

const useStrict = `"use strict";`

// sloppyOnly returns the reason why printed code cannot run in strict mode, or "" when it can.
func sloppyOnly(in *Input, p *printed) string {
	if p.esm || bytes.HasPrefix(p.code, []byte(useStrict)) {
		return "" // esbuild has read it as strict code
	}
	// In the project's own code this is an error at run time.
	if in.Dependency && bytes.Contains(p.code, []byte("arguments.callee")) {
		return "arguments.callee cannot be used in strict mode"
	}
	if !looksSloppy(p.code) {
		return ""
	}
	options := api.TransformOptions{Format: api.FormatCommonJS, Target: api.ESNext, TsconfigRaw: "{}"}
	result := api.Transform(useStrict+string(p.code), options)
	if len(result.Errors) == 0 {
		return ""
	}
	return result.Errors[0].Text
}

// looksSloppy reports whether code may be sloppy. It is fast, so that esbuild reads very little code a second time.
func looksSloppy(code []byte) bool {
	for _, text := range []string{"with (", "eval = ", "arguments = ", "eval)", "eval,", "arguments++", "eval++"} {
		if bytes.Contains(code, []byte(text)) {
			return true
		}
	}
	return deletesName(code) || repeatsParameter(code)
}

// deletesName reports whether there may be a `delete name`.
func deletesName(code []byte) bool {
	for {
		_, rest, found := bytes.Cut(code, []byte("delete "))
		if !found {
			return false
		}
		n := 0
		for n < len(rest) && isNamePart(rest[n]) {
			n++
		}
		if n > 0 && n < len(rest) && strings.IndexByte(".[(?", rest[n]) < 0 && !bytes.HasPrefix(rest, []byte("this")) {
			return true
		}
		code = rest
	}
}

// repeatsParameter reports whether a function may have two parameters of one name, or one with the name arguments.
func repeatsParameter(code []byte) bool {
	for {
		_, rest, found := bytes.Cut(code, []byte("function"))
		if !found {
			return false
		}
		code = rest
		_, rest, _ = bytes.Cut(rest, []byte{'('})
		list, _, _ := bytes.Cut(rest, []byte{')'})
		if !bytes.Contains(list, []byte{','}) && !bytes.Equal(list, []byte("arguments")) {
			continue
		}
		names := strings.Split(string(list), ", ")
		for i, name := range names {
			if name == "arguments" || slices.Contains(names[:i], name) {
				return true
			}
		}
	}
}

// runSloppy returns the body of a factory that runs the module's code from a string. Debuggers show the string under
// the module's ID, with a source map of its own.
func runSloppy(in *Input, code, why string) string {
	parameters := append([]string{"module", "exports", "require", "$load$", "$meta$"}, usedHelpers(code)...)
	list := strings.Join(parameters, ", ")
	text := "(function(" + list + ") {\n" + code + "\n})\n" +
		"//# sourceURL=" + strings.ReplaceAll(in.ID, " ", "%20") + sloppyMap(in)
	hint := in.ID + " runs only in sloppy mode (" + why +
		"); allow 'unsafe-eval' in script-src of the page's Content-Security-Policy"
	return "let run;\n" +
		"try { run = (0, eval)(" + Quote(text) + "); } catch (e) {\n" +
		"  throw e instanceof EvalError ? new Error(" + Quote(hint) + ", { cause: e }) : e;\n}\n" +
		"return run.call(this, " + list + ");\n"
}

// sloppyMap returns the comment with the source map of runSloppy's string. The code begins in the string's second line.
func sloppyMap(in *Input) string {
	copied := *in
	p, errs := print(&copied, true)
	if errs != nil {
		return ""
	}
	m, errs := printedMap(in, p)
	if errs != nil {
		return ""
	}
	text := m.After("\n").Encode()
	return "\n//# sourceMappingURL=data:application/json;base64," + base64.StdEncoding.EncodeToString(text)
}

// usedHelpers returns the runtime's helpers that the code may call. The string cannot see the pack's variables, so it
// gets the helpers as parameters.
func usedHelpers(code string) []string {
	return slices.DeleteFunc(slices.Clone(sharedHelpers), func(name string) bool {
		return !strings.Contains(code, name) || strings.Contains(code, "var "+name+" ")
	})
}

// strictErrors returns the errors of strict mode in a module of the project. The project's modules are ES modules, even
// when they have no import or export that would show it to esbuild.
func strictErrors(in *Input, why string) []Error {
	result := api.Transform(useStrict+in.Code, transformOptions(in))
	errs := fromMessages(result.Errors, in.ID, in.File, "")
	for i := range errs {
		if errs[i].Line == 1 {
			errs[i].Column -= len(useStrict)
		}
		errs[i].Frame = CodeFrame(in.Code, errs[i].Line, errs[i].Column)
	}
	if len(errs) == 0 {
		errs = []Error{{ID: in.ID, File: in.File, Text: why}}
	}
	for i := range errs {
		errs[i].Hint = "modules always run in strict mode"
	}
	return errs
}
