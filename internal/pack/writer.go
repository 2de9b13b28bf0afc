package pack

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// helperNames are the helpers of esbuild that all modules share. The client's registry has one copy of each.
const helperNames = "__create, __defProp, __getOwnPropDesc, __getOwnPropNames, __getProtoOf, __hasOwnProp, " +
	"__export, __copyProps, __reExport, __toESM, __toMJS, __asESM, __asMJS, __toCommonJS, $ths"

// writer writes module definitions one below the other, and remembers where each of them starts, for the source map.
type writer struct {
	bytes.Buffer
	line     int // lines written so far
	sections []section
}

// section is the place of a module's code in a pack or an update.
type section struct {
	line    int // zero-based line of the first line of the code
	id      string
	version *graph.Version
}

func (w *writer) text(s string) {
	w.WriteString(s)
	w.line += strings.Count(s, "\n")
}

// definitions writes the definitions of all modules that compiled. It makes room for them first: in a large project a
// pack has many megabytes, and growing would copy them again and again.
func (w *writer) definitions(list []graph.Entry) {
	size := 0
	for _, e := range list {
		size += len(e.Version.Code) + len(e.ID) + 100
		for _, d := range e.Deps {
			size += len(d.Specifier) + len(d.ID) + 6
		}
	}
	w.Grow(size)
	w.sections = make([]section, 0, len(list))
	for _, e := range list {
		if e.Version.Err == nil {
			w.define(e)
		}
	}
}

// define writes `$d(id, rev, deps, factory[, info])`. The code starts on a line of its own, so that its source map
// holds without a shift of columns.
func (w *writer) define(e graph.Entry) {
	w.text("$d(" + transform.Quote(e.ID) + "," + transform.Quote(e.Version.Rev) + ",{")
	for i, d := range e.Deps {
		if i > 0 {
			w.text(",")
		}
		w.text(transform.Quote(d.Specifier) + ":" + transform.Quote(d.ID))
	}
	w.text("},")
	if e.Version.Async {
		w.text("async ")
	}
	w.text("function(module,exports,require,$load$,$meta$){\n")
	w.sections = append(w.sections, section{line: w.line, id: e.ID, version: e.Version})
	w.text(e.Version.Code)
	w.text("\n}" + info(e) + ");\n")
}

// info returns the optional last argument of `$d`: the imports that are dynamic and whether they follow Node's rule,
// and the names that are taken of modules that accept single exports. Most modules have nothing of this.
func info(e graph.Entry) string {
	var dynamic []string
	uses := map[string][]string{}
	node := false
	for _, d := range e.Deps {
		also := func(o graph.Dep) bool { return o.Specifier == d.Specifier && o.Kind == graph.Static }
		node = node || d.Kind == graph.Dynamic && e.Version.NodeESM
		if d.Kind != graph.Static && !slices.ContainsFunc(e.Deps, also) {
			dynamic = append(dynamic, d.Specifier)
		}
		asWhole := func(o graph.Dep) bool { return o.ID == d.ID && o.Kind == graph.Static && o.Uses == nil }
		if d.Uses != nil && !slices.ContainsFunc(e.Deps, asWhole) {
			uses[d.ID] = append(uses[d.ID], d.Uses...)
		}
	}
	if dynamic == nil && len(uses) == 0 && !node {
		return ""
	}
	fields := map[string]any{}
	if dynamic != nil {
		fields["dynamic"] = dynamic
	}
	if node {
		fields["node"] = true
	}
	if len(uses) > 0 {
		fields["uses"] = uses
	}
	text, _ := json.Marshal(fields) // strings, lists and maps of them always encode
	return "," + string(text)
}

// deps writes `$deps(id, {...})`: imports of a lazy barrel that came into use after pages got its definition.
func (w *writer) deps(id string, deps map[string]string) {
	text, _ := json.Marshal(deps)
	w.text("$deps(" + transform.Quote(id) + "," + string(text) + ");\n")
}
