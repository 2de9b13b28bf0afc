package config

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/tailscale/hujson"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/glob"
)

// kind decodes an option that may be written in more than one way, and reports whether to points to such an option.
func (d *decoder) kind(v *hujson.Value, to any, path string) bool {
	switch o := to.(type) {
	case *config.Strings:
		d.strings(v, o, path)
	case *config.FilePatterns:
		d.filePatterns(v, o, path)
	case *config.Raw:
		*o = standard(v)
	case *config.Ignored: // any value is accepted
	case *config.Dir:
		d.dir(v, o, path)
	case *config.Expressions:
		d.expressions(v, o, path)
	case *config.Aliases:
		d.aliases(v, o, path)
	case *config.LogPlugin:
		d.logPlugin(v, o, path)
	case *config.HMR:
		d.hmr(v, o, path)
	case *config.CSSModules:
		d.cssModules(v, o, path)
	case *config.HTTPS:
		d.https(v, o, path)
	case *config.CORS:
		d.cors(v, o, path)
	case *corsOrigin:
		d.corsOrigin(v, o, path)
	case *config.Proxy:
		d.proxy(v, o, path)
	case *config.Replacements:
		d.replacements(v, o, path)
	case *config.Rewrites:
		d.rewrites(v, o, path)
	default:
		return false
	}
	return true
}

func (d *decoder) strings(v *hujson.Value, s *config.Strings, path string) {
	if v.Value.Kind() == '"' {
		*s = config.Strings{v.Value.(hujson.Literal).String()}
		return
	}
	var list []string
	if d.into(v, &list, path, "a text or a list of texts") {
		*s = list
	}
}

func (d *decoder) filePatterns(v *hujson.Value, p *config.FilePatterns, path string) {
	var list config.Strings
	d.strings(v, &list, path)
	*p = nil
	for _, text := range list {
		if strings.HasPrefix(text, "^") {
			if !d.jsPattern(v, path, text) {
				continue
			}
		} else if _, err := glob.Compile(text, glob.Options{Closed: true}); err != nil {
			d.fail(v, path, "%q is not a pattern like **/*.ext: %v", text, err)
			continue
		}
		*p = append(*p, text)
	}
}

// standard returns the value without comments and trailing commas.
func standard(v *hujson.Value) []byte {
	plain := v.Clone()
	plain.Minimize()
	return plain.Pack()
}

func (d *decoder) dir(v *hujson.Value, to *config.Dir, path string) {
	switch v.Value.Kind() {
	case 'f':
		*to = config.Dir{Off: true}
	case '"':
		*to = config.Dir{Path: v.Value.(hujson.Literal).String()}
	default:
		d.wrongType(v, path, "a path or false")
	}
}

var entityName = regexp.MustCompile(`^[\p{L}_$][\p{L}\p{N}_$]*(\.[\p{L}_$][\p{L}\p{N}_$]*)*$`)

func (d *decoder) expressions(v *hujson.Value, e *config.Expressions, path string) {
	d.members(v, path, "an object from names to expressions", func(name string, at, value *hujson.Value, path string) {
		if !entityName.MatchString(name) {
			d.fail(at, path, "%q is not a name, or names joined by dots", name)
			return
		}
		expr := string(standard(value))
		if value.Value.Kind() == '"' {
			expr = value.Value.(hujson.Literal).String()
			if !isExpression(expr) {
				quoted, _ := json.Marshal(expr)
				twice, _ := json.Marshal(string(quoted))
				d.fail(value, path, "%s is no JavaScript expression; for a text write %s", quoted, twice)
				return
			}
		}
		if name == "import.meta.env" {
			d.fail(at, path, "does nothing, as in Vite; define its variables, like import.meta.env.VERSION")
			return
		}
		if *e == nil {
			*e = config.Expressions{}
		}
		(*e)[name] = expr
	})
}

// isExpression reports whether a text is one JavaScript expression in strict code.
func isExpression(text string) bool {
	if json.Valid([]byte(text)) || entityName.MatchString(text) {
		return true
	}
	within := func(begin, end string) bool {
		code := "export default () => " + begin + "\n" + text + "\n" + end
		return len(api.Transform(code, api.TransformOptions{Format: api.FormatESModule}).Errors) == 0
	}
	return within("(", ")") && within("[", "]") // a text that closes one bracket does not close the other
}

