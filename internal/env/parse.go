package env

import (
	"regexp"
	"strings"
)

// assignment matches a line of a .env file, or several lines when the value is in quotes. It is the expression of the
// dotenv package, which defines such files. A stricter expression would refuse projects that other tools accept.
var assignment = regexp.MustCompile(`(?m)^[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)(?:[^\S\n]*=|:[^\S\n]+?)[^\S\n]*` +
	"('(?:\\\\'|[^'])*'|\"(?:\\\\\"|[^\"])*\"|`(?:\\\\`|[^`])*`|[^#\\n]+)?" + `[^\S\n]*(?:#.*)?$`)

// parse returns the variables of a file. It does not expand references in values. skipped holds the numbers of the
// lines that are neither an assignment nor a comment.
func parse(text string) (values map[string]string, skipped []int) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(text, "\ufeff"))
	values = map[string]string{}
	end := 0
	between := func(to int) {
		first := 1 + strings.Count(text[:end], "\n")
		for i, line := range strings.Split(text[end:to], "\n") {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				skipped = append(skipped, first+i)
			}
		}
	}
	for _, m := range assignment.FindAllStringSubmatchIndex(text, -1) {
		between(m[0])
		end = m[1]
		value := ""
		if m[4] >= 0 {
			value = unquote(strings.TrimSpace(text[m[4]:m[5]]))
		}
		values[text[m[2]:m[3]]] = value
	}
	between(len(text))
	return values, skipped
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
