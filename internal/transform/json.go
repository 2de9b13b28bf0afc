package transform

import (
	"encoding/json"
	"errors"
	"strings"
)

// jsonParseSize is the size from which a browser reads JSON faster through JSON.parse than as JavaScript.
const jsonParseSize = 10 << 10

// compileJSON makes a module whose exports are the value. The runtime's interop gives importers the value as the
// default export and its members as named ones, and `require` the value itself.
func compileJSON(in *Input) (*Output, []Error) {
	text := strings.TrimPrefix(in.Code, "\ufeff")
	if !json.Valid([]byte(text)) {
		return nil, []Error{jsonError(in, text)}
	}
	text = strings.TrimSpace(text)
	if len(text) >= jsonParseSize || strings.Contains(text, `"__proto__"`) { // which JavaScript would take for the prototype
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
		return Error{ID: in.ID, File: in.File, Text: "is no valid JSON"}
	}
	e := errorAt(in, int(syntax.Offset)-1+len(in.Code)-len(text), "JSON: "+syntax.Error())
	if strings.TrimSpace(text) == "" {
		e.Hint = "the file is empty"
	}
	return e
}
