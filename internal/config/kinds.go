package config

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// option is implemented by the types of options that may be written in more than one way. Each decodes itself.
type option interface {
	decode(d *decoder, v *hujson.Value, path string)
}

// Strings is a list of texts. In the file a single text may stand for a list with one text.
type Strings []string

func (s *Strings) decode(d *decoder, v *hujson.Value, path string) {
	if v.Value.Kind() == '"' {
		*s = Strings{v.Value.(hujson.Literal).String()}
		return
	}
	var list []string
	if d.into(v, &list, path, "a text or a list of texts") {
		*s = list
	}
}

// Raw is a value that is passed on unchanged, in standard JSON. Nil: not given.
type Raw json.RawMessage

// MarshalJSON returns the value itself.
func (r Raw) MarshalJSON() ([]byte, error) { return json.RawMessage(r).MarshalJSON() }

func (r *Raw) decode(_ *decoder, v *hujson.Value, _ string) { *r = standard(v) }

// standard returns the value without comments and trailing commas.
func standard(v *hujson.Value) []byte {
	plain := v.Clone()
	plain.Minimize()
	return plain.Pack()
}

// Ignored is an option of Vite that has no meaning here. Any value is accepted, so that a configuration can be shared.
type Ignored struct{}

func (*Ignored) decode(*decoder, *hujson.Value, string) {}

func (d *Dir) decode(dec *decoder, v *hujson.Value, path string) {
	switch v.Value.Kind() {
	case 'f':
		*d = Dir{Off: true}
	case '"':
		*d = Dir{Path: v.Value.(hujson.Literal).String()}
	default:
		dec.wrongType(v, path, "a path or false")
	}
}

// Expressions maps names to JavaScript expressions.
type Expressions map[string]string

var entityName = regexp.MustCompile(`^[\p{L}_$][\p{L}\p{N}_$]*(\.[\p{L}_$][\p{L}\p{N}_$]*)*$`)

func (e *Expressions) decode(d *decoder, v *hujson.Value, path string) {
	d.members(v, path, "an object from names to expressions", func(name string, at, value *hujson.Value, path string) {
		if !entityName.MatchString(name) {
			d.fail(at, path, "%q is not a name, or names joined by dots", name)
			return
		}
		expr := string(standard(value))
		if value.Value.Kind() == '"' {
			expr = value.Value.(hujson.Literal).String()
			if !json.Valid([]byte(expr)) && !entityName.MatchString(expr) {
				quoted, _ := json.Marshal(expr)
				twice, _ := json.Marshal(string(quoted))
				d.fail(value, path, "%s is neither a JSON value nor a name; for a text write %s", quoted, twice)
				return
			}
		}
		if *e == nil {
			*e = Expressions{}
		}
		(*e)[name] = expr
	})
}

// Aliases is an ordered list of replacements. In the file an object may stand for the list.
type Aliases []Alias

func (a *Aliases) decode(d *decoder, v *hujson.Value, path string) {
	var list Aliases
	add := func(at *hujson.Value, path string, alias Alias) {
		if alias.Find == "" {
			d.fail(at, path, `needs a "find" that is not empty`)
			return
		}
		if _, err := alias.Expression(); err != nil {
			d.fail(at, path, "%q is not a regular expression: %v", alias.Find, err)
			return
		}
		list = append(list, alias)
	}
	switch v.Value.Kind() {
	case '{':
		d.members(v, path, "", func(find string, at, value *hujson.Value, path string) {
			alias := Alias{Find: find}
			if d.into(value, &alias.Replacement, path, "") {
				add(at, path, alias)
			}
		})
	case '[':
		d.elements(v, path, func(value *hujson.Value, path string) {
			var alias Alias
			if d.into(value, &alias, path, `an object like {"find": "@", "replacement": "./src"}`) {
				add(value, path, alias)
			}
		})
	default:
		d.wrongType(v, path, `an object or a list of {"find", "replacement"}`)
		return
	}
	// The later list comes first: devserver.config.json wins over vite.config.
	*a = append(list, slices.DeleteFunc(*a, func(old Alias) bool {
		return slices.ContainsFunc(list, func(n Alias) bool { return n.Find == old.Find })
	})...)
}

func (l *LogPlugin) decode(d *decoder, v *hujson.Value, path string) {
	if v.Value.Kind() != 't' {
		d.fields(v, l, path, "true, false or an object")
	}
}

