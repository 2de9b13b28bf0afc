package html

import (
	"bytes"
	"html"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// urlAttributes are the attributes with URLs that a page loads itself. Links to other pages stay as the app wrote them.
var urlAttributes = map[string][]string{
	"link": {"href", "imagesrcset"}, "script": {"src"}, "img": {"src", "srcset"}, "source": {"src", "srcset"},
	"video": {"src", "poster"}, "audio": {"src"}, "track": {"src"}, "input": {"src"}, "image": {"href", "xlink:href"},
	"use": {"href", "xlink:href"}, "embed": {"src"}, "object": {"data"}, "meta": {"content"},
}

// metaNames are the names and properties of a <meta> whose content is a URL.
var metaNames = map[string]bool{
	"msapplication-tileimage": true, "msapplication-square70x70logo": true, "msapplication-square150x150logo": true,
	"msapplication-wide310x150logo": true, "msapplication-square310x310logo": true, "msapplication-config": true,
	"twitter:image": true, "og:image": true, "og:image:url": true, "og:image:secure_url": true, "og:audio": true,
	"og:audio:secure_url": true, "og:video": true, "og:video:secure_url": true,
}

// urls puts the base before the tag's root-relative URLs, as a build does, and follows aliases. With Options.Dir it
// makes relative URLs absolute. It reports false for a tag with the attribute vite-ignore, which stays as it is.
func (r *rewriter) urls(tag string, at, end int) bool {
	raw := r.page[at:end]
	style := r.o.Style != nil && needsStyle.Match(raw)
	ignores := bytes.Contains(raw, []byte("vite-ignore"))
	names := urlAttributes[tag]
	if r.o.Base == "/" && r.o.Dir == "" && r.o.Resolve == nil {
		names = nil
	}
	if names == nil && !style && !ignores {
		return true
	}
	list := attributeValues(raw)
	if i := slices.IndexFunc(list, func(a attributeValue) bool { return strings.EqualFold(a.name, "vite-ignore") }); ignores && i >= 0 {
		r.patches = append(r.patches, patch{at + list[i].start, at + list[i].end, ""})
		return false
	}
	if tag == "meta" && !slices.ContainsFunc(list, func(a attributeValue) bool {
		name := strings.ToLower(a.name)
		return (name == "name" || name == "property") && metaNames[strings.ToLower(strings.TrimSpace(r.value(a, at)))]
	}) {
		names = nil
	}
	for _, a := range list {
		old := r.value(a, at)
		now, name := strings.TrimSpace(old), strings.ToLower(a.name)
		switch {
		case style && name == "style" && needsStyle.MatchString(old):
			now = r.o.Style(old, r.line+bytes.Count(raw[:a.from], newline), true)
		case !slices.Contains(names, name):
			continue
		case strings.HasSuffix(name, "srcset"):
			now = r.srcset(old)
		default:
			now = r.url(now, tag == "script")
		}
		if now != strings.TrimSpace(old) && now != old {
			now = html.EscapeString(now)
			if quote := raw[a.from-1]; quote != '"' && quote != '\'' && strings.ContainsAny(now, " \t\n") {
				now = `"` + now + `"`
			}
			r.patches = append(r.patches, patch{at + a.from, at + a.to, now})
		}
	}
	return true
}

// needsStyle matches the CSS in tags that may have URLs.
var needsStyle = regexp.MustCompile(`(?i)(?:url|image-set)\(`)

func (r *rewriter) value(a attributeValue, at int) string {
	return html.UnescapeString(string(r.page[at+a.from : at+a.to]))
}

// imports puts the base before the URLs that a classic script imports.
func (r *rewriter) imports(at int, code []byte) {
	if r.o.Imports == nil || !bytes.Contains(code, []byte("import")) {
		return
	}
	for _, span := range r.o.Imports(string(code)) {
		old := string(code[span[0]:span[1]])
		now := r.aliased(old, true)
		if now == old && old != "" && strings.IndexByte("./", old[0]) >= 0 { // an import map knows all other names
			now = r.url(old, true)
		}
		if now != old && !strings.ContainsAny(now, "\"'`\\<\n") {
			r.patches = append(r.patches, patch{at + span[0], at + span[1], now})
		}
	}
}

func (r *rewriter) url(u string, script bool) string {
	switch {
	case u == "", u[0] == '#', u[0] == '?', strings.HasPrefix(u, "//"), strings.Contains(strings.SplitN(u, "/", 2)[0], ":"):
		return u
	}
	if to := r.aliased(u, script); to != u {
		return to
	}
	switch {
	case u[0] == '/':
		if strings.HasPrefix(u, r.o.Base) || u+"/" == r.o.Base {
			return u
		}
		return r.o.Base + u[1:]
	case r.o.Dir != "":
		name, rest := u, ""
		if i := strings.IndexAny(u, "?#"); i >= 0 {
			name, rest = u[:i], u[i:]
		}
		return path.Join(r.o.Base, escaped(r.o.Dir), name) + rest
	}
	return u
}

// srcset rewrites the URLs of a list such as `a.png 1x, b.png 2x`.
func (r *rewriter) srcset(list string) string {
	if strings.Contains(list, "data:") { // a data URL holds commas, too
		return list
	}
	candidates := strings.Split(list, ",")
	changed := false
	for i, c := range candidates {
		fields := strings.Fields(c)
		if len(fields) == 0 {
			continue
		}
		if now := r.url(fields[0], false); now != fields[0] {
			fields[0], changed = now, true
		}
		candidates[i] = strings.Join(fields, " ")
	}
	if !changed {
		return list
	}
	return strings.Join(candidates, ", ")
}

// attributeValue is the range of an attribute's value in a tag's text, without its quotes, and the range of the whole
// attribute. An attribute without a value has an empty range.
type attributeValue struct {
	name       string
	from, to   int
	start, end int
}

// attributeValues finds the values in the text of a start tag. The tokenizer returns them decoded and without their
// place.
func attributeValues(tag []byte) []attributeValue {
	var list []attributeValue
	i := 1
	skip := func(until string) int { // to the first of these bytes
		for i < len(tag) && strings.IndexByte(until, tag[i]) < 0 {
			i++
		}
		return i
	}
	blanks := func(these string) {
		for i < len(tag) && strings.IndexByte(these, tag[i]) >= 0 {
			i++
		}
	}
	skip(" \t\r\n\f/>") // the tag's name
	for {
		blanks(" \t\r\n\f/")
		if i >= len(tag) || tag[i] == '>' {
			return list
		}
		start := i
		i++ // a name may begin with "="
		name := string(tag[start:skip(" \t\r\n\f/>=")])
		end := i
		blanks(" \t\r\n\f")
		if i >= len(tag) || tag[i] != '=' {
			list = append(list, attributeValue{name, end, end, start, end})
			continue
		}
		i++
		blanks(" \t\r\n\f")
		if i >= len(tag) {
			return list
		}
		if quote := tag[i]; quote == '"' || quote == '\'' {
			i++
			from := i
			to := skip(string(quote))
			i++
			list = append(list, attributeValue{name, from, to, start, min(i, len(tag))})
			continue
		}
		from := i
		to := skip(" \t\r\n\f>")
		list = append(list, attributeValue{name, from, to, start, to})
	}
}

// escaped escapes a path for a URL.
func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }
