package resolve

import (
	"bytes"
	"encoding/json"
	"net/url"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// node is a value in "exports" or "imports". It keeps the order of an object's keys, since that order decides.
type node struct {
	kind    nodeKind
	text    string
	items   []*node
	members []member
	// patterns are the members whose keys hold "*" or end in "/", the most specific key first.
	patterns []member
}

type member struct {
	key   string
	value *node
}

type nodeKind uint8

const (
	nodeNull nodeKind = iota
	nodeText
	nodeList
	nodeObject
	nodeInvalid
)

// parseNode reads a value, nil when it is absent or null.
func parseNode(raw json.RawMessage) *node {
	if len(raw) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	n := decodeNode(d)
	if n.kind == nodeNull {
		return nil
	}
	return n
}

func decodeNode(d *json.Decoder) *node {
	token, err := d.Token()
	if err != nil {
		return &node{kind: nodeInvalid}
	}
	switch t := token.(type) {
	case nil:
		return &node{}
	case string:
		return &node{kind: nodeText, text: t}
	case json.Delim:
		if t == '[' {
			return decodeList(d)
		}
		return decodeObject(d)
	}
	return &node{kind: nodeInvalid}
}

func decodeList(d *json.Decoder) *node {
	n := &node{kind: nodeList}
	for d.More() {
		n.items = append(n.items, decodeNode(d))
	}
	_, _ = d.Token() // the bracket; package.json was valid JSON
	return n
}

func decodeObject(d *json.Decoder) *node {
	n := &node{kind: nodeObject}
	for d.More() {
		key, _ := d.Token()
		name, _ := key.(string)
		m := member{name, decodeNode(d)}
		n.members = append(n.members, m)
		if strings.HasSuffix(name, "/") || strings.Contains(name, "*") {
			n.patterns = append(n.patterns, m)
		}
	}
	_, _ = d.Token()
	sort.SliceStable(n.patterns, func(i, j int) bool { return moreSpecific(n.patterns[i].key, n.patterns[j].key) })
	return n
}

// moreSpecific is Node's PATTERN_KEY_COMPARE.
func moreSpecific(a, b string) bool {
	baseA, baseB := strings.IndexByte(a, '*'), strings.IndexByte(b, '*')
	lenA, lenB := baseA, baseB
	if baseA < 0 {
		lenA = len(a)
	}
	if baseB < 0 {
		lenB = len(b)
	}
	switch {
	case lenA != lenB:
		return lenA > lenB
	case baseA < 0:
		return false
	case baseB < 0:
		return true
	}
	return len(a) > len(b)
}

func (n *node) member(key string) (*node, bool) {
	for _, m := range n.members {
		if m.key == key {
			return m.value, true
		}
	}
	return nil, false
}

// has reports whether the node is an object with the key.
func (n *node) has(key string) bool {
	if n == nil {
		return false
	}
	_, ok := n.member(key)
	return ok
}

// subpaths reports whether the node is an object of subpaths, and not of conditions.
func (n *node) subpaths() bool {
	return n.kind == nodeObject && len(n.members) > 0 && strings.HasPrefix(n.members[0].key, ".")
}

// onlyByPattern reports whether no key of "exports" is the subpath itself.
func (n *node) onlyByPattern(subpath string) bool {
	if n == nil || !n.subpaths() {
		return false
	}
	_, literal := n.member(subpath)
	return !literal
}

// target is the target of a key in "exports" or "imports".
type target struct {
	// path is relative to the package and begins with "./", or it is a specifier of another package.
	path string
	// loose means that extensions may be added: the key ended in "/", as Node once allowed.
	loose bool
	// other means that path names another package.
	other bool
}

// outcome says whether there is a target, and why not.
type outcome uint8

const (
	found outcome = iota
	// undefined: no key, or no condition holds. The next alternative is tried.
	undefined
	// forbidden: the package says null.
	forbidden
	// invalid: the target breaks the rules.
	invalid
)

// exported finds the target of a subpath ("." or "./x") in "exports".
func (n *node) exported(subpath string, conditions map[string]bool) (target, outcome) {
	if subpath == "." {
		main := n
		if n.subpaths() {
			var ok bool
			if main, ok = n.member("."); !ok {
				return target{}, undefined
			}
		}
		return main.resolve("", false, false, conditions)
	}
	if !n.subpaths() {
		return target{}, undefined
	}
	return n.match(subpath, false, conditions)
}

// imported finds the target of a "#x" in "imports".
func (n *node) imported(name string, conditions map[string]bool) (target, outcome) {
	if n == nil || n.kind != nodeObject || name == "#" {
		return target{}, undefined
	}
	return n.match(name, true, conditions)
}

// match finds the key for a subpath.
func (n *node) match(key string, internal bool, conditions map[string]bool) (target, outcome) {
	if !strings.HasSuffix(key, "/") && !strings.Contains(key, "*") {
		if value, ok := n.member(key); ok {
			return value.resolve("", false, internal, conditions)
		}
	}
	for _, p := range n.patterns {
		before, after, star := strings.Cut(p.key, "*")
		if !star {
			if strings.HasPrefix(key, p.key) {
				t, why := p.value.resolve(key[len(p.key):], false, internal, conditions)
				t.loose = true
				return t, why
			}
			continue
		}
		if strings.HasPrefix(key, before) && (after == "" || strings.HasSuffix(key, after) && len(key) >= len(p.key)) {
			return p.value.resolve(key[len(before):len(key)-len(after)], true, internal, conditions)
		}
	}
	return target{}, undefined
}

// resolve is Node's PACKAGE_TARGET_RESOLVE.
func (n *node) resolve(subpath string, pattern, internal bool, conditions map[string]bool) (target, outcome) {
	switch n.kind {
	case nodeText:
		return resolveText(n.text, subpath, pattern, internal)
	case nodeObject:
		for _, m := range n.members {
			if m.key != "default" && !conditions[m.key] {
				continue
			}
			if t, why := m.value.resolve(subpath, pattern, internal, conditions); why != undefined {
				return t, why
			}
		}
		return target{}, undefined
	case nodeList:
		last := undefined
		for _, item := range n.items {
			t, why := item.resolve(subpath, pattern, internal, conditions)
			if why == found {
				return t, found
			}
			last = why
		}
		return target{}, last
	case nodeNull:
		return target{}, forbidden
	}
	return target{}, invalid
}

func resolveText(text, subpath string, pattern, internal bool) (target, outcome) {
	if !pattern && subpath != "" && !strings.HasSuffix(text, "/") {
		return target{}, invalid
	}
	fill := func() string {
		if pattern {
			return strings.ReplaceAll(text, "*", subpath)
		}
		return text + subpath
	}
	if !strings.HasPrefix(text, "./") {
		if internal && !strings.HasPrefix(text, "../") && !strings.HasPrefix(text, "/") && text != "" {
			return target{path: fill(), other: true}, found
		}
		return target{}, invalid
	}
	if leaves(text[2:]) || leaves(subpath) {
		return target{}, invalid
	}
	to := fill()
	if plain, err := url.PathUnescape(to); err == nil {
		to = plain
	}
	return target{path: to}, found
}

// leaves reports whether a path has segments that might lead out of the package.
func leaves(p string) bool {
	if !strings.Contains(p, ".") && !strings.Contains(p, "node_modules") {
		return false
	}
	for segment := range strings.FieldsFuncSeq(p, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." || segment == "node_modules" {
			return true
		}
	}
	return false
}

