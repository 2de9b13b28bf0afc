package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestValuesOfViteConfig serves a project whose vite.config is a program. It is TypeScript that imports a file. It has
// an async function of the mode, two merged configurations, and functions among the values.
func TestValuesOfViteConfig(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.RequestURI, " ", r.Header.Get("X-Key"))
	}))
	t.Cleanup(backend.Close)
	app := devtest.App(t, devtest.Text(strings.ReplaceAll(`-- index.html --
<html><head><title>%APP_NAME%</title></head><body><p id="a" class="scss"></p><p id="b" class="less"></p><script type="module" src="/src/main.ts"></script></body></html>
-- package.json --
{"type":"module"}
-- vite.config.ts --
import { defineConfig, mergeConfig } from 'vite'
import { common } from './config/common'
const strip = (prefix: string) => (path: string) => path.slice(prefix.length)
export default defineConfig(async ({ mode, command }) => mergeConfig(common, {
  base: '/app/',
  define: { __MODE__: JSON.stringify(mode), __NUMBERS__: [1, 2] },
  envPrefix: ['APP_'],
  plugins: [{ name: 'someone-elses' }],
  server: {
    headers: { 'X-From': command },
    proxy: {
      '/app/api': { target: 'BACKEND', rewrite: strip('/app/api'), headers: { 'X-Key': 'k' }, bypass: () => undefined },
      '^/v[0-9]+/': { target: 'BACKEND', rewrite: (path) => path.replace(/v([0-9])/, 'version$1') },
      '^/(?!src/|app/|@|node_modules/)php/(?=\\w)': { target: 'BACKEND', rewrite: (path) => path.replace(/^\/php(?=\/)/, '') },
      '/Upper': { target: 'BACKEND', rewrite: (path) => path.replace(/\/UPPER(\/u)/i, '/lower$1') },
      '^/decoded/': { target: 'BACKEND', rewrite: (path) => decodeURIComponent(path).replace(/^\/decoded/, '') },
      '/mock': { bypass: (req, res) => void (req.url === '/mock/a%2Fb?c' && res.end(req.url)) },
      '/odd': { target: 'BACKEND', rewrite: (path) => '/' + path.split('/').reverse().join('/') },
      '/ask': { target: 'BACKEND', rewrite: (path) => { throw new Error('not ' + path) }, bypass(req, res, options) {
        if (req.headers.accept?.includes('text/html')) return '/app/index.html'
        if (req.url === '/ask/never') return false
        if (req.url.startsWith('/ask/mock')) res.writeHead(201, { 'Content-Type': 'application/json' }).end(JSON.stringify([req.method, req.url, typeof options.target]))
      } },
    },
  },
}))
-- config/common.ts --
import { fileURLToPath } from 'node:url'
export const common = {
  envDir: 'env',
  publicDir: 'static',
  json: { namedExports: true },
  resolve: { alias: [
    { find: '@', replacement: fileURLToPath(new URL('../src', import.meta.url)) },
    { find: /^icon:(.*)$/, replacement: fileURLToPath(new URL('../src/icons', import.meta.url)) + '/$1.ts' },
    { find: /\.LEGACY$/i, replacement: '.modern.ts' },
    { find: /^(?!.*\.d$)(?:lib|libs)\/(?<name>\w+)(?=$|\/)/, replacement: fileURLToPath(new URL('../src', import.meta.url)) + '/$<name>' },
  ] },
  css: { preprocessorOptions: {
    scss: { additionalData: (code: string, file: string) => file.endsWith('a.scss') ? '$c: rgb(1, 2, 3);\n' + code : code },
    less: { additionalData: '@c: rgb(4, 5, 6);' },
  } },
}
-- env/.env --
APP_NAME=named
OTHER=secret
-- static/robots.txt --
robots
-- src/main.ts --
import { word } from '@/word'
import { star } from 'icon:star'
import { age } from './age.legacy'
import { inner } from 'libs/deep/inner'
import './a.scss'
import './b.less'
declare const __MODE__: string, __NUMBERS__: number[]
document.querySelector('#a')!.textContent = [word, star, age, inner, __MODE__, __NUMBERS__.length, import.meta.env.APP_NAME, import.meta.env.OTHER, import.meta.env.BASE_URL].join(' ')
-- src/word.ts --
export const word = 'word'
-- src/icons/star.ts --
export const star = 'star'
-- src/deep/inner.ts --
export const inner = 'inner'
-- src/age.modern.ts --
export const age = 'modern'
-- src/a.scss --
.scss { color: $c }
-- src/b.less --
.less { color: @c }
`, "BACKEND", backend.URL)))
	tools(t, app)
	s := devtest.Start(t, app)
	s.Log.Wait(t, "read vite.config.ts")
	for path, want := range map[string]string{
		"/app/api/users": "/users k", "/v2/users": "/version2/users ", "/php/users": "/users ", "/Upper/u/upper/u": "/lower/u/upper/u ", "/odd/a/b": "/b/a/odd/ ", "/odd/a%2Fb/c": "/c/a%2Fb/odd/ ", "/app/api/a%2Fb": "/a%2Fb k", "/decoded/a%2Fb": "/a/b ", "/mock/a%2Fb?c": "/mock/a%2Fb?c",
		"/ask/mock?a=1": `["GET","/ask/mock?a=1","string"]`, "/app/robots.txt": "robots\n",
	} {
		if got := s.Get(path); got.Body != want {
			t.Errorf("%s: status %d %q, want %q", path, got.Status, got.Body, want)
		}
	}
	if res := s.Get("/ask/page", "Accept", "text/html"); res.Status != 200 || !strings.Contains(res.Body, `<p id="a"`) {
		t.Errorf("bypass to a page: status %d %s", res.Status, res.Body)
	}
	if res := s.Get("/ask/mock"); res.Status != 201 || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("bypass with an answer: status %d %v", res.Status, res.Header)
	}
	if res := s.Get("/ask/never"); res.Status != 404 {
		t.Errorf("bypass with false: status %d, want 404", res.Status)
	}
	if res := s.Get("/ask/other"); res.Status != 500 || strings.Contains(res.Body, "not /") {
		t.Errorf("a rewrite that throws: status %d %s", res.Status, res.Body)
	}
	s.Log.Wait(t, `server.proxy "/ask": rewrite: not /ask/other`)
	if res := s.Get("/mock/other"); res.Status != 500 {
		t.Errorf("a bypass that does not answer, in a rule without target: status %d %s", res.Status, res.Body)
	}
	s.Log.Wait(t, `server.proxy "/mock": bypass: the request was not answered, and the rule has no "target"`)
	if got := s.Get("/app/").Header.Get("X-From"); got != "serve" {
		t.Errorf("the header X-From of server.headers is %q, want serve", got)
	}

	p := s.Page(t, "/app/")
	p.WaitText("#a", "word star modern inner development 2 named  /app/")
	p.WaitText("title", "named")
	p.WaitStyle(".scss", "color", "rgb(1, 2, 3)")
	p.WaitStyle(".less", "color", "rgb(4, 5, 6)")
	p.NoErrors()

	// An edit of a file that the configuration imports changes the configuration.
	app.Edit("config/common.ts", "rgb(1, 2, 3)", "rgb(7, 8, 9)")
	p.WaitStyle(".scss", "color", "rgb(7, 8, 9)")
	good := app.Read("vite.config.ts")
	app.Write("vite.config.ts", good+"\nconst = 1\n")
	s.Log.Wait(t, "vite.config.ts:")
	p.WaitText("#a", "word star modern inner development 2 named  /app/")
	app.Write("vite.config.ts", strings.ReplaceAll(good, "[1, 2]", "[1, 2, 3]"))
	p.WaitText("#a", "word star modern inner development 3 named  /app/")
}

