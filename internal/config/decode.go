package config

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/seed-b8174343/devserver/internal/pattern"
)

// decoder puts a parsed file into a Config and collects its mistakes.
type decoder struct {
	file, shown string
	text        []byte
	// lenient skips unknown names: a vite.config holds options of other tools too.
	lenient bool
	errors  Errors
}

// decode decodes text into into. Fields that text does not name keep their values.
func (d *decoder) decode(text []byte, into any) {
	d.text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(d.text)) == 0 {
		return // an empty file is like an empty object
	}
	v, err := hujson.Parse(d.text)
	if err != nil {
		d.syntax(err)
		return
	}
	d.fields(&v, into, "", "an object")
}

var syntaxPlace = regexp.MustCompile(`^hujson: line (\d+), column (\d+): (?s)(.*)$`)

func (d *decoder) syntax(err error) {
	e := &Error{File: d.file, Shown: d.shown, Text: err.Error()}
	if m := syntaxPlace.FindStringSubmatch(e.Text); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Column, _ = strconv.Atoi(m[2])
		e.Text = m[3]
		if strings.HasSuffix(e.Text, io.ErrUnexpectedEOF.Error()) {
			e.Text, e.Hint = "the file ends too early", "a brace, a bracket or a quote is not closed"
		}
		e.Frame = frame(d.text, e.Line, e.Column)
	}
	d.errors = append(d.errors, e)
}

func (d *decoder) fail(at *hujson.Value, path, format string, args ...any) {
	e := &Error{File: d.file, Shown: d.shown, Option: path, Text: fmt.Sprintf(format, args...)}
	if path != "" {
		e.Text = fmt.Sprintf("option %q: ", path) + e.Text
	}
	e.Line, e.Column = place(d.text, at.StartOffset)
	e.Frame = frame(d.text, e.Line, e.Column)
	d.errors = append(d.errors, e)
}

func (d *decoder) wrongType(v *hujson.Value, path, want string) {
	d.fail(v, path, "must be %s, not %s", want, kindName(v))
}

// kindName describes a value for a message.
func kindName(v *hujson.Value) string {
	switch v.Value.Kind() {
	case 'n':
		return "null"
	case 't', 'f':
		return string(v.Value.(hujson.Literal))
	case '"':
		text := v.Value.(hujson.Literal)
		if len(text) > 40 {
			return "a text"
		}
		return "the text " + string(text)
	case '0':
		return "the number " + string(v.Value.(hujson.Literal))
	case '{':
		return "an object"
	default:
		return "a list"
	}
}

// jsPattern reports whether text is a regular expression. It may use syntax that only JavaScript has.
func (d *decoder) jsPattern(at *hujson.Value, path, text string) bool {
	if _, err := pattern.Compile(text); err != nil {
		d.fail(at, path, "%q is not a regular expression: %v", text, err)
		return false
	}
	return true
}

// into decodes a value and reports whether it had no mistake. Unless want is "", it replaces the expected type in the
// message.
func (d *decoder) into(v *hujson.Value, to any, path, want string) bool {
	before := len(d.errors)
	dst := reflect.ValueOf(to).Elem()
	if want != "" && !fits(v, dst.Kind()) {
		d.wrongType(v, path, want)
		return false
	}
	d.value(v, dst, path, "")
	return len(d.errors) == before
}

// fits reports whether a value is of the JSON kind that a Go kind is decoded from.
func fits(v *hujson.Value, k reflect.Kind) bool {
	switch k {
	case reflect.Struct, reflect.Map:
		return v.Value.Kind() == '{'
	case reflect.Slice:
		return v.Value.Kind() == '['
	case reflect.String:
		return v.Value.Kind() == '"'
	case reflect.Bool:
		return v.Value.Kind() == 't' || v.Value.Kind() == 'f'
	default:
		return true
	}
}

