package transform

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// CSSNames sets how a CSS module names its classes. The zero value makes names local, exports them as written, and
// derives the page's names from file, folder and name.
type CSSNames struct {
	// Convention is "camelCase" or "dashes" to export names in camel case too, "camelCaseOnly" or "dashesOnly" to
	// export only camel case. The forms with "dashes" keep underscores.
	Convention string
	// Pattern is the pattern of the page's names, such as "[name]__[local]___[hash:base64:5]".
	Pattern string
	// Global keeps names that are not marked :local.
	Global bool
}

// rename applies CSSNames to the exports and to the classes in the stylesheet.
func (b *cssBuild) rename(out *CSSOutput) {
	if b.in.Names.Pattern != "" {
		b.rescope(out)
	}
	if b.in.Names.Convention == "" {
		return
	}
	separators := "-_ "
	if strings.HasPrefix(b.in.Names.Convention, "dashes") {
		separators = "-"
	}
	exports := make(map[string]string, len(out.Exports))
	for name, scoped := range out.Exports {
		if !strings.HasSuffix(b.in.Names.Convention, "Only") {
			exports[name] = scoped
		}
	}
	for name, scoped := range out.Exports {
		camel := camelCase(name, separators)
		if _, taken := exports[camel]; !taken || camel == name {
			exports[camel] = scoped
		}
	}
	out.Exports = exports
}

func camelCase(name, separators string) string {
	var b strings.Builder
	up := false
	for _, c := range name {
		switch {
		case strings.ContainsRune(separators, c):
			up = b.Len() > 0
		case up:
			b.WriteRune(unicode.ToUpper(c))
			up = false
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

var cssIdent = regexp.MustCompile(`-?[\p{L}_][\p{L}\p{N}_-]*`)

// rescope replaces esbuild's class names by names of the pattern. esbuild's names begin with the name that the build
// gave the class's file, and nothing else in a stylesheet does.
func (b *cssBuild) rescope(out *CSSOutput) {
	prefixes := map[string]string{} // `btn_1a2b3c_` -> file
	b.mu.Lock()
	for name, file := range b.files {
		prefixes[strings.TrimSuffix(name[1:], ".css")+"_"] = file
	}
	b.mu.Unlock()
	scoped := func(name string) string {
		for prefix, file := range prefixes {
			if local, ok := strings.CutPrefix(name, prefix); ok {
				return b.scopedName(file, local)
			}
		}
		return name
	}
	out.CSS = cssIdent.ReplaceAllStringFunc(out.CSS, scoped)
	for name, list := range out.Exports {
		out.Exports[name] = cssIdent.ReplaceAllStringFunc(list, scoped)
	}
}

var patternPart = regexp.MustCompile(`\[(?:(\w+):)?(\w+)(?::(\w+))?(?::(\d+))?\]`)

// scopedName fills the pattern: [name], [local], [folder], [path], [ext], and [hash:base64:5] with its variants.
func (b *cssBuild) scopedName(file, local string) string {
	rel, err := filepath.Rel(filepath.Dir(b.in.File), file)
	if err != nil {
		rel = filepath.Base(file)
	}
	id := strings.TrimPrefix(path.Join(path.Dir(b.in.ID), filepath.ToSlash(rel)), "/")
	base := path.Base(id)
	name := patternPart.ReplaceAllStringFunc(b.in.Names.Pattern, func(part string) string {
		m := patternPart.FindStringSubmatch(part)
		switch m[2] {
		case "name":
			return strings.TrimSuffix(base, path.Ext(base))
		case "local":
			return local
		case "ext":
			return strings.TrimPrefix(path.Ext(base), ".")
		case "folder":
			return path.Base(path.Dir(id))
		case "path":
			return path.Dir(id) + "/"
		case "hash", "contenthash":
			return nameHash(id+"\x00"+local, m[3], m[4])
		}
		return part
	})
	name = regexp.MustCompile(`[^\p{L}\p{N}_-]`).ReplaceAllString(name, "-")
	if name == "" || name[0] >= '0' && name[0] <= '9' || name[0] == '-' {
		name = "_" + name // a class name cannot begin with a digit or a dash
	}
	return name
}

// nameHash returns the hash of a text, in the digits and with the length of the pattern.
func nameHash(text, digest, length string) string {
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:])
	if strings.HasPrefix(digest, "base64") {
		hash = strings.NewReplacer("-", "a", "_", "b").Replace(base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	n, err := strconv.Atoi(length)
	if err != nil || n <= 0 {
		n = 8
	}
	return hash[:min(n, len(hash))]
}
