package transform

import (
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/seed-b8174343/devserver/internal/sourcemap"
)

// SourceMap returns the source map of Compile's output for the same input. Its line 1 is line 1 of Output.Code. It
// compiles again, so that Compile makes no maps that nobody requests.
func SourceMap(in Input) (*sourcemap.Map, []Error) {
	if in.Lang == LangJSON || in.Lang == LangText {
		return sourceMap(&in, "AAAA", nil), nil
	}
	p, errs := print(&in, true)
	if errs != nil {
		return nil, errs
	}
	if in.Dependency && sloppyOnly(&in, p) != "" {
		return sourceMap(&in, "", nil), nil // the string with the sloppy code has a map of its own
	}
	return printedMap(&in, p)
}

// JavaScript returns the module as JavaScript, without types and JSX, and with its source map. It leaves everything
// else to Compile: imports, exports, import.meta and what Define replaces.
func JavaScript(in Input) (code string, m *sourcemap.Map, errs []Error) {
	in.Code = strings.ToValidUTF8(in.Code, "\ufffd") // as in print
	options := transformOptions(&in)
	options.Format, options.Define = api.FormatDefault, nil
	options.Sourcemap, options.SourcesContent = api.SourceMapExternal, api.SourcesContentExclude
	result := api.Transform(in.Code, options)
	if len(result.Errors) > 0 {
		return "", nil, withLangHint(&in, fromMessages(result.Errors, in.ID, in.File, in.Code))
	}
	m, errs = printedMap(&in, &printed{sourceMap: result.Map})
	return string(result.Code), m, errs
}

// printedMap returns the map of esbuild's printed code, without the dropped lines.
func printedMap(in *Input, p *printed) (*sourcemap.Map, []Error) {
	m, err := sourcemap.Parse(p.sourceMap)
	if err != nil {
		return nil, []Error{{ID: in.ID, File: in.File, Text: "source map: " + err.Error()}}
	}
	return sourceMap(in, dropLines(m.Mappings, p.dropped, ownSource(m.Sources), len(m.Sources)), m.Names), nil
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

// sourceMap returns a map whose only source is the module, or the sources that a plugin has made the module from.
// Debuggers show the module under its ID.
func sourceMap(in *Input, mappings string, names []string) *sourcemap.Map {
	name, _, _ := strings.Cut(in.ID, "?")
	content := in.Code
	if in.Written != "" {
		content = in.Written
	}
	m := &sourcemap.Map{
		Version: 3, Sources: []string{name}, SourcesContent: []*string{&content}, Names: append([]string{}, names...),
		Mappings: mappings,
	}
	if in.Map != nil {
		m = sourcemap.Compose(m, 0, in.Map)
	}
	if in.Dependency {
		m.IgnoreList = nil
		for i := range m.Sources {
			m.IgnoreList = append(m.IgnoreList, i)
		}
	}
	return m
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
	return recode(mappings, dropped, own)
}

// recode writes the kept segments again, since each segment holds its difference to the segment before.
func recode(mappings string, dropped []lineRange, own int) string {
	var w sourcemap.Writer
	for n, s := range sourcemap.All(mappings) {
		line, drop := n, s.Source != own
		for _, d := range dropped {
			drop = drop || n >= d.from && n < d.to
			if n >= d.to {
				line -= d.to - d.from
			}
		}
		if !drop {
			s.Source = 0 // own is the only source that is kept
			w.Add(line, s)
		}
	}
	return w.String()
}