// TestOtherValuesOfViteConfig reads further options that starter projects set. The terminal names the options that have
// no effect.
func TestOtherValuesOfViteConfig(t *testing.T) {
	t.Parallel()
	backend := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Set-Cookie", "session=1; Domain=api.example; Path=/api; HttpOnly")
			fmt.Fprint(w, name, r.URL.Path)
		}))
		t.Cleanup(s.Close)
		return s
	}
	one, two := backend("one"), backend("two")
	_, port, _ := strings.Cut(strings.TrimPrefix(one.URL, "http://"), ":")
	app := devtest.App(t, devtest.Text(strings.NewReplacer("ONE", one.URL, "PORT", port).Replace(`-- index.html --
<script type="module" src="/main.ts"></script>
-- package.json --
{"type": "module"}
-- .env --
BACKEND=ONE
-- vite.config.ts --
import { defineConfig, loadEnv } from "vite";
export default defineConfig(({ mode }) => {
  const env = loadEnv(mode, process.cwd(), "");
  return {
    base: "app",
    publicDir: "",
    define: { __VOID__: undefined, "import.meta.env.VERSION": JSON.stringify("1.2.3"), "process.env": {} },
    plugins: [{ name: "only-builds", apply: "build" }, { name: "by-function", apply: (_, { command }) => command === "build" }, false, [null, { name: "runs" }]],
    resolve: { mainFields: ["special", "main"], preserveSymlinks: true },
    css: { transformer: "lightningcss", lightningcss: { drafts: { customMedia: true } } },
    esbuild: { drop: ["console"], target: "es2020", jsxInject: "" },
    html: { cspNonce: "x" },
    optimizeDeps: { include: ["x"], esbuildOptions: { loader: { ".js": "jsx" } } },
    build: { outDir: "../dist", rollupOptions: { input: "x" } },
    worker: { format: "es" },
    preview: { port: 1 },
    test: { globals: true },
    server: {
      port: "4321", host: "0.0.0.0",
      open: "/start", forwardConsole: true,
      hmr: { clientPort: 443, protocol: "wss" },
      watch: { usePolling: true, interval: 250, ignored: ["**/src-tauri/**", /x/] },
      cors: { origin: ["https://a.example", /b/] },
      headers: { "X-Number": 1 },
      proxy: {
        "/app/env": { target: env.BACKEND, rewrite: (path) => path.replace("/app/env", "") },
        "/app/parts": { target: { host: "127.0.0.1", port: PORT }, cookieDomainRewrite: "localhost", cookiePathRewrite: { "/api": "/app" } },
      },
    },
  };
});
-- main.ts --
import "pkg";
console.log(__VOID__, import.meta.env.VERSION, process.env.FOO);
-- node_modules/pkg/package.json --
{"name": "pkg", "main": "main.js", "special": "special.js"}
-- node_modules/pkg/special.js --
exports.is = "the special one";
`)))
	if _, err := os.Stat("../testdata/tools/node_modules/vite"); err != nil {
		t.Skip("npm packages are not installed: run npm install --no-save in testdata/tools/")
	}
	packages, err := filepath.Abs("../testdata/tools/node_modules/vite")
	if err != nil {
		t.Fatal(err)
	}
	app.Link(packages, "node_modules/vite")
	s := devtest.Start(t, app)
	cfg := s.Server().Config()
	have := []any{cfg.Base, cfg.PublicPath("/r"), config.IsOn(cfg.Resolve.PreserveSymlinks), *cfg.Server.Port, cfg.Server.Host, *cfg.Server.Open, config.IsOn(cfg.Plugins.Console), cfg.Server.Watch, cfg.Server.CORSOrigins(), cfg.Server.Headers}
	want := []any{"/app/", "", true, 4321, "0.0.0.0", "/start", true, config.Watch{UsePolling: new(true), Interval: 250, Ignored: []string{"**/src-tauri/**"}}, []string{"https://a.example"}, map[string]string{"X-Number": "1"}}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	for _, told := range []string{"css.lightningcss: stylesheets stay", "esbuild.drop", "esbuild.target: modules have the syntax", "html.cspNonce", "server.cors.origin: expressions", "server.watch.ignored: expressions"} {
		s.Log.Wait(t, told)
	}
	for _, silent := range []string{"only-builds", "by-function", "optimizeDeps", "outDir", "worker", "preview", "test", "jsxInject", "hmr"} {
		_, line, _ := strings.Cut(s.Log.String(), "; not used: ")
		line, _, _ = strings.Cut(line, "\n") // Vite warns of what it has other names for now
		if strings.Contains(line, silent) {
			t.Errorf("the terminal names %s, which needs no warning: %s", silent, line)
		}
	}
	if pack := s.Get("/app/main.ts", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors").Body; !strings.Contains(pack, "the special one") || !strings.Contains(pack, `console.log(void 0, `) {
		t.Errorf("the pack lacks the package's special file or the defined values: %s", pack)
	}
	if client := s.Get("/app/@vite/client").Body; !strings.Contains(client, `"VERSION":"1.2.3"`) || !strings.Contains(client, `"process.env": () => ({}`) {
		t.Errorf("the page lacks the defined values: %.500s", client)
	}
	res := s.Get("/app/parts")
	if cookie := res.Header.Get("Set-Cookie"); res.Body != "one/app/parts" || cookie != "session=1; Domain=localhost; Path=/app; HttpOnly" {
		t.Errorf("the proxy answered %q with the cookie %q", res.Body, cookie)
	}

	// A change of a variable that the configuration reads changes the configuration, also at the next start.
	gets := func(want string) {
		t.Helper()
		devtest.Eventually(t, want, func() bool { return s.Get("/app/env/x").Body == want }, s.Log.String)
	}
	gets("one/x")
	app.Write(".env", "BACKEND="+two.URL+"\n")
	gets("two/x")
	s.Stop()
	app.Write(".env", "BACKEND="+one.URL+"\n")
	s.Again()
	gets("one/x")

	// The terminal shows an error of the configuration with its place.
	good := app.Read("vite.config.ts")
	app.Write("vite.config.ts", strings.Replace(good, "  return {", "  throw new Error('on purpose');\n  return {", 1))
	s.Log.Wait(t, "vite.config.ts:4:9: on purpose")
	app.Write("vite.config.ts", strings.Replace(good, "base:", "base = :", 1))
	s.Log.Wait(t, "vite.config.ts:5:")
	if log := s.Log.String(); strings.Contains(log, `\x1b`) {
		t.Errorf("the terminal shows codes for colours: %s", log)
	}
	app.Write("vite.config.ts", good)
	gets("one/x")
}

