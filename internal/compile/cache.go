package compile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// compiled is transform.Compile with the cache. A result that follows from more than the input (a list of files, the
// exports of other modules) is not kept.
func (c *Compiler) compiled(in transform.Input) (*transform.Output, []transform.Error) {
	kept := c.o.Cache
	if kept == nil || len(in.Code) < cacheFrom {
		return transform.Compile(in)
	}
	key := inputKey(in)
	if data, ok := kept.Get(key); ok {
		out := &transform.Output{}
		if out.UnmarshalBinary(data) == nil {
			return out, nil
		}
	}
	out, errs := transform.Compile(in)
	if len(errs) == 0 && len(out.Globs)+len(out.Addresses) == 0 && len(out.Stars)+len(out.LazyStars) == 0 {
		if data, err := out.MarshalBinary(); err == nil {
			kept.Put(key, data)
		}
	}
	return out, errs
}

// cacheFrom is the size in bytes from which reading a result is quicker than compiling.
const cacheFrom = 200

func inputKey(in transform.Input) cache.Key {
	j := in.JSX
	var flags []byte
	for _, set := range []bool{in.Dependency, in.SideEffectFree, in.NodeESM, in.DefaultOnly, j.Dev, j.Wins} {
		flags = strconv.AppendBool(flags, set)
	}
	parts := append(make([]string, 0, 16+2*len(in.Define)),
		cache.Program(), "script", in.ID, in.File, in.Code, string(rune(in.Lang)), string(flags), in.Refresh, in.TSConfigRaw,
		j.Runtime, j.ImportSource, j.Factory, j.Fragment)
	for _, name := range slices.Sorted(maps.Keys(in.Define)) {
		parts = append(parts, name, in.Define[name])
	}
	return cache.KeyOf(parts...)
}

// compiledCSS is transform.CompileCSS with the cache, for stylesheets that depend on no other file.
func (c *Compiler) compiledCSS(in transform.CSSInput) (*transform.CSSOutput, []transform.Error) {
	if !in.Modules || c.o.Cache == nil || in.NameAll != nil || in.ExportAll != nil {
		return transform.CompileCSS(in) // as written, made of other files, or made by functions of the vite.config
	}
	names := in.Names
	names.Global = names.Global || in.Global != nil && in.Global(in.File)
	key := cache.KeyOf(cache.Program(), "css", in.ID, in.NamePath(in.File), in.Code, fmt.Sprintf("%#v", names))
	if data, ok := c.o.Cache.Get(key); ok {
		out := &transform.CSSOutput{}
		if json.Unmarshal(data, out) == nil {
			return out, nil
		}
	}
	out, errs := transform.CompileCSS(in)
	if len(errs) == 0 && out.Alone {
		if data, err := json.Marshal(out); err == nil {
			c.o.Cache.Put(key, data)
		}
	}
	return out, errs
}
