// Package config reads devserver.config.json into the options of package config at the top of the repository.
//
// The file is JSON with comments and trailing commas. An unknown name or a wrong value is an error with line and
// column, never silently ignored. Load reads the file and lays the options of a program or of the command line over it.
// WithVite puts the values of a vite.config beneath it. Reload does all three again after the file has changed.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/disk"
)

// FileName is the name of the configuration file in the project's folder.
const FileName = "devserver.config.json"

// Config is the configuration of one project's server, and where it is from. It must not be changed once a server has
// it.
type Config struct {
	config.Config
	// Path is the file that was read; "" when there is none.
	Path string

	from   Source
	vite   []byte // values of a vite.config
	ofVite string // the file of vite
	rootOf string // the file that Root is from, as messages name it
	bare   bool   // Base is written without the slash at its end
	err    error  // see Broken
}

// Source says what a configuration is made from. The zero value is the file of the current folder.
type Source struct {
	// Root is the project's folder.
	Root string
	// File is the configuration file, which must exist; "" is the FileName in Root, which need not.
	File string
	// NoFile reads no file.
	NoFile bool
	// Program holds the options that win over the file: those of a program, or of the command line.
	Program config.Config
}

// Load reads the file and lays the program's options over it. The error holds every mistake of the file, see All. A
// mistake in the program's options is another error.
func Load(from Source) (*Config, error) { return load(Config{from: from}) }

// Broken returns the configuration to start with when Load failed with Errors. It holds the program's options and
// nothing else. Err returns the error, and Reload reads the file again. A server with this configuration must serve
// nothing of the project, since it does not know which files are denied.
func Broken(from Source, err error) *Config {
	c := &Config{from: from, err: err}
	if e, ok := errors.AsType[*Error](err); ok {
		c.Path = e.File
	}
	_ = c.layProgram() // Load has reported its mistakes
	if c.finishBase() != nil {
		c.Base = ""
	}
	return c
}

// Err returns the error that Broken was given, or nil for a configuration that Load made.
func (c *Config) Err() error { return c.err }

// Reload reads the file again, with the same options over it and the same values of a vite.config beneath it.
func (c *Config) Reload() (*Config, error) {
	return load(Config{from: c.from, vite: c.vite, ofVite: c.ofVite})
}

// WithVite returns the configuration with the values of a vite.config, a JSON object, as its defaults. The values of
// devserver.config.json and of the program win. Options that devserver does not know are left out. For each value that
// devserver cannot use, ignored holds a line. The values stay over a Reload; nil removes them.
func (c *Config) WithVite(file string, values []byte) (made *Config, ignored []string, err error) {
	if values == nil && c.vite == nil {
		return c, nil, nil
	}
	from := Config{from: c.from, vite: values, ofVite: file}
	trial := from
	for _, e := range trial.decodeVite() {
		ignored = append(ignored, e.Text)
	}
	made, err = load(from)
	return made, ignored, err
}

// Served returns the real path of the folder that is served: the root option, or else the project's folder.
func (c *Config) Served(project string) (string, error) {
	if c.Root == "" {
		return project, nil
	}
	real, err := filepath.EvalSymlinks(c.Root)
	if err != nil {
		return "", c.wrongRoot("there is no folder %s", c.Root)
	}
	if info, err := os.Stat(real); err != nil || !info.IsDir() {
		return "", c.wrongRoot("%s is a file", c.Root)
	}
	return real, nil
}

// wrongRoot returns an error about the root, with the file that names the root.
func (c *Config) wrongRoot(format string, args ...any) error {
	return &Error{
		File: c.rootOf, Shown: shownPath(c.rootOf), Option: "root",
		Text: `option "root": ` + fmt.Sprintf(format, args...), Hint: "name the folder that holds index.html",
	}
}

// dir returns the folder that relative paths of the file start from.
func (c *Config) dir() string {
	if c.Path != "" {
		return filepath.Dir(c.Path)
	}
	if abs, err := filepath.Abs(c.from.Root); err == nil {
		return abs
	}
	return c.from.Root
}

// load fills in a Config that holds what it is made from.
func load(c Config) (*Config, error) {
	if err := checkProgram(c.from.Program); err != nil {
		return nil, err
	}
	c.decodeVite()
	viteRoot := c.Root
	c.Root = ""
	if err := c.read(); err != nil {
		return nil, err
	}
	c.rootOf = c.Path
	if c.Root == "" {
		c.Root, c.rootOf = viteRoot, c.ofVite
	}
	c.absolute(c.dir())
	if c.from.Program.Root != "" {
		c.rootOf = programName
	}
	if err := c.layProgram(); err != nil {
		return nil, err
	}
	project, err := filepath.Abs(c.from.Root)
	if err != nil {
		return nil, fmt.Errorf("find the project's folder %q: %w", c.from.Root, err)
	}
	c.absolute(project)
	if err := c.finish(); err != nil {
		return nil, err
	}
	return &c, nil
}

// programName stands for the options of a program in messages, where a file has its name.
const programName = "options"

// checkProgram returns an error for the options of a program that the file could not have either. It is no Errors: the
// program has to be changed, and not the file.
func checkProgram(program config.Config) error {
	if err := (&Config{from: Source{Program: program}}).layProgram(); err != nil {
		return errors.New(err.Error())
	}
	return nil
}

// layProgram lays the program's options over the others. Options that only Go can hold are put beside their rules.
func (c *Config) layProgram() error {
	d := decoder{file: programName, shown: programName}
	d.decode(encode(c.from.Program), &c.Config)
	for _, e := range d.errors {
		e.Line, e.Column, e.Frame = 0, 0, "" // the text is ours
	}
	if len(d.errors) > 0 {
		return d.errors
	}
	for _, own := range c.from.Program.Server.Proxy {
		at := slices.IndexFunc(c.Server.Proxy, func(r config.ProxyRule) bool { return r.Path == own.Path })
		c.Server.Proxy[at].RewriteFunc, c.Server.Proxy[at].BypassFunc = own.RewriteFunc, own.BypassFunc
	}
	return nil
}

// decodeVite puts the usable values of a vite.config into c and returns an error for each other value.
func (c *Config) decodeVite() Errors {
	if c.vite == nil {
		return nil
	}
	d := decoder{file: c.ofVite, shown: filepath.Base(c.ofVite), lenient: true}
	d.decode(c.vite, &c.Config)
	if c.Base != "" && !strings.HasPrefix(c.Base, "/") && !strings.HasPrefix(c.Base, ".") && !strings.Contains(c.Base, "://") {
		c.Base = "/" + c.Base // as Vite reads it
	}
	return d.errors
}

// read lays the file over c.
func (c *Config) read() error {
	if c.from.NoFile {
		return nil
	}
	file := c.from.File
	if file == "" {
		file = filepath.Join(c.from.Root, FileName)
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("find configuration %q: %w", file, err)
	}
	text, err := disk.ReadFile(abs)
	if errors.Is(err, fs.ErrNotExist) && c.from.File == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	c.Path = abs
	d := decoder{file: abs, shown: shownPath(abs)}
	d.decode(text, &c.Config)
	if len(d.errors) > 0 {
		slices.SortStableFunc(d.errors, func(a, b *Error) int { return a.Line - b.Line })
		return d.errors
	}
	return nil
}

// shownPath returns the path for messages: relative to the current folder when the file lies below it.
func shownPath(abs string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, abs); err == nil && !strings.HasPrefix(rel, "..") {
			return filepath.ToSlash(rel)
		}
	}
	return abs
}

// absolute makes relative paths absolute. They start from the folder dir.
func (c *Config) absolute(dir string) {
	if c.Root != "" {
		c.Root = abs(dir, c.Root)
	}
	for i, path := range c.Server.FS.Allow {
		c.Server.FS.Allow[i] = abs(dir, path)
	}
	for i, a := range c.Resolve.Alias {
		if relative(a.Replacement) {
			c.Resolve.Alias[i].Replacement = abs(dir, a.Replacement)
		}
	}
	if h := c.Server.HTTPS; h != nil && h.Cert != "" {
		made := *h
		for _, part := range []*string{&made.Key, &made.Cert} {
			if !IsPEM(*part) {
				*part = abs(dir, *part)
			}
		}
		c.Server.HTTPS = &made
	}
	if p := c.Plugins.Log; p != nil && p.File != "" {
		p.File = abs(dir, p.File)
	}
}

// finish checks values that the decoder cannot check, and adds what follows from others.
func (c *Config) finish() error {
	if strict := c.Server.FS.Strict; strict != nil && !*strict {
		c.Server.FS.Allow = append(c.Server.FS.Allow, filepath.VolumeName(c.dir())+string(filepath.Separator))
	}
	return c.finishBase()
}

// finishBase makes the base begin and end with a slash. It keeps only the path of a full URL. A relative base becomes
// "/", since a server cannot know it.
func (c *Config) finishBase() error {
	base := c.Base
	if base == "" {
		return nil
	}
	if i := strings.Index(base, "://"); i >= 0 {
		_, path, _ := strings.Cut(base[i+3:], "/")
		base = "/" + path
	}
	if base == "./" || base == "." {
		base = "/"
	}
	if !strings.HasPrefix(base, "/") || strings.ContainsAny(base, "?#\\ \"<>") || strings.Contains(base, "//") || strings.Contains(base, "/..") {
		return fmt.Errorf("base %q must be a path like /app/", c.Base)
	}
	if strings.Contains(base, "%") {
		return fmt.Errorf("base %q has an escaped character, which this server does not follow: choose a path like /app/", c.Base)
	}
	c.bare = !strings.HasSuffix(base, "/")
	c.Base = strings.TrimSuffix(base, "/") + "/"
	return nil
}

// BaseURL returns the base as import.meta.env.BASE_URL has it: without the slash at its end when it is written so, as in
// Vite.
func (c *Config) BaseURL() string {
	if c.bare {
		return strings.TrimSuffix(c.Base, "/")
	}
	return c.BaseOrDefault()
}

// IsPEM reports whether the text is a certificate or key in PEM form, and not the name of its file.
func IsPEM(text string) bool { return strings.Contains(text, "-----BEGIN ") }

func relative(path string) bool {
	return strings.HasPrefix(path, "./") || strings.HasPrefix(path, "../") || path == "." || path == ".."
}

func abs(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	made := filepath.Join(dir, filepath.FromSlash(path))
	if strings.HasSuffix(path, "/") {
		made += "/" // "@/" -> "./src/" joins with the rest of the specifier
	}
	return made
}