// members calls f for each member of an object, with the member's own path.
func (d *decoder) members(v *hujson.Value, path, want string, f func(name string, at, value *hujson.Value, path string)) {
	obj, ok := v.Value.(*hujson.Object)
	if !ok {
		d.wrongType(v, path, want)
		return
	}
	seen := map[string]bool{}
	for i := range obj.Members {
		m := &obj.Members[i]
		name := m.Name.Value.(hujson.Literal).String()
		full := join(path, name)
		if seen[name] {
			d.fail(&m.Name, full, "is given twice")
			continue
		}
		seen[name] = true
		f(name, &m.Name, &m.Value, full)
	}
}

func (d *decoder) elements(v *hujson.Value, path string, f func(value *hujson.Value, path string)) {
	list, ok := v.Value.(*hujson.Array)
	if !ok {
		d.wrongType(v, path, "a list")
		return
	}
	for i := range list.Elements {
		f(&list.Elements[i], fmt.Sprintf("%s[%d]", path, i))
	}
}

var plainName = regexp.MustCompile(`^[$\w-]+$`)

func join(path, name string) string {
	switch {
	case !plainName.MatchString(name):
		return fmt.Sprintf("%s[%q]", path, name)
	case path == "":
		return name
	default:
		return path + "." + name
	}
}

// fields decodes an object into the struct that to points to, and reports whether it had no mistake.
func (d *decoder) fields(v *hujson.Value, to any, path, want string) bool {
	before := len(d.errors)
	dst := reflect.ValueOf(to).Elem()
	byName, names := map[string]int{}, []string(nil)
	for i := range dst.NumField() {
		if name := dst.Type().Field(i).Tag.Get("json"); name != "" && name != "-" {
			byName[name] = i
			names = append(names, name)
		}
	}
	d.members(v, path, want, func(name string, at, value *hujson.Value, full string) {
		i, known := byName[name]
		if !known {
			d.unknown(at, path, name, names)
			return
		}
		d.value(value, dst.Field(i), full, dst.Type().Field(i).Tag)
	})
	return len(d.errors) == before
}

func (d *decoder) unknown(at *hujson.Value, path, name string, known []string) {
	if d.lenient {
		return
	}
	e := &Error{File: d.file, Shown: d.shown, Option: join(path, name)}
	e.Text = fmt.Sprintf("unknown option %q", e.Option)
	if why := notHere[e.Option]; why != "" {
		e.Hint = why
	} else if meant := Nearest(name, known); meant != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", meant)
	} else {
		e.Hint = "known here: " + strings.Join(known, ", ")
	}
	e.Line, e.Column = place(d.text, at.StartOffset)
	e.Frame = frame(d.text, e.Line, e.Column)
	d.errors = append(d.errors, e)
}

// notHere holds hints about options of Vite that people will try.
var notHere = map[string]string{
	"build":             "devserver does not build; keep it in vite.config",
	"preview":           "devserver has no preview; keep it in vite.config",
	"ssr":               "devserver does not render on a server",
	"server.middleware": "use routes of a plugin",
	"server.origin":     "not needed: assets have root-relative URLs",
	"esbuild.target":    "modules are compiled for current browsers",
	"cacheDir":          "results are kept in the user's cache folder",
}

// value decodes one value. tag holds the limits of a struct's field.
func (d *decoder) value(v *hujson.Value, dst reflect.Value, path string, tag reflect.StructTag) {
	if v.Value.Kind() == 'n' {
		return // null is "not given", as in vite.config
	}
	if or := tag.Get("or"); or != "" && d.either(v, dst, path, or) {
		return
	}
	if dst.Kind() == reflect.Pointer {
		if v.Value.Kind() == 'f' && dst.Type().Elem().Kind() == reflect.Struct {
			dst.SetZero() // false switches off the feature that an object would configure
			return
		}
		made := reflect.New(dst.Type().Elem())
		if !dst.IsNil() {
			made.Elem().Set(dst.Elem())
		}
		d.value(v, made.Elem(), path, tag)
		dst.Set(made)
		return
	}
	if d.kind(v, dst.Addr().Interface(), path) {
		return
	}
	switch dst.Kind() {
	case reflect.Struct:
		d.fields(v, dst.Addr().Interface(), path, "an object")
	case reflect.Map:
		d.mapping(v, dst, path)
	case reflect.Slice:
		list := reflect.MakeSlice(dst.Type(), 0, 4)
		d.elements(v, path, func(value *hujson.Value, path string) {
			item := reflect.New(dst.Type().Elem()).Elem()
			d.value(value, item, path, "")
			list = reflect.Append(list, item)
		})
		dst.Set(list)
	case reflect.String:
		d.str(v, dst, path, tag)
	case reflect.Bool:
		if !fits(v, reflect.Bool) {
			d.wrongType(v, path, "true or false")
			return
		}
		dst.SetBool(v.Value.Kind() == 't')
	case reflect.Int:
		d.number(v, dst, path, tag)
	default:
		panic("config: no way to read a " + dst.Type().String())
	}
}

