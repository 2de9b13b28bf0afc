package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// openCache opens the results of earlier runs, of this project. Without them everything works, slower.
func (s *Server) openCache() {
	if cache.Program() == "" {
		return // nobody can tell whose results would be used
	}
	dir, err := s.folder.Dir("modules")
	if err == nil {
		s.cache, err = cache.Open(dir, 0)
	}
	if err != nil {
		s.log.Warn("working without the cache of compiled modules", "error", err)
		return
	}
	if s.opts.Force {
		if err := s.cache.Clear(); err != nil {
			s.log.Warn("clear the cache", "error", err)
		}
	}
}

// compiled is transform.Compile by way of the cache. What depends on more than the input (a list of files, the exports
// of other modules) is not kept.
func (p *project) compiled(in transform.Input) (*transform.Output, []transform.Error) {
	c := p.server.cache
	if c == nil || len(in.Code) < cacheFrom {
		return transform.Compile(in)
	}
	key := inputKey(in)
	if data, ok := c.Get(key); ok {
		out := &transform.Output{}
		if out.UnmarshalBinary(data) == nil {
			return out, nil
		}
	}
	out, errs := transform.Compile(in)
	if len(errs) == 0 && len(out.Globs) == 0 && len(out.Stars)+len(out.LazyStars) == 0 {
		if data, err := out.MarshalBinary(); err == nil {
			c.Put(key, data)
		}
	}
	return out, errs
}

// cacheFrom is the size in bytes from which reading a result is quicker than making it.
const cacheFrom = 200

func inputKey(in transform.Input) cache.Key {
	j := in.JSX
	var flags []byte
	for _, set := range []bool{in.Dependency, in.SideEffectFree, in.NodeESM, in.DefaultOnly, j.Dev, j.Wins} {
		flags = strconv.AppendBool(flags, set)
	}
	parts := append(make([]string, 0, 16+2*len(in.Define)),
		cache.Program(), "script", in.ID, in.File, in.Code, string(rune(in.Lang)), string(flags), in.Refresh, in.TSConfigRaw, j.Runtime, j.ImportSource, j.Factory, j.Fragment)
	for _, name := range slices.Sorted(maps.Keys(in.Define)) {
		parts = append(parts, name, in.Define[name])
	}
	return cache.KeyOf(parts...)
}

// compiledCSS is transform.CompileCSS by way of the cache, for stylesheets that depend on no other file.
func (p *project) compiledCSS(in transform.CSSInput) (*transform.CSSOutput, []transform.Error) {
	if !in.Modules || p.server.cache == nil {
		return transform.CompileCSS(in) // as written, or made of other files
	}
	key := cache.KeyOf(cache.Program(), "css", in.ID, in.Code, fmt.Sprint(in.Names))
	if data, ok := p.server.cache.Get(key); ok {
		out := &transform.CSSOutput{}
		if json.Unmarshal(data, out) == nil {
			return out, nil
		}
	}
	out, errs := transform.CompileCSS(in)
	if len(errs) == 0 && out.Alone {
		if data, err := json.Marshal(out); err == nil {
			p.server.cache.Put(key, data)
		}
	}
	return out, errs
}
