package env

import (
	"regexp"
	"slices"
	"strings"
)

// assignment matches a line of a .env file, or several lines when the value is in quotes. It is the expression of the
// dotenv package, which defines such files, but names may have all letters. A stricter expression would refuse projects
// that other tools accept. Vite reads the files by Node's util.parseEnv, which differs in text that is odd, from version
// to version, and in its order.
var assignment = regexp.MustCompile(`(?m)^[^\S\n]*(?:export[^\S\n]+)?([\pL\pN_.-]+)(?:[^\S\n]*=|:[^\S\n]+?)[^\S\n]*` +
	"('(?:\\\\'|[^'])*'|\"(?:\\\\\"|[^\"])*\"|`(?:\\\\`|[^`])*`|[^#\\n]+)?" + `[^\S\n]*(?:#.*)?$`)

// variable is the value of a name in the files, and its place.
type variable struct {
	text string
	file string
	line int
	rest bool // a reference was not replaced
}

// variables are the variables of all files. Those that a file is the first to name come after those of earlier files,
// sorted by name as Node's util.parseEnv sorts them: the order decides which references are replaced.
type variables struct {
	names  []string
	values map[string]variable
}

// parse adds the variables of a file. It does not expand references in values. A line that is neither an assignment nor
// a comment is a mistake, and so is a quote that nothing closes.
func (v *variables) parse(file, text string) (mistakes []Mistake) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(text, "\ufeff"))
	end, line, named := 0, 1, len(v.names)
	between := func(to int) {
		for i, rest := range strings.Split(text[end:to], "\n") {
			if rest = strings.TrimSpace(rest); rest != "" && rest[0] != '#' {
				mistakes = append(mistakes, Mistake{file, line + i, "the line is left out: it is not NAME=value"})
			}
		}
		line += strings.Count(text[end:to], "\n")
	}
	for _, m := range assignment.FindAllStringSubmatchIndex(text, -1) {
		between(m[0])
		value := ""
		if m[4] >= 0 {
			value = strings.TrimSpace(text[m[4]:m[5]])
		}
		name := text[m[2]:m[3]]
		if value != "" && strings.Contains("'\"`", value[:1]) && strings.Count(value, value[:1]) == 1 {
			text := "the quote " + value[:1] + " of " + name + " is not closed, so it is a part of the value"
			mistakes = append(mistakes, Mistake{file, line, text})
		}
		value = unquote(value)
		if _, known := v.values[name]; !known {
			v.names = append(v.names, name)
		}
		v.values[name] = variable{text: value, file: file, line: line}
		end = m[1]
		line += strings.Count(text[m[0]:end], "\n")
	}
	between(len(text))
	slices.Sort(v.names[named:])
	return mistakes
}

// unquote removes the quotes around a value. In double quotes it also replaces the escapes for line breaks.
func unquote(value string) string {
	if len(value) < 2 || value[0] != value[len(value)-1] || !strings.Contains("'\"`", value[:1]) {
		return value
	}
	inner := value[1 : len(value)-1]
	if value[0] == '"' {
		inner = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(inner)
	}
	return inner
}
