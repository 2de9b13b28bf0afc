package relay

import (
	"cmp"
	"encoding/json"
	"errors"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"math/bits"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
)

// goSource reads what reflection doesn't know from the Go source of a module: the constants of enums, and comments. A
// nil goSource knows nothing.
type goSource struct {
	main        string // folder of package main
	dir, module string // folder of the go.mod, and the import path that it declares; "" without one
	packages    map[string]*goPackage
}

// goPackage is what one package declares, by `Type` or `Type.Field`.
type goPackage struct {
	docs  map[string]string
	enums map[string][]constant.Value
}

func newGoSource(dir string) *goSource {
	module := pluginhost.ModuleDir(dir)
	return &goSource{main: dir, dir: module, module: pluginhost.ModuleName(module), packages: map[string]*goPackage{}}
}

// sourceMark is the comment that tstype writes before a type or a field, and the type that an enum narrows.
var sourceMark = regexp.MustCompile(`/\*go (\S+) ([^\s*]+)( zero)?\*/(string\b|number\b)?`)

// complete replaces the marks in a TypeScript type with comments and constants.
func (s *goSource) complete(text string) string {
	return sourceMark.ReplaceAllStringFunc(text, func(mark string) string {
		m := sourceMark.FindStringSubmatch(mark)
		pkg := s.load(m[1])
		doc := pkg.docs[m[2]]
		kind, zero := m[4], ""
		if m[3] != "" {
			zero = map[string]string{"string": `""`, "number": "0"}[kind]
		}
		if union := unionOf(pkg.enums[m[2]], zero); union != "" && kind != "" {
			return doc + union
		}
		return doc + kind
	})
}

// schemaMark is the member that tstype.Schema writes for an object, an enum or a member.
var schemaMark = regexp.MustCompile(`"\$go":"([^"|]*)\|([^"|]*)\|([^"]*)"(,?)`)

// completeSchema replaces the marks in a JSON Schema with descriptions and constants. A member's comment comes before
// that of its type.
func (s *goSource) completeSchema(schema json.RawMessage) json.RawMessage {
	return schemaMark.ReplaceAllFunc(schema, func(mark []byte) []byte {
		m := schemaMark.FindStringSubmatch(string(mark))
		member, named, note := m[1], m[2], m[3]
		var parts []string
		if doc := cmp.Or(s.docOf(member), s.docOf(named)); doc != "" {
			text, _ := json.Marshal(doc) // a string encodes
			parts = append(parts, `"description":`+string(text))
		}
		if pkg, name, _ := strings.Cut(named, " "); note != "" {
			if list := literals(s.load(pkg).enums[name], ""); list != nil {
				if note == "enum null" {
					list = append(list, "null")
				}
				parts = append(parts, `"enum":[`+strings.Join(list, ",")+"]")
			}
		}
		if parts == nil {
			return nil // with the comma behind the mark
		}
		return []byte(strings.Join(parts, ",") + m[4])
	})
}

// docOf returns the comment of a declaration, "" without one. The mark names its package and itself.
func (s *goSource) docOf(mark string) string {
	pkg, name, _ := strings.Cut(mark, " ")
	doc := strings.TrimSuffix(strings.TrimPrefix(s.load(pkg).docs[name], "/** "), " */ ")
	return strings.ReplaceAll(doc, `*\/`, "*/")
}

// load parses a package. A package outside the module, or that cannot be read, is empty: its types stay as they are.
func (s *goSource) load(importPath string) *goPackage {
	none := &goPackage{}
	if s == nil {
		return none
	}
	if p := s.packages[importPath]; p != nil {
		return p
	}
	s.packages[importPath] = none
	folder := s.main
	if importPath != "main" {
		below, inModule := strings.CutPrefix(importPath+"/", s.module+"/")
		if !inModule || s.module == "" {
			return none
		}
		folder = filepath.Join(s.dir, filepath.FromSlash(below))
	}
	files, _ := filepath.Glob(filepath.Join(folder, "*.go"))
	set := token.NewFileSet()
	p := &goPackage{docs: map[string]string{}, enums: map[string][]constant.Value{}}
	var parsed []*ast.File
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			continue // it is being edited, and built again soon
		}
		parsed = append(parsed, f)
		p.readDocs(f)
	}
	p.readEnums(set, importPath, parsed)
	s.packages[importPath] = p
	return p
}

