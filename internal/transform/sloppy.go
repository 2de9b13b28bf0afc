package transform

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Packs and updates are ES modules, whose code is strict; old CommonJS packages may count on not being so. esbuild prints
// most of what only sloppy mode knows in words that both know (octal numbers, reserved words as names, functions in an
// `if`); what is left would be a syntax error of the whole pack. Such a module runs from a string, whose code is sloppy.

const useStrict = `"use strict";`

// sloppyOnly tells why printed code cannot run in strict mode, or "" when it can.
func sloppyOnly(in *Input, p *printed) string {
	if p.async || p.exports.end > 0 || bytes.HasPrefix(p.code, []byte(useStrict)) {
		return "" // esbuild has looked at it with strict eyes
	}
	if in.Dependency && bytes.Contains(p.code, []byte("arguments.callee")) { // the project's own code learns it from the browser
		return "arguments.callee cannot be used in strict mode"
	}
	if !looksSloppy(p.code) {
		return ""
	}
	result := api.Transform(useStrict+string(p.code), api.TransformOptions{Format: api.FormatCommonJS, Target: api.ESNext, TsconfigRaw: "{}"})
	if len(result.Errors) == 0 {
		return ""
	}
	return result.Errors[0].Text
}

// looksSloppy finds code that is worth a second look, fast: nearly none is.
func looksSloppy(code []byte) bool {
	for _, text := range []string{"with (", "eval = ", "arguments = ", "eval)", "eval,", "arguments++", "eval++"} {
		if bytes.Contains(code, []byte(text)) {
			return true
		}
	}
	return deletesName(code) || repeatsParameter(code)
}

// deletesName tells whether there may be a `delete name`.
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

// repeatsParameter tells whether a function may have two parameters of one name, or one that strict mode keeps to itself.
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

// runSloppy makes the body of a factory that runs the module's code from a string. Debuggers see the string under the
// module's ID, with a source map of its own.
func runSloppy(in *Input, code, why string) string {
	parameters := append([]string{"module", "exports", "require", "$load$", "$meta$"}, usedHelpers(code)...)
	list := strings.Join(parameters, ", ")
	text := "(function(" + list + ") {\n" + code + "\n})\n//# sourceURL=" + strings.ReplaceAll(in.ID, " ", "%20") + sloppyMap(in)
	hint := in.ID + " runs in sloppy mode only (" + why + "), for which the page's Content-Security-Policy has to allow 'unsafe-eval' in script-src"
	return "let run;\n" +
		"try { run = (0, eval)(" + Quote(text) + "); } catch (e) {\n" +
		"  throw e instanceof EvalError ? new Error(" + Quote(hint) + ", { cause: e }) : e;\n}\n" +
		"return run.call(this, " + list + ");\n"
}

// sloppyMap is the comment with the map of a string that runSloppy makes: the code begins in its second line.
func sloppyMap(in *Input) string {
	copied := *in
	p, errs := print(&copied, true)
	if errs != nil {
		return ""
	}
	text, errs := printedMap(in, p)
	if errs != nil {
		return ""
	}
	const key = `"mappings":"`
	at := bytes.LastIndex(text, []byte(key)) + len(key) // quotes in the source before it are escaped
	text = slices.Insert(text, at, ';')
	return "\n//# sourceMappingURL=data:application/json;base64," + base64.StdEncoding.EncodeToString(text)
}

// usedHelpers are those of the runtime's helpers that the code may call: a string is evaluated outside of the pack.
func usedHelpers(code string) []string {
	return slices.DeleteFunc(slices.Clone(sharedHelpers), func(name string) bool {
		return !strings.Contains(code, name) || strings.Contains(code, "var "+name+" ")
	})
}

// strictErrors tells what strict mode objects to in a module of the project. They are ES modules, also without an
// import or export by which esbuild could tell.
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
