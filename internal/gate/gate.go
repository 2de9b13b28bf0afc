// Package gate decides what may be read; package guard decides who may ask. Only a Gate turns URLs into files and files
// into URLs.
//
// Resolve takes the raw request target. Allowed takes files from elsewhere (imports, source maps, the editor). Permit
// makes a file readable that a module imports. All of them
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
	"unicode/utf8"

	"github.com/seed-b8174343/devserver/internal/glob"
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
	// path below an allowed folder, with `*`, `**` and `{a,b}`. Outside these folders, the path may begin anywhere.
	Deny []string
}

// Gate applies the rules. Use New.
type Gate struct {
	o       Options
	public  string   // real path, "" for none
	allow   []string // real paths, root first
	deny    []denied
	imports imports
}

// denied is a pattern of Options.Deny.
type denied struct {
	pattern *glob.Pattern
	// anywhere is the pattern in any folder. Names, which have no slash, are denied by it.
	anywhere *glob.Pattern
	isName   bool
}

// New returns a Gate. It finds the workspace's root above the served root and allows it too: the files that its
// packages share are part of the project.
func New(o Options) (*Gate, error) {
	if o.Base == "" {
		o.Base = "/"
	}
	g := &Gate{o: o, allow: []string{o.Root}}
	g.imports.by, g.imports.of = map[string]map[string]bool{}, map[string]map[string]bool{}
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
			return nil, fmt.Errorf("server.fs.allow: there is no folder %s that can be read; create it, or take the entry out (%w)", dir, err)
		}
		g.allow = append(g.allow, real)
	}
	if o.Public != "" {
		g.public = o.Public // it may be created later
		if real, err := filepath.EvalSymlinks(o.Public); err == nil {
			g.public = real
		}
	}
	for _, text := range o.Deny {
		rel := strings.TrimPrefix(text, "./")
		anchored, err := glob.Compile(rel, denyOptions)
		if err != nil {
			return nil, fmt.Errorf("server.fs.deny: malformed pattern %q: %w", text, err)
		}
		anywhere, err := glob.Compile("**/"+rel, denyOptions)
		if err != nil {
			return nil, fmt.Errorf("server.fs.deny: malformed pattern %q: %w", text, err)
		}
		g.deny = append(g.deny, denied{anchored, anywhere, !strings.Contains(rel, "/")})
	}
	return g, nil
}

// denyOptions take all names: whether a secret is hidden, or its case, does not matter.
var denyOptions = glob.Options{Dot: true, FoldCase: true, Closed: true}

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
	// NoFile means that there is no file at the URL, so that the denial protects nothing. The project may have such a
	// route. It is never set for a URL that leads out of the allowed folders, where it would tell which files exist.
	NoFile bool
	// Nameless means NoFile for a URL that can be no file's, whatever files there are.
	Nameless bool
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

var (
	missing  = &Denied{Status: http.StatusNotFound, NoFile: true}
	nameless = &Denied{Status: http.StatusNotFound, NoFile: true, Nameless: true}
)

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

// Malformed returns the denial of a request target that no browser sends, nil for others. What serves files beside the
// gate must not see such a target.
func Malformed(target string) *Denied {
	if _, _, denied := decode(target); denied != nil && denied.Status == http.StatusBadRequest {
		return denied
	}
	return nil
}

