package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-b8174343/devserver/config"
	configfile "github.com/seed-b8174343/devserver/internal/config"
)

func write(t *testing.T, text string) (root string) {
	t.Helper()
	root = t.TempDir()
	if err := os.WriteFile(filepath.Join(root, configfile.FileName), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

func load(t *testing.T, text string) (*configfile.Config, string) {
	t.Helper()
	root := write(t, text)
	c, err := configfile.Load(configfile.Source{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return c, root
}

func TestDefaults(t *testing.T) {
	root := t.TempDir()
	c, err := configfile.Load(configfile.Source{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	have := []any{c.BaseOrDefault(), c.ModeOrDefault(), c.PublicPath(root), c.EnvPath(root), c.EnvPrefixes(), c.Server.PortOrDefault(),
		c.Server.Exposed(), c.Server.HMR.OverlayOrDefault(), c.ClearScreenOrDefault(), c.ReadsViteConfig(), c.Server.Open == nil, c.Path}
	want := []any{"/", "development", filepath.Join(root, "public"), root, []string{"VITE_"}, 5173, false, true, true, true, true, ""}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

func TestLoad(t *testing.T) {
	c, root := load(t, "\xef\xbb\xbf"+`{
		// comments and trailing commas
		"$schema": "x", "base": "/app", "mode": "staging", "publicDir": false, "envPrefix": "APP_",
		"define": {"__A__": "\"text\"", "__B__": 1, "__C__": {"d": [1, /* two */ 2,]}, "process.env.X": "globalThis.x", "__E__": "1 + 1", "__F__": "(a) => [a, \"b\"] // c"},
		"resolve": {"alias": [{"find": "@", "replacement": "./src"}, {"find": "^~(.*)", "replacement": "$1"}]},
		"css": {"preprocessorOptions": {"scss": {"additionalData": "$a: 1;"}}, "postcss": "./conf"},
		"esbuild": {"jsx": "automatic"},
		"optimizeDeps": {"include": ["anything", 1]},
		"server": {
			"host": true, "port": 0, "open": "/x", "https": true, "cors": {"origin": "https://a.example"},
			"proxy": {"/z": "http://localhost:1", "^/a/(.*)": {"target": "ws://localhost:2", "rewrite": {"^/a": "", "b": "c"}}, },
			"fs": {"allow": ["../shared"]}, "watch": {"ignored": "**/x", "usePolling": true, "interval": 50},
			"hmr": {"overlay": false}, "headers": {"X-A": "b"},
		},
		"plugins": {"console": true, "log": {"file": "out.log"}},
	}`)
	if got, want := c.BaseOrDefault(), "/app/"; got != want {
		t.Errorf("base = %q, want %q", got, want)
	}
	if c.PublicPath(root) != "" {
		t.Errorf("public folder = %q, want none", c.PublicPath(root))
	}
	if diff := cmp.Diff(config.Expressions{"__A__": `"text"`, "__B__": "1", "__C__": `{"d":[1,2]}`, "process.env.X": "globalThis.x", "__E__": "1 + 1", "__F__": `(a) => [a, "b"] // c`}, c.Define); diff != "" {
		t.Error(diff)
	}
	wantAlias := config.Aliases{{Find: "@", Replacement: filepath.Join(root, "src")}, {Find: "^~(.*)", Replacement: "$1"}}
	if diff := cmp.Diff(wantAlias, c.Resolve.Alias); diff != "" {
		t.Error(diff)
	}
	wantProxy := config.Proxy{
		{Path: "/z", Target: "http://localhost:1", ChangeOrigin: true},
		{Path: "^/a/(.*)", Target: "ws://localhost:2", WS: true, Rewrite: config.Rewrites{{Pattern: "^/a"}, {Pattern: "b", Replacement: "c"}}},
	}
	if diff := cmp.Diff(wantProxy, c.Server.Proxy); diff != "" {
		t.Error(diff)
	}
	s := c.Server
	if s.Host != "0.0.0.0" || !s.Exposed() || s.PortOrDefault() != 0 || *s.Open != "/x" || s.HTTPS == nil ||
		s.CORSOrigins()[0] != "https://a.example" || s.HMR.OverlayOrDefault() {
		t.Errorf("server = %+v", s)
	}
	if s.FS.Allow[0] != filepath.Join(filepath.Dir(root), "shared") || s.Watch.Ignored[0] != "**/x" || c.PollInterval().Milliseconds() != 50 {
		t.Errorf("server = %+v", s)
	}
	if !config.IsOn(c.Plugins.Console) || c.Plugins.Log.File != filepath.Join(root, "out.log") || c.Plugins.Log.KeepOrDefault() != 3 {
		t.Errorf("plugins = %+v", c.Plugins)
	}
	if string(c.CSS.PostCSS) != `"./conf"` || string(c.CSS.PreprocessorOptions["scss"]) != `{"additionalData":"$a: 1;"}` {
		t.Errorf("css = %+v", c.CSS)
	}
}

func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown with a suggestion", "{\n  \"server\": {\n    \"prot\": 1\n  }\n}", `:3:5: unknown option "server.prot" (did you mean "port"?)`},
		{"case", `{"publicdir": "x"}`, `:1:2: unknown option "publicdir" (did you mean "publicDir"?)`},
		{"option of the build", `{"build": {}}`, `:1:2: unknown option "build" (devserver does not build; keep it in vite.config)`},
		{"nothing near", `{"json": {"qqqqqqqq": 1}}`, `:1:11: unknown option "json.qqqqqqqq" (known here: namedExports, stringify)`},
		{"text for a number", `{"server": {"port": "5173"}}`, `:1:21: option "server.port": must be a whole number from 0 to 65535, not the text "5173"`},
		{"number out of range", `{"server": {"port": 70000}}`, `must be a whole number from 0 to 65535, not the number 70000`},
		{"fraction", `{"server": {"port": 1.5}}`, `not the number 1.5`},
		{"object for a bool", `{"server": {"strictPort": {}}}`, `option "server.strictPort": must be true or false, not an object`},
		{"list for an object", `{"server": []}`, `option "server": must be an object, not a list`},
		{"text for a list", `{"resolve": {"dedupe": "react"}}`, `option "resolve.dedupe": must be a list, not the text "react"`},
		{"wrong item", `{"resolve": {"dedupe": ["a", 1]}}`, `:1:30: option "resolve.dedupe[1]": must be a text, not the number 1`},
		{"enum", `{"logLevel": "warning"}`, `must be "debug", "info", "warn", "error", "silent", not the text "warning" (did you mean "warn"?)`},
		{"either", `{"server": {"host": 1}}`, `must be a text, true or false, not the number 1`},
		{"all hosts", `{"server": {"allowedHosts": true}}`, `must be a list, not true`},
		{"half a certificate", `{"server": {"https": {"key": "k"}}}`, `needs both "key" and "cert", or neither`},
		{"alias pattern", `{"resolve": {"alias": {"^(?!a": "x"}}}`, `option "resolve.alias[\"^(?!a\"]": "^(?!a" is not a regular expression: `},
		{"alias flags", `{"resolve": {"alias": [{"find": "a", "flags": "iq", "replacement": "x"}]}}`,
			`option "resolve.alias[0]": "a" is not a regular expression: unknown flag 'q'`},
		{"proxy without target", `{"server": {"proxy": {"/api": {"ws": true}}}}`, `option "server.proxy[\"/api\"]": needs a "target"`},
		{"proxy pattern", `{"server": {"proxy": {"^/(": "http://x"}}}`, `is not a regular expression: missing closing )`},
		{"proxy path", `{"server": {"proxy": {"api": "http://x"}}}`, `must begin with "/", or with "^"`},
		{"define text", `{"define": {"V": "1.2.3"}}`, `"1.2.3" is no JavaScript expression; for a text write "\"1.2.3\""`},
		{"define brackets", `{"define": {"V": "1) + (2"}}`, `"1) + (2" is no JavaScript expression`},
		{"define other brackets", `{"define": {"V": "1], [2"}}`, `"1], [2" is no JavaScript expression`},
		{"define statement", `{"define": {"V": "let a = 1"}}`, `is no JavaScript expression`},
		{"define comment", `{"define": {"V": "1 /* open"}}`, `is no JavaScript expression`},
		{"define await", `{"define": {"V": "await f()"}}`, `is no JavaScript expression`},
		{"define env", `{"define": {"import.meta.env": {}}}`, `does nothing, as in Vite; define its variables`},
		{"define name", `{"define": {"a-b": 1}}`, `"a-b" is not a name`},
		{"twice", `{"mode": "a", "mode": "b"}`, `:1:15: option "mode": is given twice`},
		{"syntax", "{\n  \"mode\": }", `:2:11: `},
		{"not closed", "{\n  \"server\": {", `:2:14: the file ends too early (a brace, a bracket or a quote is not closed)`},
		{"not an object", `[]`, `must be an object, not a list`},
		{"base", `{"base": "app"}`, `base "app" must be a path like /app/`},
		{"alias", `{"resolve": {"alias": [{"find": "", "replacement": "x"}]}}`, `needs a "find"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := configfile.Load(configfile.Source{Root: write(t, tt.text)})
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %s\nwant   %s", err, tt.want)
			}
		})
	}
}

func TestMistakesAreReportedTogether(t *testing.T) {
	root := write(t, "{\n\"prot\": 1,\n\"mode\": 2\n}")
	_, err := configfile.Load(configfile.Source{Root: root})
	all := configfile.All(err)
	if len(all) != 2 || all[0].Line != 2 || all[1].Line != 3 || all[1].Option != "mode" {
		t.Fatalf("errors = %v", err)
	}
	if want := ">    2 | \"prot\": 1,\n       | ^"; !strings.Contains(all[0].Frame, want) {
		t.Errorf("frame:\n%s", all[0].Frame)
	}
}

// TestProgram: the options of a program win over the file, also when the file is read again. What the program leaves
// out is the file's.
func TestProgram(t *testing.T) {
	root := write(t, `{
		"base": "/file/", "mode": "file", "publicDir": "pub", "envPrefix": "FILE_", "define": {"A": 1, "B": 2}, "plugins": {"log": true},
		"resolve": {"alias": {"@": "./file", "~": "./kept"}, "preserveSymlinks": true},
		"server": {
			"host": "0.0.0.0", "port": 1, "strictPort": true, "cors": {"origin": "https://a"}, "https": true, "headers": {"A": "file", "B": "file"},
			"proxy": {"/api": "http://file:1", "/other": "http://file:2"}, "hmr": {"overlay": false, "shareTabs": true},
		},
	}`)
	program := config.Config{
		Base: "/program", PublicDir: config.Dir{Off: true}, EnvPrefix: config.Strings{"P_", "Q_"}, ViteConfig: new(false),
		Define:  config.Expressions{"A": `"text"`},
		Plugins: config.Plugins{Console: new(true), Log: &config.LogPlugin{File: "p.log"}},
		Resolve: config.Resolve{
			Alias:            config.Aliases{{Find: "@", Replacement: "./program"}, {Find: "x", Replacement: "y", Flags: new("")}},
			PreserveSymlinks: new(false),
		},
		CSS:  config.CSS{PostCSS: config.RawOf(map[string]any{"plugins": []string{}}), PreprocessorOptions: map[string]config.Raw{"scss": config.RawOf(1)}},
		JSON: config.JSON{NamedExports: new(false)},
		Server: config.Server{
			Port: new(0), Open: new(""), StrictPort: new(false), CORS: config.CORS{Origins: []string{}}, HTTPS: &config.HTTPS{Off: true},
			Headers: map[string]string{"A": "program", "C": ""},
			Proxy: config.Proxy{{
				Path: "/api", Target: "http://program:1", Secure: new(false), Rewrite: config.Rewrites{{Pattern: "b"}, {Pattern: "a", Replacement: "c"}},
				CookiePathRewrite: config.Replacements{"*": ""}, RewriteFunc: strings.ToUpper,
			}},
			FS: config.FS{Allow: []string{"../shared"}}, Watch: config.Watch{Ignored: config.Strings{"x"}}, HMR: config.HMR{Overlay: new(true)},
		},
	}
	check := func(c *configfile.Config, mode string) {
		t.Helper()
		want := config.Config{
			Base: "/program/", Mode: mode, PublicDir: config.Dir{Off: true}, EnvPrefix: config.Strings{"P_", "Q_"}, ViteConfig: new(false),
			Define:  config.Expressions{"A": `"text"`, "B": "2"},
			Plugins: config.Plugins{Console: new(true), Log: &config.LogPlugin{File: filepath.Join(root, "p.log")}},
			Resolve: config.Resolve{
				Alias: config.Aliases{
					{Find: "@", Replacement: filepath.Join(root, "program")}, {Find: "x", Replacement: "y", Flags: new("")},
					{Find: "~", Replacement: filepath.Join(root, "kept")},
				},
				PreserveSymlinks: new(false),
			},
			CSS: program.CSS, JSON: program.JSON,
			Server: config.Server{
				Host: "0.0.0.0", Port: new(0), Open: new(""), StrictPort: new(false), CORS: config.CORS{Origins: []string{}},
				Headers: map[string]string{"A": "program", "B": "file", "C": ""},
				Proxy: config.Proxy{
					{Path: "/other", Target: "http://file:2", ChangeOrigin: true}, program.Server.Proxy[0],
				},
				FS: config.FS{Allow: []string{filepath.Join(filepath.Dir(root), "shared")}}, Watch: program.Server.Watch,
				HMR: config.HMR{Overlay: new(true), ShareTabs: new(true)},
			},
		}
		if diff := cmp.Diff(want, c.Config, cmpopts.IgnoreTypes(strings.ToUpper)); diff != "" {
			t.Error(diff)
		}
		if at := len(c.Server.Proxy) - 1; c.Server.Proxy[at].RewriteFunc == nil || c.Server.Proxy[0].RewriteFunc != nil {
			t.Errorf("a func is not at its rule: %+v", c.Server.Proxy)
		}
	}
	c, err := configfile.Load(configfile.Source{Root: root, Program: program})
	if err != nil {
		t.Fatal(err)
	}
	check(c, "file")
	text, err := os.ReadFile(c.Path)
	if err == nil {
		err = os.WriteFile(c.Path, []byte(strings.Replace(string(text), `"mode": "file"`, `"mode": "edited"`, 1)), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if c, err = c.Reload(); err != nil {
		t.Fatal(err)
	}
	check(c, "edited")
	if c, _, err = c.WithVite("/p/vite.config.ts", []byte(`{"base": "/vite/", "mode": "vite"}`)); err != nil {
		t.Fatal(err)
	}
	check(c, "edited")
	if c, err = configfile.Load(configfile.Source{Root: root, NoFile: true}); err != nil || c.Base != "" || c.Path != "" {
		t.Errorf("without the file: base %q of %q, %v", c.Base, c.Path, err)
	}
}

// TestProgramMistakes: a mistake in the options of a program is an error that names the option, and none of the file's.
func TestProgramMistakes(t *testing.T) {
	for want, program := range map[string]config.Config{
		`options: option "server.port": must be a whole number from 0 to 65535, not the number 70000`: {Server: config.Server{Port: new(70000)}},
		`option "logLevel": must be`:                                                                           {LogLevel: "loud"},
		`option "css.modules.scopeBehaviour": must be`:                                                         {CSS: config.CSS{Modules: config.CSSModules{ScopeBehaviour: "none"}}},
		`option "resolve.alias[0]": needs a "find"`:                                                            {Resolve: config.Resolve{Alias: config.Aliases{{}}}},
		`option "server.proxy[\"/api\"]": needs a "target"`:                                                    {Server: config.Server{Proxy: config.Proxy{{Path: "/api"}}}},
		`option "server.proxy.api": must begin with "/"`:                                                       {Server: config.Server{Proxy: config.Proxy{{Path: "api", Target: "http://x"}}}},
		`option "server.proxy[\"/x\"]": is given twice`:                                                        {Server: config.Server{Proxy: config.Proxy{{Path: "/x", Target: "http://x"}, {Path: "/x", Target: "http://y"}}}},
		`option "define.A": "1.2.3" is no JavaScript`:                                                          {Define: config.Expressions{"A": "1.2.3"}},
		`option "server.https": needs both "key" and "cert"`:                                                   {Server: config.Server{HTTPS: &config.HTTPS{Key: "k"}}},
		`option "plugins.log.maxSize": must be a whole number`:                                                 {Plugins: config.Plugins{Log: &config.LogPlugin{MaxSize: 1}}},
		`base "app" must be a path like /app/`:                                                                 {Base: "app"},
		`base "/a%20b/" has an escaped character, which this server does not follow: choose a path like /app/`: {Base: "/a%20b/"},
	} {
		_, err := configfile.Load(configfile.Source{Root: write(t, `{"mode": "x"}`), Program: program})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if configfile.All(err) != nil {
			t.Errorf("%v counts as a mistake of the file", err)
		}
	}
}

func TestWithVite(t *testing.T) {
	c, _ := load(t, `{"mode": "ours", "server": {"proxy": {"/api": "http://ours:1"}}, "resolve": {"alias": {"@": "/ours"}}, "define": {"A": 1}}`)
	vite := `{"base": "/vite/", "mode": "vite", "build": {}, "test": {}, "define": {"A": 2, "B": 3},
		"resolve": {"alias": [{"find": "@", "replacement": "/vite"}, {"find": "~", "replacement": "/x"}]},
		"server": {"port": "x", "proxy": {"/api": "http://vite:1", "/b": "http://b:1"}, "allowedHosts": true}}`
	c, ignored, err := c.WithVite("/p/vite.config.ts", []byte(vite))
	if err != nil {
		t.Fatal(err)
	}
	if len(ignored) != 2 {
		t.Errorf("ignored = %q", ignored)
	}
	have := []any{c.Base, c.Mode, c.Define, c.Resolve.Alias, len(c.Server.Proxy)}
	want := []any{"/vite/", "ours", config.Expressions{"A": "1", "B": "3"},
		config.Aliases{{Find: "@", Replacement: "/ours"}, {Find: "~", Replacement: "/x"}}, 2}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	for _, r := range c.Server.Proxy {
		if r.Path == "/api" && r.Target != "http://ours:1" {
			t.Errorf("target of /api = %q", r.Target)
		}
	}
}

func TestExplicitFile(t *testing.T) {
	if _, err := configfile.Load(configfile.Source{Root: t.TempDir(), File: "missing.json"}); err == nil {
		t.Error("a named file that does not exist is no error")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "my.json")
	if err := os.WriteFile(file, []byte(`{"root": "web"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := configfile.Load(configfile.Source{Root: t.TempDir(), File: file})
	if err != nil {
		t.Fatal(err)
	}
	web := filepath.Join(dir, "web")
	if _, err := c.Served(dir); err == nil || !strings.Contains(err.Error(), "my.json: option \"root\": there is no folder "+web) {
		t.Errorf("a root that is not there: %v", err)
	}
	if err := os.WriteFile(web, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Served(dir); err == nil || !strings.Contains(err.Error(), "web is a file") {
		t.Errorf("a root that is a file: %v", err)
	}
	if err := errors.Join(os.Remove(web), os.Mkdir(web, 0o755)); err != nil {
		t.Fatal(err)
	}
	if real, _ := filepath.EvalSymlinks(web); served(t, c, dir) != real {
		t.Errorf("root = %q", served(t, c, dir))
	}
}

func served(t *testing.T, c *configfile.Config, project string) string {
	t.Helper()
	root, err := c.Served(project)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// TestRootOfVite: the file's root wins over that of a vite.config, which stays as long as the vite.config does.
func TestRootOfVite(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"client", "web"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c, err := configfile.Load(configfile.Source{Root: dir})
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err = c.WithVite("/p/vite.config.ts", []byte(`{"root": "client"}`)); err != nil || served(t, c, dir) != filepath.Join(dir, "client") {
		t.Fatalf("root = %q, %v", served(t, c, dir), err)
	}
	if err := os.WriteFile(filepath.Join(dir, configfile.FileName), []byte(`{"root": "./web/"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if c, err = c.Reload(); err != nil || served(t, c, dir) != filepath.Join(dir, "web") {
		t.Fatalf("root = %q, %v", served(t, c, dir), err)
	}
	if err := os.Remove(filepath.Join(dir, configfile.FileName)); err != nil {
		t.Fatal(err)
	}
	if c, _, err = c.WithVite("", nil); err != nil || served(t, c, dir) != dir {
		t.Fatalf("root = %q, %v", served(t, c, dir), err)
	}
	if c, _, err = c.WithVite("/p/vite.config.ts", []byte(`{"root": "/nowhere"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Served(dir); err == nil || !strings.HasPrefix(err.Error(), `/p/vite.config.ts: option "root": there is no folder /nowhere`) {
		t.Errorf("got %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"server": {"port": 1, "proxy": {"^/a": {"target": "x"}}}, "define": {"a": "b"}, // c` + "\n}"))
	f.Add([]byte(`{"resolve": {"alias": [{"find": "^(", "replacement": ""}]}, "css": {"postcss": {"a": [1,]}}}`))
	f.Add([]byte("\xef\xbb\xbf{\"base\": \"https://x/y\", \"server\": {\"cors\": {\"origin\": [\"a\"]}}}"))
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(root, "c.json")
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := configfile.Load(configfile.Source{Root: root, File: file})
		for _, e := range configfile.All(err) {
			if e.Shown == "" || e.Text == "" || e.Line < 0 || e.Column < 0 {
				t.Errorf("error without its place: %+v", e)
			}
		}
	})
}
