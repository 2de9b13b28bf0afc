package compile

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/sourcemap"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/vite"
)

// The plugins of the vite.config have a say in what a module is. What they make of a module is JavaScript, and
// stylesheets that pages link are CSS. It is compiled like a module whose language has become JavaScript.

// foreign fills the source with what plugins of the vite.config make of the module, and reports whether they do.
func (c *Compiler) foreign(ctx context.Context, src *source) (owned bool, err error) {
	if c.o.Vite == nil {
		return false, nil
	}
	state := disk.Stat(src.file) // before the plugins read the file: an edit meanwhile must be seen
	if state != nil && state.Size == 0 && ctx.Value(holdEmpty{}) != nil {
		src.state = state
		return true, nil // perhaps half a save, which the plugins need not see
	}
	made, err := c.o.Vite.Transform(ctx, src.id)
	if err != nil {
		src.state = state
		return false, err
	}
	if made == nil {
		return false, nil
	}
	src.state = state
	src.code, src.plain, src.css = made.Code, !made.CSS, made.CSS
	src.watch, src.globs, src.by = made.Files, made.Globs, made.By
	src.foreign = sumOf(made.Code)
	return true, nil
}

// foreignStyle fills the version when the source is what Vite makes of a stylesheet without exports, and reports whether
// it is. An app has as many of them as components, and to compile their code takes longer than all that Vite does to them.
func foreignStyle(src source, v *graph.Version) bool {
	if src.foreign == "" {
		return false
	}
	lines := strings.SplitN(src.code, "\n", 7)
	if len(lines) != 6 || lines[3] != "__vite__updateStyle(__vite__id, __vite__css)" ||
		lines[4] != "import.meta.hot.accept()" || lines[5] != "import.meta.hot.prune(() => __vite__removeStyle(__vite__id))" {
		return false
	}
	from, ok1 := readLiteral(lines[0], "import { updateStyle as __vite__updateStyle, removeStyle as __vite__removeStyle } from ")
	id, ok2 := readLiteral(lines[1], "const __vite__id = ")
	css, ok3 := readLiteral(lines[2], "const __vite__css = ")
	if !ok1 || !ok2 || !ok3 || !strings.HasSuffix(from, moduleid.Client) {
		return false
	}
	v.Code = transform.CSSModule(id, &transform.CSSOutput{CSS: css}, "")
	v.Side = &script{foreign: src.foreign}
	return true
}

// readLiteral returns the text of the JSON string behind the beginning of a line.
func readLiteral(line, beginning string) (text string, ok bool) {
	literal, ok := strings.CutPrefix(line, beginning)
	err := json.Unmarshal([]byte(literal), &text)
	return text, ok && err == nil
}

// sumOf returns a text that stands for code.
func sumOf(code string) string {
	sum := sha256.Sum256([]byte(code))
	return string(sum[:12])
}

// madeFrom returns the map of a module to what plugins of the vite.config made it from. m is the map to what they made,
// nil when that is the module's code. madeFrom returns m when Vite has another text by now.
func (c *Compiler) madeFrom(ctx context.Context, src source, m *sourcemap.Map) *sourcemap.Map {
	if src.foreign == "" {
		return m
	}
	now, err := c.o.Vite.Transform(ctx, src.id) // Vite keeps what it has made
	if err != nil || now == nil || sumOf(now.Code) != src.foreign {
		return m
	}
	text, err := c.o.Vite.Map(ctx, src.id)
	if err != nil || text == "" {
		return m
	}
	_, own := c.mapOf("", text, src)
	switch {
	case own == nil:
		return m
	case m == nil:
		return own
	}
	if input := slices.Index(m.Sources, moduleid.Name(src.id)); input >= 0 {
		return sourcemap.Compose(m, input, own)
	}
	return m
}

// foreignImport returns the ID of what an import means to plugins of the vite.config, "" when they have no answer. late
// asks the plugins that Vite asks when no file was found.
func (c *Compiler) foreignImport(ctx context.Context, specifier, importer string, kind resolve.Kind, late bool) (string, error) {
	if c.o.Vite == nil || kind != resolve.Import && kind != resolve.Require {
		return "", nil
	}
	if late {
		if id := c.ofPath(specifier); id != "" {
			return id, nil
		}
	}
	found, err := c.o.Vite.Import(ctx, specifier, importer, late)
	if err != nil || found == nil {
		return "", err
	}
	if !found.External {
		if to := c.File(found.ID); to != "" {
			from := "" // the user has chosen the plugins, and what they lead to
			if file := cmp.Or(c.File(importer), vite.Place(importer)); moduleid.IsDependency(file) {
				from = file // the code of a package must not choose files by way of a plugin
			}
			c.o.Gate.Permit(importer, from, to)
		}
	}
	return found.ID, nil
}

// ofPath returns the ID of a file that an import names by its path on disk, as plugins write them; "" for other
// imports. The path permits nothing.
func (c *Compiler) ofPath(specifier string) string {
	name, query := moduleid.Name(specifier), moduleid.Query(specifier)
	file := filepath.FromSlash(name)
	if !filepath.IsAbs(file) || disk.Stat(file) == nil || c.o.Gate.Allowed(file) != nil {
		return ""
	}
	return moduleid.WithQuery(c.o.Gate.FileToID(file), query)
}

// askForeign asks the plugins of the vite.config about all imports of a module at once.
func (c *Compiler) askForeign(ctx context.Context, src source, out *transform.Output) error {
	if c.o.Vite == nil {
		return nil
	}
	var specifiers []string
	for _, imp := range out.Imports {
		if imp.Lazy == nil && (imp.Kind == transform.Static || imp.Kind == transform.Dynamic) {
			specifiers = append(specifiers, imp.Specifier)
		}
	}
	return c.o.Vite.Imports(ctx, src.id, specifiers)
}