// decode checks the form of a target and decodes it once. It refuses targets that no browser sends, and takes targets
// with two readings for the name of no file. Decoding after the check (CVE-2022-35204), a second decoding
// (CVE-2024-29180) and cutting at "#" (CVE-2025-32395) were ways around checks.
func decode(target string) (name, query string, denied *Denied) {
	raw, query, _ := strings.Cut(target, "?")
	if !strings.HasPrefix(raw, "/") {
		return "", "", bad("the target does not begin with a slash")
	}
	for _, c := range []byte(target) {
		if c <= ' ' || c == 0x7f || c == '#' {
			return "", "", bad("the target holds a forbidden character")
		}
	}
	if strings.Contains(raw, `\`) {
		return "", "", bad("the target holds a backslash")
	}
	lower := strings.ToLower(raw)
	if strings.Contains(lower, "%5c") { // it separates folders on Windows
		return "", "", &Denied{Status: http.StatusBadRequest, NoFile: true, Nameless: true}
	}
	if strings.Contains(lower, "%2f") {
		return "", "", nameless
	}
	name, err := url.PathUnescape(raw)
	if err != nil || !utf8.ValidString(name) || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return "", "", nameless
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(name, "/"), "/") {
		// A "." at the end hid names too (CVE-2025-46565). Browsers resolve dot segments, escaped ones, too.
		if segment == "." || segment == ".." {
			return "", "", bad("the target holds a dot segment")
		}
	}
	// "//" hid names from deny lists (CVE-2023-34092) and makes redirects leave the site (CVE-2022-40083).
	if strings.Contains(name, "//") {
		return "", "", nameless
	}
	return name, query, nil
}

// windowsAlias reports whether Windows may read the name as another name: streams (`.env::$DATA`, CVE-2026-53571),
// short names (`ENV~1`), dots and spaces at the end, devices. Other systems do so on drives of Windows.
func windowsAlias(segment string) bool {
	if strings.Contains(segment, ":") || strings.HasSuffix(segment, " ") || strings.HasSuffix(segment, ".") {
		return true
	}
	for rest := segment; ; { // PHOTOS~1.SVG
		at := strings.IndexByte(rest, '~')
		if at < 0 {
			break
		}
		if rest = rest[at+1:]; rest != "" && rest[0] >= '0' && rest[0] <= '9' {
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

// spelled reports whether each name in the path that may be another file's is listed in its folder as it is written.
// An alias is listed nowhere. So a real file may have any name that its disk lets it have. An import permits a file
// outside the allowed folders by its path, which is no alias.
func (g *Gate) spelled(file string) bool {
	rel, dir := g.relative(file)
	if dir == "" {
		return true
	}
	for name := range strings.SplitSeq(rel, "/") {
		if windowsAlias(name) && !lists(dir, name) {
			return false
		}
		dir = filepath.Join(dir, name)
	}
	return true
}

func lists(dir, name string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == name })
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
	t, denied := g.check(filepath.Join(g.o.Root, filepath.FromSlash(name)), name, query, Root)
	if denied != nil && denied.NoFile && g.public != "" && exists(g.public) {
		// A link in the public folder must not tell which files exist behind it.
		file := filepath.Join(g.public, filepath.FromSlash(name))
		if _, err := os.Lstat(file); err != nil && !g.absent(file) {
			return Target{}, g.refuse(file)
		}
	}
	return t, denied
}

func absolute(rest string) string {
	if filepath.VolumeName(filepath.FromSlash(rest)) != "" {
		return filepath.FromSlash(rest)
	}
	return filepath.FromSlash("/" + rest)
}

// check applies the rules to the requested path and to the real path.
func (g *Gate) check(file, name, query string, kind Kind) (Target, *Denied) {
	if g.hard(file) || g.hidden(file) && !g.imported(file) {
		d := g.refuse(file)
		d.NoFile = kind != FS && g.absent(file)
		return Target{}, d
	}
	if !g.spelled(file) {
		return Target{}, nameless
	}
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return Target{}, g.nothing(file)
	}
	if g.Allowed(real) != nil {
		return Target{}, g.refuse(real) // a link out of the project, a sibling with the same prefix (CVE-2025-58751), `/@fs/`
	}
	info, err := os.Stat(real)
	if err != nil || !info.Mode().IsRegular() || strings.HasSuffix(name, "/") {
		return Target{}, missing // folders are not listed; pipes and devices would block or never end
	}
	id := moduleid.OfPath(name)
	if kind != Public {
		id = g.FileToID(real)
	}
	return Target{File: real, ID: moduleid.WithQuery(id, query), Query: query, Kind: kind}, nil
}

// nothing returns the denial of a path that leads to no file. It must not reveal whether a file outside exists.
func (g *Gate) nothing(file string) *Denied {
	_, err := os.Lstat(file)
	if g.Allowed(filepath.Clean(file)) == nil && (err == nil || !g.inside(file) || g.absent(file)) {
		return missing
	}
	return g.refuse(file)
}

// absent reports whether there is no file at a path. It is false for a path through a link out of the allowed folders.
func (g *Gate) absent(file string) bool {
	if _, err := os.Lstat(file); err == nil {
		return false
	}
	for {
		dir := filepath.Dir(file)
		if dir == file {
			return false
		}
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return g.inside(real)
		}
		file = dir
	}
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

// Address returns the path below the base at which browsers get a file, escaped as in an ID. Files of the public folder
// are at the base, whatever their IDs are.
func (g *Gate) Address(file string) string {
	for _, dir := range []string{g.public, g.o.Public} { // the real path, and the path that a watcher may report
		if dir != "" && file != dir && below(file, dir) {
			return "/" + moduleid.OfPath(filepath.ToSlash(strings.TrimPrefix(file[len(dir):], string(filepath.Separator))))
		}
	}
	return g.FileToID(file)
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
