// Package gate decides what may be read; package guard decides who may ask. Only a Gate turns URLs into files and files
// into URLs.
//
// Resolve takes the raw request target. Allowed takes files from elsewhere (imports, source maps, the editor). Both
// apply the same rules to the resolved real path. Queries and headers choose the form of an answer elsewhere, and never
// whether the rules run. Open and ReadFile apply the rules again at the last step, to the real path of the open file.
// So neither a link nor a forgotten check leads to a secret.
//
// A Gate is safe for concurrent use.
package gate

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/seed-b8174343/devserver/internal/moduleid"
)

// Kind is the kind of URL that led to a file.
type Kind uint8

const (
	// Root is a file below the project's root, or the workspace's, by its URL.
	Root Kind = iota
	// Public is a file of the public folder, served unchanged.
	Public
	// FS is a file by its absolute path, `/@fs/…`.
	FS
)

// Options say which folders belong to the project.
type Options struct {
	// Root is the served folder, a real path.
	Root string
	// Project is the project's folder. When Root lies below it, all files in Project may be imported. "" means Root
	// alone.
	Project string
	// Public is the folder of files that are served at the base; "" when there is none.
	Public string
	// Base begins and ends with a slash.
	Base string
	// Allow lists folders outside the root that may be read, relative to Root or absolute.
	Allow []string
	// Deny lists patterns of files that may not be read, in addition to the built-in ones. A pattern is a name, or a
	// path below an allowed folder, with `*`, `**` and `{a,b}`.
	Deny []string
}

// Gate applies the rules. Use New.
type Gate struct {
	o      Options
	public string   // real path, "" for none
	allow  []string // real paths, root first

	mu sync.RWMutex
	// permitted are hidden files that a served module imports.
	permitted map[string]bool
}

// New returns a Gate. It finds the workspace's root above the served root and allows it too: the files that its
// packages share are part of the project.
func New(o Options) (*Gate, error) {
	if o.Base == "" {
		o.Base = "/"
	}
	g := &Gate{o: o, allow: []string{o.Root}, permitted: map[string]bool{}}
	if o.Project != "" && o.Project != o.Root && below(o.Root, o.Project) {
		g.allow = append(g.allow, o.Project)
	}
	if w := Workspace(o.Root); w != "" {
		g.allow = append(g.allow, w)
	}
	// The user who set up the project made a node_modules that is a link. The link's target holds the project's
	// packages.
	for _, dir := range append(slices.Clone(g.allow), packageAbove(o.Root)) {
		if real, err := filepath.EvalSymlinks(filepath.Join(dir, "node_modules")); err == nil {
			g.allow = append(g.allow, real)
		}
	}
	for _, dir := range o.Allow {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(o.Root, dir)
		}
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return nil, fmt.Errorf("server.fs.allow: %w", err)
		}
		g.allow = append(g.allow, real)
	}
	if o.Public != "" {
		g.public = o.Public // it may be created later
		if real, err := filepath.EvalSymlinks(o.Public); err == nil {
			g.public = real
		}
	}
	for _, pattern := range o.Deny {
		if !doublestar.ValidatePattern(pattern) {
			return nil, fmt.Errorf("server.fs.deny: malformed pattern %q", pattern)
		}
	}
	return g, nil
}

// Target is the file of a URL.
type Target struct {
	// File is the real path.
	File string
	// ID is the module's ID, query included.
	ID string
	// Query is the raw query without "?".
	Query string
	Kind  Kind
}

// Denied says why there is no Target. The client gets Text, the terminal shows Reason.
type Denied struct {
	// Status is the status of the answer.
	Status int
	// Reason is empty for a file that does not exist.
	Reason string
	// Allow is the configuration that would allow the file to be read, "" when there is none.
	Allow string
}

// Text returns a constant for each status: an answer must not reveal which files exist.
func (d *Denied) Text() string {
	switch d.Status {
	case http.StatusBadRequest:
		return "400 bad request"
	case http.StatusForbidden:
		return "403 forbidden"
	default:
		return "404 not found"
	}
}

func (d *Denied) Error() string {
	if d.Reason == "" {
		return d.Text()
	}
	return d.Reason
}

func bad(reason string) *Denied       { return &Denied{Status: http.StatusBadRequest, Reason: reason} }
func forbidden(reason string) *Denied { return &Denied{Status: http.StatusForbidden, Reason: reason} }

var missing = &Denied{Status: http.StatusNotFound}

// Resolve turns a raw request target, as it came over the wire, into a file that may be read.
func (g *Gate) Resolve(target string) (Target, *Denied) {
	name, query, denied := decode(target)
	if denied != nil {
		return Target{}, denied
	}
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(g.o.Base, "/"))
	if !ok || !strings.HasPrefix(rest, "/") {
		return Target{}, missing
	}
	return g.find(rest, query)
}

