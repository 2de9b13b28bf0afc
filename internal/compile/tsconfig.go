package compile

import (
	"encoding/json"
	"sync"

	"github.com/seed-b8174343/devserver/internal/resolve"
)

// tsMistakes are the mistakes in tsconfigs that the terminal has shown.
type tsMistakes struct {
	mu    sync.Mutex
	shown map[string]*tsMistake // by the text
}

type tsMistake struct {
	config  string // the tsconfig whose modules met it
	install bool   // an install fixes it
}

// warnOf shows the mistakes in a tsconfig once, and says when they are over. The modules are served meanwhile, compiled
// by the options that could be read.
func (c *Compiler) warnOf(ts *resolve.TSConfig) {
	c.mistakes.mu.Lock()
	defer c.mistakes.mu.Unlock()
	if len(ts.Mistakes)+len(c.mistakes.shown) == 0 {
		return
	}
	now := map[string]bool{}
	for _, m := range ts.Mistakes {
		now[m.Error()] = true
		if c.mistakes.shown[m.Error()] != nil {
			continue
		}
		if c.mistakes.shown == nil {
			c.mistakes.shown = map[string]*tsMistake{}
		}
		c.mistakes.shown[m.Error()] = &tsMistake{config: ts.File, install: m.Hint != ""}
		e := c.o.Problems.Convert(m)
		e.File = c.o.Layout.Shown(e.File)
		args := []any{"hint", "modules are compiled with the options that could be read"}
		if m.Hint != "" {
			args[1] = m.Hint + "; " + args[1].(string)
		}
		if e.Frame != "" {
			args = append([]any{"frame", e.Frame}, args...)
		}
		c.o.Logger.Warn(e.Error(), args...)
	}
	over := false
	for text, m := range c.mistakes.shown {
		if m.config == ts.File && !now[text] {
			delete(c.mistakes.shown, text)
			over = true
		}
	}
	if over && len(now) == 0 {
		c.o.Logger.Info(c.o.Layout.Shown(ts.File) + " has no mistakes any more")
	}
}

// compilerOptions lays the compiler options of the configuration over those of a tsconfig. metadata means that
// decorators get the types of the decorated parts.
func (c *Compiler) compilerOptions(ts *resolve.TSConfig) (raw string, metadata bool) {
	own := c.o.Config.Esbuild.TSConfigRaw.CompilerOptions
	if len(own) == 0 {
		return ts.Raw, ts.DecoratorMetadata
	}
	metadata = ts.DecoratorMetadata
	if v, given := own["emitDecoratorMetadata"]; given {
		metadata = string(v) == "true"
	}
	if laid, ok := c.laid.Load(ts.Raw); ok {
		return laid.(string), metadata
	}
	var text struct {
		CompilerOptions map[string]json.RawMessage `json:"compilerOptions"`
	}
	_ = json.Unmarshal([]byte(ts.Raw), &text) // the resolver has written it
	all := text.CompilerOptions
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	if own["target"] != nil && all["target"] == nil {
		delete(all, "useDefineForClassFields") // it was the rule for a tsconfig without a target
	}
	for name, v := range own {
		all[name] = json.RawMessage(v)
	}
	text.CompilerOptions = all
	laid, err := json.Marshal(text)
	if err != nil {
		return ts.Raw, metadata // the decoder lets only JSON through
	}
	c.laid.Store(ts.Raw, string(laid))
	return string(laid), metadata
}

// AwaitsConfigPackage reports whether a tsconfig extends a package that is not installed.
func (c *Compiler) AwaitsConfigPackage() bool {
	c.mistakes.mu.Lock()
	defer c.mistakes.mu.Unlock()
	for _, m := range c.mistakes.shown {
		if m.install {
			return true
		}
	}
	return false
}
