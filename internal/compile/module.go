package compile

import (
	"context"
	"encoding/base64"
	"fmt"
	"path"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// compile fills the version with what the source becomes: the query decides first, then the extension.
func (c *Compiler) compile(ctx context.Context, src source, v *graph.Version) error {
	name := moduleid.Name(src.id)
	switch ext := strings.ToLower(path.Ext(name)); {
	case moduleid.Has(src.query, "raw"):
		v.Code = transform.RawModule(src.code)
	case moduleid.Has(src.query, "worker"), moduleid.Has(src.query, "sharedworker"):
		return c.compileWorker(src, v)
	case moduleid.Has(src.query, "url"):
		c.compileAsset(src, v)
	case ext == ".css" || moduleid.IsPreprocessed(ext):
		return c.compileCSS(ctx, src, v)
	case ext == ".wasm" && moduleid.Has(src.query, "init"):
		v.Code = transform.WasmModule(c.assetURL(src))
	case moduleid.Has(src.query, "inline"):
		return c.compileInline(src, v)
	case src.file != "" && moduleid.IsAsset(name):
		c.compileAsset(src, v)
	default:
		return c.compileScript(ctx, src, v)
	}
	return nil
}

// assetURL returns the URL of a file as modules get it. A file that has changed since the server started gets a stamp,
// so that the browser asks for the new content. Before that, the URL is the plain one that projects expect.
func (c *Compiler) assetURL(src source) string {
	u := c.o.Layout.URL(src.id)
	if stamp, ok := c.stamps.Load(src.file); ok {
		u += fmt.Sprint("?t=", stamp)
	}
	return u
}

// Stamp gives an asset another URL from now on. millis is the time of its change.
func (c *Compiler) Stamp(file string, millis int64) { c.stamps.Store(file, millis) }

// FollowsURL reports whether a changed file gets another URL where modules have its URL. Scripts and stylesheets keep
// theirs: the page itself knows where it uses them.
func FollowsURL(file string) bool { return !moduleid.IsScript(file) && !moduleid.IsStyle(file) }

// compileAsset makes the module that exports a file's URL. Its revision follows from the file and not from the URL:
// another server would give the URL another stamp.
func (c *Compiler) compileAsset(src source, v *graph.Version) {
	v.Code = transform.AssetModule(c.assetURL(src))
	if state := disk.Stat(src.file); state != nil && FollowsURL(src.file) {
		v.Rev = fmt.Sprintf("%x-%x", state.Size, state.ModTime.UnixNano())
	}
}

func (c *Compiler) compileWorker(src source, v *graph.Version) error {
	kind := "Worker"
	if moduleid.Has(src.query, "sharedworker") {
		kind = "SharedWorker"
	}
	name := moduleid.Name(src.id)
	u := c.o.Layout.URL(name) + "?worker_file"
	if moduleid.Has(src.query, "url") {
		v.Code = transform.AssetModule(u)
	} else {
		v.Code = transform.WorkerModule(kind, u)
	}
	v.Edges = []graph.Edge{{Specifier: name, To: name, Kind: graph.Worker}}
	return nil
}

func (c *Compiler) compileInline(src source, v *graph.Version) error {
	data, err := c.o.Gate.ReadFile(src.file)
	if err != nil {
		return c.readError(src, err)
	}
	v.Code = transform.AssetModule("data:" + moduleid.ContentType(src.file) + ";base64," + base64.StdEncoding.EncodeToString(data))
	return nil
}
