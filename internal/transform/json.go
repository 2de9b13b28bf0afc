package transform

import (
	"encoding/json"
	"errors"
	"strings"
)

// jsonParseSize is the size above which a browser reads JSON faster through JSON.parse than as JavaScript.
const jsonParseSize = 10 << 10

// compileJSON makes a module whose exports are the value. By the runtime's interop an importer gets the value as
// default export and its members as named exports, and `require` returns the value itself.
func compileJSON(in *Input) (*Output, []Error) {
	text := strings.TrimPrefix(in.Code, "\ufeff")
	if !json.Valid([]byte(text)) {
		return nil, []Error{jsonError(in, text)}
	}
	text = strings.TrimSpace(text)
	if len(text) >= jsonParseSize || strings.Contains(text, `"__proto__"`) { // in JavaScript it would set the prototype
		text = "JSON.parse(" + Quote(text) + ")"
	}
	if in.DefaultOnly {
		return &Output{Code: esModule + "exports.default = " + text + ";\n"}, nil
	}
	return &Output{Code: "module.exports = " + text + ";\n"}, nil
}

func jsonError(in *Input, text string) Error {
	var value any
	err := json.Unmarshal([]byte(text), &value)
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return Error{ID: in.ID, File: in.File, Text: "the file is not valid JSON"}
	}
	e := errorAt(in, int(syntax.Offset)-1+len(in.Code)-len(text), "JSON: "+syntax.Error())
	if strings.TrimSpace(text) == "" {
		e.Hint = "the file is empty"
	}
	return e
}
