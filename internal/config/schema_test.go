package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/config"
)

var update = flag.Bool("update", false, "write schema.json and the table of options")

// TestSchema compares schema.json and docs/config.md with the types: editors offer what the decoder accepts.
func TestSchema(t *testing.T) {
	b := &schemaBuilder{comments: readComments(t)}
	root := b.structOf(reflect.TypeFor[config.Config]())
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["$id"] = SchemaURL
	root["title"] = "devserver.config.json"
	root["allowComments"], root["allowTrailingCommas"] = true, true // read by VS Code
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		t.Fatal(err)
	}
	compare(t, "schema.json", text.Bytes())
	compare(t, "../../docs/config.md", []byte(docsHead+b.table(reflect.TypeFor[config.Config](), "")))
}

const docsHead = `# devserver.config.json

The file lies in the project's folder, or is named with ` + "`--config`" + `. Comments and trailing commas are allowed.
Options have Vite's names. An unknown option or a wrong value is an error with line and column. Flags win over the
file, and the file wins over ` + "`vite.config.*`" + `.

` + "```jsonc" + `
{
  // completion and checks in editors
  "$schema": "https://raw.githubusercontent.com/seed-b8174343/devserver/main/internal/config/schema.json",
  "server": {
    "port": 3000,
    "proxy": {
      "/api": "http://localhost:8080",
      "^/v[0-9]+/": { "target": "http://localhost:8081", "ws": true, "rewrite": { "^/v[0-9]+": "" } },
    },
  },
  "resolve": { "alias": { "@": "./src" } },
  "define": { "__VERSION__": "\"1.2.3\"" },
}
` + "```" + `

| option | meaning |
|---|---|
`

func compare(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("%s does not say what the types say; run `go test ./internal/config -update` and read the diff", file)
	}
}

// schemaBuilder makes a JSON Schema of the types that the decoder reads.
type schemaBuilder struct {
	comments map[string]string // "Server.Port" -> its comment
}

func (b *schemaBuilder) structOf(typ reflect.Type) map[string]any {
	properties := map[string]any{}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name := f.Tag.Get("json")
		if name == "" || name == "-" {
			continue
		}
		made := b.of(f.Type, f.Tag)
		if text := b.comment(typ, f); text != "" {
			made["description"] = text
		}
		properties[name] = made
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}

func (b *schemaBuilder) comment(typ reflect.Type, f reflect.StructField) string {
	return strings.TrimSpace(b.comments[typ.Name()+"."+f.Name])
}

func (b *schemaBuilder) of(typ reflect.Type, tag reflect.StructTag) map[string]any {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if odd := b.odd(typ); odd != nil {
		return odd
	}
	if tag.Get("or") != "" {
		return anyOf(ofType("string"), ofType("boolean"))
	}
	switch typ.Kind() {
	case reflect.Struct:
		return b.structOf(typ)
	case reflect.Slice:
		return listOf(b.of(typ.Elem(), ""))
	case reflect.Map:
		return mapOf(b.of(typ.Elem(), ""))
	case reflect.Bool:
		return ofType("boolean")
	case reflect.Int:
		made := ofType("integer")
		for name, key := range map[string]string{"min": "minimum", "max": "maximum"} {
			if n, ok := limit(tag, name); ok {
				made[key] = n
			}
		}
		return made
	case reflect.String:
		made := ofType("string")
		if enum := tag.Get("enum"); enum != "" {
			made["enum"] = strings.Split(enum, ",")
		}
		return made
	}
	panic("no schema for " + typ.String())
}

// table lists the options with their full names.
func (b *schemaBuilder) table(typ reflect.Type, path string) string {
	var out strings.Builder
	for i := range typ.NumField() {
		f := typ.Field(i)
		name := f.Tag.Get("json")
		if name == "" || name == "-" {
			continue
		}
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && b.odd(inner) == nil {
			out.WriteString(b.table(inner, path+name+"."))
			continue
		}
		fmt.Fprintf(&out, "| `%s%s` | %s |\n", path, name, strings.ReplaceAll(b.comment(typ, f), "|", "\\|"))
		if typ, ok := withOptions[name]; ok {
			below := path + name + "."
			if name == "proxy" {
				below += "*."
			}
			out.WriteString(b.table(typ, below))
		}
	}
	return out.String()
}

// withOptions holds the types of options that may be written in more than one way, one of them an object with options.
var withOptions = map[string]reflect.Type{
	"log":     reflect.TypeFor[config.LogPlugin](),
	"proxy":   reflect.TypeFor[config.ProxyRule](),
	"https":   reflect.TypeFor[config.HTTPS](),
	"hmr":     reflect.TypeFor[config.HMR](),
	"modules": reflect.TypeFor[config.CSSModules](),
}