// decode checks the form of a target and decodes it once. It refuses targets with two readings. Decoding after the
// check (CVE-2022-35204), a second decoding (CVE-2024-29180) and cutting at "#" (CVE-2025-32395) were ways around
// checks.
func decode(target string) (name, query string, denied *Denied) {
	raw, query, _ := strings.Cut(target, "?")
	if !strings.HasPrefix(raw, "/") {
		return "", "", bad("the target does not begin with a slash")
	}
	for _, c := range []byte(target) {
		if c <= ' ' || c == 0x7f || c == '#' || c == '\\' {
			return "", "", bad("the target holds a forbidden character")
		}
	}
	lower := strings.ToLower(raw)
	for _, escape := range []string{"%2f", "%5c", "%00"} {
		if strings.Contains(lower, escape) {
			return "", "", bad("the target holds an escaped separator")
		}
	}
	name, err := url.PathUnescape(raw)
	if err != nil || !utf8.ValidString(name) {
		return "", "", bad("the target cannot be decoded")
	}
	for _, c := range name {
		if c < ' ' || c == 0x7f {
			return "", "", bad("the target holds an escaped control character")
		}
	}
	// "//" hid names from deny lists (CVE-2023-34092) and makes redirects leave the site (CVE-2022-40083).
	if strings.Contains(name, "//") {
		return "", "", &Denied{Status: http.StatusNotFound, Reason: "the target holds an empty segment"}
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(name, "/"), "/") {
		// A "." at the end hid names too (CVE-2025-46565).
		if segment == "." || segment == ".." {
			return "", "", bad("the target holds a dot segment")
		}
		if windowsAlias(segment) {
			return "", "", forbidden("Windows reads the name as another file")
		}
	}
	return name, query, nil
}

// windowsAlias reports whether Windows reads the name as another name: streams (`.env::$DATA`, CVE-2026-53571), short
// names (`ENV~1`), dots and spaces at the end. Such names are refused on every system, so that one test covers all.
func windowsAlias(segment string) bool {
	if len(segment) == 2 && segment[1] == ':' {
		return false // the drive of a /@fs/C:/ path; it is checked with the file
	}
	if strings.Contains(segment, ":") || strings.HasSuffix(segment, " ") || strings.HasSuffix(segment, ".") {
		return true
	}
	if at := strings.IndexByte(segment, '~'); at > 0 && at <= 6 && at+1 < len(segment) && segment[at+1] >= '1' && segment[at+1] <= '9' {
		if end := segment[at+2:]; end == "" || end[0] == '.' && len(end) <= 4 {
			return true
		}
	}
	base, _, _ := strings.Cut(strings.ToLower(segment), ".")
	switch base {
	case "con", "prn", "aux", "nul",
		"com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
		"lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9":
		return true
	}
	return false
}

// find finds the file by its absolute path, or in the public folder, or in the root, and applies the rules to it.
func (g *Gate) find(name, query string) (Target, *Denied) {
	if rest, ok := strings.CutPrefix(name, "/@fs/"); ok {
		return g.check(absolute(rest), name, query, FS)
	}
	if g.public != "" && name != "/" {
		file := filepath.Join(g.public, filepath.FromSlash(name))
		if _, err := os.Lstat(file); err == nil {
			if t, denied := g.check(file, name, query, Public); denied == nil || denied.Status != http.StatusNotFound {
				return t, denied
			}
		}
	}
	return g.check(filepath.Join(g.o.Root, filepath.FromSlash(name)), name, query, Root)
}

func absolute(rest string) string {
	if filepath.VolumeName(filepath.FromSlash(rest)) != "" {
		return filepath.FromSlash(rest)
	}
	return filepath.FromSlash("/" + rest)
}

// check applies the rules to the requested path and to the real path.
func (g *Gate) check(file, name, query string, kind Kind) (Target, *Denied) {
	if g.denied(file) {
		return Target{}, g.refuse(file)
	}
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		if kind == FS && !g.inside(filepath.Clean(file)) {
			return Target{}, g.refuse(file) // the answer must not reveal whether a file outside exists
		}
		return Target{}, missing
	}
	if !g.inside(real) {
		return Target{}, g.refuse(real) // a link out of the project, a sibling with the same prefix (CVE-2025-58751), `/@fs/`
	}
	if g.denied(real) {
		return Target{}, g.refuse(real)
	}
	info, err := os.Stat(real)
	if err != nil || !info.Mode().IsRegular() || strings.HasSuffix(name, "/") {
		return Target{}, missing // folders are not listed; pipes and devices would block or never end
	}
	id := moduleid.OfPath(name)
	if kind != Public {
		id = g.FileToID(real)
	}
	if query != "" {
		id += "?" + query
	}
	return Target{File: real, ID: id, Query: query, Kind: kind}, nil
}

// FileToID returns the module ID of a real path.
func (g *Gate) FileToID(file string) string {
	if rest, ok := strings.CutPrefix(file, g.o.Root+string(filepath.Separator)); ok {
		return "/" + moduleid.OfPath(filepath.ToSlash(rest))
	}
	if slash := moduleid.OfPath(filepath.ToSlash(file)); strings.HasPrefix(slash, "/") {
		return "/@fs" + slash
	} else {
		return "/@fs/" + slash
	}
}

// IDToFile returns the path of an ID's file. ok is false for virtual modules. IDToFile checks no rule: pass the
// path through Open or Real before you use it.
func (g *Gate) IDToFile(id string) (file string, ok bool) {
	id = moduleid.Path(id)
	if rest, isFS := strings.CutPrefix(id, "/@fs/"); isFS {
		return filepath.Clean(absolute(rest)), true
	}
	if !strings.HasPrefix(id, "/") || strings.HasPrefix(id, "/@") && !exists(filepath.Join(g.o.Root, filepath.FromSlash(id))) {
		return "", false
	}
	return filepath.Join(g.o.Root, filepath.FromSlash(id)), true
}
