package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestValuesOfViteConfig serves a project whose vite.config is a program: TypeScript with a file of its own, async, a
// function of the mode, merged from two, with functions among its values.
func TestValuesOfViteConfig(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.Path, " ", r.Header.Get("X-Key"))
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
      '/odd': { target: 'BACKEND', rewrite: (path) => path.split('').reverse().join('') },
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
	for _, told := range []string{"read vite.config.ts", "someone-elses", "bypass, a function", `"/odd": rewrite`} {
		s.Log.Wait(t, told)
	}
	for path, want := range map[string]string{
		"/app/api/users": "/users k", "/v2/users": "/version2/users ", "/php/users": "/users ", "/Upper/u/upper/u": "/lower/u/upper/u ", "/app/robots.txt": "robots\n",
	} {
		if got := s.Get(path); got.Body != want {
			t.Errorf("%s is %d %q, want %q", path, got.Status, got.Body, want)
		}
	}
	if got := s.Get("/app/").Header.Get("X-From"); got != "serve" {
		t.Errorf("server.headers: %q", got)
	}

	p := s.Page(t, "/app/")
	p.WaitText("#a", "word star modern inner development 2 named  /app/")
	p.WaitText("title", "named")
	p.WaitStyle(".scss", "color", "rgb(1, 2, 3)")
	p.WaitStyle(".less", "color", "rgb(4, 5, 6)")
	p.NoErrors()

	// An edit of a file that the configuration imports is one of the configuration.
	app.Edit("config/common.ts", "rgb(1, 2, 3)", "rgb(7, 8, 9)")
	p.WaitStyle(".scss", "color", "rgb(7, 8, 9)")
	good := app.Read("vite.config.ts")
	app.Write("vite.config.ts", good+"\nconst = 1\n")
	s.Log.Wait(t, "vite.config.ts:")
	p.WaitText("#a", "word star modern inner development 2 named  /app/")
	app.Write("vite.config.ts", strings.ReplaceAll(good, "[1, 2]", "[1, 2, 3]"))
	p.WaitText("#a", "word star modern inner development 3 named  /app/")
}
