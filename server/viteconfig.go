package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/env"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/problems"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// viteConfig is what the Node host makes of a vite.config.
type viteConfig struct {
	File    string          `json:"file"`
	Deps    []string        `json:"deps"`
	Plugins []string        `json:"plugins"`
	Config  json.RawMessage `json:"config"`
	// NotCarried tells which values are functions that only Vite itself could call.
	NotCarried []string `json:"notCarried"`
}

// viteConfigWait bounds how long a configuration may take to load: it is a program.
const viteConfigWait = 60 * time.Second

// withVite lays the values of the project's vite.config beneath the configuration. Loading it starts Node and the
// project's Vite, so its result is kept until one of its files changes.
func (s *Server) withVite(cfg *config.Config) (*config.Config, error) {
	cfg, _, err := cfg.WithVite("", nil) // what it said before
	if err != nil {
		return nil, err
	}
	s.viteFiles, s.readsVite = viteFiles(s.dir), false
	file := findViteConfig(s.dir)
	if file == "" || !cfg.ReadsViteConfig() {
		return cfg, nil
	}
	if text, err := disk.ReadFile(file); err == nil && saysNothing(string(text)) {
		return cfg, nil
	}
	v, err := s.loadViteConfig(file, cfg.ModeOrDefault())
	if errors.Is(err, pluginhost.ErrNoNode) {
		s.log.Warn(filepath.Base(file)+" is not read: Node.js is not installed", "hint", "put what devserver needs into "+config.FileName)
		return cfg, nil
	}
	if missing, ok := errors.AsType[*wire.Error](err); ok && missing.Code == "not_installed" {
		s.log.Warn(filepath.Base(file)+" is not read: "+missing.Message, "hint", "npm install")
		return cfg, nil
	}
	if err != nil {
		g, gateErr := gate.New(gate.Options{Root: s.dir})
		if gateErr != nil {
			return nil, gateErr
		}
		e := problems.Convert(err, g)
		if e.File == "" {
			e.File = file
		}
		return nil, fmt.Errorf("read vite config: %w", e)
	}
	made, ignored, err := cfg.WithVite(file, v.Config)
	if err != nil {
		return nil, err
	}
	if made.Server.HTTPS == nil && slices.ContainsFunc(v.Plugins, func(name string) bool { return certificates[name] }) {
		made.Server.HTTPS = &config.HTTPS{} // the plugin's work: a certificate of this machine
	}
	s.viteFiles = slices.Concat(s.viteFiles, v.Deps, env.Files(s.dir, cfg.ModeOrDefault()))
	s.readsVite = true
	s.tellVite(file, v, append(slices.Clone(v.NotCarried), ignored...))
	return made, nil
}

// viteFiles are the files that may be the project's vite.config, in the order in which Vite looks.
func viteFiles(dir string) []string {
	var list []string
	for _, ext := range []string{"js", "mjs", "ts", "cjs", "mts", "cts"} {
		list = append(list, filepath.Join(dir, "vite.config."+ext))
	}
	return list
}

