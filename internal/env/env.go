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
	"reflect"
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
	// Set are the variables that a vite.config has set in its process. They count as the process's own.
	Set map[string]string
	// Define are the expressions that stand for names in code. Those of import.meta.env belong to the environment.
	Define map[string]string
}

// Env is the environment of one mode. It is immutable.
type Env struct {
	vars     map[string]any
	globals  map[string]string
	defined  map[string]string // the expressions of the variables that the configuration defines
	prefixes []string
	node     string
	files    []string

	mistakes []Mistake
}

// Mistake is a place in the files that does not mean what it looks like. Its text has no values: they may be secrets.
type Mistake struct {
	File string
	Line int
	Text string
}

// Expression is a value that only JavaScript can compute.
type Expression string

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
	e := &Env{vars: map[string]any{}, globals: map[string]string{}, defined: map[string]string{}, prefixes: o.Prefixes, node: "development"}
	process := process(o.Set)
	read, err := e.read(o)
	if err != nil {
		return nil, err
	}
	if n := read.values["NODE_ENV"].text; n != "" && process["VITE_USER_NODE_ENV"] == "" {
		process["VITE_USER_NODE_ENV"] = n // Vite's name for it, which pages see as any VITE_ variable
	}
	expanded := read.expanded(process)
	for key, v := range expanded {
		if e.has(key) {
			e.vars[key] = v.text
		}
	}
	for _, key := range read.names {
		if v := expanded[key]; v.rest {
			e.mistakes = append(e.mistakes, Mistake{v.file, v.line, key + " keeps a reference, as in Vite: it refers to itself, or to a variable whose name comes later in the alphabet and that has references itself"})
		}
	}
	for key, value := range process {
		if e.has(key) {
			e.vars[key] = value
		}
	}
	if n := process["NODE_ENV"]; n != "" {
		e.node = n
	} else if n, ok := read.values["NODE_ENV"]; ok && n.text != "" && n.text != e.node {
		e.mistakes = append(e.mistakes, Mistake{n.file, n.line, "NODE_ENV is not used, as in Vite: start devserver with NODE_ENV in its environment, or set process.env.NODE_ENV in the vite.config"})
	}
	e.vars["MODE"], e.vars["BASE_URL"] = o.Mode, o.Base
	e.vars["DEV"], e.vars["PROD"], e.vars["SSR"] = !e.Production(), e.Production(), false
	for key, expr := range o.Define {
		name, variable := strings.CutPrefix(key, "import.meta.env.")
		if variable {
			e.vars[name], e.defined[name] = value(expr), expr
		}
		if _, computed := e.vars[name].(Expression); computed || !strings.HasPrefix(key, "import.meta.") {
			e.globals[key] = expr
		}
	}
	return e, nil
}

// process returns the process's environment.
func process(set map[string]string) map[string]string {
	values := map[string]string{}
	for _, pair := range os.Environ() {
		if key, value, ok := strings.Cut(pair, "="); ok {
			values[key] = value
		}
	}
	maps.Copy(values, set)
	return values
}

// read reads the files of the mode.
func (e *Env) read(o Options) (*variables, error) {
	all := &variables{values: map[string]variable{}}
	if o.Dir == "" {
		return all, nil
	}
	e.files = Files(o.Dir, o.Mode)
	for _, file := range e.files {
		text, err := disk.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, disk.ErrNotRegular) { // Vite skips these, too
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		e.mistakes = append(e.mistakes, all.parse(file, string(text))...)
	}
	return all, nil
}

// value returns the value of an expression when it is JSON, else an Expression.
func value(expr string) any {
	var v any
	if json.Unmarshal([]byte(expr), &v) == nil {
		return v
	}
	return Expression(expr)
}

// Files returns the files of a mode in the folder, existing or not. Later files win over earlier files.
func Files(dir, mode string) []string {
	var list []string
	for _, name := range []string{".env", ".env.local", ".env." + mode, ".env." + mode + ".local"} {
		list = append(list, filepath.Join(dir, name))
	}
	return list
}

func (e *Env) has(key string) bool {
	return slices.ContainsFunc(e.prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

// Object returns import.meta.env: texts, booleans, and what the configuration defines, as JSON values or as Expressions.
// The caller must not change it.
func (e *Env) Object() map[string]any { return e.vars }

// Globals returns the expressions of the names that the configuration defines. Pages and workers make global variables
// of them, and variables of import.meta.env, which only JavaScript can compute.
func (e *Env) Globals() map[string]string { return e.globals }

// Differs returns the names whose values differ from those before, sorted: variables of import.meta.env and globals. It
// does not return the values, which may be private.
func (e *Env) Differs(before *Env) []string {
	now, then := e.named(), before.named()
	all := maps.Clone(now)
	maps.Copy(all, then)
	maps.DeleteFunc(all, func(name string, _ any) bool { return reflect.DeepEqual(now[name], then[name]) })
	return slices.Sorted(maps.Keys(all))
}

// named returns all values by the names that code has for them.
func (e *Env) named() map[string]any {
	all := make(map[string]any, len(e.vars)+len(e.globals))
	for name, value := range e.vars {
		all["import.meta.env."+name] = value
	}
	for name, expr := range e.globals {
		all[name] = Expression(expr)
	}
	return all
}

// NodeEnv returns process.env.NODE_ENV for packages: the process's own, or else "development".
func (e *Env) NodeEnv() string { return e.node }

// Production reports whether packages run as in production. It depends on NODE_ENV and not on the mode, as in Vite.
func (e *Env) Production() bool { return e.node == "production" }

// Mistakes returns what the terminal should show. Like Vite, Load takes the files as far as they can be read.
func (e *Env) Mistakes() []Mistake { return e.mistakes }

// Files returns the mode's files, existing or not. A change of one of them changes the environment.
func (e *Env) Files() []string { return e.files }

var placeholder = regexp.MustCompile(`%(\S+?)%`)

// ReplaceHTML replaces %NAME% by the variable's value. Unknown names stay unchanged, and unknown holds those that look
// like variables.
func (e *Env) ReplaceHTML(page string) (replaced string, unknown []string) {
	replaced = placeholder.ReplaceAllStringFunc(page, func(ref string) string {
		name := ref[1 : len(ref)-1]
		switch value := e.vars[name].(type) {
		case nil:
			if _, null := e.vars[name]; null {
				return "null"
			}
			if e.has(name) {
				unknown = append(unknown, name)
			}
			return ref
		case string:
			return value
		default:
			if expr, defined := e.defined[name]; defined { // as it is written
				return expr
			}
			text, err := json.Marshal(value)
			if err != nil {
				return ref
			}
			return string(text)
		}
	})
	return replaced, unknown
}