func (p *goPackage) readDocs(f *ast.File) {
	for _, decl := range f.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.TYPE {
			continue
		}
		for _, spec := range group.Specs {
			t := spec.(*ast.TypeSpec)
			p.docs[t.Name.Name] = firstDoc(t.Doc, t.Comment)
			if len(group.Specs) == 1 {
				p.docs[t.Name.Name] = firstDoc(t.Doc, group.Doc, t.Comment)
			}
			body, ok := t.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range body.Fields.List {
				for _, name := range field.Names {
					p.docs[t.Name.Name+"."+name.Name] = firstDoc(field.Doc, field.Comment)
				}
			}
		}
	}
}

// firstDoc is the first comment with text in it as JSDoc on one line, with a space after it; "" without one.
func firstDoc(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			return "/** " + strings.ReplaceAll(text, "*/", `*\/`) + " */ "
		}
	}
	return ""
}

// cutDoc takes the comment off the start of a type.
func cutDoc(text string) (doc, rest string) {
	if !strings.HasPrefix(text, "/** ") {
		return "", text
	}
	doc, rest, _ = strings.Cut(text, "*/ ")
	return doc + "*/ ", rest
}

// noImports keeps the check within one package; what needs another package is unknown, and left out.
type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not read") }

// readEnums collects the constants of each named type, in the order of the source.
func (p *goPackage) readEnums(set *token.FileSet, importPath string, files []*ast.File) {
	config := types.Config{Importer: noImports{}, IgnoreFuncBodies: true, Error: func(error) {}}
	checked, _ := config.Check(importPath, set, files, nil) // errors come from the imports
	if checked == nil {
		return
	}
	var all []*types.Const
	for _, name := range checked.Scope().Names() {
		if c, ok := checked.Scope().Lookup(name).(*types.Const); ok {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *types.Const) int { return int(a.Pos() - b.Pos()) })
	for _, c := range all {
		// The constants of one instance of a generic type are not those of another.
		if named, ok := c.Type().(*types.Named); ok && named.Obj().Pkg() == checked && named.TypeArgs().Len() == 0 {
			p.enums[named.Obj().Name()] = append(p.enums[named.Obj().Name()], c.Val())
		}
	}
}

// unionOf writes constants as a union of literals, with the zero value if it is given. It returns "" for flags.
func unionOf(values []constant.Value, zero string) string {
	return strings.Join(literals(values, zero), " | ")
}

// literals writes constants as JSON, with the zero value if it is given. It returns nil for flags: those are numbers
// that are combined.
func literals(values []constant.Value, zero string) (list []string) {
	flags, most := true, uint64(0)
	for _, v := range values {
		switch v.Kind() {
		case constant.String:
			text, _ := json.Marshal(constant.StringVal(v)) // a string encodes
			list, flags = appendNew(list, string(text)), false
		case constant.Int:
			n, exact := constant.Uint64Val(v)
			flags = flags && exact && bits.OnesCount64(n) <= 1
			most = max(most, n)
			list = appendNew(list, v.ExactString())
		default:
			return nil
		}
	}
	if len(list) == 0 || flags && most > 2 {
		return nil
	}
	if zero != "" && !slices.Contains(list, zero) {
		list = slices.Insert(list, 0, zero)
	}
	return list
}

// appendNew appends a literal unless the list has it: a constant may be a second name of another.
func appendNew(list []string, one string) []string {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}
