package server

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/internal/builtin"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/plugin"
)

// builtins are the plugins of our own that the configuration switches on.
func (p *project) builtins() (list []plugin.Plugin, err error) {
	if p.cfg.Plugins.Console {
		list = append(list, builtin.Console(locator{p}))
	}
	if l := p.cfg.Plugins.Log; l != nil {
		file := l.File
		if file == "" {
			dir, err := p.server.cacheDir("")
			if err != nil {
				return nil, err
			}
			file = filepath.Join(dir, "devserver.log")
		}
		list = append(list, builtin.Log(builtin.LogOptions{
			File: file, MaxSize: l.MaxSizeOrDefault(), Keep: l.KeepOrDefault(), Where: locator{p}, Passed: p.server.hub.OnPassed,
		}))
	}
	return list, nil
}

// readsConsole tells whether pages send what they write to their consoles.
func (p *project) readsConsole() bool { return p.cfg.Plugins.Console || p.cfg.Plugins.Log != nil }

// locator finds positions of packs and updates in the source.
type locator struct{ p *project }

// Position implements builtin.Locator. Of what has no place in the source the URL's path is shown.
func (l locator) Position(at string, line, column int) string {
	if file, n, ok := l.p.originalPosition(at, line, column); ok {
		if n == 0 {
			return file
		}
		return file + ":" + strconv.Itoa(n)
	}
	if u, err := url.Parse(at); err == nil && u.Host == "" {
		at = strings.TrimPrefix(u.Path, l.p.base)
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
		file, n, ok := l.p.originalPosition(m[1], line, column)
		if !ok {
			return whole
		}
		if n == 0 {
			return file
		}
		return file + ":" + strconv.Itoa(n)
	})
}

// originalPosition finds the module that a position in a pack or an update belongs to, and its line there; 0 when the
// file has changed since, so that its lines are others. The pack is the last one that was sent for the URL.
func (p *project) originalPosition(at string, line, column int) (file string, original int, ok bool) {
	sections := p.sectionsAt(at)
	for i := len(sections) - 1; i >= 0; i-- {
		s := sections[i]
		if s.line >= line {
			continue
		}
		own := p.File(s.id)
		if own == "" {
			return "", 0, false
		}
		own = p.shown(own)
		sourceMap := p.mapFor(s)
		if sourceMap == nil {
			return own, 0, true
		}
		n, _, found := transform.Original(sourceMap, line-s.line, column)
		if !found {
			n = 0
		}
		return own, n, true
	}
	return "", 0, false
}

// sectionsAt returns what was sent for the URL, a path with a query.
func (p *project) sectionsAt(at string) []section {
	if key, found := strings.CutPrefix(at, path.Join(p.base, updatePath)+"/"); found {
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
