package server

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
)

// toolCall asks a tool of the Node host to turn a file into plain CSS or JavaScript.
type toolCall struct {
	File    string          `json:"file"`
	Code    string          `json:"code"`
	Options json.RawMessage `json:"options"`
	// Imports are the stylesheets that this one imports, for a tool that works on all of them as one.
	Imports *importedStyles `json:"imports,omitempty"`
	// Map asks for a source map at the end of the result, which takes the one at the end of Code into account.
	Map bool `json:"map,omitempty"`
}

// toolResult is what a tool makes of a file.
type toolResult struct {
	Code string `json:"code"`
	// Deps are the files that it was made from besides, Dirs patterns of files whose coming and going counts.
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

// keptTool is a result in the cache, with the state of the files that it came from.
type keptTool struct {
	State  string
	Result toolResult
}

// runTool asks the Node host by way of the cache. What a tool makes depends on the file, on those that it tells and on
// what is installed; one that looks at folders is asked each time.
func (p *project) runTool(ctx context.Context, method string, call toolCall) (*toolResult, error) {
	text, err := json.Marshal(call)
	if err != nil {
		return nil, err
	}
	state := disk.Fingerprint(p.lockFiles())
	if bytes.Contains(call.Options, []byte(`"viteMode"`)) {
		state += p.vite.State // the tool calls functions of the vite.config
	}
	key := cache.KeyOf("tool", cache.Program(), method, string(text), state)
	if data, ok := p.server.cache.Get(key); ok {
		var was keptTool
		if json.Unmarshal(data, &was) == nil && was.State == disk.Fingerprint(was.Result.Deps) {
			return &was.Result, nil
		}
	}
	r := &toolResult{}
	if err := p.node.Call(ctx, method, call, r); err != nil {
		return nil, err
	}
	if len(r.Dirs) == 0 {
		if data, err := json.Marshal(keptTool{disk.Fingerprint(r.Deps), *r}); err == nil {
			p.server.cache.Put(key, data)
		}
	}
	return r, nil
}

// lockFiles change when other versions of packages are installed.
func (p *project) lockFiles() []string {
	var files []string
	for _, dir := range slices.Compact([]string{p.layout.Root, p.layout.Dir, p.layout.Workspace}) {
		for _, name := range lockNames {
			if dir != "" { // no workspace
				files = append(files, filepath.Join(dir, name))
			}
		}
	}
	return files
}

var lockNames = []string{"package.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "node_modules/.package-lock.json", "node_modules/.yarn-integrity", "node_modules/.modules.yaml"}

// styleTools are the project's tools for stylesheets, as its package.json and files tell. The Node process that runs
// them is started early, since loading them costs more than their work.
type styleTools struct {
	postcss  json.RawMessage // the PostCSS configuration, or the file that holds it; nil for none
	tailwind bool            // @tailwindcss/vite, whose work is done without Vite
	// files are those that the PostCSS configuration is or may be read from: one that comes into being counts.
	files []string
}

// findStyleTools looks for configurations; nothing runs yet.
func (p *project) findStyleTools() styleTools {
	deps := p.resolver.Dependencies()
	tools := styleTools{tailwind: deps["@tailwindcss/vite"]}
	if p.cfg.CSS.Transformer == "lightningcss" {
		return tools
	}
	given := p.cfg.CSS.PostCSS
	if len(given) > 0 && given[0] == '{' {
		tools.postcss = json.RawMessage(given)
		return tools
	}
	from, folder := p.layout.Root, ""
	if json.Unmarshal(given, &folder) == nil && folder != "" {
		if from = filepath.FromSlash(folder); !filepath.IsAbs(from) {
			from = filepath.Join(p.layout.Dir, from)
		}
	}
	file, looked := findPostCSS(from, gate.Top(p.layout.Root))
	tools.files = looked
	if file == "" {
		if folder != "" {
			p.log.Warn("css.postcss: there is no PostCSS configuration in " + from)
		}
		return tools
	}
	tools.postcss, _ = json.Marshal(map[string]string{"configFile": file}) // a string is always good
	return tools
}

// postcssNames are the files of a folder that may hold the PostCSS configuration, in the order in which they are tried.
var postcssNames = []string{
	"package.json", ".postcssrc", ".postcssrc.json", ".postcssrc.yaml", ".postcssrc.yml", ".postcssrc.ts", ".postcssrc.cts", ".postcssrc.mts", ".postcssrc.js", ".postcssrc.cjs", ".postcssrc.mjs",
	"postcss.config.ts", "postcss.config.cts", "postcss.config.mts", "postcss.config.js", "postcss.config.cjs", "postcss.config.mjs", "postcss.config.json",
}

// findPostCSS looks for the PostCSS configuration in a folder, or takes the file that is named, and then in those above
// up to top. looked are all files that it would have taken.
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

// startNode prepares the Node host and, when the project has tools for it, starts loading them.
func (p *project) startNode() error {
	dir, err := p.server.folder.Dir("node")
	if err != nil {
		return err
	}
	p.node = pluginhost.NewNode(pluginhost.NodeOptions{Root: p.layout.Root, Dir: p.layout.Dir, CacheDir: dir, Logger: p.log})
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
	if p.tools.postcss != nil {
		warm = append(warm, "postcss")
	}
	if len(warm) > 0 {
		p.log.Info("running this project's tools in Node: " + strings.Join(warm, ", ")) // code that came with the repository
		p.tasks.Go(func() {
			if err := p.node.Call(p.ctx, "warm", map[string]any{"packages": warm}, nil); err != nil && p.ctx.Err() == nil {
				p.problems.Report(p.problems.Convert(err))
			}
		})
	}
	return nil
}
