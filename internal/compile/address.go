package compile

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// The files whose URLs modules make by `new URL("./x.png", import.meta.url)`.

// address returns the import by which a module gets the URL of a file, see transform.Input.
func (c *Compiler) address(src source, spec string) (target string, kind transform.ImportKind) {
	file, ok := c.addressed(src, spec)
	if !ok {
		return "", 0
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return "", 0
	}
	if c.o.Gate.Permit(src.id, src.file, file); c.o.Gate.Allowed(file) != nil {
		return "", 0
	}
	switch {
	case moduleid.IsScript(file):
		return spec, transform.Address
	case moduleid.IsStyle(file) && !c.o.Layout.Outside(file): // it is linked or fetched, which the page knows
		return "", 0
	case moduleid.IsAsset(file) && !moduleid.IsWasm(file):
		return spec, transform.Static
	}
	return spec + "?url", transform.Static
}

// addressed returns the file that the specifier of a URL means. It is not ok for URLs with a query, which may ask for
// something else than the file, for folders, and for paths from the server's root, which may be the public folder's.
func (c *Compiler) addressed(src source, spec string) (file string, ok bool) {
	if src.file == "" || !strings.HasPrefix(spec, ".") || strings.ContainsAny(spec, "?:%") || path.Ext(spec) == "" || strings.HasSuffix(spec, ".") {
		return "", false
	}
	return filepath.Join(filepath.Dir(src.file), filepath.FromSlash(spec)), true
}
