package server

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// programID changes with every build of this program, and with it of the compiler: results of others are not used.
var programID = sync.OnceValue(func() string {
	file, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano())
})

// openCache opens the results of earlier runs, of this project. Without them everything works, slower.
func (s *Server) openCache() {
	if programID() == "" {
		return // nobody can tell whose results would be used
	}
	dir, err := s.cacheDir("modules")
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
		if out := decodeOutput(data); out != nil {
			return out, nil
		}
	}
	out, errs := transform.Compile(in)
	if len(errs) == 0 && len(out.Globs) == 0 && len(out.Stars)+len(out.LazyStars) == 0 {
		c.Put(key, encodeOutput(out))
	}
	return out, errs
}

// cacheFrom is the size in bytes from which reading a result is quicker than making it.
const cacheFrom = 200

func inputKey(in transform.Input) cache.Key {
	code := in.Code
	in.Code, in.Written, in.Glob, in.StarExports = "", "", nil, nil
	return cache.KeyOf(programID(), fmt.Sprintf("%#v", in), code)
}

// encodeOutput writes the code as it is behind what is small: it need not be escaped and read again.
func encodeOutput(out *transform.Output) []byte {
	small := *out
	small.Code = ""
	head, err := json.Marshal(&small)
	if err != nil {
		return nil // plain values encode
	}
	data := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(head)+len(out.Code)), uint32(len(head)))
	return append(append(data, head...), out.Code...)
}

func decodeOutput(data []byte) *transform.Output {
	if len(data) < 4 {
		return nil
	}
	n := int(binary.BigEndian.Uint32(data))
	if n < 0 || 4+n > len(data) {
		return nil
	}
	out := &transform.Output{}
	if json.Unmarshal(data[4:4+n], out) != nil {
		return nil
	}
	out.Code = string(data[4+n:])
	return out
}