func (d *decoder) mapping(v *hujson.Value, dst reflect.Value, path string) {
	d.members(v, path, "an object", func(name string, _, value *hujson.Value, path string) {
		item := reflect.New(dst.Type().Elem()).Elem()
		d.value(value, item, path, "")
		if dst.IsNil() {
			dst.Set(reflect.MakeMap(dst.Type()))
		}
		dst.SetMapIndex(reflect.ValueOf(name), item)
	})
}

// either decodes a boolean for an option whose value is a text. The tag `or:"true=0.0.0.0,false="` holds the texts that
// true and false stand for; the text nil stands for a nil pointer.
func (d *decoder) either(v *hujson.Value, dst reflect.Value, path, or string) bool {
	switch v.Value.Kind() {
	case 't', 'f':
		for pair := range strings.SplitSeq(or, ",") {
			if name, text, _ := strings.Cut(pair, "="); name == string(v.Value.(hujson.Literal)) {
				setText(dst, text)
			}
		}
		return true
	case '"':
		return false
	default:
		d.wrongType(v, path, "a text, true or false")
		return true
	}
}

func setText(dst reflect.Value, text string) {
	switch {
	case dst.Kind() == reflect.Pointer && text == "nil":
		dst.SetZero()
	case dst.Kind() == reflect.Pointer:
		dst.Set(reflect.ValueOf(&text))
	default:
		dst.SetString(text)
	}
}

func (d *decoder) str(v *hujson.Value, dst reflect.Value, path string, tag reflect.StructTag) {
	enum := tag.Get("enum")
	if v.Value.Kind() != '"' {
		d.wrongType(v, path, oneOf(enum, "a text"))
		return
	}
	text := v.Value.(hujson.Literal).String()
	if allowed := strings.Split(enum, ","); enum != "" && !slices.Contains(allowed, text) {
		d.wrongType(v, path, oneOf(enum, ""))
		if meant := Nearest(text, allowed); meant != "" {
			d.errors[len(d.errors)-1].Hint = fmt.Sprintf("did you mean %q?", meant)
		}
		return
	}
	dst.SetString(text)
}

func oneOf(enum, otherwise string) string {
	if enum == "" {
		return otherwise
	}
	return `"` + strings.ReplaceAll(enum, ",", `", "`) + `"`
}

func (d *decoder) number(v *hujson.Value, dst reflect.Value, path string, tag reflect.StructTag) {
	want := "a whole number"
	lowest, hasLowest := limit(tag, "min")
	highest, hasHighest := limit(tag, "max")
	switch {
	case hasLowest && hasHighest:
		want += fmt.Sprintf(" from %d to %d", lowest, highest)
	case hasLowest:
		want += fmt.Sprintf(" of at least %d", lowest)
	}
	if v.Value.Kind() != '0' {
		d.wrongType(v, path, want)
		return
	}
	n, err := strconv.Atoi(string(v.Value.(hujson.Literal)))
	if err != nil || hasLowest && n < lowest || hasHighest && n > highest {
		d.wrongType(v, path, want)
		return
	}
	dst.SetInt(int64(n))
}

func limit(tag reflect.StructTag, name string) (int, bool) {
	n, err := strconv.Atoi(tag.Get(name))
	return n, err == nil
}
