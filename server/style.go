package server

import (
	"context"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
)

// styleResult is what a tool of the Node host makes of a stylesheet.
type styleResult struct {
	Code string   `json:"code"`
	Deps []string `json:"deps"`
	Dirs []struct {
		Dir  string `json:"dir"`
		Glob string `json:"glob"`
	} `json:"dirs"`
	Warnings []struct {
		Message string `json:"message"`
		File    string `json:"file"`
		Line    int    `json:"line"`
	} `json:"warnings"`
}

// styleTools are the project's tools for stylesheets, as its package.json and files tell. The Node process that runs
// them is started early, since loading them costs more than their work.
type styleTools struct {
	postcss  bool // a PostCSS configuration is there
	tailwind bool // @tailwindcss/vite, whose work is done without Vite
}

var postcssNames = []string{"postcss.config", ".postcssrc"}

// findStyleTools looks for configurations; nothing runs yet.
func (p *project) findStyleTools() styleTools {
	deps := p.resolver.Dependencies()
	tools := styleTools{tailwind: deps["@tailwindcss/vite"]}
	entries, _ := os.ReadDir(p.root)
	for _, e := range entries {
		for _, name := range postcssNames {
			tools.postcss = tools.postcss || strings.HasPrefix(e.Name(), name)
		}
	}
	if !tools.postcss {
		text, _ := os.ReadFile(filepath.Join(p.root, "package.json"))
		var pkg struct {
			PostCSS json.RawMessage `json:"postcss"`
		}
		tools.postcss = json.Unmarshal(text, &pkg) == nil && len(pkg.PostCSS) > 0 || len(p.cfg.CSS.PostCSS) > 0
	}
	return tools
}

// startNode prepares the Node host and, when the project has tools for it, starts loading them.
func (p *project) startNode() error {
	dir, err := p.server.cacheDir("node")
	if err != nil {
		return err
	}
	p.node = pluginhost.NewNode(pluginhost.NodeOptions{Root: p.root, CacheDir: dir, Backend: &backend{p}, Logger: p.log})
	p.tools = p.findStyleTools()
	var warm []string
	deps := p.resolver.Dependencies()
	for _, name := range []string{"sass-embedded", "sass", "less", "stylus"} {
		if deps[name] {
			warm = append(warm, name)
		}
	}
	if p.tools.tailwind {
		warm = append(warm, "@tailwindcss/node", "@tailwindcss/oxide")
	}
	if p.tools.postcss {
		warm = append(warm, "postcss")
	}
	if len(warm) > 0 {
		p.tasks.Go(func() {
			if err := p.node.Call(p.ctx, "warm", map[string]any{"packages": warm}, nil); err != nil && p.ctx.Err() == nil {
				p.report(asError(err))
			}
		})
	}
	return nil
}

// preprocess turns a stylesheet into plain CSS: first the language (Sass, Less, Stylus), then Tailwind, then PostCSS.
// inputs are the files that it was made from beside the source, globs the patterns whose matches count.
func (p *project) preprocess(ctx context.Context, src source) (code string, inputs, globs []string, err error) {
	code = src.code
	name, _, _ := strings.Cut(src.id, "?")
	for _, step := range p.styleSteps(strings.ToLower(path.Ext(name)), src) {
		var r styleResult
		if err = p.node.Call(ctx, step.method, map[string]any{"file": src.file, "code": code, "options": step.options}, &r); err != nil {
			e := asError(err)
			if e.File == "" {
				e.File = p.shown(src.file)
			} else {
				e.File = p.shown(e.File)
			}
			if e.ID == "" {
				e.ID = src.id
			}
			return code, inputs, globs, e
		}
		code = r.Code
		inputs = append(inputs, r.Deps...)
		for _, d := range r.Dirs {
			globs = append(globs, path.Join(filepath.ToSlash(d.Dir), d.Glob))
		}
		for _, w := range r.Warnings {
			p.log.Warn(w.Message, "file", p.shown(w.File), "line", w.Line)
		}
	}
	inputs = slices.DeleteFunc(inputs, isDependency) // packages change by installing
	return code, inputs, globs, nil
}

type styleStep struct {
	method  string
	options json.RawMessage
}

func (p *project) styleSteps(ext string, src source) []styleStep {
	var steps []styleStep
	option := func(name string) json.RawMessage { return json.RawMessage(p.cfg.CSS.PreprocessorOptions[name]) }
	switch ext {
	case ".scss", ".sass":
		steps = append(steps, styleStep{"sass", option(ext[1:])})
	case ".less":
		steps = append(steps, styleStep{"less", option("less")})
	case ".styl", ".stylus":
		steps = append(steps, styleStep{"stylus", option("stylus")})
	}
	if p.tools.tailwind && mentionsTailwind(src.code) {
		steps = append(steps, styleStep{method: "tailwind"})
	}
	if p.tools.postcss && !isDependency(src.file) {
		steps = append(steps, styleStep{method: "postcss"})
	}
	return steps
}

// mentionsTailwind tells whether a stylesheet has anything for Tailwind to do.
func mentionsTailwind(code string) bool {
	for _, word := range []string{"tailwindcss", "@tailwind", "@apply", "@theme", "@utility", "@reference", "@source", "--spacing(", "@variant"} {
		if strings.Contains(code, word) {
			return true
		}
	}
	return false
}
