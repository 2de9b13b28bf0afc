package pack

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/sourcemap"
)

// Where a position in what pages run lies in the files that people edit.

// Position returns the file and line of a position in what pages run. A position without a place in the source keeps
// the path of its URL. It implements builtin.Locator.
func (p *Packer) Position(at string, line, column int) string {
	if place, ok := p.find(at, line, column); ok {
		return place
	}
	if u, err := url.Parse(at); err == nil && u.Host == "" {
		at = strings.TrimPrefix(u.Path, p.o.Layout.Base)
	}
	return fmt.Sprintf("%s:%d", at, line)
}

var stackPosition = regexp.MustCompile(`(?:https?://[^\s()/@]+)?((?:/@?[^\s()@/]*)+):(\d{1,9}):(\d{1,9})`)

// Stack replaces the positions in a stack with files and lines. It implements builtin.Locator.
func (p *Packer) Stack(text string) string {
	return stackPosition.ReplaceAllStringFunc(text, func(whole string) string {
		m := stackPosition.FindStringSubmatch(whole)
		line, _ := strconv.Atoi(m[2])
		column, _ := strconv.Atoi(m[3])
		if place, ok := p.find(m[1], line, column); ok {
			return place
		}
		return whole
	})
}

// find returns the file and line of a position, or the file alone when it has changed since.
func (p *Packer) find(at string, line, column int) (place string, ok bool) {
	file, n, ok := p.originalPosition(at, line, column)
	if n > 0 {
		file += ":" + strconv.Itoa(n)
	}
	return file, ok
}

// originalPosition returns the file of a position in a pack or an update, and the line there. The line is 0 when the
// file has changed since. The pack is the last pack that was sent for the URL.
func (p *Packer) originalPosition(at string, line, column int) (file string, original int, ok bool) {
	sections := p.sectionsAt(at)
	behind := sort.Search(len(sections), func(i int) bool { return sections[i].line >= line })
	if behind == 0 {
		return "", 0, false
	}
	s := sections[behind-1]
	own := p.o.Compiler.File(s.id)
	if m, err := sourcemap.Parse(p.mapFor(s)); err == nil {
		if at, found := m.Original(line-s.line, column); found {
			original = at.Line
			if source := m.Sources[at.Source]; source != moduleid.Name(s.id) { // what a plugin has made the module from
				own = cmp.Or(p.o.Compiler.File(source), source)
			}
		}
	}
	if own == "" {
		return "", 0, false
	}
	return p.o.Layout.Shown(own), original, true
}

// sectionsAt returns the modules in what was sent for the URL, a path with a query.
func (p *Packer) sectionsAt(at string) []section {
	if key, found := strings.CutPrefix(at, path.Join(p.o.Layout.Base, UpdatePath)+"/"); found {
		update, _ := p.sent.updates.get(strings.TrimSuffix(key, ".js"))
		return update.sections
	}
	place, _ := p.sent.places.get(at)
	return place.sections
}

// mapFor returns the source map of a section, nil when the module's source has changed since. It keeps maps for callers
// that look up many positions: each map costs a compile.
func (p *Packer) mapFor(s section) []byte {
	now := p.o.Graph.Version(s.id)
	if now == nil || now.Rev != s.version.Rev {
		return nil
	}
	// An edit of comments makes another version of the same revision, whose lines are others.
	if kept, ok := p.sent.maps.get(s.id); ok && kept.sections[0].version == now {
		return []byte(kept.code)
	}
	m := p.o.Compiler.SourceMap(p.o.Context, s.id, now)
	if m != nil {
		p.sent.maps.put(s.id, item{string(m), []section{{id: s.id, version: now}}})
	}
	return m
}
