package server

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/internal/transform"
)

// Where a position in what pages run is in the files that people edit.

// locator finds positions of packs and updates in the source.
type locator struct{ p *project }

// Position implements builtin.Locator. Of what has no place in the source the URL's path is shown.
func (l locator) Position(at string, line, column int) string {
	if place, ok := l.find(at, line, column); ok {
		return place
	}
	if u, err := url.Parse(at); err == nil && u.Host == "" {
		at = strings.TrimPrefix(u.Path, l.p.layout.Base)
	}
	return fmt.Sprintf("%s:%d", at, line)
}

var stackPosition = regexp.MustCompile(`(?:https?://[^\s()/@]+)?(/[^\s()@]+):(\d{1,9}):(\d{1,9})`)

// Stack implements builtin.Locator.
func (l locator) Stack(text string) string {
	return stackPosition.ReplaceAllStringFunc(text, func(whole string) string {
		m := stackPosition.FindStringSubmatch(whole)
		line, _ := strconv.Atoi(m[2])
		column, _ := strconv.Atoi(m[3])
		if place, ok := l.find(m[1], line, column); ok {
			return place
		}
		return whole
	})
}

// find returns the file and line of a position, or the file alone when it has changed since.
func (l locator) find(at string, line, column int) (place string, ok bool) {
	file, n, ok := l.p.originalPosition(at, line, column)
	if n > 0 {
		file += ":" + strconv.Itoa(n)
	}
	return file, ok
}

// currentLocator is the locator of the project that runs now: a tail outlives restarts.
type currentLocator struct{ s *Server }

// Position implements builtin.Locator.
func (l currentLocator) Position(at string, line, column int) string {
	return locator{l.s.project.Load()}.Position(at, line, column)
}

// Stack implements builtin.Locator.
func (l currentLocator) Stack(text string) string { return locator{l.s.project.Load()}.Stack(text) }

// originalPosition finds the module that a position in a pack or an update belongs to, and its line there; 0 when the
// file has changed since, so that its lines are others. The pack is the last one that was sent for the URL.
func (p *project) originalPosition(at string, line, column int) (file string, original int, ok bool) {
	sections := p.sectionsAt(at)
	behind := sort.Search(len(sections), func(i int) bool { return sections[i].line >= line })
	if behind == 0 {
		return "", 0, false
	}
	s := sections[behind-1]
	own := p.File(s.id)
	if own == "" {
		return "", 0, false
	}
	if sourceMap := p.mapFor(s); sourceMap != nil {
		if n, _, found := transform.Original(sourceMap, line-s.line, column); found {
			original = n
		}
	}
	return p.layout.Shown(own), original, true
}

// sectionsAt returns what was sent for the URL, a path with a query.
func (p *project) sectionsAt(at string) []section {
	if key, found := strings.CutPrefix(at, path.Join(p.layout.Base, updatePath)+"/"); found {
		t, _ := p.updates.get(strings.TrimSuffix(key, ".js"))
		return t.sections
	}
	t, _ := p.places.get(at)
	return t.sections
}

// mapFor is mapOf for who looks up one position after the other: it keeps the maps, of which making one takes a compile.
// It returns nil when the source is not the one that the code was made of.
func (p *project) mapFor(s section) []byte {
	now := p.graph.Version(s.id)
	if now == nil || now.Rev != s.version.Rev {
		return nil
	}
	// An edit of comments makes another version of the same revision, whose lines are others.
	if t, ok := p.maps.get(s.id); ok && t.sections[0].version == now {
		return []byte(t.code)
	}
	m := p.mapOf(s)
	if m != nil {
		p.maps.put(s.id, servedText{code: string(m), sections: []section{{id: s.id, version: now}}})
	}
	return m
}