func findViteConfig(dir string) string {
	for _, file := range viteFiles(dir) {
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// knownPlugins are the packages of Vite plugins whose work devserver does itself.
var knownPlugins = map[string]bool{
	"@vitejs/plugin-react": true, "@vitejs/plugin-react-swc": true, "@preact/preset-vite": true, "@tailwindcss/vite": true,
	"vite-tsconfig-paths": true,
}

var (
	comments     = regexp.MustCompile(`(?m)^\s*//.*$|/\*[^*]*\*/`)
	importLine   = regexp.MustCompile(`^import (\w+|\{ ?defineConfig ?\}) from ["']([^"']+)["'];? ?`)
	onlyPlugins  = regexp.MustCompile(`^export default defineConfig\( ?\{ ?(?:plugins: ?\[((?: ?\w+\(\) ?,?)*) ?\] ?,? ?)?\} ?\) ?;? ?$`)
	calledPlugin = regexp.MustCompile(`(\w+)\(\)`)
)

// saysNothing tells whether a vite.config does no more than name plugins whose work is built in, as those of templates
// do. Running it would start Node and load Vite, which takes longer than everything else at a start, to learn nothing.
func saysNothing(text string) bool {
	text = strings.Join(strings.Fields(comments.ReplaceAllString(text, "")), " ")
	imported := map[string]string{}
	for m := importLine.FindStringSubmatch(text); m != nil; m = importLine.FindStringSubmatch(text) {
		imported[m[1]] = m[2]
		text = text[len(m[0]):]
	}
	m := onlyPlugins.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	for _, call := range calledPlugin.FindAllStringSubmatch(m[1], -1) {
		if !knownPlugins[imported[call[1]]] {
			return false
		}
	}
	return true
}

func (s *Server) loadViteConfig(file, mode string) (*viteConfig, error) {
	dir, err := s.folder.Dir("vite")
	if err != nil {
		return nil, err
	}
	kept, err := cache.Open(dir, 0)
	if err != nil {
		s.log.Debug("no cache for the vite config", "pkg", "server", "error", err)
	}
	defer func() { _ = kept.Close() }() // a cache is allowed to forget
	// It is a program: what it read of the environment is unknown, so that all of it counts.
	at := cache.KeyOf(append([]string{"vite config", cache.Program(), file, mode}, environment()...)...)
	v := &viteConfig{}
	if text, ok := kept.Get(at); ok && !s.opts.Force {
		var was keptVite
		if json.Unmarshal(text, &was) == nil && was.State == s.viteState(file, mode, was.Vite.Deps) {
			return &was.Vite, nil
		}
	}
	nodeDir, err := s.folder.Dir("node")
	if err != nil {
		return nil, err
	}
	node := pluginhost.NewNode(pluginhost.NodeOptions{Root: s.dir, CacheDir: nodeDir, Logger: s.log})
	defer func() { _ = node.Close() }() // its work is done
	ctx, cancel := context.WithTimeout(s.ctx, viteConfigWait)
	defer cancel()
	if err := node.Call(ctx, "viteConfig", map[string]string{"mode": mode}, v); err != nil {
		return nil, err
	}
	text, err := json.Marshal(keptVite{State: s.viteState(file, mode, v.Deps), Vite: *v})
	if err == nil && !bytes.Contains(text, []byte("PRIVATE KEY-----")) { // read from its file each time
		kept.Put(at, text)
	}
	return v, nil
}

// viteState tells whether a kept configuration still holds: it may read .env files, as loadEnv does.
func (s *Server) viteState(file, mode string, deps []string) string {
	return disk.Fingerprint(slices.Concat([]string{file}, deps, env.Files(s.dir, mode)))
}

// environment is what programs get of ours, without what differs from one terminal to the next.
func environment() []string {
	list := slices.DeleteFunc(os.Environ(), func(one string) bool {
		name, _, _ := strings.Cut(one, "=")
		return terminals[name] || strings.HasPrefix(name, "SSH_") || strings.HasPrefix(name, "XDG_") || strings.HasPrefix(name, "npm_")
	})
	slices.Sort(list)
	return list
}

var terminals = map[string]bool{
	"_": true, "PWD": true, "OLDPWD": true, "SHLVL": true, "TERM": true, "COLORTERM": true, "TERM_SESSION_ID": true, "WINDOWID": true, "COLUMNS": true, "LINES": true, "TMUX": true, "TMUX_PANE": true, "STY": true,
}

// keptVite is a loaded vite.config in the cache, with the state of the files that it came from.
type keptVite struct {
	State string
	Vite  viteConfig
}

// builtIn are the beginnings of the names of Vite plugins whose work devserver does itself.
var builtIn = []string{"vite:react", "vite:preact", "preact:", "prefresh", "transform-react-jsx", "vite:transform-hook-names", "@tailwindcss/vite", "vite-tsconfig-paths", "vite:basic-ssl", "vite-plugin-basic-ssl", "vite-plugin-mkcert"}

// certificates are the plugins that make a certificate.
var certificates = map[string]bool{"vite:basic-ssl": true, "vite-plugin-mkcert": true}

// tellVite says in one line what was read and what does not run.
func (s *Server) tellVite(file string, v *viteConfig, ignored []string) {
	var foreign []string
	for _, name := range v.Plugins {
		if !slices.ContainsFunc(builtIn, func(known string) bool { return strings.HasPrefix(name, known) }) {
			foreign = append(foreign, name)
		}
	}
	line := "read " + filepath.Base(file)
	if len(foreign) > 0 {
		line += "; these plugins do not run yet: " + strings.Join(foreign, ", ")
	}
	if len(ignored) > 0 {
		line += "; not used: " + strings.Join(ignored, "; ")
	}
	if len(foreign)+len(ignored) > 0 {
		s.log.Warn(line)
		return
	}
	s.log.Info(line)
}
