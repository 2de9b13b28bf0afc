package pluginhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// viteHost is a project with a vite.config, and the Node process that runs its plugins.
type viteHost struct {
	*testing.T
	root string
	node *pluginhost.Node
	told chan string // what the plugins asked of the server: the method and its params, with "~" for the root
}

// newViteHost returns a project of the given files.
func newViteHost(t *testing.T, files map[string]string) *viteHost {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("no node")
	}
	tools, err := filepath.Abs("../../testdata/tools/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(tools, "vite")); err != nil {
		t.Skip("npm install in testdata/tools is missing")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := &viteHost{T: t, root: root, told: make(chan string, 100)}
	h.write("package.json", `{"type":"module"}`)
	for name, text := range files {
		h.write(name, text)
	}
	if err := os.Symlink(tools, filepath.Join(root, "node_modules")); err != nil {
		t.Fatal(err)
	}
	h.node = pluginhost.NewNode(pluginhost.NodeOptions{
		Root: root, CacheDir: t.TempDir(), Alive: time.Second,
		Logger: slog.New(slog.NewTextHandler(h, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	t.Cleanup(func() { _ = h.node.Close() })
	methods := wire.Methods{}
	for _, name := range strings.Fields("viteSend viteInvalidate viteReload viteWatch viteEmit viteRestart viteOn viteRoutes viteLog viteSlow") {
		methods[name] = func(_ context.Context, params json.RawMessage) (any, error) {
			h.told <- name + " " + strings.ReplaceAll(string(params), root, "~")
			return nil, nil
		}
	}
	h.node.Answer(methods)
	return h
}

// Write gets the lines of the terminal.
func (h *viteHost) Write(line []byte) (int, error) {
	h.told <- string(line)
	return len(line), nil
}

func (h *viteHost) write(name, text string) {
	h.Helper()
	file := filepath.Join(h.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		h.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		h.Fatal(err)
	}
}

// call returns the answer of a method as text, with "~" for the root. Errors are "plugin hook message".
func (h *viteHost) call(method, params string) string {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.Context(), time.Minute)
	defer cancel()
	var answer json.RawMessage
	err := h.node.Call(ctx, method, json.RawMessage(strings.ReplaceAll(params, "~", h.root)), &answer)
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return "error: " + strings.ReplaceAll(fmt.Sprintf("%s:%d:%d [%s] %s (%s)", e.File, e.Line, e.Column, e.Plugin, e.Message, e.Hint), h.root, "~")
	}
	if err != nil {
		h.Fatal(err)
	}
	return strings.ReplaceAll(string(answer), h.root, "~")
}

// viteAnswer is the part of viteStart's answer that the tests look at.
type viteAnswer struct {
	Deps       []string
	Config     map[string]any
	NotCarried []string
	Vite       struct {
		Version, Root string
		Needed        bool
		Plugins       []struct {
			Name, Order                string
			ResolveID, Load, Transform json.RawMessage
		}
		Packages map[string]string
		Exclude  []string
	}
}

func (h *viteHost) start() viteAnswer {
	h.Helper()
	text := h.call("viteStart", `{"mode":"development","socket":""}`)
	var a viteAnswer
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		h.Fatalf("viteStart: %v: %s", err, text)
	}
	return a
}

// wants checks that the answer of a method has all texts.
func (h *viteHost) wants(method, params string, texts ...string) {
	h.Helper()
	got := h.call(method, params)
	for _, text := range texts {
		if !strings.Contains(got, text) {
			h.Errorf("%s %s: got %s, want %s in it", method, params, got, text)
		}
	}
}

// tells waits for a call of the server.
func (h *viteHost) tells(want string) {
	h.Helper()
	var got []string
	for {
		select {
		case call := <-h.told:
			if strings.Contains(call, want) {
				return
			}
			got = append(got, call)
		case <-time.After(20 * time.Second):
			h.Fatalf("nobody was told %s, but %q", want, got)
		}
	}
}

// everyHook is a plugin of a project that uses what plugins use. The text of a file says what the hooks do.
const everyHook = `
let server, making, made = [];
export default {
	define: { OWN: "1" },
	resolve: { alias: [{ find: "custom", replacement: "x", customResolver: () => "/custom-resolved" }, { find: "@", replacement: "/src" }] },
	plugins: [
		null, [Promise.resolve([{ name: "nested", apply: "build", load() { throw new Error("of a build") } }])],
		{
			name: "first", enforce: "pre", // what it filters by the code is the source
			transform: { filter: { code: "FIRST" }, handler: (code) => code.replace("FIRST", "OWN") },
			resolveId(id) { if (id === "early") return "\0early"; if (id === "both") return "\0first" },
		},
		{
			name: "own",
			config: () => ({ define: { ADDED: '"yes"' }, resolve: { conditions: ["own"] } }),
			configResolved(c) { c.define.LATE = "2" },
			async resolveId(id, importer) {
				if (id === "virtual:own" || id === "both") return "\0" + id;
				if (id === "nested") return (await this.resolve("./dep.js", importer, { skipSelf: true })).id + "?nested";
				if (id === "cdn") return { id: "https://x.test/a.js", external: true };
				if (id === "fails") throw new TypeError("no such thing");
			},
			load: { filter: { id: [/^\0/, /\?style/] }, handler(id) {
				if (id.endsWith("?style&lang.scss")) return '@use "./part";';
				if (id.endsWith("?style")) return "/* " + made.includes(id.slice(0, -6)) + " */";
				if (id === "\0virtual:own") { this.addWatchFile("data.txt"); this.addWatchFile("parts/*.txt"); this.addWatchFile("src"); return "export default 42" }
			} },
			transform: { filter: { id: /\.(own|tsx?|css)$/, code: { include: ["OWN", "broken"], exclude: /(?<!x)NOT/ } }, async handler(code, id) {
				made.push(id);
				if (code.includes("hold")) {
					making = true;
					server.config.logger.warn("making");
					await new Promise((r) => setTimeout(r, 50)); // updates that come now must wait
					making = false;
				}
				if (code.includes("broken")) this.error({ message: id + ":3:5 a mistake\n" + id + "\n3 | broken\n  | ^", loc: { file: "a.own", line: 3, column: 4 }, frame: "> 3" });
				if (code.includes("disliked")) throw new Error("no good"); // its place is that of the plugin
				if (code.includes("same")) return { code };
				return { code: code.replace("OWN", "MADE"), map: { version: 3, sources: ["x"], names: [], mappings: "AAAA" } };
			} },
			configureServer(s) {
				server = s;
				s.watcher.on("change", (f) => made.push("changed " + f));
				s.watcher.add("other/data.txt");
			},
			watchChange(f, { event }) { made.push(event) },
			async handleHotUpdate({ file, modules, read, server }) {
				const text = await read();
				if (text.includes("bad")) throw new Error("bad hot");
				if (text.includes("log")) return console.error(made.join()), server.config.logger.warn("\x1b[31m" + made.join());
				if (text.includes("none")) return [];
				const virtual = server.moduleGraph.getModuleById("\0virtual:own");
				if (text.includes("invalidate")) return void server.moduleGraph.invalidateModule(virtual);
				if (text.includes("more")) return [...modules, virtual];
				if (text.includes("later")) return void setTimeout(() => server.moduleGraph.invalidateModule(virtual));
				if (text.includes("reload")) return void setTimeout(() => server.reloadModule(virtual));
				if (text.includes("restart")) server.restart();
				if (text.includes("emit")) server.watcher.emit("change", file + "2");
				if (text.includes("exit")) process.exit(7);
				if (text.includes("alone")) {
					const before = made.length;
					if (making) throw new Error("a module is being made");
					server.config.logger.warn("updating");
					await new Promise((r) => setTimeout(r, 50)); // modules that are asked for now must wait
					if (making || made.length > before) throw new Error("a module was made meanwhile");
				}
				if (text.includes("slow")) await new Promise((r) => setTimeout(r, 3600));
			},
		},
	],
};`

// TestViteHost checks what the host of the project's Vite makes of a plugin that uses every hook.
func TestViteHost(t *testing.T) {
	h := newViteHost(t, map[string]string{
		"vite.config.js": everyHook, "src/a.own": "export default 'OWN'", "src/b.ts": "export const b: number = 1",
		"src/c.css": "a { color: red }\n/* OWN */", "src/not.own": "OWN NOT", "src/same.own": "OWN same", "src/dep.js": "1", "src/dep.own": "OWN", "src/_part.scss": "\n$a: $b;", "src/by-both.own": "FIRST",
		"src/broken.own": "\n\nbroken", "src/disliked.own": "OWN disliked", "src/hot.own": "OWN",
	})
	a := h.start()
	h.tells(`viteWatch {"paths":["~/other/data.txt"]}`)
	if !a.Vite.Needed || a.Vite.Root != "~" || len(a.NotCarried) > 0 {
		t.Errorf("viteStart: %+v", a)
	}
	if a.Vite.Version == "" || a.Vite.Packages["vite"] != a.Vite.Version || a.Deps[0] != "~/vite.config.js" {
		t.Errorf("versions: %v, files: %v", a.Vite.Packages, a.Deps)
	}
	want := map[string]any{
		"define":  map[string]any{"OWN": "1", "ADDED": `"yes"`, "LATE": "2"},
		"resolve": map[string]any{"conditions": []any{"own"}, "defaultConditions": false, "alias": []any{map[string]any{"find": "@", "replacement": "/src"}}},
	}
	for key, v := range want {
		if !reflect.DeepEqual(a.Config[key], v) {
			t.Errorf("config.%s: got %v, want %v", key, a.Config[key], v)
		}
	}
	orders := ""
	for _, p := range a.Vite.Plugins {
		orders += p.Name + " " + p.Order + ", "
	}
	if orders != "resolve.alias pre, first pre, own normal, " {
		t.Fatalf("plugins: %s", orders)
	}
	if custom := string(a.Vite.Plugins[0].ResolveID); custom != `{"include":["^custom(\\/|$)"],"exclude":[]}` {
		t.Errorf("what the alias with a resolver is asked: %s", custom)
	}
	own := a.Vite.Plugins[2]
	filters := fmt.Sprintf("%s %s %s %s", own.ResolveID, own.Load, own.Transform, a.Vite.Plugins[1].Transform)
	if filters != `{"include":[],"exclude":[]} {"include":["^\\x00","\\?style"],"exclude":[]} `+
		`{"include":["\\.(own|tsx?|css)$"],"exclude":[]} {"include":[],"exclude":[]}` {
		t.Errorf("filters: %s", filters)
	}

	resolve := func(late bool, want string) {
		t.Helper()
		got := h.call("viteResolve", fmt.Sprintf(
			`{"importer":"~/src/a.own","specifiers":["early","both","virtual:own","nested","cdn","custom","@/x","./dep.js"],"late":%v}`, late))
		if got != want {
			t.Errorf("viteResolve late=%v:\n got %s\nwant %s", late, got, want)
		}
	}
	resolve(false, `[{"id":"\u0000early","external":false},{"id":"\u0000first","external":false},null,null,null,{"id":"/custom-resolved","external":false},null,null]`)
	resolve(true, `[null,{"id":"\u0000both","external":false},{"id":"\u0000virtual:own","external":false},{"id":"~/src/dep.js?nested","external":false},{"id":"https://x.test/a.js","external":true},null,null,null]`)
	h.wants("viteResolve", `{"importer":"","specifiers":["fails"],"late":true}`, "error: ", "no such thing")

	outside := filepath.Join(t.TempDir(), "linked.own") // devserver has checked that it may be read
	if err := os.WriteFile(outside, []byte("OWN"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id   string
		want []string
	}{
		{outside, []string{"MADE"}}, // as of a linked package
		{"~/src/a.own", []string{`{"code":"export default 'MADE'"`, `"by":["own"]`, `"css":false`}},
		{"\\u0000virtual:own", []string{"export default 42", `"files":["~/data.txt"]`, `"patterns":["~/parts/*.txt","~/src/**"]`}},
		{"~/src/c.css?direct", []string{"null"}}, // the filter is of IDs without a query
		{"~/src/by-both.own", []string{"MADE", `"by":["first","own"]`}},
		{"~/src/c.css", []string{"updateStyle", "MADE"}},
		{"~/src/b.ts", []string{"null"}},
		{"~/src/not.own", []string{"null"}},
		{"~/src/same.own", []string{"null"}},
		{"~/src/gone.own", []string{"null"}},
		{"~/src/broken.own", []string{"error: ~/src/broken.own:3:5 [own] a mistake (thrown by transform)"}},
		{"~/src/disliked.own", []string{"error: ~/src/disliked.own:0:0 [own] no good"}},
		{"~/src/a.own?style&lang.scss", []string{"error: ~/src/_part.scss:2:5 [vite:css] Undefined variable"}}, // not a place in a.own
		{"~/src/hot.own?style", []string{"/* true */"}},                                                        // the module of the file is made before
	} {
		h.wants("viteTransform", `{"id":"`+c.id+`"}`, c.want...)
	}
	h.wants("viteMap", `{"id":"~/src/a.own"}`, `\"mappings\":\"AAAA\"`)
	h.wants("viteMap", `{"id":"~/src/b.ts"}`, "null")

	hot := func(text, want string) {
		t.Helper()
		h.write("src/hot.own", text)
		got := h.call("viteHot", `{"changes":[{"file":"~/src/hot.own","kind":"update"}]}`)
		if got != want {
			t.Errorf("viteHot %q:\n got %s\nwant %s", text, got, want)
		}
	}
	const all = `{"files":[{"modules":null,"touched":[]}],"sends":[]}`
	hot("OWN", all)
	h.wants("viteTransform", `{"id":"~/src/hot.own"}`, "MADE")
	hot("OWN again", all)
	h.wants("viteTransform", `{"id":"~/src/hot.own"}`, "MADE again")
	hot("none", `{"files":[{"modules":[],"touched":[]}],"sends":[]}`)
	hot("invalidate", `{"files":[{"modules":null,"touched":["\u0000virtual:own"]}],"sends":[]}`)
	hot("more", `{"files":[{"modules":["~/src/hot.own","~/src/hot.own?style","\u0000virtual:own"],"touched":["\u0000virtual:own"]}],"sends":[]}`)
	hot("later", all)
	h.tells(`viteInvalidate {"ids":["\u0000virtual:own"]}`)
	hot("reload", all)
	h.tells(`viteReload {"ids":["\u0000virtual:own"]}`)
	hot("restart", all)
	h.tells(`viteRestart {"by":"own"}`)
	hot("emit", all)
	h.tells(`viteEmit {"file":"~/src/hot.own2","kind":"update"}`)
	hot("log", all)
	h.tells("changed ~/src/hot.own") // of a listener to the watcher; watchChange was called as well
	hot("slow", all)
	h.tells(`viteSlow {"plugin":"own","hook":"handleHotUpdate","of":""}`)
	h.write("src/hot.own", "bad")
	h.wants("viteHot", `{"changes":[{"file":"~/src/hot.own","kind":"update"}]}`, `"error":{"message":"bad hot"`, `"plugin":"own","hook":"handleHotUpdate"`)
	h.wants("viteHot", `{"changes":[{"file":"~/src/new.own","kind":"create"},{"file":"~/src/dep.js","kind":"delete"}]}`,
		`{"files":[{"modules":null,"touched":[]},{"modules":null,"touched":[]}],"sends":[]}`)

	// No module is made during a hot update, and all are answered.
	h.write("src/hold.own", "OWN hold")
	h.write("src/hot.own", "alone")
	var wg sync.WaitGroup
	wg.Go(func() { h.wants("viteTransform", `{"id":"~/src/hold.own"}`, "MADE") })
	h.tells(`"making"`)
	wg.Go(func() {
		h.wants("viteHot", `{"changes":[{"file":"~/src/hot.own","kind":"update"}]}`, `[{"modules":null,"touched":[]}]`)
	})
	h.tells(`"updating"`)
	h.wants("viteTransform", `{"id":"~/src/dep.own"}`, "MADE")
	wg.Wait()
	h.write("src/hot.own", "exit")
	h.wants("viteHot", `{"changes":[{"file":"~/src/hot.own","kind":"update"}]}`, "error: ", "is not started") // in the new process
	h.tells("plugin own called process.exit(7)")
}

// TestViteFailures has hooks fail in all ways. Errors name the module, the plugin, the hook, and the code that threw.
func TestViteFailures(t *testing.T) {
	t.Parallel()
	h := newViteHost(t, map[string]string{"vite.config.js": `
const later = (work) => { setTimeout(work, 1); };
const fails = {
  throws: () => { throw new Error("on purpose"); },
  rejects: async () => { throw new Error("on purpose"); },
  nothing: () => { throw undefined; },
  text: () => { throw "a text"; },
  timer: () => later(() => { throw new Error("of a timer"); }),
  stray: () => { void Promise.reject(new Error("of a promise")); },
};
export default { plugins: [{
  name: "own",
  configureServer(server) { server.watcher.on("change", async () => { throw new Error("of the watcher"); }); },
  transform: (code, id) => fails[/(\w+)\.own$/.exec(id)?.[1]]?.(),
}] };
`, "src/throws.own": "", "src/rejects.own": "", "src/nothing.own": "", "src/text.own": "", "src/timer.own": "", "src/stray.own": ""})
	h.start()
	transform := func(name, want string) { t.Helper(); h.wants("viteTransform", `{"id":"~/src/`+name+`.own"}`, want) }
	transform("throws", "error: ~/src/throws.own:0:0 [own] on purpose (thrown by transform at vite.config.js:4:25)")
	transform("rejects", "error: ~/src/rejects.own:0:0 [own] on purpose (thrown by transform at vite.config.js:5:32)")
	transform("nothing", "error: ~/src/nothing.own:0:0 [own] undefined (thrown by transform)")
	transform("text", "error: ~/src/text.own:0:0 [own] a text (thrown by transform)")
	transform("timer", "null")
	h.tells(`viteLog {"level":"error","text":"nobody handles an error of transform: Error: of a timer`)
	transform("stray", "null")
	h.tells(`viteLog {"level":"error","text":"nobody handles an error of transform: Error: of a promise`)
	h.wants("viteHot", `{"changes":[{"file":"~/src/text.own","kind":"update"}]}`, `"files":[`)
	h.tells(`nobody handles an error of watcher.on(\"change\"): Error: of the watcher`)
}

// TestViteFilters checks that the filters of hooks cross as expressions that Go has. What cannot be written must let
// more through, never less.
func TestViteFilters(t *testing.T) {
	filters := []struct{ js, want string }{
		{`{ id: /\.vue$/ }`, `{"include":["\\.vue$"],"exclude":[]}`},
		{`{ id: /^[^?#\/]+\.(?:a|b)$/i }`, `{"include":["(?i)^[^?#\\/]+\\.(?:a|b)$"],"exclude":[]}`},
		{`{ id: { include: [/^\0x/, /\u{1F600}/u, /\u00e9[[]/], exclude: /x/ } }`,
			`{"include":["^\\x00x","\\x{1F600}","\\x{00e9}[\\[]"],"exclude":["x"]}`},
		{`{ id: { include: /a/, exclude: [/(?=b)/, /c/] } }`, `{"include":["a"],"exclude":["c"]}`},
		{`{ id: { include: [/a/, /(?<!b)c/], exclude: /d/ } }`, `{"include":[],"exclude":["d"]}`},
		{`{ id: [/a/, "**/*.txt"] }`, `{"include":[],"exclude":[]}`}, // a glob
		{`{ id: /(a)\1/ }`, `{"include":[],"exclude":[]}`},
		{`{ id: /[^]a/ }`, `{"include":[],"exclude":[]}`},
		{`{ id: /a/y }`, `{"include":[],"exclude":[]}`},
		{`{ id: { exclude: [] } }`, `{"include":[],"exclude":[]}`},
		{`{ code: "a.b(" }`, `{"include":[],"exclude":[]}`},
		{`{ id: /a/, code: { exclude: ["b"] }, moduleType: ["js", "ts"] }`,
			`{"include":["a"],"exclude":[]}`},
	}
	var plugins strings.Builder
	for i, f := range filters {
		fmt.Fprintf(&plugins, "{ name: 'p%d', enforce: 'pre', transform: { filter: %s, handler() {} } },\n", i, f.js)
	}
	a := newViteHost(t, map[string]string{"vite.config.js": "export default { plugins: [" + plugins.String() + "] }"}).start()
	for i, f := range filters {
		got := a.Vite.Plugins[i].Transform
		if string(got) != f.want {
			t.Errorf("%s: got %s, want %s", f.js, got, f.want)
		}
		var filter struct{ Include []string }
		if err := json.Unmarshal(got, &filter); err != nil {
			t.Fatal(err)
		}
		for _, expr := range filter.Include {
			if _, err := regexp.Compile(expr); err != nil {
				t.Errorf("%s: %v", f.js, err)
			}
		}
	}
}

// TestViteHostIsNotNeeded checks that plugins whose work is built in need no Node, and that the values of the
// configuration are those that were written: nothing that Vite fills in.
func TestViteHostIsNotNeeded(t *testing.T) {
	h := newViteHost(t, map[string]string{"vite.config.ts": `
import react from "@vitejs/plugin-react";
export default {
	plugins: [react({ jsxImportSource: "other" }), { name: "of-builds", generateBundle() {} }, { name: "@tailwindcss/vite:scan", transform() {} }],
	mode: "staging", base: "/app/", publicDir: "static", assetsInclude: ["**/*.x"], envPrefix: "OWN_",
	define: { A: 1, B: { c: true } },
	resolve: { alias: { "@": "/src", b: "/x" }, conditions: ["own"], dedupe: ["react"], extensions: [".js", ".x"] },
	css: { modules: { localsConvention: "camelCase", generateScopedName: (n: string) => n }, preprocessorOptions: { scss: { additionalData: "$a: 1;" } } },
	server: { port: 4000, open: true, watch: { ignored: ["**/x"] }, headers: { a: "b" }, hmr: { overlay: false }, proxy: { "/api": { target: "http://x", bypass() {} } } },
	optimizeDeps: { exclude: ["x"] },
};`})
	a := h.start()
	if a.Vite.Needed || !slices.Equal(a.Vite.Exclude, []string{"x"}) {
		t.Errorf("viteStart: %+v", a.Vite)
	}
	var want map[string]any
	if err := json.Unmarshal([]byte(writtenValues), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a.Config, want) || len(a.NotCarried) > 0 {
		t.Errorf("the values are\n%v, want\n%v\n%v", a.Config, want, a.NotCarried)
	}
	h.wants("cssModuleNames", `{"file":"a.css","code":"","options":{"viteMode":"development","names":["own"]}}`, `[\"own\"]`)
}

// writtenValues are the values of the configuration of TestViteHostIsNotNeeded. Only the resolver's own conditions and
// the options for JSX are not written there: Vite and React's plugin know them.
const writtenValues = `{
	"mode": "staging", "base": "/app/", "publicDir": "static", "assetsInclude": ["**/*.x"], "envPrefix": "OWN_",
	"define": {"A": "1", "B": "{\"c\":true}"},
	"resolve": {
		"alias": [{"find": "@", "replacement": "/src"}, {"find": "b", "replacement": "/x"}],
		"conditions": ["own"], "defaultConditions": false, "dedupe": ["react"], "extensions": [".js", ".x"]
	},
	"css": {
		"modules": {"localsConvention": "camelCase", "functions": {"mode": "development", "names": true, "exports": false}},
		"preprocessorOptions": {"scss": {"additionalData": "$a: 1;"}}
	},
	"esbuild": {"jsx": "automatic", "jsxImportSource": "other", "tsconfigRaw": {"compilerOptions": {}}},
	"server": {
		"port": 4000, "open": true, "watch": {"ignored": ["**/x"]}, "headers": {"a": "b"}, "hmr": {"overlay": false},
		"proxy": {"/api": {"target": "http://x", "functions": {"mode": "development", "rewrite": false, "bypass": true}}}
	}
}`

// TestViteConfigThatFails checks that a mistake in a configuration is an error at its place, and no more.
func TestViteConfigThatFails(t *testing.T) {
	h := newViteHost(t, map[string]string{"vite.config.ts": "export default {\n\tplugins: [{ name: 'own', config() { throw new Error('on purpose') } }],\n}"})
	h.wants("viteStart", `{"mode":"development","socket":""}`, "error: ~/vite.config.ts:2:", "on purpose")
	h.write("vite.config.ts", "export default {\n\tplugins: [\n")
	h = newViteHost(t, map[string]string{"vite.config.ts": "export default {\n\tplugins: [}"})
	h.wants("viteStart", `{"mode":"development","socket":""}`, "error: ~/vite.config.ts:2:")
	if len(h.told) > 0 {
		t.Errorf("it was also told: %s", <-h.told)
	}
}
