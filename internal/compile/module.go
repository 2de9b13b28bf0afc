package server

import (
	"context"
	"encoding/base64"
	"fmt"
	"mime"
	"path"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// compile fills the version with what the source becomes, by query first and by extension then.
func (p *project) compile(ctx context.Context, src source, v *graph.Version) error {
	name := moduleid.Name(src.id)
	switch ext := strings.ToLower(path.Ext(name)); {
	case moduleid.Has(src.query, "raw"):
		v.Code = transform.RawModule(src.code)
	case moduleid.Has(src.query, "worker"), moduleid.Has(src.query, "sharedworker"):
		return p.compileWorker(src, v)
	case moduleid.Has(src.query, "url"):
		p.compileAsset(src, v)
	case ext == ".css" || moduleid.IsPreprocessed(ext):
		return p.compileCSS(ctx, src, v)
	case ext == ".wasm" && moduleid.Has(src.query, "init"):
		v.Code = transform.WasmModule(p.assetURL(src))
	case moduleid.Has(src.query, "inline"):
		return p.compileInline(src, v)
	case src.file != "" && moduleid.IsAsset(name):
		p.compileAsset(src, v)
	default:
		return p.compileScript(ctx, src, v)
	}
	return nil
}

// assetURL is the URL of a file as modules get it. A file that changed since the server started gets a stamp, so that
// the browser asks for the new content; before that the URL is the plain one that projects expect.
func (p *project) assetURL(src source) string {
	u := p.layout.URL(src.id)
	if stamp, ok := p.stamps.Load(src.file); ok {
		u += fmt.Sprint("?t=", stamp)
	}
	return u
}

// compileAsset makes the module that exports a file's URL. Its revision is the file's and not the URL's, whose stamp
// another server would not give it.
func (p *project) compileAsset(src source, v *graph.Version) {
	v.Code = transform.AssetModule(p.assetURL(src))
	if state := disk.Stat(src.file); state != nil && moduleid.IsAsset(src.file) { // others keep their URL
		v.Rev = fmt.Sprintf("%x-%x", state.Size, state.ModTime.UnixNano())
	}
}

func (p *project) compileWorker(src source, v *graph.Version) error {
	kind := "Worker"
	if moduleid.Has(src.query, "sharedworker") {
		kind = "SharedWorker"
	}
	name := moduleid.Name(src.id)
	u := p.layout.URL(name) + "?worker_file"
	if moduleid.Has(src.query, "url") {
		v.Code = transform.AssetModule(u)
	} else {
		v.Code = transform.WorkerModule(kind, u)
	}
	v.Edges = []graph.Edge{{Specifier: name, To: name, Kind: graph.Worker}}
	return nil
}

func (p *project) compileInline(src source, v *graph.Version) error {
	data, err := p.gate.ReadFile(src.file)
	if err != nil {
		return p.readError(src, err)
	}
	kind := mime.TypeByExtension(strings.ToLower(filepath.Ext(src.file)))
	if kind == "" {
		kind = "application/octet-stream"
	}
	v.Code = transform.AssetModule("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data))
	return nil
}
