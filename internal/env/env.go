// Package env reads .env files and makes import.meta.env from them.
package env

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
)

// Options say where the files are and which variables the page may see.
type Options struct {
	// Dir is the folder of the .env files; "" reads none.
	Dir string
	// Mode is the value of MODE, "development" when empty. It selects .env.[mode] and .env.[mode].local.
	Mode string
	// Base is the value of BASE_URL.
	Base string
	// Prefixes are the prefixes of variables that the page may see; "VITE_" when empty. The prefix "" is an error: it
	// would show all variables, including secrets.
	Prefixes []string
}

// Env is the environment of one mode. It is immutable.
type Env struct {
	mode  string
	vars  map[string]any
	node  string
	files []string

	skipped []Line
}

// Line is a place in a file.
type Line struct {
	File string
	Line int
}

// Load reads .env, .env.local, .env.[mode] and .env.[mode].local. Later files win over earlier files, and the process's
// own environment wins over all files.
func Load(o Options) (*Env, error) {
	if o.Mode == "" {
		o.Mode = "development"
	}
	if o.Mode == "local" {
		return nil, errors.New(`mode "local" is not possible: its file would be .env.local, which every mode reads; choose another --mode`)
	}
	if len(o.Prefixes) == 0 {
		o.Prefixes = []string{"VITE_"}
	}
	if slices.Contains(o.Prefixes, "") {
		return nil, errors.New(`envPrefix "" would show every variable of your environment to the page; name a prefix`)
	}
	e := &Env{mode: o.Mode, vars: map[string]any{}, node: "development"}
	values := map[string]string{}
	if o.Dir != "" {
		e.files = Files(o.Dir, o.Mode)
		for _, file := range e.files {
			text, err := disk.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, disk.ErrNotRegular) { // Vite skips these, too
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", file, err)
			}
			read, skipped := parse(string(text))
			maps.Copy(values, read)
			for _, line := range skipped {
				e.skipped = append(e.skipped, Line{file, line})
			}
		}
	}
	expand(values)
	if n := values["NODE_ENV"]; n != "" {
		e.node = n
	}
	for _, pair := range os.Environ() {
		if key, value, ok := strings.Cut(pair, "="); ok && prefixed(key, o.Prefixes) {
			values[key] = value
		}
	}
	for key, value := range values {
		if prefixed(key, o.Prefixes) {
			e.vars[key] = value
		}
	}
	e.vars["MODE"], e.vars["BASE_URL"] = o.Mode, o.Base
	e.vars["DEV"], e.vars["PROD"], e.vars["SSR"] = e.node != "production", e.node == "production", false
	return e, nil
}

// Files returns the files of a mode in the folder, existing or not. Later files win over earlier files.
func Files(dir, mode string) []string {
	var list []string
	for _, name := range []string{".env", ".env.local", ".env." + mode, ".env." + mode + ".local"} {
		list = append(list, filepath.Join(dir, name))
	}
	return list
}

var reference = regexp.MustCompile(`\\?\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))`)

// expand replaces references to variables of the files and of the process. It stops after ten rounds, since references
// may form a cycle.
func expand(values map[string]string) {
	for range 10 {
		changed := false
		for key, value := range values {
			next := reference.ReplaceAllStringFunc(value, func(ref string) string {
				if strings.HasPrefix(ref, `\`) {
					return ref
				}
				m := reference.FindStringSubmatch(ref)
				name := m[1] + m[3]
				if v, ok := os.LookupEnv(name); ok {
					return v
				}
				if v, ok := values[name]; ok && name != key {
					return v
				}
				return m[2]
			})
			if next != value {
				values[key], changed = next, true
			}
		}
		if !changed {
			break
		}
	}
	for key, value := range values {
		values[key] = strings.ReplaceAll(value, `\$`, "$")
	}
}

func prefixed(key string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

// Object returns import.meta.env. The caller must not change it.
func (e *Env) Object() map[string]any { return e.vars }

// Differs returns the names of variables whose values differ from those before, sorted. It does not return the values,
// which may be private.
func (e *Env) Differs(before *Env) []string {
	all := maps.Clone(e.vars)
	maps.Copy(all, before.vars)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if e.vars[name] != before.vars[name] {
			names = append(names, name)
		}
	}
	return names
}

// NodeEnv returns process.env.NODE_ENV for packages: "development" unless a .env file sets it.
func (e *Env) NodeEnv() string { return e.node }

// Skipped returns the lines of the files that are no assignment. Like Vite, Load skips them. Their text is not
// returned: it may be half a secret.
func (e *Env) Skipped() []Line { return e.skipped }

// Files returns the mode's files, existing or not. A change of one of them changes the environment.
func (e *Env) Files() []string { return e.files }

var placeholder = regexp.MustCompile(`%([A-Za-z_][A-Za-z0-9_]*)%`)

// ReplaceHTML replaces %NAME% by the variable's value. Unknown names stay unchanged.
func (e *Env) ReplaceHTML(page string) string {
	return placeholder.ReplaceAllStringFunc(page, func(ref string) string {
		value, ok := e.vars[ref[1:len(ref)-1]]
		if !ok {
			return ref
		}
		if s, isString := value.(string); isString {
			return s
		}
		text, err := json.Marshal(value)
		if err != nil {
			return ref
		}
		return string(text)
	})
}