// TestUnfollowedOptions: the terminal names each option of a vite.config that is not followed, also those that nobody
// has thought of, and no option that is followed or concerns a build.
func TestUnfollowedOptions(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- index.html --
<p>
-- package.json --
{"type": "module"}
-- vite.config.js --
export default {
  clearScreen: false,
  logLevel: "warn",
  unheardOf: { a: 1 },
  input: "x.html",
  define: { F() {}, M: { deep: [() => 1] }, N: NaN, B: 1n, T: "new Date(0)", J: { a: [null, 1, true, undefined] }, U: undefined },
  assetsInclude: [/\.x$/], cacheDir: "x", test: {}, build: { target: "x" }, preview: {}, devtools: true, future: "warn",
  resolve: { alias: {}, mainFields: ["main"], tsconfigPaths: true, newField: true, oldField: false, nothing: undefined },
  css: { devSourcemap: true, preprocessorMaxWorkers: true, newLanguage: {}, modules: { scopeBehaviour: "local", newName: 1 } },
  esbuild: { jsx: "automatic", include: /x/, legalComments: "none" },
  oxc: { jsx: { runtime: "automatic", development: true }, exclude: ["x"] },
  json: { stringify: "auto" },
  worker: { format: "es", newFormat: "x" },
  server: {
    host: "127.0.0.1", hmr: { port: 1, newPort: 2 }, middlewareMode: true, sourcemapIgnoreList: () => true, warmup: { clientFiles: [] },
    fs: { strict: true, newRule: 1 }, cors: { origin: "https://x.example", maxAge: 1 }, watch: { ignored: [], depth: 1 },
    proxy: { "/text": "http://127.0.0.1:1", "/rule": { target: "http://127.0.0.1:1", changeOrigin: true } },
  },
  optimizeDeps: {
    include: ["x"], needsInterop: ["x"], extensions: [".x"], newOption: 1,
    esbuildOptions: { plugins: [{ name: "of esbuild", setup() {} }], loader: { ".js": "jsx", ".x": "dataurl" }, define: { a: "b" }, footer: { js: "" } },
    rolldownOptions: { plugins: [[{ name: "only a banner", banner: "" }, { name: "changes", transform() {} }], Promise.resolve()], moduleTypes: { ".y": "text", ".z": "binary" } },
  },
  environments: { client: { define: { J: {} }, resolve: { newField: 1 }, optimizeDeps: { rolldownOptions: { external: ["x"] } }, newThing: 1 }, ssr: { anything: 1 } },
  experimental: { renderBuiltUrl() {}, hmrPartialAccept: true, newIdea: 1 },
  legacy: { inconsistentCjsInterop: true },
};
`))
	tools(t, app)
	s := devtest.Start(t, app)
	s.Log.Wait(t, "read vite.config.js; ")
	line := ""
	for l := range strings.Lines(s.Log.String()) {
		if _, after, ok := strings.Cut(l, "read vite.config.js; not used: "); ok {
			line = strings.TrimSpace(after)
		}
	}
	want := []string{
		"clearScreen: devserver.config.json and --clearScreen have it",
		"define.F: a function is no JSON, write it as a text of code", "define.M: a function is no JSON, write it as a text of code",
		"define.N: NaN is no JSON, write it as a text of code",
		"define.B: a bigint is no JSON, write it as a text of code",
		"optimizeDeps.esbuildOptions.plugins (of esbuild): packages are not bundled, and plugins of the vite.config see those in optimizeDeps.exclude",
		"optimizeDeps.rolldownOptions.plugins (changes, no name): packages are not bundled, and plugins of the vite.config see those in optimizeDeps.exclude",
		`optimizeDeps.esbuildOptions.loader ".x": dataurl, import the file with ?url or ?inline`,
		`optimizeDeps.rolldownOptions.moduleTypes ".z": binary, import the file with ?url or ?inline`,
		"unheardOf", "input", "resolve.newField",
		"css.newLanguage", "css.modules.newName", "esbuild.include", "oxc.jsx.development", "oxc.exclude", "worker.newFormat",
		"server.middlewareMode", "server.sourcemapIgnoreList", "server.fs.newRule", "server.cors.maxAge", "server.watch.depth",
		"optimizeDeps.newOption", "optimizeDeps.esbuildOptions.footer", "environments.client.resolve.newField", "environments.client.optimizeDeps.rolldownOptions.external", "environments.client.newThing",
		"experimental.newIdea", "legacy.inconsistentCjsInterop",
	}
	if diff := cmp.Diff(want, strings.Split(line, "; ")); diff != "" {
		t.Error(diff)
	}
}
