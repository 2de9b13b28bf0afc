// Package client holds the browser side of devserver: TypeScript that is embedded here and bundled by esbuild when it
// is first asked for, which takes some milliseconds. No generated file is committed, and Go alone builds the tool.
//
// There are four programs in it: the script that every page runs first (Script), what sends the console (Console), the runtime that stands in front of
// a worker's modules (Worker), and the library for app code (Library: `devserver/client`, `devserver/react`).
// All functions are safe for concurrent use.
package client

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

//go:embed src
var sources embed.FS

// Config is what a page must know of its server. It is served in front of the script, see Config.Prefix.
type Config struct {
	// Base is the path that the project is served at. It begins and ends with a slash.
	Base string `json:"base"`
	// Token is what opens the socket.
	Token string `json:"token"`
	// Epoch tells one process of the server from another.
	Epoch string `json:"epoch"`
	// Seq is the number of the newest update when the script is served.
	Seq uint64 `json:"seq"`
	// Overlay tells whether errors are shown over the page, or in the console only.
	Overlay bool `json:"overlay"`
	// Env is import.meta.env.
	Env any `json:"env,omitempty"`
	// ShareTabs lets all tabs of a browser use one socket.
	ShareTabs bool `json:"shareTabs,omitempty"`
	// AskReload lets a page that must reload show why, with a button, instead of doing it.
	AskReload bool `json:"askReload,omitempty"`
}

// Prefix returns the line that is served in front of Script. The page reads it again, as text, when the server was
// restarted and has another token, so it is exactly one line.
func (c Config) Prefix() (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode the page's configuration: %w", err)
	}
	return "const __config__ = " + string(text) + ";\n", nil
}

// Options choose what Bundle makes.
type Options struct {
	// Entry is a file below src, such as "client.ts" or "console/console.ts".
	Entry string
	// Global is the name of the variable that gets the exports of a script that is no ES module; empty = an ES module.
	Global string
	// SourceMap asks for a source map, whose URL the caller adds to the code.
	SourceMap bool
	// Minify leaves out what only readers need.
	Minify bool
}

// Bundle makes one script out of the embedded sources, and its source map when asked to.
func Bundle(opts Options) (code, sourceMap []byte, err error) {
	options := api.BuildOptions{
		EntryPoints:   []string{opts.Entry},
		Outfile:       "/@vite/client.js",
		AbsWorkingDir: "/",
		Bundle:        true,
		Format:        api.FormatESModule,
		Target:        api.ES2022,
		Charset:       api.CharsetUTF8,
		LegalComments: api.LegalCommentsNone,
		TsconfigRaw:   `{"compilerOptions":{"target":"ES2022","useDefineForClassFields":true}}`,
		External:      []string{"react"},
		LogLevel:      api.LogLevelSilent,
		Plugins:       []api.Plugin{{Name: "embedded", Setup: readEmbedded}},
	}
	if opts.Global != "" {
		options.Format, options.GlobalName = api.FormatIIFE, opts.Global
	}
	if opts.SourceMap {
		options.Sourcemap = api.SourceMapExternal
	}
	if opts.Minify {
		options.MinifyWhitespace, options.MinifySyntax, options.MinifyIdentifiers = true, true, true
	}
	result := api.Build(options)
	if len(result.Errors) > 0 {
		m := result.Errors[0]
		at := ""
		if m.Location != nil {
			at = fmt.Sprintf("%s:%d: ", m.Location.File, m.Location.Line)
		}
		return nil, nil, fmt.Errorf("bundle client/src/%s: %s%s", opts.Entry, at, m.Text)
	}
	for _, f := range result.OutputFiles {
		if strings.HasSuffix(f.Path, ".map") {
			sourceMap = f.Contents
		} else {
			code = f.Contents
		}
	}
	return code, sourceMap, nil
}

// channelFile is the module that app code imports as "devserver/client".
const channelFile = "api/channel.ts"

// readEmbedded lets esbuild read the sources that are embedded in the program.
func readEmbedded(build api.PluginBuild) {
	const namespace = "embedded"
	build.OnResolve(api.OnResolveOptions{Filter: `^\.|\.ts$`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
		file := path.Join(path.Dir(args.Importer), args.Path)
		if file == channelFile && args.Importer != "" {
			return api.OnResolveResult{Path: "devserver/client", External: true}, nil // app code has one of it
		}
		return api.OnResolveResult{Path: file, Namespace: namespace}, nil
	})
	build.OnLoad(api.OnLoadOptions{Filter: ".", Namespace: namespace}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
		text, err := sources.ReadFile("src/" + args.Path)
		if err != nil {
			return api.OnLoadResult{}, err
		}
		contents := string(text)
		return api.OnLoadResult{Contents: &contents, Loader: api.LoaderTS}, nil
	})
}

var script = sync.OnceValue(func() string { return mustBundle(Options{Entry: "client.ts", Minify: true}) })

// Script returns the ES module that every page runs first. A line made by Config.Prefix belongs in front of it.
func Script() string { return script() }

var console = sync.OnceValue(func() string {
	return mustBundle(Options{Entry: "console/console.ts", Global: "$console", Minify: true})
})

// Console returns statements that send what the page writes to its console as events "devserver:console". They belong
// behind Script, in projects that ask for them.
func Console() string { return console() }

var worker = sync.OnceValue(func() string {
	return mustBundle(Options{Entry: "worker.ts", Global: "$devserver", Minify: true}) + "const $r = $devserver.registry;\n"
})

// Worker returns statements that define `$r`, the registry, for classic and module workers alike.
func Worker() string { return worker() }

var libraries = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"devserver/client": mustBundle(Options{Entry: channelFile}),
		"devserver/react":  mustBundle(Options{Entry: "api/react.ts"}),
	}
})

// Library returns the ES module that app code imports as "devserver/client" or "devserver/react", "" for other
// specifiers. The latter imports the former, and "react".
func Library(specifier string) string { return libraries()[specifier] }

// mustBundle panics when the embedded sources do not compile, which the package's tests rule out.
func mustBundle(opts Options) string {
	code, _, err := Bundle(opts)
	if err != nil {
		panic(err)
	}
	return string(code)
}
