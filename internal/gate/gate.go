// Package gate decides what may be read. It is the only way from a URL to a file and from a file to a URL.
//
// Resolve takes the raw request target. Allowed takes files that are reached in another way (imports, source maps,
// the editor). Both end in the same rules on the resolved real path; queries and headers choose the form of an answer
// elsewhere, never whether these run. Open and ReadFile apply them once more at the last step, to the real path of the
// file that is open, so that neither a link nor a way that forgot to ask leads to a secret.
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
)

// Kind tells by which way a URL led to a file.
type Kind uint8

const (
	// Root is a file below the project's root, or the workspace's, by its URL.
	Root Kind = iota
	// Public is a file of the public folder, served as it is.
	Public
	// FS is a file by its absolute path, `/@fs/…`.
	FS
)

// Options tells what belongs to the project.
type Options struct {
	// Root is the folder that is served, a real path.
	Root string
	// Project is the project's folder. When Root lies below it, what else is there may be imported; "" is Root alone.
	Project string
	// Public is the folder whose files are served at the base; "" is none.
	Public string
	// Base begins and ends with a slash.
	Base string
	// Allow are folders outside the root that may be read, relative to Root or absolute.
	Allow []string
	// Deny are further patterns that may not be read, beside the built-in ones: a name, or a path below an allowed
	// folder, with `*`, `**` and `{a,b}`.
	Deny []string
}

// Gate is the check. Use New.
type Gate struct {
	o      Options
	public string   // real path, "" for none
	allow  []string // real paths, root first

	mu sync.RWMutex
	// permitted are hidden files that a served module imports.
	permitted map[string]bool
}

// New returns a Gate. The workspace's root is found above the served one and allowed too: what its packages share is
// part of the project.
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
	// A node_modules that is a link was put there by whoever set the project up; what lies behind it is its packages.
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
		g.public = o.Public // it may be made later
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

// Target is what a URL leads to.
type Target struct {
	// File is the real path.
	File string
	// ID is the module's ID, query included.
	ID string
	// Query is the raw query without "?".
	Query string
	Kind  Kind
}

// Denied tells why there is no Target. Text is what the client gets, Reason what the terminal shows; Reason is empty
// for files that simply do not exist.
type Denied struct {
	// Status is that of the answer.
	Status int
	Reason string
	// Allow tells the configuration that would let the file be read, if there is one.
	Allow string
}

// Text is a constant for each status: an answer must not tell what is there.
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

// decode checks the form of a target and decodes it once. What has two readings is refused: decoding after the check
// (CVE-2022-35204), a second decoding (CVE-2024-29180) or cutting at "#" (CVE-2025-32395) were ways around it.
func decode(target string) (name, query string, denied *Denied) {
	raw, query, _ := strings.Cut(target, "?")
	if !strings.HasPrefix(raw, "/") {
		return "", "", bad("the target does not begin with a slash")
	}
	for _, c := range []byte(target) {
		if c <= ' ' || c == 0x7f || c == '#' || c == '\\' {
			return "", "", bad("the target holds a character that may not stand there")
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
		// "." at the end hid names too (CVE-2025-46565).
		if segment == "." || segment == ".." {
			return "", "", bad("the target holds a dot segment")
		}
		if windowsAlias(segment) {
			return "", "", forbidden("the name means another file on Windows")
		}
	}
	return name, query, nil
}

// windowsAlias tells whether Windows reads the name as another one: streams (`.env::$DATA`, CVE-2026-53571), short
// names (`ENV~1`), dots and spaces at the end. They are refused everywhere, so that one test covers all systems.
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
	case "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9":
		return true
	}
	return false
}

// find tries the public folder, then the root, then absolute paths, and applies the rules to what it finds.
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

// check applies the rules to the requested path and to the real one.
func (g *Gate) check(file, name, query string, kind Kind) (Target, *Denied) {
	if g.denied(file) {
		return Target{}, g.refuse(file)
	}
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		if kind == FS && !g.inside(filepath.Clean(file)) {
			return Target{}, g.refuse(file) // whether a file outside exists is nobody's business
		}
		return Target{}, missing
	}
	if !g.inside(real) {
		return Target{}, g.refuse(real) // a link that leads out, a sibling with the same prefix (CVE-2025-58751), `/@fs/`
	}
	if g.denied(real) {
		return Target{}, g.refuse(real)
	}
	info, err := os.Stat(real)
	if err != nil || !info.Mode().IsRegular() || strings.HasSuffix(name, "/") {
		return Target{}, missing // folders are not listed; pipes and devices would block or never end
	}
	id := name
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
		return "/" + filepath.ToSlash(rest)
	}
	if slash := filepath.ToSlash(file); strings.HasPrefix(slash, "/") {
		return "/@fs" + slash
	} else {
		return "/@fs/" + slash
	}
}

// IDToFile returns the path that an ID without query stands for. ok is false for virtual modules. Nothing is checked:
// the result goes through Open, or through Real, before it is used.
func (g *Gate) IDToFile(id string) (file string, ok bool) {
	if rest, isFS := strings.CutPrefix(id, "/@fs/"); isFS {
		return filepath.Clean(absolute(rest)), true
	}
	if !strings.HasPrefix(id, "/") || strings.HasPrefix(id, "/@") && !exists(filepath.Join(g.o.Root, filepath.FromSlash(id))) {
		return "", false
	}
	return filepath.Join(g.o.Root, filepath.FromSlash(id)), true
}