// readComments returns the comments of the types' fields, in the form for users.
func readComments(t *testing.T) map[string]string {
	t.Helper()
	comments := map[string]string{}
	for _, name := range []string{"../../config/config.go", "../../config/kinds.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if st, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range st.Fields.List {
					for _, id := range f.Names {
						text := strings.Join(strings.Fields(f.Doc.Text()), " ")
						comments[spec.Name.Name+"."+id.Name] = forUsers(id.Name, text)
					}
				}
			}
			return true
		})
	}
	return comments
}

// forUsers turns a Go comment into a description for users. It cuts the field's Go name, since the option has another
// name, and the meaning of nil. The first letter becomes a capital, unless the first word is code: `import.meta` stays
// as it is.
func forUsers(field, comment string) string {
	text := strings.TrimPrefix(strings.TrimPrefix(comment, field+" "), field+", ")
	text = strings.TrimPrefix(strings.TrimPrefix(text, "is "), "are ")
	if i := strings.Index(text, " Nil "); i >= 0 {
		text = text[:i]
	}
	if !plainWord.MatchString(text) {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// plainWord matches a first word that is not code: small letters, and at most a comma or a colon behind them.
var plainWord = regexp.MustCompile(`^[a-z]+('s)?[,:;]?( |$)`)

func TestForUsers(t *testing.T) {
	for comment, want := range map[string]string{
		"":                                     "",
		"Mode is the value of a. Nil is none.": "The value of a.",
		"Mode lists names.":                    "Lists names.",
		"Mode, when false, allows all.":        "When false, allows all.",
		"Modes are odd.":                       "Modes are odd.",
		"Mode is import.meta.env.MODE.":        "import.meta.env.MODE.",
		"Mode is camelCase.":                   "camelCase.",
		"Mode are vite.config.* and others.":   "vite.config.* and others.",
		`Mode "postcss" is used.`:              `"postcss" is used.`,
		"Mode is `true` in the file.":          "`true` in the file.",
		"Mode is ./src by default.":            "./src by default.",
		"Mode is $1 of the expression.":        "$1 of the expression.",
		"Mode is node_modules.":                "node_modules.",
	} {
		if have := forUsers("Mode", comment); have != want {
			t.Errorf("forUsers(%q) = %q, want %q", comment, have, want)
		}
	}
}

func ofType(name string) map[string]any { return map[string]any{"type": name} }

func listOf(item map[string]any) map[string]any {
	return map[string]any{"type": "array", "items": item}
}

func mapOf(value map[string]any) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": value}
}

func anyOf(kinds ...map[string]any) map[string]any { return map[string]any{"anyOf": kinds} }

// odd returns the schema of an option that may be written in more than one way, nil for others.
func (b *schemaBuilder) odd(typ reflect.Type) map[string]any {
	text, boolean, not := ofType("string"), ofType("boolean"), map[string]any{"const": false}
	switch typ {
	case reflect.TypeFor[config.Strings](), reflect.TypeFor[config.FilePatterns]():
		return anyOf(text, listOf(text))
	case reflect.TypeFor[config.Raw](), reflect.TypeFor[config.Ignored]():
		return map[string]any{}
	case reflect.TypeFor[config.Dir]():
		return anyOf(text, not)
	case reflect.TypeFor[config.Expressions]():
		return mapOf(map[string]any{})
	case reflect.TypeFor[config.Aliases]():
		return anyOf(mapOf(text), listOf(b.structOf(reflect.TypeFor[config.Alias]())))
	case reflect.TypeFor[config.LogPlugin](), reflect.TypeFor[config.HMR](), reflect.TypeFor[config.HTTPS]():
		return anyOf(boolean, b.structOf(typ))
	case reflect.TypeFor[config.CSSModules]():
		return anyOf(not, b.structOf(typ))
	case reflect.TypeFor[config.CORS]():
		origin := anyOf(boolean, text, listOf(text))
		return anyOf(boolean, map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{"origin": origin}})
	case reflect.TypeFor[config.Proxy]():
		return mapOf(anyOf(text, b.structOf(reflect.TypeFor[config.ProxyRule]())))
	case reflect.TypeFor[config.Rewrites]():
		return mapOf(text)
	case reflect.TypeFor[config.Replacements]():
		return anyOf(text, not, mapOf(text))
	}
	return nil
}
