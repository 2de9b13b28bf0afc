// Package viteconfig reads a project's vite.config: the project's own Vite evaluates it in Node, and its values fill in
// what the configuration leaves out.
//
// Loading a vite.config takes longer than everything else at a start. So a config that only names plugins whose work is
// built in is not run at all, and the result of any other is kept until one of its files changes.
package viteconfig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/cache"
	configfile "github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/env"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/problems"
	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Options configures Lay. All fields but Force are needed.
type Options struct {
	// Dir is the project's folder, where Vite looks for its configuration.
	Dir string
	// CacheDir creates a folder for results that may be lost.
	CacheDir func(name string) (string, error)
	// Force runs the vite.config again even if nothing has changed.
	Force  bool
	Logger *slog.Logger
}

// Result is a configuration with the values of the project's vite.config beneath it.
type Result struct {
	Config *configfile.Config
	// Files are the files that are or may be the vite.config, and the files that it was read from. Editing one of
	// them may change the configuration.
	Files []string
	// Env are the variables of the environment that the vite.config has set, as .env files may refer to any of them. Pages
	// see only those that their prefixes allow.
	Env map[string]string
	// State changes with the files of a vite.config that was run, and with its environment. It is "" when none was.
	State string
	// Vite are the plugins that have to run in Node, nil without any. Node and Child are where they run already, nil when
	// the vite.config was not run now.
	Vite    *vite.Info
	Bundled vite.Bundled
	Node    *pluginhost.Node
	Child   *pluginhost.Child
}

// Close ends what Lay has started. It is for a Result that is not used.
func (r Result) Close() {
	if r.Node != nil {
		_ = r.Node.Close() // its work is done
	}
}

// values is what the Node host reads of a vite.config.
type values struct {
	File    string          `json:"file"`
	Deps    []string        `json:"deps"`
	Plugins []string        `json:"plugins"`
	Config  json.RawMessage `json:"config"`
	// NotCarried names the values that are functions which only Vite itself could call.
	NotCarried []string `json:"notCarried"`
	// Env is as in Result.
	Env  map[string]string `json:"env"`
	Vite *vite.Info        `json:"vite"`
	// Logs is what Vite and plugins have logged that need not run any more.
	Logs []vite.Line `json:"logs"`
}

// running is the process in which a vite.config was run, the zero value for none.
type running struct {
	node  *pluginhost.Node
	child *pluginhost.Child
}

// wait bounds how long a configuration may take to load: it is a program.
const wait = 60 * time.Second

// long is how long it may take until the terminal says so.
const long = 10 * time.Second

// Lay lays the values of the project's vite.config beneath cfg. The terminal shows what was read, what is not followed,
// and why a vite.config could not be read without Node.js or Vite. A vite.config with mistakes is a [configfile.Errors]
// with their places.
func Lay(ctx context.Context, cfg *configfile.Config, o Options) (Result, error) {
	cfg, _, err := cfg.WithVite("", nil) // drops the values of an earlier reading
	if err != nil {
		return Result{}, err
	}
	without := Result{Config: cfg, Files: candidates(o.Dir)}
	file := find(o.Dir)
	if file == "" || !cfg.ReadsViteConfig() {
		return without, nil
	}
	if text, err := disk.ReadFile(file); err == nil && saysNothing(string(text)) {
		return without, nil
	}
	mode := cfg.ModeOrDefault()
	without.Files = append(without.Files, o.installed()...) // Vite and its plugins may come, or others
	v, in, err := o.load(ctx, file, mode)
	defer func() { Result{Node: in.node}.Close() }()
	if why, hint := notInstalled(err); why != "" {
		o.Logger.Warn(filepath.Base(file)+" is not read: "+why, "hint", hint)
		return without, nil
	}
	if err != nil {
		return Result{}, o.placed(err, file)
	}
	with, ignored, err := cfg.WithVite(file, v.Config)
	if err != nil {
		return Result{}, err
	}
	if with.Server.HTTPS == nil && slices.ContainsFunc(v.Plugins, func(name string) bool { return certificates[name] }) {
		with.Server.HTTPS = &config.HTTPS{} // the plugin's work: a certificate of this machine
	}
	o.report(file, v, append(slices.Clone(v.NotCarried), ignored...))
	for _, line := range v.Logs {
		line.Log(o.Logger)
	}
	r := Result{
		Config: with, Files: slices.Concat(without.Files, v.Deps, env.Files(o.Dir, mode)), Env: v.Env,
		State: o.state(file, mode, v.Deps) + strings.Join(environment(), "\n"),
	}
	if v.Vite != nil {
		r.Bundled = v.Vite.Bundled
	}
	if v.Vite != nil && v.Vite.Needed {
		r.Vite, r.Node, r.Child = v.Vite, in.node, in.child
		in = running{}
	}
	return r, nil
}

