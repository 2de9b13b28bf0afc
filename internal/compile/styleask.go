package compile

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/internal/glob"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// The questions of the tools that run in the Node host. Sass, Less and Stylus ask where an import leads, as scripts do,
// and get the text of the file with addresses that fit the stylesheet that the result is made for.

// ToolMethods returns the answers to the questions of Options.Tools.
func (c *Compiler) ToolMethods() wire.Methods {
	return wire.Methods{
		"findStyle": wire.Method(func(_ context.Context, q styleQuestion) (any, error) { return c.findStyle(q) }),
		"rebase":    wire.Method(func(_ context.Context, q rebaseQuestion) (any, error) { return c.rebaseAll(q), nil }),
	}
}

// styleQuestion asks where an import in a stylesheet leads.
type styleQuestion struct {
	styleLookup
	// Module is the module that is compiled. Entry is the stylesheet whose addresses the text has to fit, "" for the
	// imported file itself.
	Module string `json:"module"`
	Entry  string `json:"entry"`
}

// styleLookup is an answer of the resolver for a tool. A result that is kept counts as long as all of them are the same.
type styleLookup struct {
	// Language is "sass", "less", "stylus" or "css".
	Language  string `json:"language"`
	Specifier string `json:"specifier"`
	// Importer is the file with the import.
	Importer string `json:"importer"`
	// Glance says that there is usually no such file, as for Sass, which takes all specifiers for paths at first.
	Glance bool `json:"glance,omitempty"`
	// ImportRule is an @import of Sass, which prefers files for it.
	ImportRule bool `json:"importRule,omitempty"`
	// File is the answer, "" for none.
	File string `json:"file"`
}

// styleAnswer is the file of an import, and its text. Without a file, Why says what is missing.
type styleAnswer struct {
	File string `json:"file"`
	Text string `json:"text"`
	Why  string `json:"why,omitempty"`
	// Lookups are all that the answer follows from.
	Lookups []styleLookup `json:"lookups"`
}

