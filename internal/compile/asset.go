package compile

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/glob"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// Assets are files whose import returns a URL.

// IsAsset reports whether an import of the file returns its URL: by its extension, or since assetsInclude says so.
func (c *Compiler) IsAsset(file string) bool {
	return moduleid.IsAsset(file) ||
		len(c.assets) > 0 && slices.ContainsFunc(c.assets, func(matches func(string) bool) bool { return matches(filepath.ToSlash(file)) })
}

// assetPatterns returns what matches the patterns of assetsInclude. A pattern without "**" at its beginning starts from
// the project's folder, as in Vite.
func assetPatterns(patterns config.FilePatterns, dir string) []func(file string) bool {
	var list []func(string) bool
	names, expressions := patterns.Split()
	for _, expression := range expressions {
		list = append(list, expression.Match)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "**") && !strings.HasPrefix(name, "/") {
			name = globIn(dir, name)
		}
		if p, err := glob.Compile(name, glob.Options{Dot: true}); err == nil {
			list = append(list, func(file string) bool { return p.Match(filepath.ToSlash(file)) })
		}
	}
	return list
}

// assetURL returns the URL of a file as modules get it. A file that has changed since the server started gets a stamp,
// so that the browser asks for the new content. Before that, the URL is the plain one that projects expect.
func (c *Compiler) assetURL(src source) string {
	id := src.id
	if src.file != "" {
		id = c.o.Gate.Address(src.file)
	}
	u := c.o.Layout.URL(id)
	// What an import asks of the server is not the file's. All else is the project's own, and stays in the URL.
	parts := slices.DeleteFunc(strings.Split(src.query, "&"), func(part string) bool {
		return part == "" || part == "url" || part == "init"
	})
	if stamp, ok := c.stamps.Load(src.file); ok {
		parts = append(parts, fmt.Sprint("t=", stamp.(stamped).millis))
	}
	if len(parts) > 0 {
		u += "?" + strings.Join(parts, "&")
	}
	return u
}

// stamped is an asset that has changed.
type stamped struct {
	millis int64       // the time of the change
	state  *disk.State // after the change, nil when there was no file
}

// Stamp gives an asset that has changed another URL from now on. millis is the time of its change. The system may report
// a change twice; the second report changes no URL.
func (c *Compiler) Stamp(file string, millis int64) {
	now := disk.Stat(file)
	was, known := c.stamps.Load(file)
	if known && now != nil && was.(stamped).state != nil && *was.(stamped).state == *now {
		return
	}
	c.stamps.Store(file, stamped{millis, now})
}

// FollowsURL reports whether a changed file gets another URL where modules have its URL. Scripts and stylesheets keep
// theirs: the page itself knows where it uses them.
func FollowsURL(file string) bool { return !moduleid.IsScript(file) && !moduleid.IsStyle(file) }

// compileAsset makes the module that exports a file's URL. Its revision follows from the file and not from the URL:
// another server would give the URL another stamp.
func (c *Compiler) compileAsset(src source, v *graph.Version) {
	v.Code = transform.AssetModule(c.assetURL(src))
	if state := disk.Stat(src.file); state != nil && FollowsURL(src.file) {
		v.Rev = fileRevision(state)
	}
}

func (c *Compiler) compileInline(src source, v *graph.Version) error {
	data, err := c.o.Gate.ReadFile(src.file)
	if err != nil {
		return c.readError(src, err)
	}
	v.Code = transform.AssetModule(dataURL(src.file, data))
	return nil
}

// dataURL returns a URL that holds the file. An SVG stays text, as in Vite, unless blanks and quotes matter in it.
func dataURL(file string, data []byte) string {
	kind := moduleid.ContentType(file)
	if text := string(data); kind == "image/svg+xml" && !sensitiveSVG.MatchString(text) {
		text = svgBetween.ReplaceAllString(strings.TrimSpace(text), "><")
		return "data:" + kind + "," + svgBlanks.ReplaceAllString(svgEscape.Replace(text), "%20")
	}
	kind, _, _ = strings.Cut(kind, ";")
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)
}

var (
	sensitiveSVG = regexp.MustCompile(`<text|<foreignObject|"[^"']*'[^"]*"|'[^'"]*"[^']*'`)
	svgBetween   = regexp.MustCompile(`>\s+<`)
	svgBlanks    = regexp.MustCompile(`\s+`)
	svgEscape    = strings.NewReplacer(`"`, "'", "%", "%25", "#", "%23", "<", "%3c", ">", "%3e")
)
