package transform

import (
	"encoding/binary"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2/js"
)

// WebAssembly as modules, by the ESM integration of WebAssembly: `import { add } from "./x.wasm"` instantiates the file
// with the modules that it imports, and `import source x from "./x.wasm"` only compiles it.

// SourcePhase is the query of modules that `import source` and `import.source()` name.
const SourcePhase = "source-phase"

// loadWasm defines load, which compiles the WebAssembly at url.
const loadWasm = `const load = async () => {
  if (typeof fetch !== "function") throw new Error(url + " cannot be loaded here, since worklets have no fetch. " +
    "Compile it in the page, and give the WebAssembly.Module to the worklet by processorOptions.");
  const options = { builtins: ["js-string"], importedStringConstants: "wasm:js/string-constants" };
  const response = await fetch(url);
  if (!response.ok) throw new Error("load " + response.url + ": " + response.status);
  return response.headers.get("Content-Type")?.startsWith("application/wasm") ?
    WebAssembly.compileStreaming(response, options) : WebAssembly.compile(await response.arrayBuffer(), options);
};
`

func wasmModule(url, code string) string {
	return esModule + "const url = " + Quote(url) + ";\n" + loadWasm + code
}

// WasmInitModule exports a function that instantiates the WebAssembly at the URL: `init(imports) -> Promise<Instance>`.
func WasmInitModule(url string) string {
	return wasmModule(url, "exports.default = async (imports = {}) => WebAssembly.instantiate(await load(), imports);")
}

// WasmSourceModule exports the WebAssembly.Module at the URL. Its factory is asynchronous.
func WasmSourceModule(url string) string { return wasmModule(url, "exports.default = await load();") }

// WasmModule exports what the instance of the WebAssembly at the URL exports. imports are the specifiers of the modules
// that it imports. Its factory is asynchronous.
//
// JavaScript gets the values of globals, and other WebAssembly the globals themselves.
func WasmModule(url string, imports []string) string {
	var b strings.Builder
	b.WriteString("const own = Symbol.for(\"devserver.wasm\");\nconst from = (module) => module?.[own] ?? __toESM(module);\n")
	b.WriteString("const compiled = await load(), late = {}, imports = {")
	for _, spec := range imports {
		b.WriteString("\n  " + Quote(spec) + ": from(require(" + Quote(spec) + ")),")
	}
	b.WriteString(`
};
for (const { module, name, kind } of WebAssembly.Module.imports(compiled)) {
  const given = imports[module];
  if (kind !== "function" || !given || Object.keys(given).length > 0) continue;
  // In a circle the other module has not run yet. Its functions would be there already: declarations are hoisted.
  (late[module] ??= {})[name] = (...args) => given[name](...args);
}
const { exports: made } = await WebAssembly.instantiate(compiled, { ...imports, ...late });
Object.defineProperty(exports, own, { value: made });
for (const [name, value] of Object.entries(made)) {
  const valueOf = () => { try { return value.value; } catch {} }; // not all types have a value in JavaScript
  const get = value instanceof WebAssembly.Global ? valueOf : () => value;
  Object.defineProperty(exports, name, { get, enumerable: true, configurable: true });
}
if (!("default" in made)) Object.defineProperty(exports, "default", { get() {
  console.warn("[devserver] " + url + " has no default export. Import its exports by name, its URL by \"?url\", or by \"?init\" a function that instantiates it.");
}, configurable: true });`)
	return wasmModule(url, b.String())
}

// WasmImports returns the specifiers of the modules that WebAssembly imports, in the order of the binary. It leaves out
// those that the browser itself provides, whose names begin with "wasm:".
func WasmImports(data []byte) ([]string, error) {
	r := &wasmReader{data: data}
	if string(r.bytes(4)) != "\x00asm" {
		return nil, errors.New("is not WebAssembly: it does not begin with \\0asm")
	}
	switch version := binary.LittleEndian.Uint32(append(r.bytes(4), 0, 0, 0, 0)); {
	case version>>16 == 1:
		return nil, errors.New("is a WebAssembly component, and browsers only run modules: jco makes a module and JavaScript of it")
	case version != 1:
		return nil, errors.New("is WebAssembly of a version that browsers do not know")
	}
	for len(r.data) > 0 && !r.failed {
		section, size := r.byte(), r.number()
		body := &wasmReader{data: r.bytes(size)}
		if section == 2 {
			return body.imports()
		}
	}
	return nil, r.err()
}