// findStyle answers a tool. An error means that the file may not be read.
func (c *Compiler) findStyle(q styleQuestion) (*styleAnswer, error) {
	a := &styleAnswer{}
	file, err := c.lookup(q.Module, q.styleLookup)
	q.File = file
	a.Lookups = []styleLookup{q.styleLookup}
	if missing, ok := errors.AsType[*resolve.NotFound](err); ok {
		a.Why = missing.Error()
		if missing.Hint != "" {
			a.Why += " (" + missing.Hint + ")"
		}
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	if a.File = file; file == "" {
		return a, nil
	}
	if a.Text, err = c.styleText(file); err != nil {
		return nil, err
	}
	if q.Entry != "" && moduleid.IsStyle(file) {
		a.Text = c.rebased(q.Module, file, q.Entry, a.Text, true, &a.Lookups)
	}
	return a, nil
}

// styleText returns the text of a stylesheet that another stylesheet imports, as it is written.
func (c *Compiler) styleText(file string) (string, error) {
	text, err := c.o.Gate.ReadFile(file)
	return strings.ToValidUTF8(string(text), "\uFFFD"), err
}

var styleKinds = map[string]resolve.Kind{"sass": resolve.Sass, "less": resolve.Less, "stylus": resolve.Stylus, "css": resolve.Style}

// lookup finds the file of an import, and permits reading it. The file is "" when no stylesheet is meant.
func (c *Compiler) lookup(module string, l styleLookup) (string, error) {
	kind := styleKinds[l.Language]
	if l.ImportRule { // "x" may be "x.import.scss"
		ext := path.Ext(l.Specifier)
		if ext != ".scss" && ext != ".sass" && ext != ".css" {
			ext = ""
		}
		only := strings.TrimSuffix(l.Specifier, ext) + ".import" + ext
		if r, err := c.o.Resolver.Glance(kind, only, l.Importer); err == nil && r.File != "" {
			l.Specifier = only
		}
	}
	find := c.o.Resolver.ResolveKind
	if l.Glance {
		find = c.o.Resolver.Glance
	}
	r, err := find(kind, l.Specifier, l.Importer)
	if err != nil || r.File == "" {
		return "", err
	}
	if l.Language == "sass" && !moduleid.IsStyle(r.File) { // an importer of the project may take it
		text := fmt.Sprintf("%q leads to %s, which is no stylesheet", l.Specifier, c.o.Layout.Shown(r.File))
		return "", &resolve.NotFound{Specifier: l.Specifier, Importer: l.Importer, Text: text}
	}
	if !l.Glance {
		return c.permitStyle(module, l.Importer, r)
	}
	if c.o.Gate.Allowed(r.File) != nil { // the tool asks again, by what is written and where
		return "", nil
	}
	return r.File, nil
}

// rebaseQuestion asks for declarations of PostCSS with addresses that fit another stylesheet.
type rebaseQuestion struct {
	Module string `json:"module"`
	Entry  string `json:"entry"`
	Values []struct {
		File string `json:"file"`
		Text string `json:"text"`
	} `json:"values"`
}

type rebaseAnswer struct {
	Values  []string      `json:"values"`
	Lookups []styleLookup `json:"lookups"`
}

func (c *Compiler) rebaseAll(q rebaseQuestion) *rebaseAnswer {
	a := &rebaseAnswer{Values: make([]string, 0, len(q.Values))}
	for _, v := range q.Values {
		a.Values = append(a.Values, c.rebased(q.Module, v.File, q.Entry, v.Text, false, &a.Lookups))
	}
	return a
}

// rebased returns a text of a stylesheet with addresses that fit the stylesheet entry. language is as in
// transform.RewriteAddresses.
func (c *Compiler) rebased(module, file, entry, text string, language bool, lookups *[]styleLookup) string {
	if filepath.Dir(file) == filepath.Dir(entry) {
		return text
	}
	return transform.RewriteAddresses(text, language, func(a transform.StyleAddress) (string, bool) {
		if a.Text == "" || strings.ContainsAny(a.Text[:1], "/#") || hasScheme(a.Text) ||
			strings.HasPrefix(a.Text, "#{") || strings.HasPrefix(a.Text, "@{") ||
			a.Import && language && !strings.HasSuffix(a.Text, ".css") { // the tool looks for the file
			return "", false
		}
		relative := strings.HasPrefix(a.Text, "./") || strings.HasPrefix(a.Text, "../")
		if !relative && (a.Text[0] == '~' || c.o.Resolver.IsAliased(a.Text)) && !a.Language {
			return "", false // it means the same in all files, and is resolved at last
		}
		from, err := filepath.Rel(filepath.Dir(entry), filepath.Dir(file))
		if err != nil {
			return "", false
		}
		if a.Partly { // nobody knows the file yet
			return below(from, a.Text), true
		}
		name, suffix := a.Text, ""
		if at := strings.IndexAny(name, "?#"); at > 0 {
			name, suffix = name[:at], name[at:]
		}
		l := styleLookup{Language: "css", Specifier: name, Importer: file}
		to, err := c.lookup(module, l)
		l.File = to
		if !relative { // a path leads to the same file, also when that is missing
			*lookups = append(*lookups, l)
		}
		var missing *resolve.NotFound
		switch {
		case errors.As(err, &missing):
			return below(from, a.Text), true
		case err != nil: // it may not be read: neither by another path
			c.o.Logger.Warn(err.Error(), "file", c.o.Layout.Shown(file))
			return "about:invalid", true
		case to == "":
			return "", false
		}
		rel, err := filepath.Rel(filepath.Dir(entry), to)
		if err != nil {
			return "", false
		}
		if a.Language {
			return filepath.ToSlash(rel) + suffix, true
		}
		return below(".", (&url.URL{Path: filepath.ToSlash(rel)}).EscapedPath()+suffix), true
	})
}

// below returns a relative address in another folder.
func below(dir, address string) string {
	to := strings.TrimPrefix(address, "./")
	if dir = filepath.ToSlash(dir); dir != "." {
		to = dir + "/" + to
	}
	if !strings.HasPrefix(to, "../") {
		to = "./" + to
	}
	return to
}

// hasScheme reports whether the address begins with a scheme, as "data:" does.
func hasScheme(address string) bool {
	scheme, _, found := strings.Cut(address, ":")
	return found && len(scheme) > 1 && !strings.ContainsAny(scheme, "/?#{} .")
}

// preferred returns the pattern of files in the project that would be another answer, "" for none: relative files come
// before packages, and extensions have an order.
func (c *Compiler) preferred(l styleLookup) string {
	if l.Language == "css" || moduleid.IsDependency(l.Importer) || c.o.Resolver.IsAliased(l.Specifier) {
		return ""
	}
	file := filepath.FromSlash(l.Specifier)
	switch {
	case l.Glance: // a path on disk
	case filepath.IsAbs(file):
		file = filepath.Join(c.o.Layout.Root, file)
	default:
		file = filepath.Join(filepath.Dir(l.Importer), file)
	}
	dir, base := filepath.Split(file)
	if c.o.Layout.Outside(file) || moduleid.IsDependency(file) {
		return ""
	}
	return globIn(dir, "{,_}"+glob.Escape(base)+"{,.scss,.sass,.css,.less,.styl}")
}

// lookupsHold reports whether all lookups of a kept result still have their answers. It permits their files to the
// module, as the tool's questions have.
func (c *Compiler) lookupsHold(module string, lookups []styleLookup) bool {
	for _, l := range lookups {
		if to, _ := c.lookup(module, l); to != l.File {
			return false
		}
	}
	return true
}
