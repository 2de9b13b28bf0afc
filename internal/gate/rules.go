package gate

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A file may be read if it lies below an allowed folder, is not a secret, and is not hidden. Hidden files and files
// elsewhere may be read if a module imports them (permit.go).

var (
	secretDirs = map[string]bool{
		".git": true, ".hg": true, ".svn": true,
		".ssh": true, ".gnupg": true, ".aws": true, ".azure": true, ".kube": true, ".docker": true,
	}
	// Names are compared in lower case on every system: `.ENV` is `.env` where file names ignore case (CVE-2024-23331).
	secretNames = map[string]bool{
		".env": true, ".npmrc": true, ".netrc": true, ".htpasswd": true, ".git-credentials": true, ".pypirc": true,
	}
	secretPrefixes = []string{".env.", ".yarnrc", "id_rsa", "id_ed25519", "id_ecdsa"}
	secretSuffixes = map[string]bool{
		".env": true, ".pem": true, ".key": true, ".crt": true, ".cer": true, ".der": true,
		".p12": true, ".pfx": true, ".jks": true, ".kdbx": true,
	}
)

// Allowed returns nil if the file may be read, or a *Denied. It checks files that an import, a source map or the like
// names. file is a real path.
func (g *Gate) Allowed(file string) error {
	if g.open(file) || !g.hard(file) && g.imported(file) {
		return nil
	}
	return g.refuse(file)
}

// open reports whether the file may be read without an import of it.
func (g *Gate) open(file string) bool { return g.inside(file) && !g.hidden(file) && !g.hard(file) }

func (g *Gate) refuse(file string) *Denied {
	switch {
	case g.hard(file):
		return forbidden(file + " may not be read: it is a secret, or server.fs.deny names it")
	case g.inside(file) && g.hidden(file):
		return forbidden(file + " may not be read: it is hidden, and no module imports it")
	}
	d := forbidden(file + " may not be read")
	if !g.inside(file) {
		d.Allow = fmt.Sprintf(`"server": {"fs": {"allow": [%q]}} in devserver.config.json`, filepath.Dir(file))
	}
	return d
}

// inside reports whether the path lies below an allowed folder. The separator counts: /app-secrets is not below /app.
func (g *Gate) inside(file string) bool {
	for _, dir := range g.allow {
		if below(file, dir) {
			return true
		}
	}
	return g.public != "" && below(file, g.public)
}

func below(file, dir string) bool {
	return file == dir || strings.HasPrefix(file, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}

// relative returns the part of the path below dir, the innermost allowed folder. The rules do not apply to the folders
// above, since the user chose them.
func (g *Gate) relative(file string) (rel, dir string) {
	for _, d := range append([]string{g.public}, g.allow...) {
		if d != "" && below(file, d) && len(d) > len(dir) {
			dir = d
		}
	}
	return filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(file, dir), string(filepath.Separator))), dir
}

// hidden reports whether the path has a hidden name in it.
func (g *Gate) hidden(file string) bool {
	if !strings.Contains(file, "/.") && !strings.Contains(file, `\.`) {
		return false // each import asks, and hardly any path has such a name
	}
	rel, dir := g.relative(file)
	for i, segment := range strings.Split(rel, "/") {
		wellKnown := dir == g.public && i == 0 && segment == ".well-known"
		if strings.HasPrefix(segment, ".") && segment != "." && !wellKnown && !packageStore(segment) {
			return true
		}
	}
	return false
}

// hard reports whether the path names a secret, which no import and no configuration allows, or matches Options.Deny.
func (g *Gate) hard(file string) bool {
	rel, dir := g.relative(file)
	rel = strings.ToLower(rel)
	for segment := range strings.SplitSeq(rel, "/") {
		if secretDirs[segment] || secretName(unbackup(segment)) || secretName(segment) {
			return true
		}
	}
	return slices.ContainsFunc(g.deny, func(d denied) bool {
		// a path has no folder to start from outside
		return d.pattern.Match(rel) || (d.isName || dir == "") && d.anywhere.Match(rel)
	})
}

func secretName(name string) bool {
	if secretNames[name] || secretSuffixes[path.Ext(name)] {
		return true
	}
	return slices.ContainsFunc(secretPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// numbered matches the end of the names of Emacs' numbered copies.
var numbered = regexp.MustCompile(`\.~[0-9]+~$`)

// unbackup removes the marks that editors add to the names of copies: `.env~`, `#.env#`, `.env.swp`, `key.pem.bak`,
// `key.pem.~1~`.
func unbackup(name string) string {
	for {
		was := name
		name = strings.TrimSuffix(numbered.ReplaceAllString(name, ""), "~")
		if strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") && len(name) > 1 {
			name = name[1 : len(name)-1]
		}
		for _, ext := range []string{".swp", ".swo", ".bak", ".orig", ".old", ".save", ".tmp"} {
			name = strings.TrimSuffix(name, ext)
		}
		if name == was {
			return name
		}
	}
}

// packageStore reports whether the name is that of a hidden folder in node_modules where package managers keep
// packages.
func packageStore(segment string) bool {
	return segment == ".pnpm" || segment == ".bun" || segment == ".store" || segment == ".yarn"
}
