package compile

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/internal/pattern"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// cssNames returns how CSS modules name their classes.
func (c *Compiler) cssNames() transform.CSSNames {
	m := c.o.Config.CSS.Modules
	return transform.CSSNames{
		Convention: m.LocalsConvention, Pattern: m.GenerateScopedName, HashPrefix: m.HashPrefix,
		Global: m.ScopeBehaviour == "global", ExportGlobals: m.ExportGlobals,
	}
}

// moduleNames puts the options of css.modules into the input of a CSS module.
func (c *Compiler) moduleNames(ctx context.Context, in *transform.CSSInput) {
	m := c.o.Config.CSS.Modules
	in.Names = c.cssNames()
	if id := in.ID; filepath.IsAbs(in.File) { // a module of a plugin has no file
		in.NamePath = c.namePath
	} else {
		in.NamePath = func(string) string { return strings.TrimPrefix(id, "/") }
	}
	if len(m.GlobalModulePaths) > 0 {
		in.Global = func(file string) bool { return matchesAny(m.GlobalModulePaths, filepath.ToSlash(file)) }
	}
	if m.Functions.Names {
		in.NameAll = func(file, css string, names []string) (made []string, err error) {
			return made, c.moduleFunctions(ctx, "cssModuleNames", file, css, names, &made)
		}
	}
	if m.Functions.Exports {
		in.ExportAll = func(exports []transform.CSSExport) (made []transform.CSSExport, err error) {
			return made, c.moduleFunctions(ctx, "cssModuleExports", in.File, "", exports, &made)
		}
	}
}

// namePath returns a file's path from the project's folder, where Vite and other tools that make names run.
func (c *Compiler) namePath(file string) string {
	if rel, err := filepath.Rel(c.o.Layout.Dir, file); err == nil {
		return filepath.ToSlash(rel)
	}
	return c.o.Layout.Shown(file)
}

func matchesAny(expressions []string, text string) bool {
	for _, e := range expressions {
		if p, err := pattern.Compile(e); err == nil && p.Match(text) {
			return true
		}
	}
	return false
}

// moduleFunctions calls the functions of the vite.config for CSS Modules: names in, names out.
func (c *Compiler) moduleFunctions(ctx context.Context, method, file, css string, names, made any) error {
	options, err := json.Marshal(map[string]any{"viteMode": c.o.Config.CSS.Modules.Functions.Mode, "names": names})
	if err != nil {
		return err
	}
	r, err := c.runTool(ctx, method, toolCall{File: file, Code: css, Options: options})
	if err != nil {
		return c.o.Problems.Convert(err)
	}
	return json.Unmarshal([]byte(r.Code), made)
}
