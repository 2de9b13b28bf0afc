package html

import (
	"html"
	"net/url"
	"path"
	"strings"
)

// urlAttributes are the attributes with URLs that a page loads itself. Links to other pages stay as the app wrote them.
var urlAttributes = map[string][]string{
	"link": {"href", "imagesrcset"}, "script": {"src"}, "img": {"src", "srcset"}, "source": {"src", "srcset"},
	"video": {"src", "poster"}, "audio": {"src"}, "track": {"src"}, "input": {"src"}, "image": {"href", "xlink:href"},
	"use": {"href", "xlink:href"}, "embed": {"src"}, "object": {"data"},
}

// urls puts the base before the tag's root-relative URLs, as a build does. With Options.Dir it makes relative URLs
// absolute.
func (r *rewriter) urls(tag string, at, end int) {
	names := urlAttributes[tag]
	if names == nil || r.o.Base == "/" && r.o.Dir == "" {
		return
	}
	for _, a := range attributeValues(r.page[at:end]) {
		for _, name := range names {
			if !strings.EqualFold(a.name, name) {
				continue
			}
			old := html.UnescapeString(string(r.page[at+a.from : at+a.to]))
			now := r.url(strings.TrimSpace(old))
			if strings.HasSuffix(name, "srcset") {
				now = r.srcset(old)
			}
			if now != strings.TrimSpace(old) && now != old {
				r.patches = append(r.patches, patch{at + a.from, at + a.to, html.EscapeString(now)})
			}
		}
	}
}

func (r *rewriter) url(u string) string {
	switch {
	case u == "", u[0] == '#', u[0] == '?', strings.HasPrefix(u, "//"), strings.Contains(strings.SplitN(u, "/", 2)[0], ":"):
		return u
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
		if now := r.url(fields[0]); now != fields[0] {
			fields[0], changed = now, true
		}
		candidates[i] = strings.Join(fields, " ")
	}
	if !changed {
		return list
	}
	return strings.Join(candidates, ", ")
}

// attributeValue is the range of an attribute's value in a tag's text, without its quotes.
type attributeValue struct {
	name     string
	from, to int
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
	blanks := func() {
		for i < len(tag) && strings.IndexByte(" \t\r\n\f/", tag[i]) >= 0 {
			i++
		}
	}
	skip(" \t\r\n\f/>") // the tag's name
	for {
		blanks()
		if i >= len(tag) || tag[i] == '>' {
			return list
		}
		from := i
		i++ // a name may begin with "="
		name := string(tag[from:skip(" \t\r\n\f/>=")])
		for i < len(tag) && strings.IndexByte(" \t\r\n\f", tag[i]) >= 0 {
			i++
		}
		if i >= len(tag) || tag[i] != '=' {
			continue
		}
		i++
		for i < len(tag) && strings.IndexByte(" \t\r\n\f", tag[i]) >= 0 {
			i++
		}
		if i >= len(tag) {
			return list
		}
		if quote := tag[i]; quote == '"' || quote == '\'' {
			i++
			from = i
			list = append(list, attributeValue{name, from, skip(string(quote))})
			i++
			continue
		}
		from = i
		list = append(list, attributeValue{name, from, skip(" \t\r\n\f>")})
	}
}

// escaped escapes a path for a URL.
func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }
