package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
)

// source is what a Config was made from, so that Reload can do it again.
type source struct {
	root, explicit string
	flags          Flags
	vite           []byte
	viteFile       string
}

// Flags are options of the command line. Nil and false: not given.
type Flags struct {
	Host, Open, Base, Mode, LogLevel *string
	Port                             *int
	StrictPort, CORS, ClearScreen    *bool
	Poll, HTTPS                      *bool
	NoViteConfig                     bool
}

// Load reads devserver.config.json from the project's folder, or the named file, which must exist then. Without a
// file it returns a Config that says nothing. The error holds every mistake of the file, see All.
func Load(root, explicit string) (*Config, error) {
	return load(source{root: root, explicit: explicit})
}

// Broken returns the configuration to start with when Load failed with Errors: it says nothing but what the flags say,
// Err returns the error, and Reload finds what is mended. A server that has it must serve nothing of the project, since
// what the file denies is not known.
func Broken(root, explicit string, flags Flags, err error) *Config {
	c := &Config{from: source{root: root, explicit: explicit, flags: flags}, err: err}
	if e, ok := errors.AsType[*Error](err); ok {
		c.Path = e.File
	}
	c.lay(flags)
	if c.finishBase() != nil {
		c.Base = ""
	}
	return c
}

// Err returns why this is not what the file says: the error that Broken was given. Nil for every other configuration.
func (c *Config) Err() error { return c.err }

// Reload reads everything again: the file, with the same flags over it and the same values beneath it.
func (c *Config) Reload() (*Config, error) { return load(c.from) }

// Merge returns the configuration with flags laid over it. The flags stay over a Reload.
func (c *Config) Merge(flags Flags) (*Config, error) {
	from := c.from
	from.flags = flags
	return load(from)
}

// WithVite returns the configuration with values of a vite.config beneath it, as the JSON object that its defaults
// would be: what devserver.config.json and flags say wins. Options that devserver does not know are left out; those
// whose values it cannot use are told as ignored, in one line each. The values stay over a Reload; nil takes them away.
func (c *Config) WithVite(file string, values []byte) (made *Config, ignored []string, err error) {
	if values == nil && c.from.vite == nil {
		return c, nil, nil
	}
	from := c.from
	from.vite, from.viteFile = values, file
	for _, e := range decodeVite(&Config{}, from) {
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
		return "", c.WrongRoot("there is no folder %s", c.Root)
	}
	if info, err := os.Stat(real); err != nil || !info.IsDir() {
		return "", c.WrongRoot("%s is a file", c.Root)
	}
	return real, nil
}

// WrongRoot tells what is wrong with the root, and which file names it.
func (c *Config) WrongRoot(format string, args ...any) error {
	return &Error{File: c.rootOf, Shown: shownPath(c.rootOf), Option: "root", Text: `option "root": ` + fmt.Sprintf(format, args...), Hint: "name the folder that holds index.html"}
}

// dir is the folder that relative paths of the file start from.
func (c *Config) dir() string {
	if c.Path != "" {
		return filepath.Dir(c.Path)
	}
	if abs, err := filepath.Abs(c.from.root); err == nil {
		return abs
	}
	return c.from.root
}

func load(from source) (*Config, error) {
	c := &Config{from: from}
	decodeVite(c, from)
	ofVite := c.Root
	c.Root = ""
	if err := c.read(); err != nil {
		return nil, err
	}
	c.rootOf = c.Path
	if c.Root == "" {
		c.Root, c.rootOf = ofVite, from.viteFile
	}
	c.lay(from.flags)
	if err := c.finish(); err != nil {
		return nil, err
	}
	return c, nil
}

// decodeVite keeps what can be used and returns what cannot.
func decodeVite(c *Config, from source) Errors {
	if from.vite == nil {
		return nil
	}
	d := decoder{file: from.viteFile, shown: filepath.Base(from.viteFile), lenient: true}
	d.decode(from.vite, c)
	if c.Base != "" && !strings.HasPrefix(c.Base, "/") && !strings.HasPrefix(c.Base, ".") && !strings.Contains(c.Base, "://") {
		c.Base = "/" + c.Base // as Vite reads it
	}
	return d.errors
}

