package transform

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// A barrel is a module that gathers the exports of other modules. In a package with `"sideEffects": false` its
// re-exports are compiled lazy, so that a page neither loads nor runs modules that it does not use:
//
//	export { a } from "./a"  =>  a: () => (import_a ??= require("./a")).a
//	export * from "./b"      =>  the same for each name, when Input.StarExports knows the names

// star is `__reExport(x_exports, require("./b"), module.exports);`. The tokens from and to enclose the require.
type star struct{ imp, from, to int }

// reExport is a getter of the export block whose value is from an import.
type reExport struct {
	getter getter
	b      *binding
	name   string // in the imported module, "*" for its namespace
}

// lazyReExports makes an import lazy when the module uses it only for re-exports.
func (r *reader) lazyReExports() {
	var all []reExport
	for _, g := range r.p.exports.getters {
		base, name := splitMember(r.code[g.start:g.end])
		if b := r.bindings[base]; b != nil {
			b.getterUses++
			all = append(all, reExport{g, b, name})
		}
	}
	blocked := r.eager
	if blocked == nil {
		blocked = map[int]bool{}
	}
	for _, b := range r.bindings {
		if b.next != nil || b.uses == 0 || b.uses != b.getterUses || !r.atMargin(b.name-1) {
			for ; b != nil; b = b.next {
				blocked[b.imp] = true
			}
		}
	}
	names := make([][]string, len(r.stars))
	for i, s := range r.stars {
		var ok bool
		if r.in.StarExports != nil && !blocked[s.imp] {
			names[i], ok = r.in.StarExports(r.out.Imports[s.imp].Specifier)
		}
		blocked[s.imp] = blocked[s.imp] || !ok
	}
	for _, e := range all {
		if !blocked[e.b.imp] {
			r.lazyGetter(e)
		}
	}
	taken := map[string]bool{"default": true}
	for _, g := range r.p.exports.getters {
		taken[g.name] = true
	}
	for i, s := range r.stars {
		if !blocked[s.imp] {
			r.lazyStar(i, s, names[i], taken)
		}
	}
}

// lazyImport makes an import lazy and returns its map of names.
func (r *reader) lazyImport(imp int) map[string]string {
	m := &r.out.Imports[imp]
	if m.Lazy == nil {
		m.Lazy = map[string]string{}
	}
	return m.Lazy
}

func (r *reader) lazyGetter(e reExport) {
	value := string(r.code[r.tokens[e.b.equals+1].start:r.tokens[e.b.semicolon].start])
	base := string(r.text(e.b.name))
	r.replace(e.getter.start, e.getter.start+len(base), "("+base+" ??= "+value+")")
	if !e.b.lazy {
		e.b.lazy = true
		r.replace(int(r.tokens[e.b.name].end), int(r.tokens[e.b.semicolon].start), "")
	}
	r.lazyImport(e.b.imp)[e.getter.name] = e.name
}

// lazyStar replaces the module whose exports are copied by an object of getters. Copying a getter does not call it.
func (r *reader) lazyStar(i int, s star, names []string, taken map[string]bool) {
	start, end := int(r.tokens[s.from].start), int(r.tokens[s.to].end)
	value := string(r.code[start:end])
	variable := fmt.Sprintf("$star%d$", i)
	lazy := r.lazyImport(s.imp)
	var b strings.Builder
	b.WriteByte('{')
	for _, name := range names {
		if taken[name] {
			continue // the module itself or an earlier star exports the name
		}
		taken[name] = true
		lazy[name] = name
		fmt.Fprintf(&b, " get %[1]s() { return (%[2]s ??= %[3]s)[%[1]s]; },", Quote(name), variable, value)
	}
	b.WriteString(" }")
	statement := int(r.tokens[s.from-4].start)
	r.replace(statement, statement, "var "+variable+"; ")
	r.replace(start, end, b.String())
	spec := r.out.Imports[s.imp].Specifier
	r.out.Stars = slices.DeleteFunc(r.out.Stars, func(s string) bool { return s == spec })
	r.out.LazyStars = append(r.out.LazyStars, spec)
}

// splitMember splits `import_x.name` and `import_x["name"]`. For the namespace itself the name is "*".
func splitMember(expression []byte) (base, name string) {
	i := bytes.IndexAny(expression, ".[")
	if i < 0 {
		return string(expression), "*"
	}
	member := expression[i+1:]
	if expression[i] == '[' {
		member = bytes.TrimSuffix(member, []byte("]"))
	}
	return string(expression[:i]), unquote(member)
}