func (h *HMR) decode(d *decoder, v *hujson.Value, path string) {
	switch v.Value.Kind() {
	case 't', 'f':
		h.Off = v.Value.Kind() == 'f'
	default:
		h.Off = false
		d.fields(v, h, path, "true, false or an object")
	}
}

func (h *HTTPS) decode(d *decoder, v *hujson.Value, path string) {
	if v.Value.Kind() == 't' {
		return
	}
	if d.fields(v, h, path, `true, false or an object with "key" and "cert"`) && (h.Key == "") != (h.Cert == "") {
		d.fail(v, path, `needs both "key" and "cert", or neither`)
	}
}

// CORS lists the origins whose pages may read responses. The zero value lists none.
type CORS struct {
	// Origins are texts like "https://app.example"; "*" stands for any.
	Origins []string
}

func (c *CORS) decode(d *decoder, v *hujson.Value, path string) {
	switch v.Value.Kind() {
	case 't':
		c.Origins = []string{"*"}
		return
	case 'f':
		c.Origins = nil
		return
	}
	var given struct {
		Origin corsOrigin `json:"origin"`
	}
	if d.into(v, &given, path, `true, false or {"origin": [...]}`) {
		c.Origins = given.Origin
	}
}

type corsOrigin []string

func (o *corsOrigin) decode(d *decoder, v *hujson.Value, path string) {
	switch v.Value.Kind() {
	case 't':
		*o = []string{"*"}
	case 'f':
		*o = nil
	default:
		(*Strings)(o).decode(d, v, path)
	}
}

// Proxy lists rules in the order of the file.
type Proxy []ProxyRule

func (p *Proxy) decode(d *decoder, v *hujson.Value, path string) {
	d.members(v, path, "an object from paths to backends", func(match string, at, value *hujson.Value, path string) {
		rule := ProxyRule{Path: match}
		switch {
		case strings.HasPrefix(match, "^"):
			if !d.jsPattern(at, path, match) {
				return
			}
		case !strings.HasPrefix(match, "/"):
			d.fail(at, path, `must begin with "/", or with "^" for a regular expression`)
			return
		}
		if value.Value.Kind() == '"' {
			rule.Target, rule.ChangeOrigin = value.Value.(hujson.Literal).String(), true
		} else if !d.into(value, &rule, path, `a URL or an object with a "target"`) {
			return
		}
		if d.lenient {
			d.functions(value, path, &rule.Functions)
		}
		if rule.Target == "" && !rule.Functions.Bypass {
			d.fail(value, path, `needs a "target" like "http://localhost:8080"`)
			return
		}
		rule.WS = rule.WS || strings.HasPrefix(rule.Target, "ws:") || strings.HasPrefix(rule.Target, "wss:")
		*p = slices.DeleteFunc(*p, func(old ProxyRule) bool { return old.Path == match })
		*p = append(*p, rule)
	})
}

// functions decodes a rule's functions, which only a vite.config has.
func (d *decoder) functions(rule *hujson.Value, path string, into *ProxyFunctions) {
	if rule.Value.Kind() != '{' {
		return
	}
	d.members(rule, path, "", func(name string, _, value *hujson.Value, path string) {
		if name == "functions" {
			d.fields(value, into, path, "an object")
		}
	})
}

// Replacements maps texts to their replacements. The key "*" means any text. In the file a text alone stands for the
// replacement of any text.
type Replacements map[string]string

func (r *Replacements) decode(d *decoder, v *hujson.Value, path string) {
	switch v.Value.Kind() {
	case 'f':
		*r = nil
	case '"':
		*r = Replacements{"*": v.Value.(hujson.Literal).String()}
	default:
		made := map[string]string{}
		if d.into(v, &made, path, "a text, false or an object") {
			*r = made
		}
	}
}

// Rewrites is an ordered list of replacements.
type Rewrites []Rewrite

func (r *Rewrites) decode(d *decoder, v *hujson.Value, path string) {
	d.members(v, path, `an object like {"^/api": ""}`, func(pattern string, at, value *hujson.Value, path string) {
		rw := Rewrite{Pattern: pattern}
		if d.jsPattern(at, path, pattern) && d.into(value, &rw.Replacement, path, "") {
			*r = append(*r, rw)
		}
	})
}