// exportKey is a subpath of a package in a kind of import.
type exportKey struct {
	subpath string
	kind    Kind
}

// answer is the result for a subpath of a package.
type answer struct {
	hit hit
	err error
}

// inPackage finds the file of a subpath ("." or "./x") in the package in folder f. When the package has no such file,
// ok is false. err is set when "exports" or a broken package.json makes that final.
func (q *query) inPackage(f *folder, name, subpath string) (h hit, ok bool, err error) {
	key := exportKey{subpath, q.kind}
	if was, known := f.answers.Load(key); known {
		a := was.(answer)
		return a.hit, a.err == nil, a.err
	}
	h, ok, err = q.readPackage(f, name, subpath)
	if ok {
		f.answers.Store(key, answer{hit: h})
	}
	return h, ok, err
}

func (q *query) readPackage(f *folder, name, subpath string) (hit, bool, error) {
	m := f.manifest()
	if m != nil && m.err != nil {
		return hit{}, false, m.err
	}
	if m != nil && m.exports != nil {
		t, why := m.exports.exported(subpath, q.r.conditions[q.kind])
		if why == undefined && q.kind.isStyle() {
			// The package exports only its JavaScript: its stylesheets are found as if it had no "exports".
			if h, ok := q.fileOrFolder(filepath.Join(f.path, subpath), subpath == "."); ok {
				return h, true, nil
			}
		}
		if why != found {
			return hit{}, false, &NotFound{pkg: f, name: name, subpath: subpath, why: why}
		}
		if h, ok := q.exportFile(f, t); ok {
			if subpath == "." && q.kind.isStyle() && !q.hasExtension(h.file) { // it is the script: a field may name the stylesheet
				if named, ok := q.mainFile(f, m); ok {
					return named, true, nil
				}
			}
			return h, true, nil
		}
		return hit{}, false, &NotFound{pkg: f, name: name, subpath: subpath, to: t.path}
	}
	path := filepath.Join(f.path, filepath.FromSlash(subpath))
	if subpath != "." {
		if h, ok := q.browserPath(f, path); ok {
			return h, true, nil
		}
	}
	h, ok := q.fileOrFolder(path, subpath == "." || strings.HasSuffix(subpath, "/"))
	return h, ok, nil
}

// exportFile finds the file of a target. As in Vite, the target may lack the extension, or be a folder with an index.
func (q *query) exportFile(f *folder, t target) (hit, bool) {
	path := filepath.Join(f.path, filepath.FromSlash(path.Clean(t.path)))
	if t.loose {
		return q.fileOrFolder(path, false)
	}
	if file, ok := q.file(path); ok {
		return hit{file: file}, true
	}
	if q.folder(filepath.Dir(path)).kind(filepath.Base(path)) == entryFolder {
		return q.index(q.folder(path))
	}
	return hit{}, false
}
