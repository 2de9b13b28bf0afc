package server

import (
	"path/filepath"

	"github.com/seed-b8174343/devserver/internal/builtin"
	"github.com/seed-b8174343/devserver/plugin"
)

// builtins are the plugins of our own that the configuration switches on.
func (p *project) builtins() (list []plugin.Plugin, err error) {
	if p.cfg.Plugins.Console {
		list = append(list, builtin.Console(locator{p}))
	}
	if l := p.cfg.Plugins.Log; l != nil {
		file := l.File
		if file == "" {
			dir, err := p.server.folder.Dir("")
			if err != nil {
				return nil, err
			}
			file = filepath.Join(dir, "devserver.log")
		}
		list = append(list, builtin.Log(builtin.LogOptions{
			File: file, MaxSize: l.MaxSizeOrDefault(), Keep: l.KeepOrDefault(), Where: locator{p}, Passed: p.server.hub.OnPassed,
		}))
	}
	return list, nil
}

// readsConsole tells whether pages send what they write to their consoles.
func (p *project) readsConsole() bool { return p.cfg.Plugins.Console || p.cfg.Plugins.Log != nil }