// notInstalled returns what is missing on the machine and how to get it, "" for other errors: a project may do without.
func notInstalled(err error) (why, hint string) {
	if errors.Is(err, pluginhost.ErrNoNode) {
		return "Node.js is not installed",
			"install it from https://nodejs.org for the plugins, or put the values that the project needs into " + configfile.FileName
	}
	if missing, ok := errors.AsType[*wire.Error](err); ok && missing.Code == "not_installed" {
		return missing.Message, "npm install"
	}
	return "", ""
}

// placed returns the error of a vite.config with its place.
func (o Options) placed(err error, file string) error {
	g, gateErr := gate.New(gate.Options{Root: o.Dir})
	if gateErr != nil {
		return gateErr
	}
	e := problems.Convert(err, g)
	if e.File == "" {
		e.File = file
	}
	if e.Plugin != "" {
		e.Text = "plugin " + e.Plugin + ": " + e.Text
	}
	shown, outside := filepath.Rel(o.Dir, e.File)
	if outside != nil {
		shown = e.File
	}
	return configfile.Errors{{File: e.File, Shown: shown, Line: e.Line, Column: e.Column, Text: e.Text, Hint: e.Hint, Frame: e.Frame}}
}

// Broken returns what a server starts with whose vite.config has mistakes: an edit of the files may fix them.
func Broken(dir string, cfg *configfile.Config, mistakes configfile.Errors) Result {
	files := candidates(dir)
	for _, e := range mistakes {
		files = append(files, e.File) // what a vite.config imports
	}
	return Result{Config: cfg, Files: files}
}

// candidates returns the files that may be the project's vite.config, in the order in which Vite looks.
func candidates(dir string) []string {
	var list []string
	for _, ext := range []string{"js", "mjs", "ts", "cjs", "mts", "cts"} {
		list = append(list, filepath.Join(dir, "vite.config."+ext))
	}
	return list
}

