package compile

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/gate"
)

// toolCall asks a tool of the Node host to turn a file into plain CSS or JavaScript.
type toolCall struct {
	File string `json:"file"`
	// Module is the module that is compiled.
	Module  string          `json:"module,omitempty"`
	Code    string          `json:"code"`
	Options json.RawMessage `json:"options"`
	// Imports are the stylesheets that this stylesheet imports, for a tool that works on all of them as one.
	Imports *importedStyles `json:"imports,omitempty"`
	// Map asks for a source map at the end of the result, which takes the one at the end of Code into account.
	Map bool `json:"map,omitempty"`
}

// toolResult is a tool's answer.
type toolResult struct {
	Code string `json:"code"`
	// Deps are the further files that Code was made from. Dirs are patterns of such files.
	Deps []string `json:"deps"`
	// Lookups are the questions that the tool has asked.
	Lookups []styleLookup `json:"lookups"`
	Dirs    []struct {
		Dir  string `json:"dir"`
		Glob string `json:"glob"`
	} `json:"dirs"`
	Warnings []toolWarning `json:"warnings"`
}

// toolWarning is something that a tool says about a file.
type toolWarning struct {
	Message string `json:"message"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	// Once names a kind of warning of which the first is enough. Debug says that the code itself asks to tell it.
	Once  string `json:"once,omitempty"`
	Debug bool   `json:"debug,omitempty"`
}

// keptTool is a result in the cache, with the state of the files that it was made from.
type keptTool struct {
	State  string
	Result toolResult
}

// runTool asks the Node host, unless the cache has the result. A result depends on the file, on the files that the tool
// names, on where imports lead, and on the installed packages. A tool that looks at folders is asked each time.
func (c *Compiler) runTool(ctx context.Context, method string, call toolCall) (*toolResult, error) {
	anyone := call
	anyone.Module = "" // the module does not change the result
	text, err := json.Marshal(anyone)
	if err != nil {
		return nil, err
	}
	state := disk.Fingerprint(c.lockFiles())
	if bytes.Contains(call.Options, []byte(`"viteMode"`)) {
		state += c.o.ViteState // the tool calls functions of the vite.config
	}
	key := cache.KeyOf("tool", cache.Program(), method, string(text), state)
	if data, ok := c.o.Cache.Get(key); ok {
		var was keptTool
		if json.Unmarshal(data, &was) == nil && was.State == disk.Fingerprint(was.Result.Deps) &&
			c.lookupsHold(call.Module, was.Result.Lookups) {
			return &was.Result, nil
		}
	}
	r := &toolResult{}
	if err := c.o.Tools.Call(ctx, method, call, r); err != nil {
		return nil, err
	}
	if len(r.Dirs) == 0 {
		if data, err := json.Marshal(keptTool{disk.Fingerprint(r.Deps), *r}); err == nil {
			c.o.Cache.Put(key, data)
		}
	}
	return r, nil
}

// lockFiles change when other versions of packages are installed.
func (c *Compiler) lockFiles() []string {
	var files []string
	for _, dir := range slices.Compact([]string{c.o.Layout.Root, c.o.Layout.Dir, c.o.Layout.Workspace}) {
		for _, name := range lockNames {
			if dir != "" { // no workspace
				files = append(files, filepath.Join(dir, name))
			}
		}
	}
	return files
}

var lockNames = []string{
	"package.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock",
	"node_modules/.package-lock.json", "node_modules/.yarn-integrity", "node_modules/.modules.yaml",
}

// styleTools are the project's tools for stylesheets, by its package.json and files. The Node process that runs them is
// started early, since loading them costs more than their work.
type styleTools struct {
	postcss  json.RawMessage // the PostCSS configuration, or the file that holds it; nil for none
	tailwind bool            // @tailwindcss/vite, whose work is done without Vite
	// files are the files that the PostCSS configuration is or may be read from: creating one counts.
	files []string
}

// findStyleTools looks for configurations. Nothing runs yet.
func (c *Compiler) findStyleTools() styleTools {
	deps := c.o.Resolver.Dependencies()
	tools := styleTools{tailwind: deps["@tailwindcss/vite"]}
	if c.o.Config.CSS.Transformer == "lightningcss" {
		return tools
	}
	given := c.o.Config.CSS.PostCSS
	if len(given) > 0 && given[0] == '{' {
		tools.postcss = json.RawMessage(given)
		return tools
	}
	from, folder := c.o.Layout.Root, ""
	if json.Unmarshal(given, &folder) == nil && folder != "" {
		if from = filepath.FromSlash(folder); !filepath.IsAbs(from) {
			from = filepath.Join(c.o.Layout.Dir, from)
		}
	}
	file, looked := findPostCSS(from, gate.Top(c.o.Layout.Root))
	tools.files = looked
	if file == "" {
		if folder != "" {
			c.o.Logger.Warn("css.postcss: there is no PostCSS configuration in " + from)
		}
		return tools
	}
	tools.postcss, _ = json.Marshal(map[string]string{"configFile": file}) // a string is always good
	return tools
}

// postcssNames are the files of a folder that may hold the PostCSS configuration, in the order in which they are tried.
var postcssNames = []string{
	"package.json", ".postcssrc", ".postcssrc.json", ".postcssrc.yaml", ".postcssrc.yml",
	".postcssrc.ts", ".postcssrc.cts", ".postcssrc.mts", ".postcssrc.js", ".postcssrc.cjs", ".postcssrc.mjs",
	"postcss.config.ts", "postcss.config.cts", "postcss.config.mts", "postcss.config.js", "postcss.config.cjs", "postcss.config.mjs", "postcss.config.json",
}

// findPostCSS looks for the PostCSS configuration in a folder and in the folders above it up to top; from may also be
// the file itself. looked are all files that would have been taken.
func findPostCSS(from, top string) (file string, looked []string) {
	if info, err := os.Stat(from); err == nil && !info.IsDir() {
		return from, []string{from}
	}
	for dir := from; ; dir = filepath.Dir(dir) {
		for _, name := range postcssNames {
			at := filepath.Join(dir, name)
			if name == "package.json" {
				if file == "" && configuresPostCSS(at) {
					file = at
					looked = append(looked, at) // else an install would be an edit of the configuration
				}
				continue
			}
			looked = append(looked, at)
			if text, err := disk.ReadFile(at); file == "" && err == nil && len(bytes.TrimSpace(text)) > 0 {
				file = at
			}
		}
		if file != "" || dir == top || dir == filepath.Dir(dir) {
			return file, looked
		}
	}
}

func configuresPostCSS(packageJSON string) bool {
	text, _ := disk.ReadFile(packageJSON)
	var pkg struct {
		PostCSS json.RawMessage `json:"postcss"`
	}
	return json.Unmarshal(text, &pkg) == nil && len(pkg.PostCSS) > 0
}

// ConfigFiles returns the files that the configuration of tools is or may be read from. Editing one of them starts the
// project over.
func (c *Compiler) ConfigFiles() []string { return c.styles.files }

// WarmTools loads packages into Node ahead of their first use, until ctx ends.
func (c *Compiler) WarmTools(ctx context.Context, packages []string) {
	if err := c.o.Tools.Call(ctx, "warm", map[string]any{"packages": packages}, nil); err != nil && ctx.Err() == nil {
		c.o.Problems.Report(c.o.Problems.Convert(err))
	}
}

// ToolPackages returns the packages of the project's tools that run in Node.
func (c *Compiler) ToolPackages() []string {
	var packages []string
	deps := c.o.Resolver.Dependencies()
	for _, name := range []string{"sass-embedded", "sass", "less", "stylus"} {
		if deps[name] {
			packages = append(packages, name)
		}
	}
	if c.styles.tailwind {
		packages = append(packages, "@tailwindcss/node", "@tailwindcss/oxide")
	}
	if c.styles.postcss != nil {
		packages = append(packages, "postcss")
	}
	return packages
}
