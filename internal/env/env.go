// Package env reads .env files and makes import.meta.env of them.
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

// Options tells where the files are and what the page may see of them.
type Options struct {
	// Dir holds the .env files; "" reads none.
	Dir string
	// Mode is the MODE, "development" by default. It chooses .env.[mode] and .env.[mode].local.
	Mode string
	// Base is BASE_URL.
	Base string
	// Prefixes of the variables that the page may see; "VITE_" when empty. An empty prefix would show everything,
	// secrets too, and is refused.
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

// Load reads .env, .env.local, .env.[mode] and .env.[mode].local, later ones over earlier ones, the process's own
// environment over all of them.
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
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, disk.ErrNotRegular) { // as Vite
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

// Files are the files of a mode in the folder, whether they are there or not; what a later one says wins.
func Files(dir, mode string) []string {
	var list []string
	for _, name := range []string{".env", ".env.local", ".env." + mode, ".env." + mode + ".local"} {
		list = append(list, filepath.Join(dir, name))
	}
	return list
}

var reference = regexp.MustCompile(`\\?\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))`)

// expand replaces references to variables of other files and of the process. Ten rounds end cycles.
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

// Object is import.meta.env. The caller must not change it.
func (e *Env) Object() map[string]any { return e.vars }

// Differs returns the names whose values are other ones than in the environment before, sorted. Values are not told: they
// may be private.
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

// NodeEnv is process.env.NODE_ENV for packages: "development" unless a .env file says otherwise.
func (e *Env) NodeEnv() string { return e.node }

// Skipped are the lines of the files that name no variable, which are left out, as Vite does. What stands in them is not
// told: it may be half a secret.
func (e *Env) Skipped() []Line { return e.skipped }

// Files are the files that were read or would be if they existed: a change of one changes the environment.
func (e *Env) Files() []string { return e.files }

var placeholder = regexp.MustCompile(`%([A-Za-z_][A-Za-z0-9_]*)%`)

// ReplaceHTML puts values in place of %NAME%. Unknown names stay as they are.
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