// find returns the project's vite.config, "" when there is none.
func find(dir string) string {
	for _, file := range candidates(dir) {
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

// Regular expressions are enough to recognise the form that templates have: a wrong "no" only costs the time to run the
// vite.config.
var (
	comments     = regexp.MustCompile(`(?m)^\s*//.*$|/\*[^*]*\*/`)
	importLine   = regexp.MustCompile(`^import (\w+|\{ ?defineConfig ?\}) from ["']([^"']+)["'];? ?`)
	onlyPlugins  = regexp.MustCompile(`^export default defineConfig\( ?\{ ?(?:plugins: ?\[((?: ?\w+\(\) ?,?)*) ?\] ?,? ?)?\} ?\) ?;? ?$`)
	calledPlugin = regexp.MustCompile(`(\w+)\(\)`)
)

// saysNothing reports whether a vite.config does no more than name plugins whose work is built in, as those of
// templates do. Running it would start Node and load Vite to learn nothing.
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

// kept is what a vite.config gave, in the cache, with the state of the files that it came from.
type kept struct {
	State string
	Vite  values
}

// load returns the values of the vite.config, from the cache or by Node.
func (o Options) load(ctx context.Context, file, mode string) (*values, running, error) {
	dir, err := o.CacheDir("vite")
	if err != nil {
		return nil, running{}, err
	}
	results, err := cache.Open(dir, 0)
	if err != nil {
		o.Logger.Debug("no cache for the vite config", "pkg", "viteconfig", "error", err)
	}
	defer func() { _ = results.Close() }() // a cache may forget
	// A vite.config is a program: nobody knows what it read of the environment, so all of the environment counts.
	key := cache.KeyOf(append([]string{"vite config", cache.Program(), file, mode}, environment()...)...)
	if text, ok := results.Get(key); ok && !o.Force {
		var was kept
		if json.Unmarshal(text, &was) == nil && was.State == o.state(file, mode, was.Vite.Deps) {
			return &was.Vite, running{}, nil
		}
	}
	v, in, err := o.run(ctx, mode)
	if err != nil {
		return nil, in, err
	}
	text, err := json.Marshal(kept{State: o.state(file, mode, v.Deps), Vite: *v})
	if err == nil && !bytes.Contains(text, []byte("PRIVATE KEY-----")) { // a key stays in its file alone
		results.Put(key, text)
	}
	return v, in, nil
}

// run has the project's own Vite evaluate the vite.config, in a process that the caller ends.
func (o Options) run(ctx context.Context, mode string) (v *values, in running, err error) {
	dir, err := o.CacheDir("node")
	if err != nil {
		return nil, in, err
	}
	in.node = pluginhost.NewNode(pluginhost.NodeOptions{Root: o.Dir, CacheDir: dir, Logger: o.Logger})
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if in.child, err = in.node.Process(ctx); err != nil {
		return nil, in, err
	}
	slow := time.AfterFunc(long, func() {
		o.Logger.Warn("the vite.config has been running for "+long.String(), "hint", "the file or a plugin may hang; a save starts it over")
	})
	defer slow.Stop()
	v = &values{}
	err = in.node.CallOf(ctx, in.child, "viteStart", map[string]any{"mode": mode, "socket": in.node.Socket(in.child)}, v)
	if errors.Is(err, wire.ErrClosed) && ctx.Err() == nil {
		<-in.child.Exited()
		err = errors.New("Node ended while it ran the file: " + in.child.Why())
	}
	return v, in, err
}

// state names the state of the files of a vite.config. It may read .env files, as loadEnv does.
func (o Options) state(file, mode string, deps []string) string {
	return disk.Fingerprint(slices.Concat([]string{file}, deps, env.Files(o.Dir, mode), o.installed()))
}

// installed are files that change when other versions of packages are installed: plugins may be among them.
func (o Options) installed() []string {
	var files []string
	for _, dir := range []string{o.Dir, gate.Workspace(o.Dir)} {
		for _, name := range []string{".package-lock.json", ".modules.yaml", ".yarn-integrity"} {
			if dir != "" {
				files = append(files, filepath.Join(dir, "node_modules", name))
			}
		}
	}
	return files
}

// environment returns what programs get of our environment, without what differs from terminal to terminal.
func environment() []string {
	list := slices.DeleteFunc(os.Environ(), func(one string) bool {
		name, _, _ := strings.Cut(one, "=")
		return terminals[name] || strings.HasPrefix(name, "SSH_") || strings.HasPrefix(name, "XDG_") || strings.HasPrefix(name, "npm_")
	})
	slices.Sort(list)
	return list
}

var terminals = map[string]bool{
	"_": true, "PWD": true, "OLDPWD": true, "SHLVL": true, "TERM": true, "COLORTERM": true, "TERM_SESSION_ID": true,
	"WINDOWID": true, "COLUMNS": true, "LINES": true, "TMUX": true, "TMUX_PANE": true, "STY": true,
}

// certificates are the plugins that make a certificate.
var certificates = map[string]bool{"vite:basic-ssl": true, "vite-plugin-mkcert": true}

// families returns the names of plugins for people. A package may bring many plugins, such as "unocss:global" and
// "unocss:config", and is named once. "vite:" begins the names of many packages.
func families(plugins []vite.Plugin) []string {
	var names []string
	for _, p := range plugins {
		name, ofVite := strings.CutPrefix(p.Name, "vite:")
		name, _, _ = strings.Cut(name, ":")
		if ofVite {
			name = "vite:" + name
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// report says in one line what was read and what is not followed.
func (o Options) report(file string, v *values, ignored []string) {
	line := "read " + filepath.Base(file)
	if v.Vite != nil && v.Vite.Needed {
		line += "; Vite " + v.Vite.Version + " runs in Node: " + strings.Join(families(v.Vite.Plugins), ", ")
	}
	if len(ignored) > 0 {
		o.Logger.Warn(line + "; not used: " + strings.Join(ignored, "; "))
		return
	}
	o.Logger.Info(line)
}