// wasmReader reads the binary format. After the end of the data it returns zeros.
type wasmReader struct {
	data   []byte
	failed bool
}

func (r *wasmReader) err() error {
	if r.failed {
		return errors.New("is not valid WebAssembly: it ends too early, or its imports are of an unknown kind")
	}
	return nil
}

func (r *wasmReader) bytes(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.failed, r.data = true, nil
		return nil
	}
	read := r.data[:n:n]
	r.data = r.data[n:]
	return read
}

func (r *wasmReader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// number reads a number in LEB128. The sign of signed numbers does not matter here.
func (r *wasmReader) number() uint64 {
	n, size := binary.Uvarint(r.data)
	if size <= 0 {
		r.failed, r.data = true, nil
		return 0
	}
	r.data = r.data[size:]
	return n
}

// imports reads the import section.
func (r *wasmReader) imports() ([]string, error) {
	var modules []string
	for n := r.number(); n > 0 && !r.failed; n-- {
		module := string(r.bytes(r.number()))
		r.bytes(r.number()) // the name
		switch r.byte() {
		case 0: // a function
			r.number()
		case 1: // a table
			r.valueType()
			r.limits()
		case 2: // a memory
			r.limits()
		case 3: // a global
			r.valueType()
			r.byte()
		case 4: // a tag
			r.byte()
			r.number()
		default:
			r.failed = true
		}
		if !r.failed && !strings.HasPrefix(module, "wasm:") && !slices.Contains(modules, module) {
			modules = append(modules, module)
		}
	}
	return modules, r.err()
}

func (r *wasmReader) valueType() {
	if t := r.byte(); t == 0x63 || t == 0x64 { // a reference with a heap type
		r.number()
	}
}

func (r *wasmReader) limits() {
	flags := r.number()
	r.number()
	if flags&1 != 0 { // a maximum
		r.number()
	}
	if flags&8 != 0 { // a page size
		r.number()
	}
}

// sourceImport matches `import source x from "./x.wasm"` up to the end of the specifier. `source` is no keyword: the
// name after it makes the difference.
var sourceImport = regexp.MustCompile(`\bimport(\s+)source(\s+[\w$]+\s+from\s*)("[^"\n]+|'[^'\n]+)`)

// computedSource matches the start of an import.source() of a computed address.
var computedSource = regexp.MustCompile(`\bimport(\.source\(\s*[^"'\x60\s)])`)

// nameSources turns source phase imports into default imports of modules of their own, since esbuild takes them for
// default imports. Nothing before the end of a specifier moves. An import.source() of a computed address, which esbuild
// takes for an import(), becomes a call of the runtime (client/src/hot/meta.ts).
func nameSources(code string) string {
	if strings.Contains(code, "import source ") {
		code = sourceImport.ReplaceAllString(code, "import$1      $2$3?"+SourcePhase)
	}
	if strings.Contains(code, "import.source(") {
		code = computedSource.ReplaceAllString(code, "import.meta$1")
	}
	return code
}

// dynamicSource reads `import.source("./x.wasm")`, and reports whether it is there. The call becomes an import() of the
// source's module.
func (r *reader) dynamicSource(i int) bool {
	if !r.is(i+1, js.DotToken) || string(r.text(i+2)) != "source" || !r.is(i+3, js.OpenParenToken) ||
		!r.is(i+4, js.StringToken) && !r.is(i+4, js.TemplateToken) || !r.is(i+5, js.CloseParenToken) {
		return false
	}
	copy(r.code[r.tokens[i].start:r.tokens[i].end], "$load$")
	spec := unquote(r.text(i+4)) + "?" + SourcePhase
	r.out.Imports[r.add(Dynamic, spec, i+4)].All = true
	r.replace(int(r.tokens[i+1].start), int(r.tokens[i+5].end), "("+Quote(spec)+").then((m) => m.default)")
	return true
}
