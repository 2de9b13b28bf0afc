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

// source holds what a Config was made from, so that Reload can make it again.
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

// Load reads the file explicit, which must exist. With an empty name it reads devserver.config.json from the folder
// root, or returns an empty Config when that file does not exist. The error holds every mistake of the file, see All.
func Load(root, explicit string) (*Config, error) {
	return load(source{root: root, explicit: explicit})
}

// Broken returns the configuration to start with when Load failed with Errors. It holds the flags and nothing else. Err
// returns the error, and Reload reads the file again. A server with this configuration must serve nothing of the
// project, since it does not know which files are denied.
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

// Err returns the error that Broken was given, or nil for a configuration that Load made.
func (c *Config) Err() error { return c.err }

// Reload reads the file again, with the same flags over it and the same values of a vite.config beneath it.
func (c *Config) Reload() (*Config, error) { return load(c.from) }

// Merge returns the configuration with flags laid over it. The flags stay over a Reload.
func (c *Config) Merge(flags Flags) (*Config, error) {
	from := c.from
	from.flags = flags
	return load(from)
}

// WithVite returns the configuration with the values of a vite.config, a JSON object, as its defaults. The values of
// devserver.config.json and flags win. Options that devserver does not know are left out. For each value that devserver
// cannot use, ignored holds a line. The values stay over a Reload; nil removes them.
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

// WrongRoot returns an error about the root, with the file that names the root.
func (c *Config) WrongRoot(format string, args ...any) error {
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

// decodeVite puts the usable values of a vite.config into c and returns an error for each other value.
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

// shownPath returns the path for messages: relative to the current folder when the file lies below it.
func shownPath(abs string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, abs); err == nil && !strings.HasPrefix(rel, "..") {
			return filepath.ToSlash(rel)
		}
	}
	return abs
}

// lay puts flags over the file's values.
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

// finish checks values that the decoder cannot check, and makes paths absolute.
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
	c.Base = strings.TrimSuffix(base, "/") + "/"
	return nil
}

// IsPEM reports whether the text is a certificate or key in PEM form, and not the name of its file.
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
		made += "/" // "@/" -> "./src/" joins with the rest of the specifier
	}
	return made
}