func (d *decoder) aliases(v *hujson.Value, a *config.Aliases, path string) {
	var list config.Aliases
	add := func(at *hujson.Value, path string, alias config.Alias) {
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
			alias := config.Alias{Find: find}
			if d.into(value, &alias.Replacement, path, "") {
				add(at, path, alias)
			}
		})
	case '[':
		d.elements(v, path, func(value *hujson.Value, path string) {
			var alias config.Alias
			if d.into(value, &alias, path, `an object like {"find": "@", "replacement": "./src"}`) {
				add(value, path, alias)
			}
		})
	default:
		d.wrongType(v, path, `an object or a list of {"find", "replacement"}`)
		return
	}
	// The later list comes first: devserver.config.json wins over vite.config.
	*a = append(list, slices.DeleteFunc(*a, func(old config.Alias) bool {
		return slices.ContainsFunc(list, func(n config.Alias) bool { return n.Find == old.Find })
	})...)
}

func (d *decoder) logPlugin(v *hujson.Value, l *config.LogPlugin, path string) {
	if v.Value.Kind() != 't' {
		d.fields(v, l, path, "true, false or an object")
	}
}

func (d *decoder) hmr(v *hujson.Value, h *config.HMR, path string) {
	switch v.Value.Kind() {
	case 't', 'f':
		h.Off = v.Value.Kind() == 'f'
	default:
		h.Off = false
		d.fields(v, h, path, "true, false or an object")
	}
}

func (d *decoder) cssModules(v *hujson.Value, m *config.CSSModules, path string) {
	if m.Off = v.Value.Kind() == 'f'; m.Off {
		return
	}
	if d.fields(v, m, path, "false or an object") && d.lenient {
		d.functions(v, path, &m.Functions)
	}
	for _, text := range m.GlobalModulePaths {
		d.jsPattern(v, join(path, "globalModulePaths"), text)
	}
}

func (d *decoder) https(v *hujson.Value, h *config.HTTPS, path string) {
	if v.Value.Kind() == 't' {
		return
	}
	if d.fields(v, h, path, `true, false or an object with "key" and "cert"`) && (h.Key == "") != (h.Cert == "") {
		d.fail(v, path, `needs both "key" and "cert", or neither`)
	}
}

func (d *decoder) cors(v *hujson.Value, c *config.CORS, path string) {
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

func (d *decoder) corsOrigin(v *hujson.Value, o *corsOrigin, path string) {
	switch v.Value.Kind() {
	case 't':
		*o = []string{"*"}
	case 'f':
		*o = nil
	default:
		d.strings(v, (*config.Strings)(o), path)
	}
}

func (d *decoder) proxy(v *hujson.Value, p *config.Proxy, path string) {
	d.members(v, path, "an object from paths to backends", func(match string, at, value *hujson.Value, path string) {
		rule := config.ProxyRule{Path: match}
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
		if rule.Target == "" && !rule.Functions.Bypass && !rule.Functions.Vite {
			d.fail(value, path, `needs a "target" like "http://localhost:8080"`)
			return
		}
		rule.WS = rule.WS || strings.HasPrefix(rule.Target, "ws:") || strings.HasPrefix(rule.Target, "wss:")
		*p = slices.DeleteFunc(*p, func(old config.ProxyRule) bool { return old.Path == match })
		*p = append(*p, rule)
	})
}

// functions decodes an option's functions, which only a vite.config has.
func (d *decoder) functions(option *hujson.Value, path string, into any) {
	if option.Value.Kind() != '{' {
		return
	}
	d.members(option, path, "", func(name string, _, value *hujson.Value, path string) {
		if name == "functions" {
			d.fields(value, into, path, "an object")
		}
	})
}

func (d *decoder) replacements(v *hujson.Value, r *config.Replacements, path string) {
	switch v.Value.Kind() {
	case 'f':
		*r = nil
	case '"':
		*r = config.Replacements{"*": v.Value.(hujson.Literal).String()}
	default:
		made := map[string]string{}
		if d.into(v, &made, path, "a text, false or an object") {
			*r = made
		}
	}
}

func (d *decoder) rewrites(v *hujson.Value, r *config.Rewrites, path string) {
	d.members(v, path, `an object like {"^/api": ""}`, func(pattern string, at, value *hujson.Value, path string) {
		rw := config.Rewrite{Pattern: pattern}
		if d.jsPattern(at, path, pattern) && d.into(value, &rw.Replacement, path, "") {
			*r = append(*r, rw)
		}
	})
}
