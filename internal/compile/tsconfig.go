package compile

import (
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