// read lays the file over c.
func (c *Config) read() error {
	file := c.from.explicit
	if file == "" {
		file = filepath.Join(c.from.root, FileName)
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("find configuration %q: %w", file, err)
	}
	text, err := disk.ReadFile(abs)
	if errors.Is(err, fs.ErrNotExist) && c.from.explicit == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	c.Path = abs
	d := decoder{file: abs, shown: shownPath(abs)}
	d.decode(text, c)
	if len(d.errors) > 0 {
		slices.SortStableFunc(d.errors, func(a, b *Error) int { return a.Line - b.Line })
		return d.errors
	}
	return nil
}

// shownPath is relative to the current folder when the file lies below it.
func shownPath(abs string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, abs); err == nil && !strings.HasPrefix(rel, "..") {
			return filepath.ToSlash(rel)
		}
	}
	return abs
}

// lay puts flags over what was read.
func (c *Config) lay(f Flags) {
	set(&c.Server.Host, f.Host)
	set(&c.Base, f.Base)
	set(&c.Mode, f.Mode)
	set(&c.LogLevel, f.LogLevel)
	set(&c.Server.StrictPort, f.StrictPort)
	set(&c.Server.Watch.UsePolling, f.Poll)
	if f.Open != nil {
		c.Server.Open = f.Open
	}
	if f.Port != nil {
		c.Server.Port = f.Port
	}
	if f.ClearScreen != nil {
		c.ClearScreen = f.ClearScreen
	}
	switch {
	case f.CORS == nil:
	case *f.CORS && len(c.Server.CORS.Origins) == 0:
		c.Server.CORS.Origins = []string{"*"}
	case !*f.CORS:
		c.Server.CORS.Origins = nil
	}
	switch {
	case f.HTTPS == nil:
	case *f.HTTPS && c.Server.HTTPS == nil:
		c.Server.HTTPS = &HTTPS{}
	case !*f.HTTPS:
		c.Server.HTTPS = nil
	}
	if f.NoViteConfig {
		no := false
		c.ViteConfig = &no
	}
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// finish checks what no single option shows and makes paths absolute.
func (c *Config) finish() error {
	if err := c.finishBase(); err != nil {
		return err
	}
	if c.Root != "" {
		c.Root = c.abs(c.Root)
	}
	for i := range c.Server.FS.Allow {
		c.Server.FS.Allow[i] = c.abs(c.Server.FS.Allow[i])
	}
	if strict := c.Server.FS.Strict; strict != nil && !*strict {
		c.Server.FS.Allow = append(c.Server.FS.Allow, filepath.VolumeName(c.dir())+string(filepath.Separator))
	}
	for i, a := range c.Resolve.Alias {
		if relative(a.Replacement) {
			c.Resolve.Alias[i].Replacement = c.abs(a.Replacement)
		}
	}
	if h := c.Server.HTTPS; h != nil && h.Cert != "" {
		made := *h
		for _, part := range []*string{&made.Key, &made.Cert} {
			if !IsPEM(*part) {
				*part = c.abs(*part)
			}
		}
		c.Server.HTTPS = &made
	}
	if p := c.Plugins.Log; p != nil && p.File != "" {
		p.File = c.abs(p.File)
	}
	return nil
}

// finishBase makes the base begin and end with a slash. Of a full URL only the path matters here, and a relative base
// is one that a server cannot know, so it is the top.
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
	c.Base = strings.TrimSuffix(base, "/") + "/"
	return nil
}

// IsPEM tells a certificate or key from the name of its file.
func IsPEM(text string) bool { return strings.Contains(text, "-----BEGIN ") }

func relative(path string) bool {
	return strings.HasPrefix(path, "./") || strings.HasPrefix(path, "../") || path == "." || path == ".."
}

func (c *Config) abs(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	made := filepath.Join(c.dir(), filepath.FromSlash(path))
	if strings.HasSuffix(path, "/") {
		made += "/" // "@/" -> "./src/" joins with what follows
	}
	return made
}
